/** place.ts: results stay the same to the bit, shared values get one name, invariant ones leave their loops. */
import { describe, expect, it } from 'vitest'
import {
  add,
  bind,
  convert,
  f32,
  fma,
  i32,
  index,
  load,
  loop,
  lt,
  mul,
  mut,
  ramp,
  select,
  set,
  splat,
  store,
  sub,
  task,
  variable,
} from '../src/kernel/build.ts'
import { interpretKernel } from '../src/kernel/interpret.ts'
import type { Expr, Kernel, KernelBuffer, Stmt } from '../src/kernel/ir.ts'
import { threefry } from '../src/kernel/math.ts'
import { place } from '../src/kernel/place.ts'
import { printStatements } from '../src/kernel/print.ts'
import { verifyKernel } from '../src/kernel/verify.ts'
import { randomBuffers, randomKernel } from './kernel-random.ts'

const buffers: readonly KernelBuffer[] = [
  { name: 'x', type: 'f32', access: 'read', length: 4096 },
  { name: 'y', type: 'f32', access: 'readwrite', length: 4096 },
]
const at = (name: string): Expr => variable(name, 'index')
const placed = (...body: Stmt[]): string => printStatements(place(body, buffers))
const x = (where: Expr, lanes = 1): Expr => load('x', 'f32', where, lanes)
const y = (where: Expr, lanes = 1): Expr => load('y', 'f32', where, lanes)

function results(kernel: Kernel, seed: number): (Float32Array | Int32Array)[] | Error {
  const data = randomBuffers(seed)
  try {
    interpretKernel(kernel, data)
    return data
  } catch (error) {
    return error as Error
  }
}

