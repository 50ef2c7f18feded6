/**
 * What an engine in TypeScript has to be: a module with `start`, which gives an Engine; and how it reads its inputs.
 *
 * A new engine is one file beside this one and a line in serve.ts and in harness/contestants.ts.
 */
import { readFileSync } from 'node:fs'
import type { InputFile, Timed } from '../harness/protocol.ts'

export interface Checked extends Timed {
  readonly values: readonly number[]
}

/** One piece of work, prepared. */
export interface Session {
  /** The numbers that are compared with other engines'; what they are is said by the work (works/). */
  check(): Promise<Checked>
  /** The work once: one product, one training step. */
  run(): undefined | Promise<unknown>
  /** Waits for runs that were only queued. */
  finish?(): Promise<unknown>
  /** Makes the program without running it. */
  compile?(): Promise<unknown>
  /** How much memory the engine says this work takes, in bytes. */
  planned?(): Promise<number>
  /** Gives memory back. */
  close?(): void
}

export interface Engine {
  readonly version: string
  readonly backend: string
  readonly threads: number
  /** Throws Unsupported where the engine cannot do such work. */
  open(work: string, inputs: Inputs, settings: Settings): Promise<Session>
}

/** The engine lacks something that the work needs. */
export class Unsupported extends Error {}

export interface Input {
  readonly shape: readonly number[]
  readonly data: Float32Array | Int32Array | Uint8Array
}
/** The work's options, such as its learning rate; see works/. */
export type Settings = Readonly<Record<string, number>>
export type Inputs = Readonly<Record<string, Input>>

const arrays = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array }

export function readInputs(files: Readonly<Record<string, InputFile>>): Inputs {
  const read = ({ file, shape, dtype }: InputFile): Input => {
    const { buffer, byteOffset, byteLength } = readFileSync(file)
    const bytes = buffer.slice(byteOffset, byteOffset + byteLength)
    return { shape, data: new arrays[dtype](bytes) }
  }
  return Object.fromEntries(Object.entries(files).map(([name, file]) => [name, read(file)]))
}

/** The inputs whose names begin with `prefix`, by the rest of the name. */
export function group(inputs: Inputs, prefix: string): Inputs {
  const chosen = Object.entries(inputs).filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(chosen.map(([name, input]) => [name.slice(prefix.length), input]))
}

/** The parts of an input along its first axis, such as its batches. */
export function parts({ shape: [count, ...shape], data }: Input): Input[] {
  const size = data.length / count
  return Array.from({ length: count }, (_, i) => ({ shape, data: data.slice(i * size, (i + 1) * size) }))
}

/** Calls `open` of the work's name in a table, which is how engines are laid out. */
export function openFrom<T>(table: Readonly<Record<string, T>>, work: string): T {
  const open = Object.hasOwn(table, work) ? table[work] : undefined
  if (!open) throw new Unsupported(`not written for ${work}`)
  return open
}

/** A check that takes longer ends early; at least two losses are told. */
const checkMs = 20_000

/** A session for training: `step` takes batch number i and gives its loss; the first `losses` of them are compared. */
export function trainingSession<L>(
  { batches, losses }: { batches: number; losses: number },
  step: (batch: number) => L,
  read: (loss: Awaited<L>) => number | Promise<number>,
  drop: (loss: Awaited<L>) => void = () => {},
): Pick<Session, 'check' | 'run'> {
  let next = 0
  const advance = (): L => step(next++ % batches)
  return {
    async check() {
      const values: number[] = []
      const times: number[] = []
      const end = performance.now() + checkMs
      for (let i = 0; i < losses && (i < 2 || performance.now() < end); i++) {
        const from = performance.now()
        const loss = await advance()
        values.push(await read(loss))
        if (i > 0) times.push(performance.now() - from)
        drop(loss)
      }
      return { values, times }
    },
    run() {
      const loss = advance()
      if (loss instanceof Promise) return loss.then(drop)
      drop(loss as Awaited<L>)
    },
  }
}
