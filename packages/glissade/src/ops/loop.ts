/**
 * The ops with a loop of their own: looking up, adding up by index, running sums, sorting.
 *
 * Conveniences on top (take, oneHot, sort, topK): derived/indexing.ts.
 */
import { isFloat } from '../dtype.ts'
import { fail } from '../errors.ts'
import { type Shape, sameShape, sizeOf, stridesOf } from '../shape.ts'
import { makeNode } from '../tensor.ts'
import type { LoopOp, Values } from './op.ts'

/** How a shape falls apart around an axis: [outer, axis, inner]. */
export function around(shape: Shape, axis: number): [outer: number, length: number, inner: number] {
  return [sizeOf(shape.slice(0, axis)), shape[axis], sizeOf(shape.slice(axis + 1))]
}

function checkIndex(op: string, dtype: string): void {
  if (dtype !== 'int32')
    fail('dtype-mismatch', { op, received: `indices of ${dtype}`, expected: 'int32', fix: "Cast with .cast('int32')." })
}

/**
 * x: [...p, N, ...q], index: [...p, M, ...q] → [...p, M, ...q]. An index outside 0 to N - 1 reads no memory: it gives
 * NaN (0 for whole numbers).
 */
export const gather: LoopOp = {
  kind: 'gather',
  name: 'gather',
  doc: 'The elements at given indices along an axis.',
  dtype: ([x, index]) => {
    checkIndex('gather', index)
    return x
  },
  shape: ([x, index], { axis }) => {
    if (x.length !== index.length || !x.every((n, i) => i === axis || n === index[i])) {
      fail('shape-mismatch', {
        op: 'gather',
        received: `values [${x.join(', ')}] and indices [${index.join(', ')}]`,
        expected: `equal sizes on all axes but ${axis}`,
        fix: 'Expand the indices, or use take().',
      })
    }
    return index
  },
  gradient: (g, { inputs: [x, index], attrs }) => [
    isFloat(x.dtype)
      ? makeNode(scatterAdd, [g, index], { axis: attrs.axis, size: x.shape[attrs.axis as number] })
      : undefined,
    undefined,
  ],
  reference: ([x, index], { axis }) => {
    const [, length, inner] = around(x.shape, axis as number)
    const count = index.shape[axis as number]
    return Float64Array.from(index.data, (at, flat) => {
      const outer = Math.floor(flat / (count * inner))
      return at >= 0 && at < length ? x.data[(outer * length + at) * inner + (flat % inner)] : Number.NaN
    })
  },
}

/**
 * updates and index: [...p, M, ...q] → [...p, size, ...q]: zeros, to which each update is added at its index. Updates
 * to the same place are added in order; an index out of range is ignored.
 */
export const scatterAdd: LoopOp = {
  kind: 'scatter',
  name: 'scatterAdd',
  doc: 'Updates added up at given indices along an axis.',
  dtype: ([updates, index]) => {
    checkIndex('scatterAdd', index)
    return updates
  },
  shape: ([updates, index], { axis, size }) => {
    if (!sameShape(updates, index)) {
      fail('shape-mismatch', {
        op: 'scatterAdd',
        received: `updates [${updates.join(', ')}] and indices [${index.join(', ')}]`,
        expected: 'equal shapes',
        fix: 'Expand the indices.',
      })
    }
    return updates.map((n, i) => (i === axis ? (size as number) : n))
  },
  gradient: (g, { inputs: [, index], attrs }) => [makeNode(gather, [g, index], { axis: attrs.axis }), undefined],
  reference: ([updates, index], { axis }, shape) => {
    const [, length, inner] = around(shape, axis as number)
    const count = index.shape[axis as number]
    const result = new Float64Array(sizeOf(shape))
    index.data.forEach((at, flat) => {
      if (at < 0 || at >= length) return
      result[(Math.floor(flat / (count * inner)) * length + at) * inner + (flat % inner)] += updates.data[flat]
    })
    return result
  },
}

export const cumsum: LoopOp = {
  kind: 'cumulate',
  name: 'cumsum',
  doc: 'Running sums along an axis: each element is the sum of those up to and with it.',
  dtype: ([x]) => {
    if (x === 'bool')
      fail('dtype-mismatch', {
        op: 'cumsum',
        received: 'bool',
        expected: 'float32 or int32',
        fix: "Cast with .cast('int32').",
      })
    return x
  },
  shape: ([x]) => x,
  gradient: (g, { attrs }) => {
    const axis = attrs.axis as number
    return [makeNode(cumsum, [g.flip([axis])], { axis }).flip([axis])]
  },
  reference: ([x], { axis }, shape) => {
    const stride = stridesOf(shape)[axis as number]
    const result = Float64Array.from(x.data)
    result.forEach((_, flat) => {
      if (Math.floor(flat / stride) % shape[axis as number] !== 0) result[flat] += result[flat - stride]
    })
    return result
  },
}

/** x: [...s, N] → int32 [...s, N]. Equal elements keep their order; NaN counts as larger than everything. */
export const argSort: LoopOp = {
  kind: 'sort',
  name: 'argSort',
  doc: 'The indices that sort the last axis, smallest first.',
  dtype: () => 'int32',
  shape: ([x]) => x,
  gradient: () => [undefined],
  reference: ([x]: readonly Values[]) => {
    const length = x.shape[x.shape.length - 1] ?? 1
    const result = new Float64Array(x.data.length)
    for (let row = 0; row < x.data.length; row += length) {
      const order = Array.from({ length }, (_, i) => i)
      order.sort((i, j) => compareWithNaN(x.data[row + i], x.data[row + j]) || i - j)
      result.set(order, row)
    }
    return result
  },
}

function compareWithNaN(a: number, b: number): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1
  if (Number.isNaN(b)) return -1
  return a < b ? -1 : a > b ? 1 : 0
}
