/**
 * How samples become a batch: each field stacked, what differs in length padded, the lengths kept.
 *
 * A field may be a number, true or false, a typed array, a list of numbers, or numbers with a shape. Who calls:
 * loader.ts, unless a function of one's own is given.
 */
import { allocate, type DType, type TypedArray } from '../dtype.ts'
import { fail } from '../errors.ts'
import { isNdArray, isTyped, type NdArray } from '../io/nd-array.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { type Shape, sizeOf } from '../shape.ts'
import { fromArray, Tensor } from '../tensor.ts'
import type { Columns } from './dataset.ts'

export interface CollateOptions {
  /** What stands where a sequence has ended; one number, or one for each field. Default 0. */
  readonly padValue?: number | Readonly<Record<string, number>>
  /**
   * How long padded fields become: 'longest' of the batch, a number (longer ones are refused), or { multipleOf }: the
   * longest, rounded up, so that fewer different shapes are compiled. Default 'longest'.
   */
  readonly padTo?: 'longest' | number | { readonly multipleOf: number }
  /** Pad in front of the sequence instead of after it. */
  readonly padLeft?: boolean
  /** Fields with their lengths, int32 [B], as `${field}Lengths`. true: every field that may differ in length. */
  readonly lengths?: boolean | readonly string[]
  /** Fields with their masks, bool [B, T], true where the sequence is, as `${field}Mask`. */
  readonly mask?: boolean | readonly string[]
  /** Let sequences be empty; by default they are refused, since a mean or a softmax over nothing is NaN. */
  readonly allowEmpty?: boolean
  /** Types of fields; default: that of typed arrays, int32 for whole numbers in the first sample, else float32. */
  readonly dtypes?: Readonly<Record<string, DType>>
}

/** One field of one sample. */
export type Field = number | boolean | TypedArray | NdArray | Tensor | readonly number[] | readonly boolean[]

/** The batch of samples: a tensor for each field, and for their lengths and masks; a bare value is the field x. */
export type BatchOf<T> = (T extends number | boolean | TypedArray | NdArray | Tensor | readonly unknown[]
  ? { readonly x: Tensor }
  : { readonly [Name in keyof T & string]: Tensor }) &
  Columns

/** How each field is to be treated: from the first sample of the set, so that every batch has the same types. */
export type FieldTypes = Readonly<Record<string, DType>>

interface Piece {
  readonly data: ArrayLike<number | boolean>
  readonly shape: Shape
}

/** The types of the fields of a sample. Errors: `value-invalid` for what no tensor can hold. */
export async function fieldTypes(sample: unknown, { dtypes = {} }: CollateOptions): Promise<FieldTypes> {
  const fields = fieldsOf(sample)
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, dtypes[name] ?? typeOf(value as Field, name)]),
  )
}

function fieldsOf(sample: unknown): Readonly<Record<string, Field>> {
  const isRecord =
    typeof sample === 'object' &&
    sample !== null &&
    !Array.isArray(sample) &&
    !isTyped(sample) &&
    !isNdArray(sample) &&
    !(sample instanceof Tensor)
  // A bare value is the field x.
  return isRecord ? (sample as Record<string, Field>) : { x: sample as Field }
}

function typeOf(value: Field, name: string): DType {
  if (value instanceof Tensor) return value.dtype
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int32' : 'float32'
  const data = isNdArray(value) ? value.data : value
  if (data instanceof Int32Array || data instanceof Uint8Array) return 'int32'
  if (isTyped(data)) return 'float32'
  if (Array.isArray(data)) {
    if (data.every((item) => typeof item === 'boolean') && data.length > 0) return 'bool'
    if (data.every((item) => typeof item === 'number')) return data.every(Number.isInteger) ? 'int32' : 'float32'
  }
  return notAField(value, name)
}

function notAField(value: unknown, name: string): never {
  const text = typeof value === 'string'
  return fail('value-invalid', {
    what: `sample: field '${name}'`,
    received: text
      ? `text (${JSON.stringify((value as string).slice(0, 40))})`
      : value === null
        ? 'null'
        : typeof value,
    expected: 'numbers: a number, a list, a typed array, or { data, shape }',
    fix: text ? 'Encode text first, with map; or pass a collate of your own.' : 'Prepare it with map.',
  })
}

async function pieceOf(value: Field, name: string): Promise<Piece> {
  if (typeof value === 'number' || typeof value === 'boolean') return { data: [value], shape: [] }
  if (value instanceof Tensor) return { data: await value.data(), shape: value.shape }
  if (isNdArray(value)) return value
  if (ArrayBuffer.isView(value) || Array.isArray(value)) {
    return { data: value as ArrayLike<number>, shape: [(value as ArrayLike<number>).length] }
  }
  return notAField(value, name)
}

