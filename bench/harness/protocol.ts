/**
 * What the benchmark and the processes that run the engines say to each other: one JSON object a line, requests on
 * standard input, replies on standard output, each request answered before the next. The same for TypeScript engines
 * (serve.ts) and for Python ones (rivals/serve.py).
 */

/** A tensor in a file: raw numbers, little-endian. */
export interface InputFile {
  readonly file: string
  readonly shape: readonly number[]
  readonly dtype: 'float32' | 'int32' | 'uint8'
}

/** What a process says of itself, unasked, when it is ready; or why it cannot be. */
export type Greeting =
  | { readonly version: string; readonly backend: string; readonly threads: number }
  | { readonly absent: string }

/** A piece of work: the kind that engines know it by, its numbers, and its options. */
export interface Task {
  readonly work: string
  readonly inputs: Readonly<Record<string, InputFile>>
  readonly settings: Readonly<Record<string, number>>
}

export type Request =
  /**
   * Prepare a piece of work; one at a time. `first`: what is measured is the first run with all
   * its preparation, or compiling alone.
   */
  | ({ readonly do: 'open'; readonly first?: 'run' | 'compile' } & Task)
  /** Do the work so that the numbers it gives can be compared. */
  | { readonly do: 'check' }
  /**
   * Take samples, each the mean over `inner` runs, until `milliseconds` are over and there are at least `least`.
   */
  | { readonly do: 'measure'; readonly inner: number; readonly least: number; readonly milliseconds: number }
  /** How much memory did the process take at most since the work was opened, beyond what it had before? */
  | { readonly do: 'memory' }
  | { readonly do: 'close' }

/** Times in milliseconds that came about with a check: of all steps but the first, which may compile. */
export interface Timed {
  readonly times?: readonly number[]
}

/** `unsupported`: the engine cannot do this work. `error`: it should, but failed. */
export type Reply =
  | { readonly ok: true }
  | ({ readonly values: readonly number[] } & Timed)
  | { readonly times: readonly number[] }
  /** In bytes; null where the system does not tell. `planned` is what the engine itself says. */
  | { readonly peak: number | null; readonly planned?: number }
  | { readonly unsupported: string }
  | { readonly error: string }
