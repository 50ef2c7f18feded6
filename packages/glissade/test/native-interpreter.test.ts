/** Kernels on the native backend and in the interpreter: mathematical functions and random loop nests, bit for bit. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Backend } from '../src/backends/backend.ts'
import type { TypedArray } from '../src/dtype.ts'
import * as k from '../src/kernel/build.ts'
import { interpretKernel } from '../src/kernel/interpret.ts'
import type { Expr, Kernel } from '../src/kernel/ir.ts'
import * as math from '../src/kernel/math.ts'
import { randomBuffers, randomKernel } from './kernel-random.ts'
import { buffer, kernelOf, planOf, runOnce, storageOf, working } from './native/harness.ts'

let backend: Backend
beforeAll(async () => {
  backend = await working({ threads: 1 })
})
afterAll(() => backend.dispose())

type Elements = Float32Array | Int32Array

/** The elements as bits, all NaNs alike. */
const bitsOf = (array: TypedArray): number[] =>
  Array.from(new Int32Array(array.buffer), (bits, i) => (Number.isNaN(array[i]) ? 0x7fc00000 : bits))

// biome-ignore format: a table
const functions: Record<string, (x: Expr) => Expr> = {
  exp: math.exp, log: math.log, tanh: math.tanh, erf: math.erf, sin: math.sin, cos: math.cos, atan: math.atan,
  pow: (x) => math.pow(x, math.like(x, 2.7)),
}

test.each(Object.entries(functions))('%s, on scalars and vectors', async (_, fn) => {
  const edges = [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    0,
    -0,
    1e-42,
    3e38,
    -3e38,
    88.72,
    -103.97,
    1,
    -1,
  ]
  const x = Float32Array.from({ length: 4096 }, (_, i) => edges[i] ?? Math.sin(i) * 10 ** ((i % 11) - 4))
  const i = k.variable('i', 'index')
  const widths = [1, 4, 8, 16].filter((lanes) => lanes <= backend.target.lanes)
  const kernels = widths.map((lanes) =>
    kernelOf(
      [buffer('x', 'f32', x.length, 'read'), buffer('y', 'f32', x.length)],
      [k.loop('i', k.index(0), k.index(x.length), lanes, [k.store('y', i, fn(k.load('x', 'f32', i, lanes)))])],
    ),
  )
  for (const kernel of kernels) {
    const [got, want] = [new Float32Array(x.length), new Float32Array(x.length)]
    await runOnce(backend, [kernel], [x, got])
    interpretKernel(kernel, [x, want], { fma: backend.target.fma })
    expect(bitsOf(got)).toEqual(bitsOf(want))
  }
})

test('random kernels', async () => {
  const seeds = Array.from({ length: 60 }, (_, seed) => seed + 1)
  const kernels = seeds.map((seed): Kernel => ({ ...randomKernel(seed, 40), scratch: 32 }))
  // One program for all, to compile in one go; each kernel has buffers of its own.
  const arrays = seeds.map((seed) => randomBuffers(seed))
  const together = planOf(kernels, arrays.flat())
  const count = arrays[0].length
  const executable = await backend.compile({
    ...together,
    launches: together.launches.map((launch, l) => ({
      ...launch,
      slots: arrays[l].map((_, b) => ({ kind: 'argument', argument: l * count + b }) as const),
    })),
  })
  const wanted = seeds.map((seed) => randomBuffers(seed))
  for (const [l, kernel] of kernels.entries()) {
    interpretKernel(kernel, wanted[l] as Elements[], { fma: backend.target.fma })
  }
  await executable.run(arrays.flat().map(storageOf))
  executable.release()
  const wrong = seeds.filter((_, l) => JSON.stringify(arrays[l].map(bitsOf)) !== JSON.stringify(wanted[l].map(bitsOf)))
  expect(wrong).toEqual([])
})