/** The batch: each field [B, ...]. Errors: `shape-mismatch`, `value-invalid`. */
export async function collate(
  samples: readonly unknown[],
  types: FieldTypes,
  options: CollateOptions = {},
): Promise<Columns> {
  const batch: Record<string, Tensor> = {}
  for (const [name, dtype] of Object.entries(types)) {
    const pieces = await Promise.all(
      samples.map(async (sample, i) => {
        const value = fieldsOf(sample)[name]
        if (value === undefined) missingField(name, i)
        return pieceOf(value, name)
      }),
    )
    const rank = pieces[0].shape.length
    const lengths = pieces.map(({ shape }) => shape[0] ?? 0)
    const padded = rank > 0 && (wants(options.lengths, name) || wants(options.mask, name) || differ(pieces, options))
    if (padded && !options.allowEmpty) refuseEmpty(lengths, name)
    const length = padded ? paddedLength(Math.max(...lengths), options.padTo ?? 'longest', name) : lengths[0]
    batch[name] = stack(pieces, dtype, name, { ...options, length })
    if (padded && wants(options.lengths, name)) {
      batch[`${name}Lengths`] = fromArray(Int32Array.from(lengths), [pieces.length])
    }
    if (padded && wants(options.mask, name)) batch[`${name}Mask`] = maskOf(lengths, length, options.padLeft ?? false)
  }
  return batch
}

const wants = (option: boolean | readonly string[] | undefined, name: string): boolean =>
  typeof option === 'boolean' ? option : (option?.includes(name) ?? false)

const differ = (pieces: readonly Piece[], { padTo }: CollateOptions): boolean =>
  pieces.some(({ shape }) => shape[0] !== pieces[0].shape[0]) ||
  // Sequences are padded to what is asked for even if they happen to be as long as each other; images are not.
  (padTo !== undefined && padTo !== 'longest' && pieces[0].shape.length === 1)

function refuseEmpty(lengths: readonly number[], name: string): void {
  const at = lengths.indexOf(0)
  if (at < 0) return
  fail('shape-mismatch', {
    op: `batch: field '${name}'`,
    received: `a sequence of length 0 (sample ${at} of the batch)`,
    expected: 'at least one step',
    fix: 'Leave such samples out with filter, or pass { allowEmpty: true }.',
  })
}

function missingField(name: string, at: number): never {
  return fail('value-invalid', {
    what: `sample ${at} of the batch`,
    received: `no field '${name}'`,
    expected: 'the fields of the first sample',
    fix: 'Give every sample the same fields.',
  })
}

function paddedLength(longest: number, padTo: NonNullable<CollateOptions['padTo']>, name: string): number {
  if (padTo === 'longest') return longest
  if (typeof padTo === 'object') {
    const step = checkWhole('padTo: multipleOf', padTo.multipleOf, 1)
    return Math.max(step, Math.ceil(longest / step) * step)
  }
  checkWhole('padTo', padTo, 1)
  if (longest > padTo) {
    fail('shape-mismatch', {
      op: `batch: field '${name}'`,
      received: `a sequence of ${longest}`,
      expected: `at most ${padTo}, as padTo says`,
      fix: 'Cut the samples first, or raise padTo.',
    })
  }
  return padTo
}

function stack(
  pieces: readonly Piece[],
  dtype: DType,
  name: string,
  options: CollateOptions & { readonly length: number },
): Tensor {
  const { padValue = 0, padLeft = false, length } = options
  const rest = pieces[0].shape.slice(1)
  const shape = pieces[0].shape.length === 0 ? [] : [length, ...rest]
  const size = sizeOf(shape)
  const out = allocate(dtype, pieces.length * size)
  const fill = typeof padValue === 'number' ? padValue : (padValue[name] ?? 0)
  if (fill !== 0) out.fill(fill)
  for (const [b, piece] of pieces.entries()) {
    if (piece.shape.length !== shape.length || rest.some((n, axis) => piece.shape[axis + 1] !== n)) {
      fail('shape-mismatch', {
        op: `batch: field '${name}'`,
        received: `samples of [${pieces[0].shape.join(', ')}] and [${piece.shape.join(', ')}]`,
        expected: 'shapes that differ in their first axis only',
        fix: 'Bring them to one shape with map (data.resize, data.centerCrop).',
      })
    }
    const own = piece.data.length
    const start = b * size + (padLeft ? size - own : 0)
    if (dtype === 'int32') checkInts(piece.data, name)
    if (dtype === 'bool')
      for (let i = 0; i < own; i++) out[start + i] = Number(piece.data[i] !== false && piece.data[i] !== 0)
    else out.set(piece.data as ArrayLike<number>, start)
  }
  return fromArray(out, [pieces.length, ...shape], dtype)
}

function checkInts(data: ArrayLike<number | boolean>, name: string): void {
  if (data instanceof Int32Array || data instanceof Uint8Array) return
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i])
    if (value === (value | 0)) continue
    fail('value-invalid', {
      what: `sample: field '${name}'`,
      received: String(value),
      expected: 'a whole number of 32 bits, as in the first sample',
      fix: `Say what it is: { dtypes: { ${name}: 'float32' } }.`,
    })
  }
}

function maskOf(lengths: readonly number[], length: number, left: boolean): Tensor {
  const mask = new Int32Array(lengths.length * length)
  for (const [b, own] of lengths.entries()) {
    const start = b * length + (left ? length - own : 0)
    mask.fill(1, start, start + own)
  }
  return fromArray(mask, [lengths.length, length], 'bool')
}
