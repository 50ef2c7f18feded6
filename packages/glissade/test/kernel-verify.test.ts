/** verify.ts: each rule of the loop-nest language, broken once. */
import { describe, expect, it } from 'vitest'
import {
  add,
  bind,
  f32,
  gather,
  i32,
  index,
  load,
  loop,
  lt,
  mask,
  mul,
  mut,
  set,
  splat,
  store,
  task,
  variable,
} from '../src/kernel/build.ts'
import type { Expr, Kernel, KernelBuffer, Stmt } from '../src/kernel/ir.ts'
import { verifyKernel } from '../src/kernel/verify.ts'

const buffers: readonly KernelBuffer[] = [
  { name: 'x', type: 'f32', access: 'read', length: 16 },
  { name: 'n', type: 'i32', access: 'read', length: 16 },
  { name: 'y', type: 'f32', access: 'write', length: 16 },
]
const kernel = (body: Stmt[], rest: Partial<Kernel> = {}): Kernel => ({
  kind: 'map',
  buffers,
  scratch: 0,
  tasks: 2,
  flops: 0,
  bytes: 0,
  body,
  ...rest,
})
const i = variable('i', 'index')
const zero = index(0)
const ones = splat(f32(1), 4)
const storeY = (value: Expr, at: Expr = zero): Stmt => store('y', at, value)

