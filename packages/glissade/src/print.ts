/**
 * Tensors as text, laid out like NumPy's: rows under rows, numbers of one width, long axes cut short.
 */
import type { DType, TypedArray } from './dtype.ts'
import { type Shape, sizeOf, stridesOf } from './shape.ts'
import type { Tensor } from './tensor.ts'

/** Tensors with more elements are shown in part: this many at each end of each axis. */
const wholeUpTo = 1000
const edge = 3
/** Digits after the point, and the exponents beyond which numbers are written with a power of ten. */
const digits = 4
const plain = { below: 1e6, above: 1e-4 }
const lineWidth = 100

/** The numbers as text; `print` adds type and shape. */
export function formatTensor(data: ArrayLike<number>, shape: Shape, dtype: DType): string {
  if (sizeOf(shape) === 0) return `[] (shape [${shape.join(', ')}])`
  const cut = sizeOf(shape) > wholeUpTo
  const strides = stridesOf(shape)
  const shown = (axis: number): (number | undefined)[] => {
    const n = shape[axis]
    if (!cut || n <= 2 * edge) return Array.from({ length: n }, (_, i) => i)
    return [
      ...Array.from({ length: edge }, (_, i) => i),
      undefined,
      ...Array.from({ length: edge }, (_, i) => n - edge + i),
    ]
  }
  const places: number[] = []
  const collect = (axis: number, at: number): void => {
    if (axis === shape.length) places.push(at)
    else for (const i of shown(axis)) if (i !== undefined) collect(axis + 1, at + i * strides[axis])
  }
  collect(0, 0)
  const write = formatter(
    places.map((at) => data[at]),
    dtype,
  )
  const width = Math.max(...places.map((at) => write(data[at]).length))

  const render = (axis: number, at: number): string => {
    if (axis === shape.length) return shape.length === 0 ? write(data[at]) : write(data[at]).padStart(width)
    const items = shown(axis).map((i) => (i === undefined ? '...' : render(axis + 1, at + i * strides[axis])))
    const indent = ' '.repeat(axis + 1)
    if (axis === shape.length - 1) return `[${wrapItems(items, indent)}]`
    // A blank line more for each axis between this one and the rows.
    return `[${items.join(`,${'\n'.repeat(shape.length - 1 - axis)}${indent}`)}]`
  }
  return render(0, 0)
}

/** Items side by side, on a new line where the line is full. */
function wrapItems(items: readonly string[], indent: string): string {
  const lines: string[] = []
  let line = ''
  for (const [i, item] of items.entries()) {
    const piece = i === items.length - 1 ? item : `${item}, `
    if (line !== '' && indent.length + line.length + piece.trimEnd().length > lineWidth) {
      lines.push(line.trimEnd())
      line = ''
    }
    line += piece
  }
  return [...lines, line].join(`\n${indent}`)
}

function formatter(values: readonly number[], dtype: DType): (value: number) => string {
  if (dtype === 'bool') return (value) => (value === 0 ? 'false' : 'true')
  if (dtype === 'int32') return String
  const sizes = values.filter((value) => Number.isFinite(value) && value !== 0).map(Math.abs)
  const special = (value: number): string => (Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf')
  if (sizes.some((size) => size >= plain.below || size < plain.above)) {
    return (value) =>
      Number.isFinite(value) ? value.toExponential(digits).replace(/e([+-])(\d)$/, 'e$10$2') : special(value)
  }
  const needed = values.every(Number.isInteger) ? 0 : Math.max(...sizes.map(decimals))
  return (value) =>
    Number.isFinite(value) ? (needed === 0 ? `${value.toFixed(0)}.` : value.toFixed(needed)) : special(value)
}

/** How many digits after the point `value` needs, up to `digits`. */
function decimals(value: number): number {
  for (let n = 1; n < digits; n++) if (Math.abs(value - Number(value.toFixed(n))) < 1e-7 * Math.max(1, value)) return n
  return digits
}

/** The tensor's type, shape and numbers as text; computes them if need be. */
export async function print(tensor: Tensor): Promise<string> {
  const data: TypedArray = await tensor.data()
  return `${formatTensor(data, tensor.shape, tensor.dtype)}\n${tensor.dtype} [${tensor.shape.join(', ')}]`
}
