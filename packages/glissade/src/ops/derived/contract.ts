/**
 * Products over shared axes: matmul, dot, outer, and einsum. All become `contract` nodes (ops/contract.ts), which
 * name axes by letters; nothing is transposed or copied on the way.
 */
import { fail } from '../../errors.ts'
import { broadcastShapes, type Shape } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { makeNode } from '../../tensor.ts'
import { contract } from '../contract.ts'
import { cast, commonType, reshapeTo } from './common.ts'
import { einsum } from './einsum.ts'

export { einsum }

const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

/**
 * a: [...s, M, K], b: [...t, K, N] → [...broadcast, M, N]. A vector on the left is a row [K], on the right a
 * column [K]; its axis is not in the result.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  if (a.rank === 0 || b.rank === 0) {
    fail('shape-mismatch', {
      op: 'matmul',
      received: `[${a.shape.join(', ')}] and [${b.shape.join(', ')}]`,
      expected: 'at least one axis on each side',
      fix: 'Use mul() to multiply by a scalar.',
    })
  }
  const [inner, other] = [a.shape[a.rank - 1], b.shape[Math.max(0, b.rank - 2)]]
  if (inner !== other) {
    fail('shape-mismatch', {
      op: 'matmul',
      received: `[${a.shape.join(', ')}] and [${b.shape.join(', ')}], where ${inner} meets ${other}`,
      expected: 'the last axis of the left as long as the second last of the right',
      fix: 'Transpose one side, or check the layer’s sizes.',
    })
  }
  const dtype = commonType([a, b])
  const [aBatch, bBatch] = [a.shape.slice(0, -2), b.shape.slice(0, -2)]
  const batch = broadcastShapes('matmul', aBatch, bBatch)
  const [row, column, shared, ...rest] = [...alphabet]
  const rows = a.rank > 1 ? row : ''
  const columns = b.rank > 1 ? column : ''
  const left = named(cast(a, dtype), batchLetters(aBatch, batch, rest), `${rows}${shared}`)
  const right = named(cast(b, dtype), batchLetters(bBatch, batch, rest), `${shared}${columns}`)
  // A batch axis that neither side spans has size 1: it is left out of the product and put back by a reshape.
  const spanned = batch
    .map((_, i) => rest[i])
    .filter((letter) => left.letters.includes(letter) || right.letters.includes(letter))
  const y = makeNode(contract, [left.x, right.x], {
    a: left.letters,
    b: right.letters,
    out: spanned.join('') + rows + columns,
  })
  return reshapeTo(y, [...batch, ...a.shape.slice(-2, -1), ...(b.rank > 1 ? b.shape.slice(-1) : [])])
}

/** The letter of each batch axis, aligned at the right; none where one element is repeated. */
function batchLetters(own: Shape, batch: Shape, letters: readonly string[]): (string | undefined)[] {
  const offset = batch.length - own.length
  return own.map((n, i) => (n === 1 ? undefined : letters[offset + i]))
}

/** `x` without its repeated axes, and the letters of those that stay. */
function named(x: Tensor, batch: readonly (string | undefined)[], last: string): { x: Tensor; letters: string } {
  const kept = x.shape.filter((_, axis) => axis >= batch.length || batch[axis] !== undefined)
  return { x: reshapeTo(x, kept), letters: batch.join('') + last }
}

/** The sum of products of two vectors: [K], [K] → []. */
export function dot(a: Tensor, b: Tensor): Tensor {
  if (a.rank !== 1 || b.rank !== 1) {
    fail('shape-mismatch', {
      op: 'dot',
      received: `[${a.shape.join(', ')}] and [${b.shape.join(', ')}]`,
      expected: 'two vectors',
      fix: 'Use matmul() or einsum().',
    })
  }
  return matmul(a, b)
}

/** Every element of `a` times every element of `b`: [...s], [...t] → [...s, ...t]. */
export function outer(a: Tensor, b: Tensor): Tensor {
  const left = alphabet.slice(0, a.rank)
  const right = alphabet.slice(a.rank, a.rank + b.rank)
  const dtype = commonType([a, b])
  return makeNode(contract, [cast(a, dtype), cast(b, dtype)], { a: left, b: right, out: left + right })
}
