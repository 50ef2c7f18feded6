/** Kernels and plans on plain arrays, for tests in any engine. */
import type { Argument, Plan } from '../../src/backends/backend.ts'
import type { TypedArray } from '../../src/dtype.ts'
import type { Expr, Kernel, KernelBuffer, Stmt } from '../../src/kernel/ir.ts'
import { Storage } from '../../src/storage.ts'

export type Buffers = Readonly<Record<string, TypedArray>>

const isInts = (array: TypedArray): boolean => array instanceof Int32Array

export function buffersOf(arrays: Buffers): KernelBuffer[] {
  return Object.entries(arrays).map(([name, array]) => ({
    name,
    type: isInts(array) ? 'i32' : 'f32',
    access: 'readwrite',
    length: array.length,
  }))
}

export interface KernelOptions {
  readonly tasks?: number
  readonly scratch?: number
  /** Work that the plan claims: 0 runs at once, more than 2^18 goes to workers. */
  readonly flops?: number
}

export function kernelOn(
  arrays: Buffers,
  body: readonly Stmt[],
  { tasks = 1, scratch = 0, flops = 0 }: KernelOptions = {},
): Kernel {
  return { kind: 'map', buffers: buffersOf(arrays), body, tasks, scratch, flops, bytes: 0 }
}

/** A plan that runs `kernels` in turn on the same arguments. */
export function planOf(kernels: readonly Kernel[], roles: readonly Argument['role'][]): Plan {
  const [first] = kernels
  return {
    kernels,
    launches: kernels.map((kernel, k) => ({
      kernel: k,
      slots: kernel.buffers.map((_, argument) => ({ kind: 'argument', argument })),
      label: `kernel ${k}`,
      path: '',
    })),
    arguments: first.buffers.map(({ type, length }, i) => ({
      role: roles[i] ?? 'state',
      dtype: type === 'f32' ? 'float32' : 'int32',
      length,
    })),
    arenaBytes: 0,
    flops: kernels.reduce((sum, kernel) => sum + kernel.flops, 0),
    bytes: 0,
  }
}

export const storageOf = (array: TypedArray): Storage =>
  new Storage(isInts(array) ? 'int32' : 'float32', array.length, array)

/** `if (condition) yes else no`. */
export const branch = (condition: Expr, yes: readonly Stmt[], no?: readonly Stmt[]): Stmt => {
  const arms = Object.fromEntries([['then', yes], ...(no ? [['else', no]] : [])]) as Pick<
    Stmt & { op: 'if' },
    'then' | 'else'
  >
  return { op: 'if', condition, ...arms }
}
