/** Kernels with real work for the tests of the wasm backend. */
import * as k from '../../src/kernel/build.ts'
import type { Expr, Kernel, Stmt } from '../../src/kernel/ir.ts'
import { kernelOn } from './plans.ts'

/** c = a · b for square matrices of `n` (a multiple of 4), one task per row, four columns at a time. */
export function matmulKernel(n: number, repeat = 1): Kernel {
  const [j, i] = [k.variable('j', 'index'), k.variable('i', 'index')]
  const row = k.mul(k.task, k.index(n))
  const sum = k.variable('sum', 'f32', 4)
  const arrays = { a: new Float32Array(n * n), b: new Float32Array(n * n), c: new Float32Array(n * n) }
  const product = k.fma(
    k.splat(k.load('a', 'f32', k.add(row, i)), 4),
    k.load('b', 'f32', k.add(k.mul(i, k.index(n)), j), 4),
    sum,
  )
  const body: Stmt[] = [
    k.loop('again', k.index(0), k.index(repeat), 1, [
      k.loop('j', k.index(0), k.index(n), 4, [
        k.mut('sum', k.f32(0, 4)),
        k.loop('i', k.index(0), k.index(n), 1, [k.set('sum', product)]),
        k.store('c', k.add(row, j), sum),
      ]),
    ]),
  ]
  return kernelOn(arrays, body, { tasks: n, flops: 2 * n ** 3 * repeat })
}

/** x ← x · scale + 1, `chunk` elements a task; `flops` decides where it runs. */
export function updateKernel(length: number, chunk: number, flops: number): Kernel {
  const i = k.variable('i', 'index')
  const at = k.add(k.mul(k.task, k.index(chunk)), i)
  const scale: Expr = k.load('scale', 'f32', k.index(0))
  const next = k.add(k.mul(k.load('x', 'f32', at), scale), k.f32(1))
  const body = [k.loop('i', k.index(0), k.index(chunk), 1, [k.store('x', at, next)])]
  return kernelOn({ x: new Float32Array(length), scale: new Float32Array(1) }, body, { tasks: length / chunk, flops })
}

export const noise = (length: number, seed = 1): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.fround(Math.sin((i + 1) * 12.9898 * seed) * 2))

/** The bits of two arrays are the same. */
export const sameBits = (a: ArrayBufferView, b: ArrayBufferView): boolean =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength))
