/**
 * Takes the times: every engine's result is checked first, then they run in turn, for several rounds, so that what
 * else the machine does meanwhile falls on all alike. While one runs the others are idle.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Input, Work } from '../works/work.ts'
import { Child, type Started } from './child.ts'
import { type Contestant, isRival, label } from './contestants.ts'
import type { Machine } from './machine.ts'
import type { InputFile, Reply, Request, Task } from './protocol.ts'
import { type Measured, type MissingRow, type Row, toRow } from './row.ts'
import { summarize } from './statistics.ts'

export interface Pace {
  readonly rounds: number
  /** How long an engine runs in each round. */
  readonly milliseconds: number
}

/** Where the measuring tells how it goes. */
export interface Listener {
  started(work: Work): void
  row(row: Row, work: Work): void
  /** An engine that is not here, or cannot do this work: no fault. Told once of one that is not here at all. */
  skipped(who: string, reason: string): void
  /** An engine that failed or gave wrong numbers: its times are not taken. */
  failed(who: string, reason: string): void
  /** Either of these, for each work. */
  missing?(row: MissingRow): void
}

/** A sample shorter than this repeats the work within. */
const sampleMs = 2
/** An engine so slow that its rounds would take longer gets fewer. */
const longestMs = 30_000
/** Where one run takes longer, the runs of the check are the samples: nothing at that scale needs warming up. */
const slowMs = 4000
/** Thread pools go on spinning for a while after their work; the next engine waits for it. */
const settleMs = 60

/** An engine at work on something: its process is ready and its result was right. */
interface Entrant {
  readonly contestant: Contestant
  readonly child: Child
  readonly version: string
  readonly times: number[]
  /** Times that came about with the check. */
  checked: readonly number[]
  inner: number
  rounds: number
}

export class Measurement {
  readonly #pace: Pace
  readonly #listener: Listener
  readonly #folder = mkdtempSync(join(tmpdir(), 'glissade-bench-'))
  readonly #running = new Map<Contestant, Started>()
  /** Why those that cannot be started are not here. */
  readonly #absent = new Map<Contestant, string>()
  readonly #machine: Machine | undefined
  #work = ''

  constructor(pace: Pace, listener: Listener, machine?: Machine) {
    this.#pace = pace
    this.#listener = listener
    this.#machine = machine
  }

  async run(work: Work, contestants: readonly Contestant[]): Promise<void> {
    const able = contestants.filter(
      ({ engine, works }) => (works?.includes(work.kind) ?? true) && !(work.compiling && isRival(engine)),
    )
    if (able.length === 0) return
    this.#work = work.name
    this.#listener.started(work)
    const task = { work: work.kind, settings: work.settings, inputs: this.#write(work.name, await work.inputs()) }
    if (work.first) await this.#runFirst(work, work.first, able, task)
    else await this.#runTurns(work, able, task)
  }

  /** Ends all processes and removes all files. */
  close(): void {
    for (const { child } of this.#running.values()) child.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #write(name: string, inputs: Readonly<Record<string, Input>>): Task['inputs'] {
    const folder = join(this.#folder, name)
    mkdirSync(folder, { recursive: true })
    const write = ([key, { data, shape }]: [string, Input]): [string, InputFile] => {
      const file = join(folder, key)
      writeFileSync(file, data)
      return [key, { file, shape, dtype: dtypeOf(data) }]
    }
    return Object.fromEntries(Object.entries(inputs).map(write))
  }

  async #runTurns(work: Work, contestants: readonly Contestant[], task: Task): Promise<void> {
    const entrants = await this.#check(work, await this.#open(contestants, task))
    for (const entrant of entrants) await this.#attempt(entrant.contestant, () => this.#warmUp(entrant))
    for (let round = 0; round < this.#pace.rounds; round++) {
      // the first in a round is another each time
      const turn = entrants.map((_, i) => entrants[(i + round) % entrants.length])
      for (const entrant of turn) {
        if (round >= entrant.rounds || !this.#running.has(entrant.contestant)) continue
        await sleep(settleMs)
        const request = {
          do: 'measure',
          inner: entrant.inner,
          least: 1,
          milliseconds: this.#pace.milliseconds,
        } as const
        await this.#attempt(entrant.contestant, async () => {
          entrant.times.push(...(await times(entrant.child, request)))
        })
      }
    }
    const [load] = loadavg()
    for (const { contestant, child, version, times } of entrants) {
      if (times.length === 0) continue
      const memory = this.#running.has(contestant) ? await memoryOf(child) : {}
      this.#tell(work, contestant, { version, times, load, ...memory })
    }
    // the next work begins with the memory of a new process
    for (const { child } of this.#running.values()) child.stop()
    this.#running.clear()
  }

  #tell(work: Work, contestant: Contestant, measured: Measured): void {
    this.#listener.row(toRow(work, contestant, measured, this.#machine), work)
  }

  #skip(contestant: Contestant, reason: string): void {
    this.#listener.skipped(label(contestant), reason)
    this.#miss(contestant, reason)
  }

