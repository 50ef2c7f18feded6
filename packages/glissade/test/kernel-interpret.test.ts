/** interpret.ts: rounding, wrapping, bounds and order, as ir.ts says. */
import { describe, expect, it } from 'vitest'
import {
  add,
  binary,
  bind,
  compare,
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
  max,
  min,
  mul,
  mut,
  neg,
  pick,
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
import { interpretKernel, prepareKernel } from '../src/kernel/interpret.ts'
import { fmaToOdd } from '../src/kernel/interpret-expr.ts'
import type { Expr, Kernel, KernelBuffer, Stmt } from '../src/kernel/ir.ts'

const zero = index(0)

function kernelOf(body: Stmt[], length = 8, rest: Partial<Kernel> = {}): Kernel {
  const named = (name: string, type: 'f32' | 'i32'): KernelBuffer => ({ name, type, access: 'readwrite', length })
  return {
    kind: 'map',
    buffers: [named('x', 'f32'), named('n', 'i32')],
    scratch: 0,
    tasks: 1,
    flops: 0,
    bytes: 0,
    body,
    ...rest,
  }
}

/** The lanes of a f32 or i32 expression, computed from x = 1, 2, 3 … and n = 10, 20, 30 … */
function evaluate(expr: Expr, fma = true): number[] {
  const x = Float32Array.from({ length: 32 }, (_, i) => i + 1)
  const n = Int32Array.from({ length: 32 }, (_, i) => 10 * (i + 1))
  interpretKernel(kernelOf([store(expr.type === 'f32' ? 'x' : 'n', zero, expr)], 32), [x, n], { fma })
  return [...(expr.type === 'f32' ? x : n).subarray(0, expr.lanes)]
}

describe('arithmetic', () => {
  it('rounds every operation to float32', () => {
    const third = div(f32(1), f32(3))
    expect(evaluate(third)).toEqual([Math.fround(1 / 3)])
    expect(evaluate(mul(add(f32(16777216), f32(1)), f32(1.5)))).toEqual([16777216 * 1.5])
    expect(evaluate(unary('sqrt', f32(2)))).toEqual([Math.fround(Math.SQRT2)])
  })

  it('rounds to integers half to even, keeping the sign of zero', () => {
    const round = (x: number): number => evaluate(unary('round', f32(x)))[0]
    expect([0.5, 1.5, 2.5, -0.5, -1.5, 0.49999997, 8388609, -0].map(round)).toEqual([0, 2, 2, -0, -2, 0, 8388609, -0])
    expect(evaluate(unary('floor', f32(-1.25)))).toEqual([-2])
  })

  it('rounds fma once, or twice where the target has none', () => {
    const a = Math.fround(1 + 2 ** -12)
    const product = fma(f32(a), f32(a), f32(-1 - 2 ** -11))
    expect(evaluate(product)).toEqual([2 ** -24])
    expect(evaluate(product, false)).toEqual([0])
  })

  it('does not round fma twice on the way through float64', () => {
    // a · b is 1 + 2^-24, half way between two float32; c is too small for float64 to hold beside it.
    const [a, b, c] = [(97 * 257) / 2 ** 12, 673 / 2 ** 12, 2 ** -60]
    expect(Math.fround(a * b + c)).toBe(1)
    expect(Math.fround(fmaToOdd(a, b, c))).toBe(1 + 2 ** -23)
    expect(Math.fround(fmaToOdd(-a, b, -c))).toBe(-1 - 2 ** -23)
    expect(Math.fround(fmaToOdd(a, b, -c))).toBe(1)
    // The true value in integers: all operands are multiples of 2^-110.
    const whole = (v: number): bigint => BigInt(v * 2 ** 110)
    const exactly = (x: number, y: number, z: number): number =>
      roundToFloat32(whole(x) * whole(y) + (whole(z) << 110n), 220)
    let state = 1
    const bits = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
    for (let i = 0; i < 3000; i++) {
      const x = Math.fround((1 + bits()) * 2 ** Math.floor(bits() * 3))
      const y = Math.fround((1 + Math.floor(bits() * 8) * 2 ** -23) * (bits() < 0.5 ? 1 : -1))
      const z = Math.fround((bits() - 0.5) * 2 ** -Math.floor(20 + bits() * 30))
      expect(Math.fround(fmaToOdd(x, y, z))).toBe(exactly(x, y, z))
    }
  })

  it('wraps i32, never traps, and saturates conversions', () => {
    expect(evaluate(add(i32(2147483647), i32(1)))).toEqual([-2147483648])
    expect(evaluate(mul(i32(123456789), i32(987654321)))).toEqual([Math.imul(123456789, 987654321)])
    expect(evaluate(div(i32(-7), i32(2)))).toEqual([-3])
    expect(evaluate(div(i32(5), i32(0)))).toEqual([0])
    expect(evaluate(div(i32(-2147483648), i32(-1)))).toEqual([-2147483648])
    expect(evaluate(binary('shr', i32(-8), i32(1)))).toEqual([-4])
    expect(evaluate(binary('ushr', i32(-8), i32(1)))).toEqual([2147483644])
    const toI32 = (x: number): number => evaluate(convert('toI32', f32(x)))[0]
    expect([1.9, -1.9, 1e20, -1e20, Number.NaN].map(toI32)).toEqual([1, -1, 2147483647, -2147483648, 0])
    expect(evaluate(convert('asI32', f32(-0)))).toEqual([-2147483648])
  })

  it('lets NaN through min and max, and through no comparison', () => {
    const nan = load('scratch', 'f32', zero)
    const out = new Float32Array(8)
    const one = (fn: 'lt' | 'le' | 'eq'): Expr => convert('toF32', convert('maskToI32', compare(fn, nan, nan)))
    const body = [min(nan, f32(1)), max(f32(1), nan), one('lt'), one('le'), one('eq')].map((e, i) =>
      store('x', index(i), e),
    )
    interpretKernel(kernelOf(body, 8, { scratch: 4 }), [out, new Int32Array(8)])
    expect([...out.subarray(0, 5)]).toEqual([Number.NaN, Number.NaN, 0, 0, 0])
  })
})

describe('vectors', () => {
  it('load, gather, select, splat and ramp work lane by lane', () => {
    expect(evaluate(load('x', 'f32', index(3), 4))).toEqual([4, 5, 6, 7])
    expect(evaluate(load('x', 'f32', index(2 ** 20), 4, lt(ramp(4), i32(0, 4))))).toEqual([0, 0, 0, 0])
    expect(evaluate(load('x', 'f32', index(-2), 4, lt(i32(1, 4), ramp(4))))).toEqual([0, 0, 1, 2])
    expect(evaluate(gather('n', 'i32', binary('sub', i32(3, 4), ramp(4))))).toEqual([40, 30, 20, 10])
    expect(evaluate(gather('n', 'i32', mul(ramp(4), i32(1000, 4)), lt(ramp(4), i32(1, 4))))).toEqual([10, 0, 0, 0])
    expect(evaluate(select(lt(ramp(4), i32(2, 4)), splat(load('x', 'f32', index(8)), 4), f32(-1, 4)))).toEqual([
      9, 9, -1, -1,
    ])
    const never = lt(load('n', 'i32', zero), i32(0))
    expect(evaluate(load('x', 'f32', index(1000), 4, never))).toEqual([0, 0, 0, 0])
  })

  it('transposes rows of vectors', () => {
    const rows = [0, 1, 2, 3].map((row) => add(convert('toF32', ramp(4)), f32(10 * row, 4)))
    expect(transpose(rows).map((column) => evaluate(column))).toEqual([
      [0, 10, 20, 30],
      [1, 11, 21, 31],
      [2, 12, 22, 32],
      [3, 13, 23, 33],
    ])
  })

  it('picks lanes of two vectors', () => {
    const [a, b] = [add(convert('toF32', ramp(2)), f32(10, 2)), convert('toF32', ramp(2))]
    expect(evaluate(pick([3, 0], a, b))).toEqual([1, 10])
    expect(evaluate(pick([1, 1, 2, 3], a, b))).toEqual([11, 11, 0, 1])
  })

  it('reduces lanes by halves', () => {
    const wide = select(lt(ramp(4), i32(1, 4)), f32(1e8, 4), select(lt(ramp(4), i32(3, 4)), f32(1, 4), f32(-1e8, 4)))
    // (1e8 + 1) + (1 - 1e8) loses both ones; lane after lane would give 0 too, but (1e8 - 1e8) + (1 + 1) would not.
    expect(evaluate(reduceLanes('add', wide))).toEqual([Math.fround(Math.fround(1e8 + 1) + Math.fround(1 - 1e8))])
    expect(evaluate(reduceLanes('add', convert('toF32', ramp(8))))).toEqual([28])
    expect(evaluate(reduceLanes('max', neg(load('x', 'f32', zero, 8))))).toEqual([-1])
  })

  it('scatters in lane order', () => {
    const n = new Int32Array(8)
    interpretKernel(kernelOf([scatter('n', i32(2, 4), ramp(4))]), [new Float32Array(8), n])
    expect([...n]).toEqual([0, 0, 3, 0, 0, 0, 0, 0])
  })
})

describe('statements', () => {
  it('runs for, while and if; a let keeps the value of a variable that changes', () => {
    const i = variable('i', 'index')
    const sum = variable('sum', 'f32')
    const x = new Float32Array(8)
    interpretKernel(
      kernelOf([
        mut('sum', f32(0)),
        loop('i', index(1), index(8), 3, [
          bind('before', sum),
          set('sum', add(sum, convert('toF32', convert('indexToI32', i)))),
          store('x', i, variable('before', 'f32')),
        ]),
        { op: 'while', condition: lt(sum, f32(100)), body: [set('sum', mul(sum, f32(2)))] },
        { op: 'if', condition: lt(sum, f32(150)), then: [store('x', zero, f32(-1))], else: [store('x', zero, sum)] },
      ]),
      [x, new Int32Array(8)],
    )
    expect([...x]).toEqual([192, 0, 0, 0, 1, 0, 0, 5])
  })

  it('runs the tasks asked for, with scratch undefined at the start of each', () => {
    const kernel = kernelOf([store('x', task, load('scratch', 'f32', zero)), store('scratch', zero, f32(7))], 8, {
      scratch: 4,
      tasks: 8,
    })
    const x = new Float32Array(8)
    interpretKernel(kernel, [x, new Int32Array(8)], { tasks: [5, 2] })
    expect([...x]).toEqual([0, 0, Number.NaN, 0, 0, Number.NaN, 0, 0])
  })

  it('reads scratch as f32 and as i32: the same bytes', () => {
    const n = new Int32Array(8)
    interpretKernel(
      kernelOf([store('scratch', zero, f32(1)), store('n', zero, load('scratchI', 'i32', zero))], 8, { scratch: 4 }),
      [new Float32Array(8), n],
    )
    expect(n[0]).toBe(0x3f800000)
  })
})

describe('errors', () => {
  const far = (): Expr => convert('i32ToIndex', load('n', 'i32', zero))
  const run =
    (...body: Stmt[]) =>
    (): void =>
      interpretKernel(kernelOf(body), [new Float32Array(8), Int32Array.of(6, -1, 0, 0, 0, 0, 0, 0)], { name: 'relu' })

  it('name kernel, buffer, place and length', () => {
    expect(run(store('x', far(), f32(0, 4)))).toThrow('kernel relu: store of elements 6 to 9 of x, which has 8')
    expect(run(store('x', zero, load('x', 'f32', sub(far(), index(7)))))).toThrow(
      'kernel relu: load of element -1 of x, which has 8',
    )
    expect(run(store('n', zero, gather('n', 'i32', load('n', 'i32', zero, 4), lt(ramp(4), i32(2, 4)))))).toThrow(
      'kernel relu: gather of element -1 of n, which has 8',
    )
    expect(run(scatter('x', load('n', 'i32', index(1)), f32(1)))).toThrow(
      'kernel relu: scatter of element -1 of x, which has 8',
    )
  })

  it('refuse buffers that do not fit', () => {
    const prepared = prepareKernel(kernelOf([]))
    expect(() => prepared([new Float32Array(8)])).toThrow('got 1 buffers, it has 2')
    expect(() => prepared([new Float32Array(7), new Int32Array(8)])).toThrow('x is Float32Array(7), it must be f32[8]')
    expect(() => prepared([new Int32Array(8), new Int32Array(8)])).toThrow('x is Int32Array(8), it must be f32[8]')
  })
})

/** The float32 nearest to `value` · 2^-`scale`, ties to even; for results in the normal range. */
function roundToFloat32(value: bigint, scale: number): number {
  if (value === 0n) return 0
  const size = value < 0n ? -value : value
  const drop = BigInt(Math.max(0, size.toString(2).length - 24))
  let kept = size >> drop
  const rest = size - (kept << drop)
  const half = drop > 0n ? 1n << (drop - 1n) : 1n
  if (rest > half || (drop > 0n && rest === half && (kept & 1n) === 1n)) kept += 1n
  return (value < 0n ? -1 : 1) * Number(kept) * 2 ** (Number(drop) - scale)
}