describe('verifyKernel', () => {
  it('accepts a kernel that keeps the rules', () => {
    expect(() =>
      verifyKernel(
        kernel([
          mut('m', f32(0, 4)),
          loop('i', zero, index(8), 4, [
            set('m', add(variable('m', 'f32', 4), load('x', 'f32', add(i, mul(task, index(8))), 4))),
          ]),
          storeY(variable('m', 'f32', 4), mul(task, index(8))),
          { op: 'if', condition: lt(task, index(1)), then: [storeY(f32(1), index(99))] },
          loop('never', index(4), index(4), 1, [storeY(f32(1), index(99))]),
        ]),
      ),
    ).not.toThrow()
  })

  const broken: readonly [string, Kernel, RegExp][] = [
    ['an undeclared variable', kernel([storeY(variable('v', 'f32'))]), /v is not defined here\n {2}in: y\[0\] = v/],
    [
      'a variable after its block',
      kernel([loop('i', zero, index(2), 1, [bind('v', f32(1))]), storeY(variable('v', 'f32'))]),
      /v is not defined here/,
    ],
    [
      'a variable read with the wrong lanes',
      kernel([bind('v', f32(1)), storeY(variable('v', 'f32', 4))]),
      /v is f32, here it is read as f32x4/,
    ],
    ['a name used twice', kernel([bind('v', f32(1)), mut('v', f32(2))]), /v is defined twice/],
    [
      'a name used again in another block',
      kernel([loop('i', zero, index(2), 1, []), loop('i', zero, index(2), 1, [])]),
      /i is defined twice/,
    ],
    ['a variable named as a buffer', kernel([bind('x', f32(1))]), /x is a variable and a buffer/],
    ['set of a let', kernel([bind('v', f32(1)), set('v', f32(2))]), /set of v, which is not a mut/],
    ['set of nothing', kernel([set('v', f32(2))]), /set of v, which is not defined here/],
    ['set to another type', kernel([mut('v', f32(1)), set('v', i32(2))]), /set of v, a f32, to a i32/],
    ['a store to what is read-only', kernel([store('x', zero, f32(1))]), /store to x, which is read-only/],
    ['a store of the wrong type', kernel([storeY(i32(1))]), /store of i32 to y, which holds f32/],
    ['a load from what is write-only', kernel([storeY(load('y', 'f32', zero))]), /load from y, which is write-only/],
    ['a load of the wrong type', kernel([storeY(load('n', 'f32', zero))]), /load of f32 from n, which holds i32/],
    ['an unknown buffer', kernel([storeY(load('z', 'f32', zero))]), /load from unknown buffer z/],
    ['scratch where there is none', kernel([store('scratch', zero, f32(1))]), /store to unknown buffer scratch/],
    [
      'scratch as i32 under its f32 name',
      kernel([store('scratch', zero, i32(1))], { scratch: 4 }),
      /store of i32 to scratch/,
    ],
    ['two buffers of one name', kernel([], { buffers: [...buffers, buffers[0]] }), /two buffers are named x/],
    ['a bad length', kernel([], { buffers: [{ ...buffers[0], length: -1 }] }), /buffer x has length -1/],
    ['a bad task count', kernel([], { tasks: 1.5 }), /tasks is 1.5/],
    [
      'an address past the end',
      kernel([storeY(load('x', 'f32', index(13), 4))]),
      /load of x reaches elements 13 to 16, it has 16/,
    ],
    [
      'an address before the start',
      kernel([storeY(f32(0), index(-1))]),
      /store of y reaches elements -1 to -1, it has 16/,
    ],
    [
      'an address that leaves at the last turn',
      kernel([loop('i', zero, index(20), 4, [storeY(f32(0, 4), i)])]),
      /store of y reaches elements 0 to 19/,
    ],
    [
      'an address that leaves in the last task',
      kernel([bind('at', mul(task, index(16))), storeY(f32(0), variable('at', 'index'))]),
      /store of y reaches elements 0 to 16/,
    ],
    [
      'a loop over floats',
      kernel([{ op: 'for', name: 'i', from: zero, to: f32(3), step: 1, body: [] }]),
      /the end of loop i is f32, it must be index/,
    ],
    [
      'a loop without step',
      kernel([{ op: 'for', name: 'i', from: zero, to: index(3), step: 0, body: [] }]),
      /loop i has step 0/,
    ],
    [
      'a vector condition',
      kernel([{ op: 'if', condition: mask(true, 4), then: [] }]),
      /the condition is maskx4, it must be mask/,
    ],
    [
      'a float condition',
      kernel([{ op: 'while', condition: f32(1), body: [] }]),
      /the condition is f32, it must be mask/,
    ],
    [
      'mixed lanes',
      kernel([storeY({ op: 'binary', type: 'f32', lanes: 4, fn: 'add', a: f32(1, 4), b: f32(1) })]),
      /right operand of add is f32, it must be f32x4/,
    ],
    [
      'mixed types',
      kernel([storeY({ op: 'binary', type: 'f32', lanes: 1, fn: 'add', a: i32(1), b: f32(1) })]),
      /left operand of add is i32, it must be f32/,
    ],
    [
      'shifted floats',
      kernel([storeY({ op: 'binary', type: 'f32', lanes: 1, fn: 'shl', a: f32(1), b: f32(1) })]),
      /shl of f32/,
    ],
    [
      'an index divided by a variable',
      kernel([storeY(f32(1), { op: 'binary', type: 'index', lanes: 1, fn: 'div', a: task, b: task })]),
      /div of an index by what is not a positive constant/,
    ],
    ['three lanes', kernel([storeY(f32(1, 3))]), /3 lanes, it must be a power of two/],
    [
      'a constant that float32 cannot hold',
      kernel([storeY({ op: 'const', type: 'f32', lanes: 1, value: 0.1 })]),
      /0.1 is not a value of f32/,
    ],
    [
      'a constant that i32 cannot hold',
      kernel([bind('v', { op: 'const', type: 'i32', lanes: 1, value: 2 ** 31 })]),
      /2147483648 does not fit i32/,
    ],
    [
      'a select by a scalar',
      kernel([storeY({ op: 'select', type: 'f32', lanes: 4, mask: mask(true), a: f32(1, 4), b: f32(2, 4) })]),
      /mask of select is mask, it must be maskx4/,
    ],
    [
      'a conversion of the wrong type',
      kernel([storeY({ op: 'convert', type: 'f32', lanes: 1, fn: 'toF32', a: f32(1) })]),
      /operand of toF32 is f32, it must be i32/,
    ],
    [
      'a splat of a vector',
      kernel([storeY({ op: 'splat', type: 'f32', lanes: 8, a: f32(1, 4) })]),
      /operand of splat is f32x4, it must be f32/,
    ],
    [
      'a gather at an index',
      kernel([storeY({ ...gather('x', 'f32', i32(0)), index: zero } as Expr)]),
      /gather of x at index, it must be i32/,
    ],
    [
      'a scatter of other lanes',
      kernel([{ op: 'scatter', buffer: 'y', index: i32(0, 4), value: f32(1, 8) }]),
      /scatter of y at i32x4, it must be i32x8/,
    ],
    [
      'fma of integers',
      kernel([bind('v', { op: 'fma', type: 'i32', lanes: 1, a: i32(1), b: i32(1), c: i32(1) })]),
      /fma of i32/,
    ],
    [
      'a comparison of masks',
      kernel([bind('v', { op: 'compare', type: 'mask', lanes: 1, fn: 'eq', a: mask(true), b: mask(true) })]),
      /eq of mask/,
    ],
    [
      'a sum of lanes as a vector',
      kernel([storeY({ op: 'reduceLanes', type: 'f32', lanes: 4, fn: 'add', a: splat(f32(1), 4) })]),
      /reduceLanes giving 4 lanes/,
    ],
    [
      'a pick of a lane that is not there',
      kernel([storeY({ op: 'pick', type: 'f32', lanes: 4, order: [0, 1, 2, 8], a: ones, b: ones })]),
      /pick of 4 lanes in the order 0,1,2,8/,
    ],
    [
      'a pick of lanes that are no whole numbers',
      kernel([storeY({ op: 'pick', type: 'f32', lanes: 4, order: [0, 1, 2, 0.5], a: ones, b: ones })]),
      /pick of 4 lanes in the order/,
    ],
    [
      'a pick from vectors of other lengths',
      kernel([storeY({ op: 'pick', type: 'f32', lanes: 4, order: [0, 0, 0, 0], a: f32(1), b: f32(1) })]),
      /pick of 4 lanes from twice 1/,
    ],
  ]

  it.each(broken)('rejects %s', (_, bad, message) => {
    expect(() => verifyKernel(bad)).toThrow(message)
  })

  it('names the kernel and the statement', () => {
    expect(() => verifyKernel(kernel([loop('i', zero, index(2), 1, [storeY(variable('v', 'f32'), i)])]))).toThrow(
      'kernel map: v is not defined here\n  in: y[i] = v',
    )
  })
})
