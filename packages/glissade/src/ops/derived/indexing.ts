/**
 * Looking up, adding up by index, sorting, masks.
 *
 * Indices are int32, 0 to N - 1. Where their numbers are known on the host they are checked at once; those of a
 * traced argument are checked before each run (graph/trace.ts). Indices that are computed are not checked: outside
 * the range, gather gives NaN (0 for whole numbers), scatterAdd ignores them, oneHot gives zeros.
 */
import type { DType } from '../../dtype.ts'
import { fail } from '../../errors.ts'
import { activeTrace } from '../../graph/trace.ts'
import { normalizeAxis, type Shape, sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { makeNode } from '../../tensor.ts'
import * as loops from '../loop.ts'
import * as moves from '../move.ts'
import { cast, checkWhole, expandTo, iota, reshapeTo, toNumber } from './common.ts'
import { add, eq, le, lt, sub, where } from './elementwise.ts'
import { flip, narrow, transpose, unsqueeze } from './movement.ts'

export interface SortOptions {
  /** Largest first. Equal elements keep their order either way, and NaN counts as the largest. */
  readonly descending?: boolean
}

/** The movements that keep every element: a bad index before them is a bad index after them. */
const keepsElements = new Set<unknown>([moves.reshape, moves.permute, moves.expand, moves.flip])

/**
 * Refuses numbers outside 0 to size - 1 (but for `except`), now if they are known, before each run if they are a
 * traced argument.
 */
export function checkIndices(what: string, indices: Tensor, size: number, except?: number): void {
  let source = indices.current()
  while (keepsElements.has(source.op)) source = source.inputs[0]
  if (source.op.kind !== 'leaf' || sizeOf(indices.shape) === 0) return
  if (source.storage) {
    const position = source.storage
      .read()
      .findIndex((value: number) => !(value >= 0 && value < size) && value !== except)
    if (position >= 0) fail('index-range', { what, value: source.storage.read()[position], position, size })
  } else {
    const trace = activeTrace()
    const argument = source.attrs.variable === undefined && !trace?.supplied.some(({ tensor }) => tensor === source)
    if (argument) trace?.requirements.push({ tensor: source, what, size, ...(except !== undefined && { except }) })
  }
}

/** The elements at `indices` along `axis`: x: [...p, N, ...q], indices: [...m] → [...p, ...m, ...q]. */
export function take(x: Tensor, indices: Tensor, axis = 0): Tensor {
  const at = normalizeAxis('take', axis, x.rank)
  checkIndices('take', indices, x.shape[at])
  const [before, after] = [x.shape.slice(0, at), x.shape.slice(at + 1)]
  const column = reshapeTo(indices, [...before.map(() => 1), indices.size, ...after.map(() => 1)])
  const y = makeNode(loops.gather, [x, expandTo(column, [...before, indices.size, ...after])], { axis: at })
  return reshapeTo(y, [...before, ...indices.shape, ...after])
}

/** For each place of `indices` one element along `axis`: x: [...p, N, ...q], indices: [...p, M, ...q] → [...p, M, ...q]. */
export function gather(x: Tensor, indices: Tensor, axis: number): Tensor {
  const at = normalizeAxis('gather', axis, x.rank)
  checkIndices('gather', indices, x.shape[at])
  return makeNode(loops.gather, [x, indices], { axis: at })
}

/** `x` with each update added at its index: x: [...p, N, ...q], indices, updates: [...p, M, ...q] → [...p, N, ...q]. */
export function scatterAdd(x: Tensor, indices: Tensor, updates: Tensor, axis: number): Tensor {
  const at = normalizeAxis('scatterAdd', axis, x.rank)
  if (updates.rank !== x.rank || !updates.shape.every((n, i) => i === at || n === x.shape[i])) {
    fail('shape-mismatch', {
      op: 'scatterAdd',
      received: `updates [${updates.shape.join(', ')}] for [${x.shape.join(', ')}]`,
      expected: `equal sizes on all axes but ${at}`,
      fix: 'Expand the updates.',
    })
  }
  checkIndices('scatterAdd', indices, x.shape[at])
  return add(x, makeNode(loops.scatterAdd, [updates, indices], { axis: at, size: x.shape[at] }))
}

/** indices: [...s] → [...s, classes]: 1 at the index, 0 elsewhere. */
export function oneHot(indices: Tensor, classes: number, dtype: DType = 'float32'): Tensor {
  checkWhole('oneHot: classes', classes, 0)
  if (indices.dtype !== 'int32') {
    fail('dtype-mismatch', {
      op: 'oneHot',
      received: `indices of ${indices.dtype}`,
      expected: 'int32',
      fix: "Cast with .cast('int32').",
    })
  }
  checkIndices('oneHot', indices, classes)
  return cast(eq(unsqueeze(indices, -1), iota([...indices.shape, classes], indices.rank)), dtype)
}

/** int32: the indices that sort the axis, smallest first. Equal elements keep their order; NaN is the largest. */
export function argSort(x: Tensor, axis = -1, options: SortOptions = {}): Tensor {
  const at = normalizeAxis('argSort', axis, x.rank)
  const rows = transpose(toNumber(x), at, -1)
  if (!options.descending) return transpose(makeNode(loops.argSort, [rows]), at, -1)
  // Backwards twice, so that equal elements keep their order.
  const order = flip(makeNode(loops.argSort, [flip(rows, -1)]), -1)
  return transpose(sub(rows.shape[rows.rank - 1] - 1, order), at, -1)
}

/** The elements in order, smallest first; the gradient goes back to where each came from. */
export function sort(x: Tensor, axis = -1, options: SortOptions = {}): Tensor {
  return gather(x, argSort(x, axis, options), axis)
}

/** The k largest along the axis, largest first, and where they were (int32). */
export function topK(x: Tensor, k: number, axis = -1): { values: Tensor; indices: Tensor } {
  const at = normalizeAxis('topK', axis, x.rank)
  if (checkWhole('topK: k', k, 0) > x.shape[at]) {
    fail('value-invalid', {
      what: 'topK: k',
      received: String(k),
      expected: `at most ${x.shape[at]}, the size of axis ${at}`,
      fix: 'Ask for fewer.',
    })
  }
  const indices = narrow(argSort(x, at, { descending: true }), at, 0, k)
  return { values: gather(x, indices, at), indices }
}

/** bool [rows, columns]: true where column <= row + offset; offset 0 is the mask of causal attention. */
export function triangle(rows: number, columns = rows, offset = 0): Tensor {
  const shape: Shape = [checkWhole('triangle: rows', rows, 0), checkWhole('triangle: columns', columns, 0)]
  return le(iota(shape, 1), add(iota(shape, 0), offset))
}

/** x: [...s, M, N] with zeros above the diagonal (moved up by `offset`). */
export function tril(x: Tensor, offset = 0): Tensor {
  const [rows, columns] = lastTwo('tril', x)
  return where(triangle(rows, columns, offset), x, 0)
}

/** x: [...s, M, N] with zeros below the diagonal (moved up by `offset`). */
export function triu(x: Tensor, offset = 0): Tensor {
  const [rows, columns] = lastTwo('triu', x)
  const shape: Shape = [rows, columns]
  return where(lt(iota(shape, 1), add(iota(shape, 0), offset)), 0, x)
}

function lastTwo(op: string, x: Tensor): [rows: number, columns: number] {
  return [x.shape[normalizeAxis(op, -2, x.rank)], x.shape[x.rank - 1]]
}