describe('place', () => {
  it('keeps the results of random kernels, to the bit', () => {
    let ran = 0
    for (let seed = 1; seed <= 400; seed++) {
      const kernel = randomKernel(seed, 10 + (seed % 5) * 12)
      const before = results(kernel, seed)
      if (before instanceof Error) throw new Error(`seed ${seed}: ${before.message}`)
      const after: Kernel = { ...kernel, body: place(kernel.body, kernel.buffers) }
      verifyKernel(after)
      const now = results(after, seed)
      if (now instanceof Error) throw new Error(`seed ${seed}: ${now.message}\n${printStatements(after.body)}`)
      expect(now, `seed ${seed}`).toEqual(before)
      ran++
    }
    expect(ran).toBe(400)
  })

  it('is deterministic, and placing again changes nothing', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const kernel = randomKernel(seed, 30)
      const once = place(kernel.body, kernel.buffers)
      expect(place(randomKernel(seed, 30).body, kernel.buffers)).toEqual(once)
      const twice = { ...kernel, body: place(once, kernel.buffers) }
      expect(results(twice, seed)).toEqual(results(kernel, seed))
    }
  })

  it('names what is used twice, equal or identical, and leaves the rest inline', () => {
    const sum = (): Expr => add(x(index(0)), f32(1))
    expect(placed(store('y', index(0), mul(sum(), sum())), store('y', index(1), x(index(0))))).toMatchInlineSnapshot(`
      "let t0: f32 = x[0]
      let t1: f32 = t0 + 1.0
      y[0] = t1 * t1
      y[1] = t0"
    `)
  })

  it('moves what does not change in a loop to the outermost block that can hold it', () => {
    const address = add(add(mul(at('k'), index(4)), mul(at('j'), index(64))), add(mul(task, index(512)), index(3)))
    expect(
      placed(
        loop('j', index(0), index(8), 1, [
          loop('k', index(0), index(16), 1, [store('y', address, mul(x(at('j')), splatSum()))]),
        ]),
      ),
    ).toMatchInlineSnapshot(`
      "let t0: index = task * 512
      let t1: f32 = x[task] + 2.0
      for j in 0..8 {
        let t2: index = t0 + j * 64
        let t3: f32 = x[j] * t1
        for k in 0..16 {
          y[t2 + k * 4 + 3] = t3
        }
      }"
    `)
    function splatSum(): Expr {
      return add(x(task), f32(2))
    }
  })

  it('shares the variable part of addresses that differ by a constant', () => {
    const row = (r: number): Expr => add(mul(add(at('i'), index(r)), index(64)), at('k'))
    expect(
      placed(
        loop('i', index(0), index(8), 4, [
          loop('k', index(0), index(64), 1, [store('y', row(0), x(row(1))), store('y', row(2), x(row(3)))]),
        ]),
      ),
    ).toMatchInlineSnapshot(`
      "for i in 0..8 step 4 {
        let t0: index = i * 64
        for k in 0..64 {
          let t1: index = t0 + k
          y[t1] = x[t1 + 64]
          y[t1 + 128] = x[t1 + 192]
        }
      }"
    `)
  })

  it('keeps a broadcast load in one piece', () => {
    const acc = variable('acc', 'f32', 4)
    expect(
      placed(
        mut('acc', f32(0, 4)),
        loop('k', index(0), index(8), 1, [set('acc', fma(splat(x(at('k')), 4), x(mul(at('k'), index(4)), 4), acc))]),
        store('y', index(0), acc),
      ),
    ).toMatchInlineSnapshot(`
      "mut acc: f32x4 = f32x4(0.0)
      for k in 0..8 {
        acc = fma(f32x4(x[k]), x[k * 4].x4, acc)
      }
      y[0] = acc"
    `)
  })

  it('does not let a load out of an if, a while, or a loop that may not turn', () => {
    const guarded = (inner: Stmt): string => placed(loop('i', index(0), index(8), 1, [inner]))
    const body = [store('y', at('i'), x(task))]
    expect(guarded({ op: 'if', condition: lt(at('i'), task), then: body })).toMatchInlineSnapshot(`
      "for i in 0..8 {
        if i < task {
          y[i] = x[task]
        }
      }"
    `)
    expect(guarded(loop('k', at('i'), task, 1, body))).toMatchInlineSnapshot(`
      "for i in 0..8 {
        for k in i..task {
          y[i] = x[task]
        }
      }"
    `)
    expect(guarded(loop('k', at('i'), add(at('i'), index(2)), 1, body))).toMatchInlineSnapshot(`
      "let t0: f32 = x[task]
      for i in 0..8 {
        for k in i..i + 2 {
          y[i] = t0
        }
      }"
    `)
  })

  it('uses a load again under a guard, but not the other way round', () => {
    const branch: Stmt = { op: 'if', condition: lt(task, index(2)), then: [store('y', index(1), x(task))] }
    expect(placed(store('y', index(0), x(task)), branch)).toMatchInlineSnapshot(`
      "let t0: f32 = x[task]
      y[0] = t0
      if task < 2 {
        y[1] = t0
      }"
    `)
    expect(placed(branch, store('y', index(0), x(task)))).toMatchInlineSnapshot(`
      "if task < 2 {
        y[1] = x[task]
      }
      y[0] = x[task]"
    `)
  })

  it('does not move a load across a store to its buffer, nor out of a loop that stores to it', () => {
    expect(
      placed(
        store('y', index(0), add(y(index(5)), y(index(5)))),
        store('y', index(1), y(index(5))),
        loop('i', index(0), index(8), 1, [store('y', at('i'), add(y(index(7)), f32(1)))]),
      ),
    ).toMatchInlineSnapshot(`
      "let t0: f32 = y[5]
      y[0] = t0 + t0
      y[1] = y[5]
      for i in 0..8 {
        y[i] = y[7] + 1.0
      }"
    `)
  })

  it('does not move what reads a mut across its sets', () => {
    const m = variable('m', 'f32')
    const twice = (): Expr => add(m, m)
    expect(
      placed(
        mut('m', f32(0)),
        store('y', index(0), twice()),
        loop('i', index(0), index(8), 1, [store('y', at('i'), mul(twice(), twice())), set('m', add(m, f32(1)))]),
        bind('old', m),
        set('m', f32(3)),
        store('y', index(2), sub(variable('old', 'f32'), m)),
      ),
    ).toMatchInlineSnapshot(`
      "mut m: f32 = 0.0
      y[0] = m + m
      for i in 0..8 {
        let t0: f32 = m + m
        y[i] = t0 * t0
        m = m + 1.0
      }
      let old: f32 = m
      m = 3.0
      y[2] = old - m"
    `)
  })

  it('does not see through the name of an index that reads a mut', () => {
    const w = variable('w', 'index')
    expect(
      placed(
        mut('w', task),
        bind('before', add(w, index(1))),
        set('w', index(9)),
        store('y', add(variable('before', 'index'), index(2)), f32(0)),
      ),
    ).toMatchInlineSnapshot(`
      "mut w: index = task
      let before: index = w + 1
      w = 9
      y[before + 2] = 0.0"
    `)
  })

  it('keeps the names of lets, and drops what nothing uses', () => {
    expect(
      placed(
        bind('t0', add(x(index(0)), f32(1))),
        bind('unused', x(index(9))),
        bind('same', add(x(index(0)), f32(1))),
        bind('constant', i32(4)),
        store('y', index(0), mul(variable('t0', 'f32'), mul(x(index(3)), x(index(3))))),
        store('y', index(1), variable('same', 'f32')),
      ),
    ).toMatchInlineSnapshot(`
      "let t0: f32 = x[0] + 1.0
      let t1: f32 = x[3]
      y[0] = t0 * (t1 * t1)
      y[1] = t0"
    `)
  })

  it('dissolves loops of one turn, drops those of none, and computes what has become constant', () => {
    const v = at('v')
    const lane = add(splat(convert('indexToI32', v), 4), ramp(4))
    expect(
      placed(
        loop('v', index(8), index(12), 4, [
          {
            op: 'if',
            condition: lt(v, index(9)),
            then: [store('y', v, convert('toF32', lane))],
            else: [store('y', index(0), f32(0))],
          },
          {
            op: 'if',
            condition: lt(add(task, index(3)), add(task, v)),
            then: [store('y', add(v, task), select(lt(convert('indexToI32', v), i32(3)), f32(1), f32(2)))],
          },
        ]),
        loop('never', index(4), index(4), 1, [store('y', at('never'), f32(1))]),
      ),
    ).toMatchInlineSnapshot(`
      "y[8] = toF32(i32x4(8i) + ramp4)
      y[task + 8] = 2.0"
    `)
  })

  it('takes expression graphs whose trees would be too large to write out', () => {
    const [a, b] = threefry(i32(1, 4), i32(2, 4), splat(i32(3), 4), i32(4, 4))
    const body = place(
      [store('m', index(0), a), store('m', index(4), b)],
      [{ name: 'm', type: 'i32', access: 'write', length: 8 }],
    )
    const text = printStatements(body)
    expect(text).not.toContain('%')
    expect(body.length).toBeLessThan(80)
  })
})
