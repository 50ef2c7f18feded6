/**
 * The WebAssembly binary format, as far as this backend writes it: opcodes, LEB128, code, sections.
 *
 * It knows bytes and nothing of kernels. Source: the WebAssembly core specification 2.0 (binary format),
 * with the threads and relaxed-SIMD proposals. Next: emit.ts (kernels to code), module.ts (code to modules).
 */

/** Value types. */
export const valueType = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b, none: 0x40 } as const
export type ValueType = (typeof valueType)[keyof typeof valueType]

/** An opcode as its bytes: one, or a prefix and a LEB128 number. */
export type Opcode = readonly number[]

const simd = (code: number): Opcode => [0xfd, ...unsigned(code)]
const atomic = (code: number): Opcode => [0xfe, code]

export const opcode = {
  block: [0x02],
  loop: [0x03],
  if: [0x04],
  else: [0x05],
  end: [0x0b],
  br: [0x0c],
  brIf: [0x0d],
  return: [0x0f],
  call: [0x10],
  callIndirect: [0x11],
  drop: [0x1a],
  select: [0x1b],
  i32Load: [0x28],
  f32Load: [0x2a],
  i32Store: [0x36],
  f32Store: [0x38],
  f64Load: [0x2b],
  f64Store: [0x39],
  i32Const: [0x41],
  f32Const: [0x43],
  i32Eqz: [0x45],
  i32Eq: [0x46],
  i32Ne: [0x47],
  i32LtS: [0x48],
  i32GtS: [0x4a],
  i32LeS: [0x4c],
  i32LeU: [0x4d],
  i32GeS: [0x4e],
  i64Ne: [0x52],
  f32Eq: [0x5b],
  f32Lt: [0x5d],
  f32Le: [0x5f],
  i32Add: [0x6a],
  i32Sub: [0x6b],
  i32Mul: [0x6c],
  i32DivS: [0x6d],
  i32RemS: [0x6f],
  i32And: [0x71],
  i32Or: [0x72],
  i32Xor: [0x73],
  i32Shl: [0x74],
  i32ShrS: [0x75],
  i32ShrU: [0x76],
  i64Or: [0x84],
  i64Shl: [0x86],
  i64ShrU: [0x88],
  f32Abs: [0x8b],
  f32Neg: [0x8c],
  f32Floor: [0x8e],
  f32Nearest: [0x90],
  f32Sqrt: [0x91],
  f32Add: [0x92],
  f32Sub: [0x93],
  f32Mul: [0x94],
  f32Div: [0x95],
  f32Min: [0x96],
  f32Max: [0x97],
  f64Add: [0xa0],
  f64Sub: [0xa1],
  i32WrapI64: [0xa7],
  i64ExtendI32U: [0xad],
  f32ConvertI32: [0xb2],
  i32ReinterpretF32: [0xbc],
  f32ReinterpretI32: [0xbe],
  i32TruncSatF32: [0xfc, 0x00],
  v128Load: simd(0x00),
  v128Load32Splat: simd(0x09),
  v128Store: simd(0x0b),
  v128Const: simd(0x0c),
  shuffle: simd(0x0d),
  v128Load32Lane: simd(0x56),
  v128Store32Lane: simd(0x5a),
  v128Load32Zero: simd(0x5c),
  i32x4Splat: simd(0x11),
  f32x4Splat: simd(0x13),
  i32x4Extract: simd(0x1b),
  i32x4Replace: simd(0x1c),
  f32x4Extract: simd(0x1f),
  i32x4Eq: simd(0x37),
  i32x4Ne: simd(0x38),
  i32x4LtS: simd(0x39),
  i32x4LeS: simd(0x3d),
  f32x4Eq: simd(0x41),
  f32x4Lt: simd(0x43),
  f32x4Le: simd(0x45),
  v128Not: simd(0x4d),
  v128And: simd(0x4e),
  v128Or: simd(0x50),
  v128Xor: simd(0x51),
  v128Bitselect: simd(0x52),
  f32x4Floor: simd(0x68),
  f32x4Nearest: simd(0x6a),
  i32x4Abs: simd(0xa0),
  i32x4Neg: simd(0xa1),
  i32x4AllTrue: simd(0xa3),
  i32x4Shl: simd(0xab),
  i32x4ShrS: simd(0xac),
  i32x4ShrU: simd(0xad),
  i32x4Add: simd(0xae),
  i32x4Sub: simd(0xb1),
  i32x4Mul: simd(0xb5),
  i32x4MinS: simd(0xb6),
  i32x4MaxS: simd(0xb8),
  f32x4Abs: simd(0xe0),
  f32x4Neg: simd(0xe1),
  f32x4Sqrt: simd(0xe3),
  f32x4Add: simd(0xe4),
  f32x4Sub: simd(0xe5),
  f32x4Mul: simd(0xe6),
  f32x4Div: simd(0xe7),
  f32x4Min: simd(0xe8),
  f32x4Max: simd(0xe9),
  i32x4TruncSatF32x4: simd(0xf8),
  f32x4ConvertI32x4: simd(0xfa),
  f32x4RelaxedMadd: simd(0x105),
  atomicNotify: atomic(0x00),
  atomicWait32: atomic(0x01),
  i32AtomicLoad: atomic(0x10),
  i64AtomicLoad: atomic(0x11),
  i32AtomicStore: atomic(0x17),
  i64AtomicStore: atomic(0x18),
  i32AtomicAdd: atomic(0x1e),
  i32AtomicSub: atomic(0x25),
  i64AtomicCompareExchange: atomic(0x49),
  i64Const: [0x42],
} as const satisfies Record<string, Opcode>