  #miss({ engine, backend, threads }: Contestant, reason: string): void {
    this.#listener.missing?.({ work: this.#work, engine, backend, threads, missing: reason.split('\n')[0] })
  }

  /** Those that are here and can do the work, ready for it. */
  async #open(contestants: readonly Contestant[], task: Task): Promise<Entrant[]> {
    const entrants: Entrant[] = []
    for (const contestant of contestants) {
      const started = await this.#start(contestant)
      if (!started) continue
      await this.#attempt(contestant, async () => {
        const reply = await started.child.ask({ do: 'open', ...taskFor(contestant, task) })
        if ('unsupported' in reply) return this.#skip(contestant, reply.unsupported)
        if ('error' in reply) throw new Error(reply.error)
        entrants.push({ contestant, ...started, times: [], checked: [], inner: 1, rounds: this.#pace.rounds })
      })
    }
    return entrants
  }

  async #start(contestant: Contestant): Promise<Started | undefined> {
    const reason = this.#absent.get(contestant)
    if (reason !== undefined) {
      this.#miss(contestant, reason)
      return undefined
    }
    const started = await startAny(contestant)
    if ('absent' in started) {
      this.#absent.set(contestant, started.absent)
      this.#skip(contestant, started.absent)
      return undefined
    }
    this.#running.set(contestant, started)
    return started
  }

  /** Those whose numbers are right. */
  async #check(work: Work, entrants: readonly Entrant[]): Promise<Entrant[]> {
    const answers = new Map<string, readonly number[]>()
    for (const entrant of entrants) {
      await this.#attempt(entrant.contestant, async () => {
        const reply = await demand(entrant.child, { do: 'check' })
        if (!('values' in reply)) throw new Error('its check gave no numbers')
        answers.set(label(entrant.contestant), reply.values)
        entrant.checked = reply.times ?? []
      })
    }
    const problems = work.judge(answers)
    for (const { contestant } of entrants) {
      const problem = problems.get(label(contestant))
      if (problem === undefined) continue
      this.#listener.failed(label(contestant), `wrong result: ${problem}`)
      this.#miss(contestant, 'wrong result')
    }
    return entrants.filter(({ contestant }) => answers.has(label(contestant)) && !problems.has(label(contestant)))
  }

  /** Finds how many runs make a sample, and how many rounds are bearable. */
  async #warmUp(entrant: Entrant): Promise<void> {
    const { rounds, milliseconds } = this.#pace
    if (entrant.checked.length > 0 && summarize(entrant.checked).median > slowMs) {
      entrant.times.push(...entrant.checked)
      entrant.rounds = 0
      return
    }
    await sleep(settleMs)
    const first = await times(entrant.child, { do: 'measure', inner: 1, least: 1, milliseconds })
    const { median } = summarize(first)
    entrant.inner = Math.max(1, Math.ceil(sampleMs / median))
    entrant.rounds = Math.max(1, Math.min(rounds, Math.floor(longestMs / median)))
  }

  /**
   * Only the first run of each process counts. An engine with a cache on disk gets a folder of its own for it. A first
   * process for each is not counted: it fills the caches, and the machine's own of files.
   */
  async #runFirst(work: Work, first: 'cold' | 'warm', contestants: readonly Contestant[], task: Task): Promise<void> {
    const entrants = contestants
      .filter(({ caches }) => caches || first === 'cold')
      .map((contestant, i) => ({
        contestant,
        cache: join(this.#folder, `${work.name}-cache-${i}`),
        version: '',
        times: [] as number[],
        rounds: this.#pace.rounds,
      }))
    for (const entrant of entrants) {
      const result = await firstRun(entrant.contestant, task, entrant.cache, work).catch((error: Error) => error)
      if (result instanceof Error) {
        this.#skip(entrant.contestant, result.message)
        entrant.rounds = 0
      } else {
        entrant.version = result.version
        entrant.rounds = Math.max(1, Math.min(this.#pace.rounds, Math.floor(longestMs / result.time)))
      }
    }
    for (let round = 0; round < this.#pace.rounds; round++) {
      for (const { contestant, cache, times } of entrants.filter(({ rounds }) => round < rounds)) {
        await this.#attempt(contestant, async () => times.push((await firstRun(contestant, task, cache, work)).time))
      }
    }
    const [load] = loadavg()
    for (const { contestant, version, times } of entrants) {
      if (times.length > 0) this.#tell(work, contestant, { version, times, load })
    }
  }

  /** Where an engine fails it is told, its process is ended, and the others go on. */
  async #attempt(contestant: Contestant, action: () => Promise<unknown>): Promise<void> {
    try {
      await action()
    } catch (error) {
      const { message } = error as Error
      this.#listener.failed(label(contestant), message)
      this.#miss(contestant, message)
      this.#running.get(contestant)?.child.stop()
      this.#running.delete(contestant)
    }
  }
}

