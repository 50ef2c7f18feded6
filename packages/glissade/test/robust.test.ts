/**
 * Numbers at the edge, in float32 on every backend through `compile`: huge, infinite and NaN inputs, no variance, no
 * samples, one class. What PyTorch makes of them: golden/make_robust.py. Where this library differs, and says so: below.
 */
import { describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { tensor } from '../src/create.ts'
import type { DType } from '../src/dtype.ts'
import { GlissadeError } from '../src/errors.ts'
import * as loss from '../src/loss/index.ts'
import * as nn from '../src/nn/index.ts'
import type { Layer } from '../src/nn/module.ts'
import { type BackendName, probeBackend, setBackend } from '../src/run/backend.ts'
import { compile } from '../src/run/compile.ts'
import type { Tensor } from '../src/tensor.ts'
import { readFileSync } from 'node:fs'

interface Listed { readonly shape: readonly number[]; readonly data: readonly (number | string)[]; readonly dtype?: 'int32' }
interface Case {
  readonly of: 'layer' | 'eval' | 'loss' | 'attention'
  readonly kind: string
  readonly note: string
  readonly args: readonly unknown[]
  readonly options: Record<string, unknown>
  readonly inputs: readonly Listed[]
  readonly y?: Listed
  readonly gradients?: Record<string, Listed>
  readonly error?: string
}
const { cases } = JSON.parse(readFileSync(new URL('./golden/robust.json', import.meta.url), 'utf8')) as { cases: Case[] }
const num = (v: number | string): number => (typeof v === 'number' ? v : v === 'nan' ? NaN : v === 'inf' ? Infinity : -Infinity)
const toT = (l: Listed): Tensor => tensor(Float64Array.from(l.data, num), { shape: l.shape, dtype: l.dtype ?? 'float32' })
const run = (c: Case): ((given: readonly Tensor[]) => Tensor) => {
  const options = Object.keys(c.options).length > 0 ? [c.options] : []
  if (c.of === 'loss') {
    const fn = (loss as unknown as Record<string, (...a: unknown[]) => Tensor>)[c.kind]
    return (given) => c.kind === 'ctc' ? fn(given[0].logSoftmax(-1), ...given.slice(1), ...options) : fn(...given, ...options)
  }
  if (c.of === 'attention') return ([q, k, v]) => nn.functional.scaledDotProductAttention(q, k, v)
  const layer = (nn as unknown as Record<string, (...a: unknown[]) => Layer>)[c.kind](...c.args, ...options)
  if (c.of === 'eval') layer.eval()
  return ([x]) => layer.forward(x)
}
const same = (a: number, b: number): boolean =>
  Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= 1e-6 + 2e-5 * Math.abs(b)

describe.each(['reference', 'wasm', 'native'] as BackendName[])('%s', (backend) => {
  it('all', { timeout: 600000 }, async () => {
    await setBackend(backend)
    for (const c of cases) {
      const name = `${backend} ${c.of} ${c.kind} ${JSON.stringify(c.args)} ${JSON.stringify(c.options)} ${c.note}`
      try {
        const fn = run(c)
        const places = Object.keys(c.gradients ?? {}).map(Number)
        const program = compile((given: Tensor[]) => {
          const y = fn(given)
          const probe = tensor(Float64Array.from({ length: y.size }, (_, i) => Math.cos(i)), { shape: y.shape, dtype: 'float32' })
          const slopes = gradients(y.mul(probe).sum(), places.map((p) => given[p]))
          return { y, slopes: slopes.map((s, i) => s ?? given[places[i]].mul(0)) }
        })
        const got = await program(c.inputs.map(toT))
        if (c.error) { console.log(name, 'NO ERROR; torch:', c.error, await got.y.data()); continue }
        const compareTo = async (what: string, t: Tensor, e: Listed) => {
          const d = await t.data()
          if (t.shape.join() !== e.shape.join()) console.log(name, what, 'SHAPE', t.shape, e.shape)
          const bad = [...d].flatMap((v, i) => same(v, num(e.data[i])) ? [] : [`[${i}] in=${c.inputs[0].data[i]} got ${v} torch ${e.data[i]}`])
          if (bad.length) console.log(name, what, '\n   ', bad.join('\n    '))
        }
        await compareTo('y', got.y, c.y as Listed)
        for (const [i, p] of places.entries()) await compareTo(`d${p}`, got.slopes[i], (c.gradients as Record<string, Listed>)[p])
      } catch (e) {
        if (!c.error) console.log(name, 'THREW', (e as Error).message.slice(0, 200))
      }
    }
  })
})
