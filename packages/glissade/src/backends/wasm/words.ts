/**
 * How each word of the loop-nest language is spelled in WebAssembly, for scalars and for vectors.
 *
 * `null` marks what the language does not have for that type; a function stands where one instruction
 * does not do. Adding a word to kernel/ir.ts makes the type checker list what is missing here.
 * Next: emit.ts.
 */
import type { BinaryFn, CompareFn, ConvertFn, UnaryFn } from '../../kernel/ir.ts'
import { type Opcode, opcode as op } from './encode.ts'

/** One instruction, a sequence that emit.ts knows by name, or nothing at all (the same bits). */
type Word = Opcode | 'abs32' | 'neg32' | 'divide' | 'lanes' | 'choose' | 'nonzero' | 'same'
export type Spelling = { readonly scalar: Word; readonly vector: Word } | null
type Table<Fn extends string, Kind extends string> = Record<Kind, Record<Fn, Spelling>>

const pair = (scalar: Word, vector: Word): Spelling => ({ scalar, vector })

export const unaryWords = {
  f32: {
    neg: pair(op.f32Neg, op.f32x4Neg),
    abs: pair(op.f32Abs, op.f32x4Abs),
    sqrt: pair(op.f32Sqrt, op.f32x4Sqrt),
    floor: pair(op.f32Floor, op.f32x4Floor),
    round: pair(op.f32Nearest, op.f32x4Nearest),
    not: null,
  },
  i32: {
    neg: pair('neg32', op.i32x4Neg),
    abs: pair('abs32', op.i32x4Abs),
    sqrt: null,
    floor: null,
    round: null,
    not: null,
  },
  mask: { neg: null, abs: null, sqrt: null, floor: null, round: null, not: pair(op.i32Eqz, op.v128Not) },
  index: { neg: null, abs: null, sqrt: null, floor: null, round: null, not: null },
} satisfies Table<UnaryFn, 'f32' | 'i32' | 'mask' | 'index'>

export const binaryWords = {
  f32: {
    add: pair(op.f32Add, op.f32x4Add),
    sub: pair(op.f32Sub, op.f32x4Sub),
    mul: pair(op.f32Mul, op.f32x4Mul),
    div: pair(op.f32Div, op.f32x4Div),
    min: pair(op.f32Min, op.f32x4Min),
    max: pair(op.f32Max, op.f32x4Max),
    mod: null,
    and: null,
    or: null,
    xor: null,
    shl: null,
    shr: null,
    ushr: null,
  },
  i32: {
    add: pair(op.i32Add, op.i32x4Add),
    sub: pair(op.i32Sub, op.i32x4Sub),
    mul: pair(op.i32Mul, op.i32x4Mul),
    div: pair('divide', 'lanes'),
    mod: null,
    min: pair('choose', op.i32x4MinS),
    max: pair('choose', op.i32x4MaxS),
    and: pair(op.i32And, op.v128And),
    or: pair(op.i32Or, op.v128Or),
    xor: pair(op.i32Xor, op.v128Xor),
    shl: pair(op.i32Shl, 'lanes'),
    shr: pair(op.i32ShrS, 'lanes'),
    ushr: pair(op.i32ShrU, 'lanes'),
  },
  index: {
    add: pair(op.i32Add, 'lanes'),
    sub: pair(op.i32Sub, 'lanes'),
    mul: pair(op.i32Mul, 'lanes'),
    div: pair(op.i32DivS, 'lanes'),
    mod: pair(op.i32RemS, 'lanes'),
    min: pair('choose', 'lanes'),
    max: pair('choose', 'lanes'),
    and: null,
    or: null,
    xor: null,
    shl: null,
    shr: null,
    ushr: null,
  },
  mask: {
    and: pair(op.i32And, op.v128And),
    or: pair(op.i32Or, op.v128Or),
    add: null,
    sub: null,
    mul: null,
    div: null,
    mod: null,
    min: null,
    max: null,
    xor: null,
    shl: null,
    shr: null,
    ushr: null,
  },
} satisfies Table<BinaryFn, 'f32' | 'i32' | 'mask' | 'index'>

/** A vector shifted by one count for all lanes: the count is a scalar in WebAssembly. */
export const uniformShift: Partial<Record<BinaryFn, Opcode>> = {
  shl: op.i32x4Shl,
  shr: op.i32x4ShrS,
  ushr: op.i32x4ShrU,
}

export const compareWords = {
  f32: { lt: pair(op.f32Lt, op.f32x4Lt), le: pair(op.f32Le, op.f32x4Le), eq: pair(op.f32Eq, op.f32x4Eq) },
  i32: { lt: pair(op.i32LtS, op.i32x4LtS), le: pair(op.i32LeS, op.i32x4LeS), eq: pair(op.i32Eq, op.i32x4Eq) },
  index: { lt: pair(op.i32LtS, op.i32x4LtS), le: pair(op.i32LeS, op.i32x4LeS), eq: pair(op.i32Eq, op.i32x4Eq) },
  mask: { lt: null, le: null, eq: null },
} satisfies Table<CompareFn, 'f32' | 'i32' | 'mask' | 'index'>

export const convertWords = {
  toF32: pair(op.f32ConvertI32, op.f32x4ConvertI32x4),
  toI32: pair(op.i32TruncSatF32, op.i32x4TruncSatF32x4),
  asF32: pair(op.f32ReinterpretI32, 'same'),
  asI32: pair(op.i32ReinterpretF32, 'same'),
  // A true lane is -1 and a true scalar 1.
  maskToI32: pair('same', op.i32x4Neg),
  i32ToMask: pair('nonzero', 'nonzero'),
  indexToI32: pair('same', 'same'),
  i32ToIndex: pair('same', 'same'),
} satisfies Record<ConvertFn, Spelling>
