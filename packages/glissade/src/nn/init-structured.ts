/**
 * First values with a structure: orthogonal rows, convolutions that pass their input on, columns that are mostly 0.
 * Part of init.ts, which has the distributions.
 */
import { evaluate } from '../backends/reference/reference.ts'
import { fail } from '../errors.ts'
import { activeTrace } from '../graph/trace.ts'
import { checkWhole } from '../ops/derived/common.ts'
import type { RandomOptions } from '../random.ts'
import * as random from '../random.ts'
import { checkShape, type Shape, sizeOf } from '../shape.ts'
import { fromArray, type Tensor } from '../tensor.ts'

function refuse(op: string, shape: Shape, expected: string): never {
  const received = `[${shape.join(', ')}]`
  return fail('shape-mismatch', { op, received, expected, fix: 'Use another initializer for this shape.' })
}

/**
 * Rows (or columns, where there are fewer) of length `gain` at right angles to each other, drawn evenly from all such
 * matrices (Saxe et al. 2014, arXiv 1312.6120; the signs: Mezzadri 2007, math-ph/0609050).
 *
 * shape: [rows, ...s], seen as [rows, product of s]. Computed at once, on the host.
 */
export function orthogonal(shape: Shape, { gain = 1, ...options }: RandomOptions & { gain?: number } = {}): Tensor {
  checkShape('orthogonal', shape)
  if (shape.length < 2) refuse('orthogonal', shape, 'at least two axes')
  if (activeTrace()) fail('trace-read', { what: 'init.orthogonal' })
  const rows = shape[0]
  const columns = sizeOf(shape.slice(1))
  const [long, short] = rows < columns ? [columns, rows] : [rows, columns]
  // One vector after the other: [short, long].
  const vectors = evaluate([random.normal([short, long], options)])[0].data
  orthogonalize(vectors, long, short)
  const host = new Float32Array(rows * columns)
  for (let i = 0; i < long; i++) {
    for (let j = 0; j < short; j++)
      host[rows < columns ? j * columns + i : i * columns + j] = gain * vectors[j * long + i]
  }
  return fromArray(host, shape)
}

/**
 * Makes vectors orthonormal, in place, none turned back: Gram and Schmidt's way, each vector twice, which is as exact
 * as rounding allows (Giraud et al. 2005, "twice is enough").
 */
function orthogonalize(vectors: Float64Array, length: number, count: number): void {
  const vector = (i: number): Float64Array => vectors.subarray(i * length, (i + 1) * length)
  const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, at) => sum + value * b[at], 0)
  for (let j = 0; j < count; j++) {
    const own = vector(j)
    for (let pass = 0; pass < 2; pass++) {
      for (let i = 0; i < j; i++) {
        const other = vector(i)
        const along = dot(own, other)
        for (let at = 0; at < length; at++) own[at] -= along * other[at]
      }
    }
    const size = Math.sqrt(dot(own, own))
    for (let at = 0; at < length; at++) own[at] /= size
  }
}

/**
 * A convolution's weight that passes each channel on: 1 at the middle of the kernel where output and input channel
 * are the same, within each of `groups`. shape: [out, in / groups, ...kernel]
 */
export function dirac(shape: Shape, { groups = 1 }: { groups?: number } = {}): Tensor {
  checkShape('dirac', shape)
  checkWhole('dirac: groups', groups, 1)
  if (shape.length < 3 || shape.length > 5) refuse('dirac', shape, '[out, in, ...kernel] with 1 to 3 axes in space')
  if (shape[0] % groups !== 0) refuse('dirac', shape, `a number of outputs that ${groups} groups divide`)
  const host = new Float32Array(sizeOf(shape))
  const kernel = shape.slice(2)
  const middle = kernel.reduce((place, size) => place * size + Math.floor(size / 2), 0)
  const perGroup = shape[0] / groups
  for (let out = 0; out < (sizeOf(kernel) === 0 ? 0 : shape[0]); out++) {
    const channel = out % perGroup
    if (channel < shape[1]) host[(out * shape[1] + channel) * sizeOf(kernel) + middle] = 1
  }
  return fromArray(host, shape)
}

/**
 * Normal with deviation `std`, of which in each column the share `sparsity` (rounded up) is 0 (Martens 2010, "Deep
 * learning via Hessian-free optimization"). shape: [rows, columns]
 */
export function sparse(
  shape: Shape,
  { sparsity, std = 0.01, ...options }: RandomOptions & { sparsity: number; std?: number },
): Tensor {
  checkShape('sparse', shape)
  if (shape.length !== 2) refuse('sparse', shape, 'two axes')
  if (!(sparsity >= 0 && sparsity <= 1)) {
    const expected = '0 to 1, the share of zeros'
    fail('value-invalid', { what: 'sparse: sparsity', received: String(sparsity), expected, fix: 'Check the option.' })
  }
  const zeros = Math.ceil(sparsity * shape[0])
  // The rank of even draws within their column is a random order.
  const order = random.uniform(shape, options).argSort(0).argSort(0)
  return order.lt(zeros).where(0, random.normal(shape, { deviation: std, ...options }))
}