/** Reading and writing a local; `tee` leaves the value on the stack. */
const localOpcode = { get: 0x20, set: 0x21, tee: 0x22 } as const

/** `value` as unsigned LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = []
  let rest = value >>> 0
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  bytes.push(rest)
  return bytes
}

/** `value`, taken modulo 2^32 as a signed number, as signed LEB128. */
export function signed(value: number): number[] {
  const bytes: number[] = []
  let rest = value | 0
  while (rest < -64 || rest > 63) {
    bytes.push((rest & 0x7f) | 0x80)
    rest >>= 7
  }
  bytes.push(rest & 0x7f)
  return bytes
}

const float = new Float32Array(1)
const floatBytes = new Uint8Array(float.buffer)

/** The four bytes of a float32, lowest first. */
export function floatBits(value: number): number[] {
  float[0] = value
  return [...floatBytes]
}

const wordBits = (value: number): number[] => [
  value & 0xff,
  (value >> 8) & 0xff,
  (value >> 16) & 0xff,
  (value >> 24) & 0xff,
]

/** A stretch of instructions. Further stretches can be inserted in it and filled in later. */
export class Code {
  readonly #parts: (number[] | Code)[] = []
  #tail: number[] = []

  op(code: Opcode, ...immediates: readonly number[]): this {
    for (const byte of code) this.#tail.push(byte)
    for (const byte of immediates) this.#tail.push(byte)
    return this
  }
  get(local: number): this {
    return this.#local(localOpcode.get, local)
  }
  set(local: number): this {
    return this.#local(localOpcode.set, local)
  }
  tee(local: number): this {
    return this.#local(localOpcode.tee, local)
  }
  #local(code: number, local: number): this {
    this.#tail.push(code)
    if (local < 0x80) this.#tail.push(local)
    else this.#tail.push(...unsigned(local))
    return this
  }
  i32(value: number): this {
    return this.op(opcode.i32Const, ...signed(value))
  }
  f32(value: number): this {
    return this.op(opcode.f32Const, ...floatBits(value))
  }
  /** A vector constant of four words, given as floats or as integers. */
  vector(values: readonly [number, number, number, number], as: 'f32' | 'i32'): this {
    return this.op(opcode.v128Const, ...values.flatMap(as === 'f32' ? floatBits : wordBits))
  }
  /** A load or store with its alignment (as a power of two) and constant offset. */
  memory(code: Opcode, offset: number, align = 2): this {
    return this.op(code, align, ...unsigned(offset))
  }
  block(kind: 'block' | 'loop' | 'if', result: ValueType = valueType.none): this {
    return this.op(opcode[kind], result)
  }
  end(): this {
    return this.op(opcode.end)
  }
  /** Code that will stand here, written through the value returned. */
  insert(): Code {
    const inserted = new Code()
    this.#parts.push(this.#tail, inserted)
    this.#tail = []
    return inserted
  }
  flat(): number[] {
    const bytes: number[] = []
    this.appendTo(bytes)
    return bytes
  }
  appendTo(bytes: number[]): void {
    for (const part of this.#parts) {
      if (part instanceof Code) part.appendTo(bytes)
      else for (const byte of part) bytes.push(byte)
    }
    for (const byte of this.#tail) bytes.push(byte)
  }
}

/** The code of one function with its local variables. */
export class FunctionBody {
  readonly code = new Code()
  readonly #parameters: number
  readonly #locals: ValueType[] = []

  constructor(parameters: number) {
    this.#parameters = parameters
  }
  local(type: ValueType): number {
    this.#locals.push(type)
    return this.#parameters + this.#locals.length - 1
  }
  bytes(): number[] {
    const runs: [count: number, type: ValueType][] = []
    for (const type of this.#locals) {
      const last = runs.at(-1)
      if (last && last[1] === type) last[0]++
      else runs.push([1, type])
    }
    const body = vectorOf(runs.map(([count, type]) => [...unsigned(count), type]))
    this.code.appendTo(body)
    body.push(...opcode.end)
    return body
  }
}

/** A counted sequence. */
export function vectorOf(items: readonly (readonly number[])[]): number[] {
  const bytes = unsigned(items.length)
  for (const item of items) append(bytes, item)
  return bytes
}

/** `bytes` after their own length. */
export function sized(bytes: readonly number[]): number[] {
  const out = unsigned(bytes.length)
  append(out, bytes)
  return out
}

export const text = (value: string): number[] => sized([...new TextEncoder().encode(value)])

function append(to: number[], from: readonly number[]): void {
  for (const byte of from) to.push(byte)
}

/** Section numbers in the order in which they must stand. */
export const section = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  export: 7,
  element: 9,
  code: 10,
} as const

export function moduleBytes(
  sections: readonly (readonly [id: number, content: readonly number[]])[],
): Uint8Array<ArrayBuffer> {
  const bytes = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
  for (const [id, content] of sections) {
    bytes.push(id)
    append(bytes, sized(content))
  }
  return new Uint8Array(bytes)
}
