/** Rows of the op table: loops over time. What must come out is computed by loops over plain arrays. */
import * as functions from '../../src/index.ts'
import type { Tensor } from '../../src/tensor.ts'
import { approximated, at, draw, dummy, exact, type Nd, nd, type Row, type Sample, summed } from './common.ts'

const { scan } = functions

/** Step t of `x`. */
const step = (x: Nd, t: number): Nd => nd(x.shape.slice(1), (index) => at(x, [t, ...index]))
const stacked = (steps: readonly Nd[], shape: readonly number[]): Nd => ({
  shape: [steps.length, ...shape],
  data: steps.flatMap(({ data }) => data),
})
const matmul = (a: Nd, b: Nd): Nd =>
  nd([a.shape[0], b.shape[1]], ([i, j]) => {
    let sum = 0
    for (let k = 0; k < b.shape[0]; k++) sum += at(a, [i, k]) * at(b, [k, j])
    return sum
  })
const each = (fn: (...x: number[]) => number, ...x: readonly Nd[]): Nd =>
  nd(x[0].shape, (index) => fn(...x.map((one) => at(one, index))))
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/** The order in which the steps are made. */
const order = (length: number, reverse: boolean): number[] =>
  Array.from({ length }, (_, i) => (reverse ? length - 1 - i : i))

/** h' = tanh(x w + h u), every h and the last. */
function recurrent(name: string, [T, B, I, H]: readonly number[], reverse: boolean): Sample {
  return {
    name,
    inputs: [draw([T, B, I]), draw([B, H], { seed: 2 }), draw([I, H], { seed: 3 }), draw([H, H], { seed: 4 })],
    build: ([xs, h, w, u]) => {
      const body = (state: Tensor, x: Tensor) => {
        const next = x.matmul(w).add(state.matmul(u)).tanh()
        return { carry: next, y: next.mul(2) }
      }
      const { carry, ys } = scan(body, h, xs, { reverse })
      return functions.concat([ys, carry.reshape([1, B, H])])
    },
    expected: ([xs, h, w, u]) => {
      let state: Nd = h
      const ys: Nd[] = []
      for (const t of order(T, reverse)) {
        state = each((a, b) => Math.tanh(a + b), matmul(step(xs, t), w), matmul(state, u))
        ys[t] = each((a) => 2 * a, state)
      }
      return stacked([...ys, state], [B, H])
    },
    tolerance: approximated,
    order: 2,
  }
}

/** A cell with gates and two states, of which one is never put out. */
const gated: Sample = {
  name: 'two states with gates',
  inputs: [draw([4, 2, 6]), draw([2, 3], { seed: 5 }), draw([2, 3], { seed: 6 }), draw([3, 6], { seed: 7 })],
  build: ([xs, h, c, u]) =>
    scan(
      (state: { h: Tensor; c: Tensor }, x: Tensor) => {
        const [forget, candidate] = x.add(state.h.matmul(u)).split(3, 1)
        const memory = forget.sigmoid().mul(state.c).add(candidate.tanh())
        const next = memory.tanh().mul(forget.sigmoid())
        return { carry: { h: next, c: memory }, y: next }
      },
      { h, c },
      xs,
    ).ys,
  expected: ([xs, h0, c0, u]) => {
    let [h, c]: Nd[] = [h0, c0]
    const ys: Nd[] = []
    for (const t of order(4, false)) {
      const gates = each((a, b) => a + b, step(xs, t), matmul(h, u))
      const part = (from: number): Nd => nd([2, 3], ([i, j]) => at(gates, [i, from + j]))
      c = each((f, g, before) => sigmoid(f) * before + Math.tanh(g), part(0), part(3), c)
      h = each((f, memory) => Math.tanh(memory) * sigmoid(f), part(0), c)
      ys.push(h)
    }
    return stacked(ys, [2, 3])
  },
  tolerance: approximated,
  order: 2,
}

const running = (name: string, length: number, reverse: boolean): Sample => ({
  name,
  inputs: [draw([length, 3]), draw([3], { seed: 2 })],
  build: ([xs, start]) => {
    const { carry, ys } = scan((total: Tensor, x: Tensor) => ({ carry: total.add(x), y: total.mul(x) }), start, xs, {
      reverse,
    })
    return functions.concat([ys, carry.unsqueeze(0)])
  },
  expected: ([xs, start]) => {
    let total: Nd = start
    const ys: Nd[] = []
    for (const t of order(length, reverse)) {
      ys[t] = each((a, b) => a * b, total, step(xs, t))
      total = each((a, b) => a + b, total, step(xs, t))
    }
    return stacked([...ys, total], [3])
  },
  tolerance: summed,
  order: 2,
})

