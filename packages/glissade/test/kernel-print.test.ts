/** print.ts: what people read. */
import { expect, it } from 'vitest'
import {
  add,
  and,
  binary,
  bind,
  convert,
  div,
  f32,
  fma,
  gather,
  i32,
  index,
  load,
  loop,
  lt,
  mask,
  max,
  mul,
  mut,
  neg,
  ramp,
  reduceLanes,
  scatter,
  select,
  set,
  splat,
  store,
  sub,
  task,
  transpose,
  unary,
  variable,
} from '../src/kernel/build.ts'
import type { Kernel } from '../src/kernel/ir.ts'
import { float32Text, printExpr, printKernel } from '../src/kernel/print.ts'

it('prints buffers, loops and typed names', () => {
  const i = variable('i', 'index')
  const acc = variable('acc', 'f32', 8)
  const kernel: Kernel = {
    kind: 'reduce',
    scratch: 64,
    tasks: 3,
    flops: 48,
    bytes: 204,
    buffers: [
      { name: 'x', type: 'f32', access: 'read', length: 48 },
      { name: 'y', type: 'f32', access: 'write', length: 3 },
    ],
    body: [
      mut('acc', f32(0, 8)),
      loop('i', index(0), index(16), 8, [
        bind('at', add(mul(task, index(16)), i)),
        set('acc', fma(load('x', 'f32', variable('at', 'index'), 8), splat(load('scratch', 'f32', i), 8), acc)),
      ]),
      {
        op: 'while',
        condition: lt(load('scratch', 'f32', index(0)), f32(1)),
        body: [store('scratch', index(0), f32(2))],
      },
      {
        op: 'if',
        condition: lt(task, index(1)),
        then: [store('y', task, reduceLanes('add', acc))],
        else: [scatter('y', convert('indexToI32', task), f32(1))],
      },
    ],
  }
  expect(printKernel(kernel)).toMatchInlineSnapshot(`
    "reduce kernel, 3 tasks, 48 flops, 204 bytes
      read x: f32[48]
      write y: f32[3]
      scratch: [64]
      mut acc: f32x8 = f32x8(0.0)
      for i in 0..16 step 8 {
        let at: index = task * 16 + i
        acc = fma(x[at].x8, f32x8(scratch[i]), acc)
      }
      while scratch[0] < 1.0 {
        scratch[0] = 2.0
      }
      if task < 1 {
        y[task] = lanes.add(acc)
      } else {
        scatter y[indexToI32(task)] = 1.0
      }
    "
  `)
})

it('prints expressions with the brackets they need and no others', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => variable(name, 'f32'))
  const texts = [
    mul(add(a, b), c),
    add(mul(a, b), c),
    sub(a, sub(b, c)),
    sub(sub(a, b), c),
    div(a, mul(b, c)),
    neg(add(a, b)),
    unary('sqrt', a),
    max(a, b),
    select(and(lt(a, b), unary('not', lt(b, c))), f32(-1), c),
    load('x', 'f32', index(3), 4, mask(true)),
    load('x', 'f32', index(3), 4, lt(a, b)),
    gather('x', 'f32', ramp(4), lt(f32(1, 4), f32(2, 4))),
    binary('shl', i32(1, 8), i32(3, 8)),
    sub(a, f32(-2)),
    transpose([ramp(2), i32(7, 2)])[1],
  ].map(printExpr)
  expect(texts.join('\n')).toMatchInlineSnapshot(`
    "(a + b) * c
    a * b + c
    a - (b - c)
    a - b - c
    a / (b * c)
    -(a + b)
    sqrt(a)
    max(a, b)
    select(a < b & !(b < c), -1.0, c)
    x[3].x4
    x[3 if a < b].x4
    x[ramp4 if maskx4(true)].gather4
    i32x8(1i) << i32x8(3i)
    a - -2.0
    pick.1.3(ramp2, i32x2(7i))"
  `)
})

it('prints what a statement shares once, above it', () => {
  let e = variable('a', 'f32')
  for (let k = 0; k < 100; k++) e = add(e, e)
  const kernel: Kernel = { kind: 'map', buffers: [], scratch: 0, tasks: 1, flops: 0, bytes: 0, body: [bind('r', e)] }
  expect(printKernel(kernel).split('\n').length).toBeLessThan(110)
})

it('prints float32 constants by their shortest digits', () => {
  expect(
    [0.1, 1, -0, 1 / 3, 1e-7, 16777216, 3.4028234663852886e38, 1e-45, Infinity, NaN].map(Math.fround).map(float32Text),
  ).toEqual(['0.1', '1.0', '-0.0', '0.33333334', '1e-7', '16777216.0', '3.4028235e+38', '1e-45', 'Infinity', 'NaN'])
})