/** Where engines keep what they have compiled; jax_cpu.py reads the last one. */
const cacheVariables = ['GLISSADE_CACHE', 'TORCHINDUCTOR_CACHE_DIR', 'GLISSADE_BENCH_CACHE']

/** In the first way that works; the reason why the first does not, where none does. */
async function startAny(contestant: Contestant, env?: Record<string, string>): Promise<Started | { absent: string }> {
  const [first, ...others] = [contestant.command, ...(contestant.alternatives ?? [])]
  const started = await Child.start({ ...contestant, command: first }, env)
  if (!('absent' in started)) return started
  for (const command of others) {
    const other = await Child.start({ ...contestant, command }, env)
    if (!('absent' in other)) return other
  }
  return started
}

/** The file of a whole model is for the engine that runs such files; to others it would be memory that they never use. */
function taskFor({ engine }: Contestant, task: Task): Task {
  if (engine === 'onnxruntime') return task
  const { onnx: _, ...inputs } = task.inputs
  return { ...task, inputs }
}

function dtypeOf(data: Input['data']): InputFile['dtype'] {
  if (data instanceof Uint8Array) return 'uint8'
  return data instanceof Int32Array ? 'int32' : 'float32'
}

/** Nothing, where the engine does not know. */
async function memoryOf(child: Child): Promise<Pick<Measured, 'peak' | 'planned'>> {
  const reply = await child.ask({ do: 'memory' }).catch(() => ({ ok: true }) as const)
  return 'peak' in reply ? reply : {}
}

/** One run in a process of its own, whose cache on disk is emptied before, or stays as it is. */
async function firstRun(
  contestant: Contestant,
  task: Task,
  cache: string,
  { first, compiling }: Work,
): Promise<{ version: string; time: number }> {
  if (first === 'cold') rmSync(cache, { recursive: true, force: true })
  // the library trusts only a folder that nobody else can write
  mkdirSync(cache, { mode: 0o700, recursive: true })
  const started = await startAny(contestant, Object.fromEntries(cacheVariables.map((name) => [name, cache])))
  if ('absent' in started) throw new Error(started.absent)
  try {
    await demand(started.child, { do: 'open', first: compiling ? 'compile' : 'run', ...taskFor(contestant, task) })
    const [time] = await times(started.child, { do: 'measure', inner: 1, least: 1, milliseconds: 0 })
    return { version: started.version, time }
  } finally {
    started.child.stop()
  }
}

/** The reply, where it is none of failure. */
async function demand(child: Child, request: Request): Promise<Reply> {
  const reply = await child.ask(request)
  if ('error' in reply) throw new Error(reply.error)
  if ('unsupported' in reply) throw new Error(reply.unsupported)
  return reply
}

async function times(child: Child, request: Request & { do: 'measure' }): Promise<readonly number[]> {
  const reply = await demand(child, request)
  return ('times' in reply && reply.times) || []
}