const others: readonly Sample[] = [
  {
    name: 'whole numbers carried, a state that moves through three places',
    inputs: [draw([7], { low: -9, high: 9, dtype: 'int32' })],
    build: ([xs]) => {
      const zero = functions.zeros([], 'int32')
      const { carry } = scan(
        ([a, b, c]: Tensor[], x: Tensor) => ({ carry: [x.add(c), a, b] }),
        [zero, zero, zero.add(1)],
        xs,
      )
      return functions.stack(carry)
    },
    expected: ([xs]) => {
      let [a, b, c] = [0, 0, 1]
      for (const x of xs.data) [a, b, c] = [x + c, a, b]
      return { shape: [3], data: [a, b, c] }
    },
    tolerance: exact,
    order: 0,
  },
  {
    name: 'no slices, scalars',
    inputs: [draw([], { low: 0.5, high: 1.5 })],
    build: ([x]) => scan((y: Tensor) => ({ carry: y.mul(x).cos(), y }), x, undefined, { length: 6 }).ys,
    expected: ([x]) => {
      let y = x.data[0]
      const ys = Array.from({ length: 6 }, () => {
        const before = y
        y = Math.cos(y * x.data[0])
        return before
      })
      return { shape: [6], data: ys }
    },
    tolerance: approximated,
    order: 2,
  },
  {
    name: 'no state: each step on its own',
    inputs: [draw([3, 2, 4]), draw([4, 5], { seed: 2 })],
    build: ([xs, w]) =>
      scan((_: undefined, x: Tensor) => ({ carry: undefined, y: x.matmul(w).sin() }), undefined, xs).ys,
    expected: ([xs, w]) =>
      stacked(
        order(3, false).map((t) => each(Math.sin, matmul(step(xs, t), w))),
        [2, 5],
      ),
    tolerance: approximated,
    order: 2,
  },
  {
    name: 'a loop in the loop',
    inputs: [draw([3, 4, 2]), draw([2], { seed: 2 }), draw([2], { seed: 3 })],
    build: ([xs, start, w]) =>
      scan(
        (outer: Tensor, rows: Tensor) => {
          const inner = scan(
            (state: Tensor, x: Tensor) => ({ carry: state.mul(w).add(x.mul(outer)).sin(), y: state }),
            outer,
            rows,
            { reverse: true },
          )
          return { carry: inner.carry, y: inner.ys.sum(0) }
        },
        start,
        xs,
      ).ys,
    expected: ([xs, start, w]) => {
      let outer: Nd = start
      const ys = order(3, false).map((i) => {
        let state = outer
        let sum: Nd = nd([2], () => 0)
        for (const j of order(4, true)) {
          sum = each((a, b) => a + b, sum, state)
          state = each((s, v, x, o) => Math.sin(s * v + x * o), state, w, step(step(xs, i), j), outer)
        }
        outer = state
        return sum
      })
      return stacked(ys, [2])
    },
    tolerance: approximated,
    order: 2,
  },
  {
    name: 'a truth carried, a sum over the row',
    inputs: [draw([5, 4])],
    build: ([xs]) =>
      scan(
        (up: Tensor, x: Tensor) => {
          const total = x.sum()
          return { carry: up.not(), y: functions.where(up, total, total.neg()) }
        },
        functions.zeros([], 'bool'),
        xs,
      ).ys,
    expected: ([xs]) => ({
      shape: [5],
      data: order(5, false).map((t) => (t % 2 === 1 ? 1 : -1) * step(xs, t).data.reduce((a, b) => a + b, 0)),
    }),
    tolerance: summed,
    order: 2,
  },
  {
    name: 'no steps',
    inputs: [draw([0, 3]), draw([3], { seed: 2 })],
    build: ([xs, start]) => {
      const { carry, ys } = scan((a: Tensor, x: Tensor) => ({ carry: a.add(x), y: [a.mul(x)] }), start, xs)
      return functions.concat([ys[0], carry.unsqueeze(0)])
    },
    expected: ([, start]) => ({ shape: [1, 3], data: start.data }),
    tolerance: exact,
    order: 1,
  },
]

const up = (carry: Tensor, x: Tensor) => ({ carry: carry.add(x), y: carry })

export const scanRows: readonly Row[] = [
  {
    op: 'scan',
    samples: [
      recurrent('a recurrent network', [5, 2, 3, 4], false),
      recurrent('the same backwards, an even number of steps', [6, 1, 2, 3], true),
      recurrent('one step', [1, 2, 3, 2], false),
      gated,
      running('a running sum', 6, false),
      running('a running sum from the end', 5, true),
      ...others,
    ],
    errors: [
      { name: 'a carry of another shape', code: 'shape-mismatch', call: () => scan(up, dummy([2]), dummy([3, 4, 2])) },
      {
        name: 'a carry of another type',
        code: 'shape-mismatch',
        call: () => scan((c: Tensor, x: Tensor) => ({ carry: c.mul(x) }), dummy([2], 'int32'), dummy([3, 2])),
      },
      {
        name: 'a carry of another structure',
        code: 'value-invalid',
        call: () => scan(((c: Tensor[]) => ({ carry: c[0] })) as never, [dummy([2])], dummy([3, 2])),
      },
      {
        name: 'lengths that differ',
        code: 'shape-mismatch',
        call: () => scan((c: Tensor) => ({ carry: c }), dummy([2]), [dummy([3, 2]), dummy([4, 2])]),
      },
      {
        name: 'a length that is not that of xs',
        code: 'shape-mismatch',
        call: () => scan(up, dummy([2]), dummy([3, 2]), { length: 4 }),
      },
      { name: 'xs without axes', code: 'shape-mismatch', call: () => scan(up, dummy([2]), dummy([])) },
      {
        name: 'no length at all',
        code: 'value-invalid',
        call: () => scan((c: Tensor) => ({ carry: c }), dummy([2]), undefined),
      },
      {
        name: 'a length below 0',
        code: 'value-invalid',
        call: () => scan((c: Tensor) => ({ carry: c }), dummy([2]), undefined, { length: -1 }),
      },
      {
        name: 'no carry in the result',
        code: 'value-invalid',
        call: () => scan((() => undefined) as never, dummy([2]), dummy([3, 2])),
      },
      {
        name: 'numbers in the carry',
        code: 'value-invalid',
        call: () => scan((c: { n: number }) => ({ carry: c }), { n: 1 }, dummy([3, 2])),
      },
      {
        name: 'an assignment in the body',
        code: 'value-invalid',
        call: () => {
          const total = new functions.Variable(dummy([2]))
          const body = (c: Tensor, x: Tensor) => {
            total.assign(c)
            return { carry: c.add(x) }
          }
          scan(body, dummy([2]), dummy([3, 2]))
        },
      },
    ],
  },
]
