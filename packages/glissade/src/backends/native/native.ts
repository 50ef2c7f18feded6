/**
 * The native backend: kernels as C, compiled by the machine's own compiler, run by a pool of threads.
 *
 * It works on the storages' host arrays in place: nothing is copied and nothing is resident. A short run
 * runs at once on the calling thread, with the pool or (the shortest) without; any other runs on a thread
 * of its own together with the pool, and the event loop goes on. Reading order: print-c.ts and prelude.ts
 * (what is compiled), programs.ts, toolchain.ts and cache.ts (how), tape.ts and runtime.ts (how it runs).
 */
import { availableParallelism } from 'node:os'
import { fail } from '../../errors.ts'
import type { Target } from '../../kernel/ir.ts'
import type { Storage } from '../../storage.ts'
import type { Backend, BackendMemory, BackendOptions, BackendProbe, Executable, Plan, PlanStore } from '../backend.ts'
import { timesOf } from '../repeats.ts'
import { DiskCache, defaultCacheFolder } from './cache.ts'
import { addressOf, findKoffi, type Koffi, type Library, type NativeFunction } from './koffi.ts'
import { DiskPlans } from './plans.ts'
import { type LoadedKernels, Programs } from './programs.ts'
import { runtimeSource } from './runtime.ts'
import { estimate, layTape } from './tape.ts'
import { defaultCompilers, findToolchain, type Toolchain } from './toolchain.ts'

export interface NativeOptions extends BackendOptions {
  /** Where compiled programs are kept; default: GLISSADE_CACHE, or the user's cache folder. */
  readonly cacheFolder?: string
  /** The compilers to try, in order, each a name and arguments; default: $CC, clang, gcc, cc. */
  readonly compilers?: readonly string[]
}

/** As many as the runtime has room for. */
const maxThreads = 256

/**
 * A run guessed to be shorter than this begins on the calling thread at once: a hop to another and back costs tens of
 * microseconds, or hundreds where that thread sleeps, and the event loop can be held up for a millisecond.
 */
const atOnceNs = 1_000_000
/** One shorter than this stays on that thread: calling the pool, which may be asleep, costs some of it. */
const aloneNs = 30_000

interface Runtime {
  readonly createPool: NativeFunction
  readonly freePool: NativeFunction
  readonly threads: NativeFunction
  readonly scratchBytes: NativeFunction
  readonly createProgram: NativeFunction
  readonly freeProgram: NativeFunction
  readonly run: NativeFunction
  readonly profile: NativeFunction
}

function bindRuntime(library: Library): Runtime {
  return {
    createPool: library.func('uintptr_t glissade_pool(int threads)'),
    freePool: library.func('void glissade_pool_free(uintptr_t pool)'),
    threads: library.func('int glissade_threads(uintptr_t pool)'),
    scratchBytes: library.func('double glissade_scratch_bytes(uintptr_t pool)'),
    createProgram: library.func('uintptr_t glissade_program(uintptr_t pool, double *words)'),
    freeProgram: library.func('void glissade_program_free(uintptr_t program)'),
    run: library.func('int glissade_run(uintptr_t program, uintptr_t arguments, int parallel)'),
    profile: library.func('int glissade_profile(uintptr_t program, uintptr_t arguments, uintptr_t times)'),
  }
}

