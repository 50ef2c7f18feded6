/**
 * The threads of the backend, seen from the thread that owns it: start, run, notice a death, stop.
 *
 * The owner writes a command into shared memory, opens the gate and wakes the workers; a message says
 * when the last one is out. It never waits in place, so its event loop goes on. The protocol is told in
 * worker.ts. Not here: what a program is (program.ts).
 */
import type { LinearMemory } from './memory.ts'
import type { Platform, WorkerHandle } from './platform.ts'
import { together } from './tape.ts'
import { command, OPEN, RING, type WorkerStart, word, workerSource } from './worker.ts'

/** A worker that has not started by then will not. */
const START_LIMIT_MS = 30_000

export interface PoolCommand {
  /** Number of the program, never used twice. */
  readonly program: number
  readonly code: number
  readonly codeBytes: number
  readonly tape: number
  readonly launches: number
  readonly scratch: number
  readonly scratchBytes: number
  /** Where times go (float64: the start, then one for each launch), or 0. */
  readonly times: number
}

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class WorkerPool {
  readonly #memory: LinearMemory
  readonly #workers: WorkerHandle[] = []
  #waiting: Waiting | undefined
  #run = 0
  #failure: string | undefined

  private constructor(memory: LinearMemory) {
    this.#memory = memory
  }

  /** All `threads` workers, ready; throws where one cannot be started. */
  static async start(threads: number, memory: LinearMemory, platform: Platform): Promise<WorkerPool> {
    const pool = new WorkerPool(memory)
    try {
      await Promise.all(Array.from({ length: threads }, (_, thread) => pool.#startWorker(thread, platform)))
    } catch (error) {
      await pool.stop()
      throw error
    }
    for (const worker of pool.#workers) worker.letGo()
    return pool
  }

  /** Why the workers can no longer be used; undefined while they can. */
  get failure(): string | undefined {
    return this.#failure
  }

  #startWorker(thread: number, platform: Platform): Promise<void> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(
        () => reject(new Error(`a worker did not start within ${START_LIMIT_MS / 1000} s`)),
        START_LIMIT_MS,
      )
      const data: WorkerStart = {
        memory: this.#memory.memory,
        thread,
        turn: this.#memory.i32[word.turn],
        drops: this.#memory.i32[word.drops],
        timeOrigin: performance.timeOrigin,
      }
      const message = (value: unknown): void => {
        if (value === 'ready') {
          clearTimeout(limit)
          resolve()
        } else if (value === this.#run) this.#finish()
      }
      const failure = (reason: string): void => {
        clearTimeout(limit)
        reject(new Error(reason))
        this.#fail(reason)
      }
      try {
        this.#workers.push(platform.startWorker(workerSource, data, { message, failure }))
      } catch (error) {
        failure(error instanceof Error ? error.message : String(error))
      }
    })
  }

  /** Run a program with all workers. Rejects when one dies. One run at a time. */
  run(what: PoolCommand): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(new Error(this.#failure))
        return
      }
      this.#waiting = { resolve, reject }
      this.#workers[0].hold()
      const words = this.#memory.i32
      const at = word.command
      this.#run = (this.#run + 1) | 0
      words[at + command.run] = this.#run
      words[at + command.program] = what.program
      words[at + command.code] = what.code
      words[at + command.codeBytes] = what.codeBytes
      words[at + command.tape] = what.tape
      words[at + command.launches] = what.launches
      words[at + command.scratch] = what.scratch
      words[at + command.scratchBytes] = what.scratchBytes
      words[at + command.times] = what.times
      words[word.together + together.progress / 4] = 0
      words[word.together + together.launch / 4] = 0
      words[word.together + together.sleepers / 4] = 0
      Atomics.store(words, word.gate, OPEN)
      Atomics.add(words, word.turn, 1)
      Atomics.notify(words, word.turn)
    })
  }

  /** Let the workers forget a program before their next run. */
  drop(program: number): void {
    const words = this.#memory.i32
    const count = words[word.drops]
    words[word.ring + (count % RING)] = program
    Atomics.store(words, word.drops, count + 1)
  }

  async stop(): Promise<void> {
    this.#fail('the backend was disposed of')
    await Promise.all(this.#workers.map((worker) => worker.stop()))
  }

  #finish(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#workers[0].letGo()
    waiting?.resolve()
  }

  #fail(reason: string): void {
    this.#failure ??= reason
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.reject(new Error(reason))
  }
}
