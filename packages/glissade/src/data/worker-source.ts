/**
 * Samples prepared in worker threads: decoding and augmenting beside the training, in Node and in pages.
 *
 * A module's default export maps an item to a sample; it runs in workers, of which each holds its own copy of the
 * module. Which worker does what changes nothing: samples come back by position, and random numbers depend on the
 * seed, the epoch and the position. The thread itself: worker-thread.ts.
 */
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import type { SampleContext, SampleSource } from './samples.ts'
import { startDataWorker, type WorkerThread } from './worker-thread.ts'

export interface WorkerOptions<I> {
  /** What the function is given, by position; without items it is given the position itself. Copied to the workers. */
  readonly items?: readonly I[]
  /** How many samples there are, where there are no items. */
  readonly length?: number
  /** Default 2. */
  readonly threads?: number
  /** Given to the function of each sample, such as a folder or a size. Copied to the workers. */
  readonly options?: unknown
}

/** What the function in the worker is told beside the item. */
export interface WorkerContext extends SampleContext {
  readonly position: number
  readonly options: unknown
}

/** The default export of a module for workers. */
export type WorkerFunction<I, T> = (item: I, context: WorkerContext) => T | Promise<T>

interface Asked {
  readonly position: number
  readonly context: SampleContext
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Calls to one worker at a time: enough that it never waits, few enough that all workers get some. */
const callsPerWorker = 4

export class WorkerSource<T> implements SampleSource<T> {
  readonly length: number
  readonly #module: string
  readonly #items: readonly unknown[] | undefined
  readonly #options: unknown
  readonly #threads: number
  #workers: Promise<WorkerThread[]> | undefined
  readonly #queue: Asked[] = []
  readonly #running = new Map<number, Asked>()
  readonly #load: number[] = []
  #calls = 0
  /** Why nothing more can be asked. */
  #ended: unknown

  constructor(module: string | URL, { items, length, threads = 2, options }: WorkerOptions<unknown>) {
    if ((items === undefined) === (length === undefined)) {
      const received = items ? 'both items and length' : 'neither items nor length'
      fail('value-invalid', {
        what: 'inWorkers',
        received,
        expected: 'one of them',
        fix: 'Pass { items } or { length }.',
      })
    }
    this.length = items ? items.length : checkWhole('inWorkers: length', length as number, 0)
    this.#threads = checkWhole('inWorkers: threads', threads, 1)
    this.#module = String(module)
    this.#items = items
    this.#options = options
  }

  at(position: number, context: SampleContext = { seed: 0, epoch: 0 }): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended)
        return
      }
      this.#queue.push({ position, context, resolve, reject })
      this.#workers ??= this.#start()
      this.#workers.then(
        (workers) => this.#send(workers),
        (error) => this.#end(error),
      )
    }) as Promise<T>
  }

  /** Ends the workers; samples still asked for are refused. Nothing keeps the process alive afterwards. */
  async stop(): Promise<void> {
    const fix = 'Stop after the last batch, and make a new one to go on.'
    this.#end(failure(this.#module, 'it was stopped', fix))
    const workers = await this.#workers?.catch((): WorkerThread[] => [])
    await Promise.all((workers ?? []).map((worker) => worker.stop()))
  }

  async #start(): Promise<WorkerThread[]> {
    const data = { module: this.#module, options: this.#options, items: this.#items }
    return Promise.all(
      Array.from({ length: this.#threads }, (_, thread) => {
        this.#load[thread] = 0
        return startDataWorker(data, {
          message: (answer) => this.#answer(thread, answer),
          failure: (reason) => this.#end(failure(this.#module, reason, 'Check the module.')),
        })
      }),
    )
  }

  #send(workers: WorkerThread[]): void {
    while (this.#queue.length > 0) {
      const thread = this.#load.indexOf(Math.min(...this.#load))
      if (this.#load[thread] >= callsPerWorker) return
      const asked = this.#queue.shift() as Asked
      const call = this.#calls++
      this.#running.set(call, asked)
      this.#load[thread]++
      // While a sample is awaited the worker keeps the process alive, and no longer.
      workers[thread].hold()
      workers[thread].send({ call, position: asked.position, ...asked.context })
    }
  }

  #answer(thread: number, answer: WorkerAnswer): void {
    const asked = this.#running.get(answer.call)
    this.#running.delete(answer.call)
    this.#load[thread]--
    this.#workers?.then(
      (workers) => {
        if (this.#load[thread] === 0) workers[thread].letGo()
        this.#send(workers)
      },
      () => undefined,
    )
    if (!asked) return
    if (answer.error === undefined) asked.resolve(answer.sample)
    else {
      const reason = `sample ${asked.position}: ${answer.error.message}\n${answer.error.stack}`
      asked.reject(failure(this.#module, reason, 'Mend the function, or the sample.'))
    }
  }

  /** Refuses all that is asked for, from now on with the first of these errors. */
  #end(error: unknown): void {
    this.#ended ??= error
    for (const { reject } of [...this.#running.values(), ...this.#queue.splice(0)]) reject(error)
    this.#running.clear()
  }
}

export interface WorkerAnswer {
  readonly call: number
  readonly sample?: unknown
  readonly error?: { readonly message: string; readonly stack: string }
}

/** The error, made without raising it. */
function failure(module: string, reason: string, fix: string): unknown {
  try {
    return fail('worker-failed', { module, reason, fix })
  } catch (error) {
    return error
  }
}

/**
 * Samples that the default export of a module prepares in worker threads. Give it to a loader, and `stop()` it at the
 * end.
 *
 * ```ts sketch
 * // prepare.mjs: export default async (path, { options }) => ({ x: await decode(path, options.size), y: labelOf(path) })
 * const source = data.inWorkers(new URL('./prepare.mjs', import.meta.url), { items: paths, options: { size: 64 } })
 * for await (const { x, y } of data.loader(source, { batchSize: 32, shuffle: true, prefetch: 2 })) await step(x, y)
 * await source.stop()
 * ```
 *
 * Errors: `worker-failed`, with the stack of the worker, when a sample is asked for.
 */
export function inWorkers<T, I = unknown>(module: string | URL, options: WorkerOptions<I>): WorkerSource<T> {
  return new WorkerSource<T>(module, options)
}