/** The native backend, or why it does not work on this machine and what to do about it. Never throws. */
export async function createNative(options: NativeOptions = {}): Promise<BackendProbe> {
  if (process.platform === 'win32') {
    return {
      reason: 'it needs POSIX threads, which Windows lacks',
      fix: 'Use the wasm backend, or run Node under WSL.',
    }
  }
  const koffi = await findKoffi()
  if ('problem' in koffi) {
    return {
      reason: `the package koffi could not be loaded (${koffi.problem})`,
      fix: 'Install it with "npm install koffi".',
    }
  }
  try {
    const cache = new DiskCache(options.cacheFolder ?? defaultCacheFolder())
    const candidates = options.compilers ?? defaultCompilers()
    const toolchain = await findToolchain({ candidates, cache, load: (path) => koffi.load(path).unload() })
    if ('reason' in toolchain) return toolchain
    const programs = new Programs(koffi, toolchain, cache, availableParallelism())
    const runtime = bindRuntime(await programs.loadSource(runtimeSource, ['-pthread']))
    const wanted = Math.max(1, Math.min(maxThreads, Math.trunc(options.threads || availableParallelism())))
    const pool = runtime.createPool(wanted)
    if (pool === 0)
      return { reason: 'there is no memory for its threads', fix: 'Close other programs, or ask for fewer threads.' }
    return { backend: new Native(koffi, runtime, pool, programs, new DiskPlans(cache, toolchain.target)) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { reason, fix: 'Choose another compiler with the environment variable CC, or use the wasm backend.' }
  }
}

class Native implements Backend {
  readonly name = 'native'
  readonly target: Target
  readonly threads: number
  readonly description: string
  readonly plans: PlanStore
  readonly koffi: Koffi
  readonly runtime: Runtime
  busy = false
  #pool: number
  readonly #programs: Programs
  readonly #executables = new Set<NativeExecutable>()

  constructor(koffi: Koffi, runtime: Runtime, pool: number, programs: Programs, plans: PlanStore) {
    const { target, vectors, version } = programs.toolchain
    this.koffi = koffi
    this.runtime = runtime
    this.#pool = pool
    this.#programs = programs
    this.plans = plans
    this.target = target
    this.threads = runtime.threads(pool)
    this.description = describe(programs.toolchain, vectors, version, this.threads)
  }

  async compile(plan: Plan): Promise<Executable> {
    this.#alive()
    const kernels = await this.#programs.loadKernels(plan.kernels)
    this.#alive()
    const words = layTape(plan, kernels.functions, this.threads)
    const program = this.runtime.createProgram(this.#pool, words)
    if (program === 0) {
      kernels.unload()
      const fix = 'Use a smaller batch, or activation checkpointing.'
      fail('memory-exhausted', {
        backend: 'native',
        wanted: plan.arenaBytes,
        held: this.memory().arenas,
        limit: Number.POSITIVE_INFINITY,
        fix,
      })
    }
    const executable = new NativeExecutable(this, plan, program, kernels, () => this.#executables.delete(executable))
    this.#executables.add(executable)
    return executable
  }

  memory(): BackendMemory {
    return { resident: 0, arenas: this.#pool === 0 ? 0 : this.runtime.scratchBytes(this.#pool) }
  }

  async dispose(): Promise<void> {
    if (this.#pool === 0) return
    const executables = [...this.#executables]
    await Promise.all(executables.map((executable) => executable.settled))
    for (const executable of executables) executable.release()
    const pool = this.#pool
    this.#pool = 0
    if (pool !== 0) this.runtime.freePool(pool)
  }

  #alive(): void {
    if (this.#pool !== 0) return
    fail('backend-failed', {
      backend: 'native',
      reason: 'it was disposed of',
      fix: 'Create it again, or choose another backend with setBackend',
    })
  }
}

function describe({ command }: Toolchain, vectors: string, version: string, threads: number): string {
  return `${version || command[0]}, ${vectors}, ${threads} thread${threads === 1 ? '' : 's'}`
}

class NativeExecutable implements Executable {
  /** The run under way, if any. */
  settled: Promise<unknown> = Promise.resolve()
  readonly #backend: Native
  readonly #plan: Plan
  readonly #kernels: LoadedKernels
  readonly #onRelease: () => void
  readonly #atOnce: boolean
  /** Whether the pool takes part: 1, or 0. */
  readonly #parallel: number
  /** Where the arguments are, for the runtime; the address of this table never changes. */
  readonly #table: Float64Array
  readonly #tableAddress: number
  /** The array each state argument had at the last run: its address need not be asked again. */
  readonly #known: (ArrayBufferView | undefined)[]
  #program: number
  #running = false
  #releaseAsked = false

  constructor(backend: Native, plan: Plan, program: number, kernels: LoadedKernels, onRelease: () => void) {
    this.#backend = backend
    this.#plan = plan
    this.#program = program
    this.#kernels = kernels
    this.#onRelease = onRelease
    this.#table = new Float64Array(Math.max(plan.arguments.length, 16))
    this.#tableAddress = addressOf(backend.koffi, this.#table)
    this.#known = plan.arguments.map(() => undefined)
    const times = timesOf(plan)
    const guess = plan.launches.reduce((sum, { kernel }, i) => sum + times[i] * estimate(plan.kernels[kernel]), 0)
    this.#atOnce = guess < atOnceNs
    this.#parallel = guess < aloneNs ? 0 : 1
  }

  run(storages: readonly Storage[]): undefined | Promise<void> {
    if (!this.#atOnce) return this.#start(storages, this.#backend.runtime.run, 1)
    this.#prepare(storages, undefined)
    this.#check(this.#backend.runtime.run(this.#program, this.#tableAddress, this.#parallel))
    return undefined
  }

  async profile(storages: readonly Storage[]): Promise<Float64Array> {
    const times = new Float64Array(Math.max(this.#plan.launches.length, 16))
    await this.#start(storages, this.#backend.runtime.profile, addressOf(this.#backend.koffi, times), times)
    return times.slice(0, this.#plan.launches.length)
  }

  release(): void {
    this.#releaseAsked = true
    if (this.#running || this.#program === 0) return
    const { runtime } = this.#backend
    runtime.freeProgram(this.#program)
    this.#program = 0
    this.#kernels.unload()
    this.#known.fill(undefined)
    this.#onRelease()
  }

  #start(storages: readonly Storage[], fn: NativeFunction, last: number, ...kept: unknown[]): Promise<void> {
    const arrays: ArrayBufferView[] = []
    this.#prepare(storages, arrays)
    this.#running = true
    this.#backend.busy = true
    const done = new Promise<void>((resolve, reject) => {
      fn.async(this.#program, this.#tableAddress, last, (error, status) => {
        // The arrays must stay reachable until here: threads were working on them.
        arrays.length = 0
        kept.length = 0
        this.#running = false
        this.#backend.busy = false
        try {
          if (error) throw error
          this.#check(status)
          resolve()
        } catch (failure) {
          reject(failure)
        }
        if (this.#releaseAsked) this.release()
      })
    })
    this.settled = done.catch(() => undefined)
    return done
  }

  /** Writes the addresses of all arguments; `keep` takes the arrays in, where the run outlasts the call. */
  #prepare(storages: readonly Storage[], keep: ArrayBufferView[] | undefined): void {
    if (this.#program === 0 || this.#releaseAsked) this.#refuse('the program was released')
    if (this.#backend.busy) this.#refuse('a run was started while another is under way')
    const wanted = this.#plan.arguments
    if (storages.length !== wanted.length)
      this.#refuse(`${storages.length} storages came for ${wanted.length} arguments`)
    for (let k = 0; k < wanted.length; k++) {
      const array = storages[k].host()
      const argument = wanted[k]
      if (array.length !== argument.length || array.BYTES_PER_ELEMENT !== 4) {
        this.#refuse(
          `argument ${k} has ${array.length} elements of ${storages[k].dtype}; it must have ${argument.length} of ${argument.dtype}`,
        )
      }
      if (this.#known[k] !== array) {
        this.#table[k] = addressOf(this.#backend.koffi, array)
        if (argument.role === 'state') this.#known[k] = array
      }
      keep?.push(array)
    }
  }

  #check(status: number): void {
    if (status === 0) return
    const fix = 'Use a smaller batch, or close other programs.'
    const wanted = this.#plan.arenaBytes + 4 * Math.max(0, ...this.#plan.kernels.map((kernel) => kernel.scratch))
    fail('memory-exhausted', {
      backend: 'native',
      wanted,
      held: this.#backend.memory().arenas,
      limit: Number.POSITIVE_INFINITY,
      fix,
    })
  }

  #refuse(reason: string): never {
    fail('backend-failed', {
      backend: 'native',
      reason,
      fix: 'This is a mistake in the program that drives the backend; await each run before the next',
    })
  }
}
