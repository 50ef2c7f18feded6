/**
 * The contract of a backend, on one screen: it compiles plans and runs them on storages.
 *
 * A backend knows loop nests, bytes and a machine. It knows no shapes, no ops and no gradients, and it
 * takes no decision that could change a result: which loops run, in what order and in which memory is
 * all in the plan. A new backend is done when the conformance suite (test/conformance) passes.
 * Next: reference/, wasm/, native/, and registry.ts, which chooses one.
 */
import type { DType } from '../dtype.ts'
import type { Kernel, Target } from '../kernel/ir.ts'
import type { Storage } from '../storage.ts'

/** One storage that a run reads or writes. */
export interface Argument {
  /**
   * `input`: read, often new at each run. `state`: read and written in place, the same storage at every
   * run (parameters, moments), or a large captured constant; worth keeping in the backend's memory.
   * `output`: written whole; the storage is fresh at each run.
   */
  readonly role: 'input' | 'state' | 'output'
  readonly dtype: DType
  readonly length: number
}

/**
 * Where a kernel's buffer is during a run: in an argument, from element `start` (default 0) on, or in the program's
 * arena, from byte `offset` on. In a repeated launch it may move.
 */
export type Slot =
  | {
      readonly kind: 'argument'
      readonly argument: number
      readonly start?: number
      readonly moves?: readonly SlotMove[]
    }
  | { readonly kind: 'arena'; readonly offset: number; readonly length: number; readonly moves?: readonly SlotMove[] }

/** At turn t of a repeat the buffer is `((first + t * step) mod rows) * stride` elements further. */
export interface SlotMove {
  readonly repeat: number
  readonly first: number
  readonly step: 1 | -1
  readonly rows: number
  readonly stride: number
}

/** The launches from `first` to before `end` run `count` times, one turn after the other. */
export interface Repeat {
  readonly first: number
  readonly end: number
  readonly count: number
}

/** One kernel run on certain slots (one for each of the kernel's buffers). Launches run in order. */
export interface Launch {
  readonly kernel: number
  readonly slots: readonly Slot[]
  /** For the profile: what it computes, and for which module path. */
  readonly label: string
  readonly path: string
}

/** A program: a tape of launches over one arena with a fixed layout. */
export interface Plan {
  readonly kernels: readonly Kernel[]
  readonly launches: readonly Launch[]
  /** Loops over launches, by `first`; one that lies in another comes after it. */
  readonly repeats?: readonly Repeat[]
  readonly arguments: readonly Argument[]
  readonly arenaBytes: number
  /** Floating-point operations of a whole run: tells a run worth a thread hop from one that is not. */
  readonly flops: number
  readonly bytes: number
}

export interface Executable {
  /**
   * Run the tape once on `storages`, in the order of `plan.arguments`. Returns nothing where the
   * work is so small that it ran at once, else a promise; the event loop is not blocked meanwhile.
   * The caller does not start another run on the same backend until this one is done.
   */
  run(storages: readonly Storage[]): undefined | Promise<void>
  /** The same, timing each launch in milliseconds (in the order of `plan.launches`), all its turns together. */
  profile(storages: readonly Storage[]): Promise<Float64Array>
  /** Give back code and arena. */
  release(): void
}

export interface BackendMemory {
  /** Bytes held by storages that are resident in the backend. */
  readonly resident: number
  /** Bytes of arenas, staging and scratch. */
  readonly arenas: number
}

/** Plans that outlive the process. What is found under a key is the plan that was kept under it, or nothing. */
export interface PlanStore {
  find(key: string): Plan | undefined
  keep(key: string, plan: Plan): void
}

export interface Backend {
  readonly name: string
  readonly target: Target
  readonly threads: number
  /** One line for people: compiler or engine, vector width, threads. */
  readonly description: string
  /** Where there is a disk that may hold plans. */
  readonly plans?: PlanStore
  compile(plan: Plan): Promise<Executable>
  memory(): BackendMemory
  /** Stop threads and give everything back. */
  dispose(): Promise<void>
}

/** Either a working backend, or why there is none here and what to do about it. */
export type BackendProbe = { readonly backend: Backend } | { readonly reason: string; readonly fix: string }

export interface BackendOptions {
  /** Threads that share the tasks; default: the machine's cores. Results do not depend on it. */
  readonly threads?: number
}
