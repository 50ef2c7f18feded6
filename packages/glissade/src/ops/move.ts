/**
 * The movements: elements change their place and nothing else. Each record says, by `sources`, where the
 * element at an index comes from; the reference and the compiler both follow it, the one with numbers, the
 * other with symbols, so a movement is never a copy unless someone needs one.
 *
 * All attributes are normalized here (no negative axes). The functions users call: derived/movement.ts.
 */

import { fail } from '../errors.ts'
import { type Shape, sizeOf, stridesOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { makeNode } from '../tensor.ts'
import type { IndexAlgebra, MoveOp } from './op.ts'

const firstDtype: MoveOp['dtype'] = ([dtype]) => dtype
const nextAxis: MoveOp['batch'] = (attrs) => ({ ...attrs, axis: (attrs.axis as number) + 1 })

export const reshape: MoveOp = {
  kind: 'move',
  name: 'reshape',
  doc: 'The same elements, in the same order, under another shape.',
  dtype: firstDtype,
  batch: ({ shape }, length) => ({ shape: [length, ...(shape as Shape)] }),
  shape: ([input], attrs) => {
    const shape = attrs.shape as Shape
    if (sizeOf(shape) !== sizeOf(input)) {
      fail('shape-mismatch', {
        op: 'reshape',
        received: `[${input.join(', ')}] (${sizeOf(input)} elements) to [${shape.join(', ')}] (${sizeOf(shape)})`,
        expected: 'as many elements before as after',
        fix: 'Use -1 for one axis to have its size worked out.',
      })
    }
    return shape
  },
  isIdentity: () => true,
  gradient: (g, { inputs: [x] }) => [g.reshape(x.shape)],
  sources: (algebra, index, { inputs: [x], shape }) => [
    { input: 0, index: unflatten(algebra, flatten(algebra, index, shape), x.shape), valid: [] },
  ],
}

export const permute: MoveOp = {
  kind: 'move',
  name: 'permute',
  doc: 'The axes in another order: axis i of the result is axis order[i] of the input.',
  dtype: firstDtype,
  batch: ({ order }) => ({ order: [0, ...(order as number[]).map((axis) => axis + 1)] }),
  shape: ([shape], { order }) => (order as number[]).map((axis) => shape[axis]),
  isIdentity: ({ order }) => (order as number[]).every((axis, i) => axis === i),
  gradient: (g, { attrs }) => {
    const order = attrs.order as number[]
    return [g.permute(...order.map((_, axis) => order.indexOf(axis)))]
  },
  sources: (_, index, { attrs }) => {
    const order = attrs.order as number[]
    return [{ input: 0, index: order.map((_, axis) => index[order.indexOf(axis)]), valid: [] }]
  },
}

export const expand: MoveOp = {
  kind: 'move',
  name: 'expand',
  doc: 'Axes of size 1 repeated; no axis is added.',
  dtype: firstDtype,
  batch: ({ shape }, length) => ({ shape: [length, ...(shape as Shape)] }),
  shape: (_, { shape }) => shape as Shape,
  isIdentity: () => true,
  gradient: (g, { inputs: [x] }) => {
    const axes = x.shape.flatMap((n, axis) => (n === 1 && g.shape[axis] !== 1 ? [axis] : []))
    return [g.sum(axes, { keepDims: true })]
  },
  sources: (algebra, index, { inputs: [x], shape }) => [
    {
      input: 0,
      index: index.map((i, axis) => (x.shape[axis] === 1 && shape[axis] !== 1 ? algebra.constant(0) : i)),
      valid: [],
    },
  ],
}

export const pad: MoveOp = {
  kind: 'move',
  name: 'pad',
  doc: 'A margin of `value` before and after each axis.',
  dtype: firstDtype,
  batch: (attrs) => ({ ...attrs, margins: [[0, 0], ...(attrs.margins as number[][])] }),
  shape: ([shape], { margins }) =>
    shape.map((n, axis) => n + (margins as number[][])[axis][0] + (margins as number[][])[axis][1]),
  fill: ({ value }) => value as number,
  isIdentity: ({ margins }) => (margins as number[][]).every(([before, after]) => before === 0 && after === 0),
  gradient: (g, { inputs: [x], attrs }) => {
    const margins = attrs.margins as [number, number][]
    return [g.slice(margins.map(([before], axis) => [before, before + x.shape[axis]] as const))]
  },
  sources: (algebra, index, { inputs: [x], shape, attrs }) => {
    const margins = attrs.margins as [number, number][]
    const moved = index.map((i, axis) => algebra.add(i, algebra.constant(-margins[axis][0])))
    return [
      {
        input: 0,
        index: moved,
        valid: moved.flatMap((i, axis) => (x.shape[axis] === shape[axis] ? [] : [algebra.within(i, 0, x.shape[axis])])),
      },
    ]
  },
}

export const slice: MoveOp = {
  kind: 'move',
  name: 'slice',
  doc: 'Every step-th element from start to stop along each axis.',
  dtype: firstDtype,
  batch: ({ ranges }, length) => ({ ranges: [[0, length, 1], ...(ranges as Range[])] }),
  shape: (_, { ranges }) =>
    (ranges as Range[]).map(([start, stop, step]) => Math.max(0, Math.ceil((stop - start) / step))),
  gradient: (g, { inputs: [x], attrs }) => [unslice(g, x.shape, attrs.ranges as Range[])],
  sources: (algebra, index, { attrs }) => {
    const ranges = attrs.ranges as Range[]
    return [
      {
        input: 0,
        index: index.map((i, axis) =>
          algebra.add(algebra.scale(i, ranges[axis][2]), algebra.constant(ranges[axis][0])),
        ),
        valid: [],
      },
    ]
  },
}
type Range = readonly [start: number, stop: number, step: number]

/** The elements of `g` back at the places that `ranges` took them from, zeros elsewhere. */
function unslice(g: Tensor, shape: Shape, ranges: readonly Range[]): Tensor {
  const spread = ranges.every(([, , step]) => step === 1)
    ? g
    : makeNode(dilate, [g], { steps: ranges.map(([, , step]) => step) })
  return spread.pad(ranges.map(([start], axis) => [start, shape[axis] - start - spread.shape[axis]] as const))
}

export const dilate: MoveOp = {
  kind: 'move',
  name: 'dilate',
  doc: 'Zeros between the elements: steps[axis] - 1 between each two.',
  dtype: firstDtype,
  batch: ({ steps }) => ({ steps: [1, ...(steps as number[])] }),
  shape: ([shape], { steps }) => shape.map((n, axis) => Math.max(0, (n - 1) * (steps as number[])[axis] + 1)),
  fill: () => 0,
  gradient: (g, { attrs }) => {
    const steps = attrs.steps as number[]
    return [g.slice(g.shape.map((n, axis) => [0, n, steps[axis]] as const))]
  },
  sources: (algebra, index, { attrs }) => {
    const steps = attrs.steps as number[]
    return [
      {
        input: 0,
        index: index.map((i, axis) => algebra.floorDiv(i, steps[axis])),
        valid: index.flatMap((i, axis) => (steps[axis] === 1 ? [] : [algebra.divides(steps[axis], i)])),
      },
    ]
  },
}

export const flip: MoveOp = {
  kind: 'move',
  name: 'flip',
  doc: 'The listed axes backwards.',
  dtype: firstDtype,
  batch: ({ axes }) => ({ axes: (axes as number[]).map((axis) => axis + 1) }),
  shape: ([shape]) => shape,
  gradient: (g, { attrs }) => [g.flip(attrs.axes as number[])],
  sources: (algebra, index, { shape, attrs }) => {
    const axes = attrs.axes as number[]
    return [
      {
        input: 0,
        index: index.map((i, axis) =>
          axes.includes(axis) ? algebra.add(algebra.scale(i, -1), algebra.constant(shape[axis] - 1)) : i,
        ),
        valid: [],
      },
    ]
  },
}

export const concat: MoveOp = {
  kind: 'move',
  name: 'concat',
  doc: 'The inputs one after the other along an axis.',
  dtype: firstDtype,
  batch: nextAxis,
  shape: (shapes, { axis }) =>
    shapes[0].map((n, i) => (i === axis ? shapes.reduce((sum, shape) => sum + shape[i], 0) : n)),
  gradient: (g, { inputs, attrs }) => {
    const axis = attrs.axis as number
    let start = 0
    return inputs.map((x) => {
      const stop = start + x.shape[axis]
      const part = g.slice(g.shape.map((n, i) => (i === axis ? ([start, stop] as const) : ([0, n] as const))))
      start = stop
      return part
    })
  },
  sources: (algebra, index, { inputs, attrs }) => {
    const axis = attrs.axis as number
    let start = 0
    return inputs.map((x, input) => {
      const from = start
      start += x.shape[axis]
      const valid = inputs.length === 1 ? [] : [algebra.within(index[axis], from, start)]
      return { input, index: index.map((i, a) => (a === axis ? algebra.add(i, algebra.constant(-from)) : i)), valid }
    })
  },
}

/**
 * Sliding windows along one axis: `[.., I, ..] → [.., O, K, ..]`, element (o, k) being o·stride + k·dilation.
 * The adjoint is `unwindow` summed over K.
 */
export const window: MoveOp = {
  kind: 'move',
  name: 'window',
  doc: 'Sliding windows along an axis, which becomes two: the window, and the place in it.',
  dtype: firstDtype,
  batch: nextAxis,
  shape: ([shape], attrs) => {
    const { axis, size, stride, dilation } = attrs as Window
    const count = Math.floor((shape[axis] - (size - 1) * dilation - 1) / stride) + 1
    return [...shape.slice(0, axis), Math.max(0, count), size, ...shape.slice(axis + 1)]
  },
  gradient: (g, { inputs: [x], attrs }) => {
    const { axis } = attrs as Window
    return [makeNode(unwindow, [g], { ...attrs, length: x.shape[axis] }).sum(axis + 1)]
  },
  sources: (algebra, index, { attrs }) => {
    const { axis, stride, dilation } = attrs as Window
    const at = algebra.add(algebra.scale(index[axis], stride), algebra.scale(index[axis + 1], dilation))
    return [{ input: 0, index: [...index.slice(0, axis), at, ...index.slice(axis + 2)], valid: [] }]
  },
}
interface Window extends Record<string, unknown> {
  axis: number
  size: number
  stride: number
  dilation: number
}

/**
 * Windows put back: `[.., O, K, ..] → [.., I, K, ..]`, element (i, k) being that of the window whose place k
 * is at i, or 0 where there is none.
 */
export const unwindow: MoveOp = {
  kind: 'move',
  name: 'unwindow',
  doc: 'Each place of each window, back where it came from.',
  dtype: firstDtype,
  batch: nextAxis,
  shape: ([shape], { axis, length }) => shape.map((n, i) => (i === axis ? (length as number) : n)),
  fill: () => 0,
  gradient: (g, { inputs: [x], attrs }) => {
    // Element (o, k) reads (o·stride + k·dilation, k): windows of g, of which the diagonal in k is kept.
    const { axis, size, stride, dilation } = attrs as Window
    const windows = makeNode(window, [g], { axis, size, stride, dilation })
    const kept = windows.slice(windows.shape.map((n, i) => [0, i === axis ? x.shape[axis] : n] as const))
    return [makeNode(diagonal, [kept], { axis: axis + 1 })]
  },
  sources: (algebra, index, { inputs: [x], attrs }) => {
    const { axis, stride, dilation } = attrs as Window
    const from = algebra.add(index[axis], algebra.scale(index[axis + 1], -dilation))
    const valid = [algebra.within(from, 0, (x.shape[axis] - 1) * stride + 1)]
    if (stride > 1) valid.push(algebra.divides(stride, from))
    return [{ input: 0, index: index.map((i, a) => (a === axis ? algebra.floorDiv(from, stride) : i)), valid }]
  },
}

/** `[.., K, K, ..] → [.., K, ..]` at `axis`: the elements whose two indices are equal. */
export const diagonal: MoveOp = {
  kind: 'move',
  name: 'diagonal',
  doc: 'The elements at which an axis and the next one have the same index.',
  dtype: firstDtype,
  batch: nextAxis,
  shape: ([shape], { axis }) => shape.filter((_, i) => i !== axis),
  gradient: (g, { inputs: [x], attrs }) => [
    makeNode(undiagonal, [g], { axis: attrs.axis, size: x.shape[attrs.axis as number] }),
  ],
  sources: (_, index, { attrs }) => {
    const axis = attrs.axis as number
    return [{ input: 0, index: [...index.slice(0, axis + 1), ...index.slice(axis)], valid: [] }]
  },
}

/** `[.., K, ..] → [.., K, K, ..]` at `axis`: a square with the elements on its diagonal, zeros elsewhere. */
export const undiagonal: MoveOp = {
  kind: 'move',
  name: 'undiagonal',
  doc: 'An axis spread over the diagonal of a square.',
  dtype: firstDtype,
  batch: nextAxis,
  fill: () => 0,
  shape: ([shape], attrs) => {
    const axis = attrs.axis as number
    return [...shape.slice(0, axis), shape[axis], ...shape.slice(axis)]
  },
  gradient: (g, { attrs }) => [makeNode(diagonal, [g], { axis: attrs.axis })],
  sources: (algebra, index, { attrs }) => {
    const axis = attrs.axis as number
    const apart = algebra.add(index[axis], algebra.scale(index[axis + 1], -1))
    return [
      { input: 0, index: [...index.slice(0, axis), ...index.slice(axis + 1)], valid: [algebra.within(apart, 0, 1)] },
    ]
  },
}

/** The row-major position of `index` in `shape`. */
export function flatten<I, C>(algebra: IndexAlgebra<I, C>, index: readonly I[], shape: Shape): I {
  const strides = stridesOf(shape)
  return index.reduce((sum, i, axis) => algebra.add(sum, algebra.scale(i, strides[axis])), algebra.constant(0))
}

/** The index in `shape` of the row-major position `flat`. */
export function unflatten<I, C>(algebra: IndexAlgebra<I, C>, flat: I, shape: Shape): I[] {
  const strides = stridesOf(shape)
  return shape.map((n, axis) => {
    if (n === 1) return algebra.constant(0)
    const above = algebra.floorDiv(flat, strides[axis])
    return shape.slice(0, axis).every((m) => m === 1) ? above : algebra.mod(above, n)
  })
}
