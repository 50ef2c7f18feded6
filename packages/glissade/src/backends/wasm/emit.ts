/**
 * One kernel to one WebAssembly function: `(slots, task, scratch) → ()`; here, how expressions are spelled.
 *
 * `slots` points to the addresses of the kernel's buffers, `scratch` to memory of this thread alone.
 * Conventions: a vector mask is -1 or 0 per lane, a scalar mask 1 or 0, an index an i32.
 * Not here: names and addresses (scopes.ts), statements (statements.ts), the walk over launches (tape.ts).
 */
import { add, ramp, splat } from '../../kernel/build.ts'
import type { BinaryFn, Expr, Kernel } from '../../kernel/ir.ts'
import { opcode as op, valueType } from './encode.ts'
import { ELEMENT_SHIFT, FunctionWriter, LANES, localType } from './scopes.ts'
import { binaryWords, compareWords, convertWords, type Spelling, unaryWords, uniformShift } from './words.ts'

export interface EmitOptions {
  /** Whether the engine has `f32x4.relaxed_madd`. */
  readonly relaxed: boolean
  /** The function `(a, b) → a / b` as kernel/ir.ts defines it for i32. */
  readonly divide: number
}

function unsupported(expr: Expr): never {
  const fn = 'fn' in expr ? ` ${expr.fn}` : ''
  throw new Error(
    `wasm: cannot spell ${expr.op}${fn} of ${expr.type} with ${expr.lanes} lanes (expected 1 or ${LANES})`,
  )
}

/** Writes expressions of one kernel into its function. */
export class KernelWriter extends FunctionWriter {
  readonly #options: EmitOptions

  constructor(kernel: Kernel, options: EmitOptions) {
    super(kernel)
    this.#options = options
  }

  protected override compute(expr: Expr): void {
    if (expr.lanes !== 1 && expr.lanes !== LANES) unsupported(expr)
    switch (expr.op) {
      case 'const':
        return this.#constant(expr)
      case 'var':
        this.code.get(this.variable(expr.name).local)
        return
      case 'unary':
        this.value(expr.a)
        return this.#word(expr, unaryWords[expr.type][expr.fn])
      case 'binary':
        return this.#binary(expr)
      case 'fma':
        return this.#fma(expr)
      case 'compare':
        this.value(expr.a)
        this.value(expr.b)
        return this.#word(expr, compareWords[expr.a.type][expr.fn])
      case 'select':
        this.value(expr.a)
        this.value(expr.b)
        this.value(expr.mask)
        this.code.op(expr.lanes === 1 ? op.select : op.v128Bitselect)
        return
      case 'convert':
        this.value(expr.a)
        return this.#word(expr, convertWords[expr.fn])
      case 'splat':
        return this.#splat(expr)
      case 'ramp':
        if (expr.lanes === 1) this.code.i32(0)
        else this.code.vector([0, 1, 2, 3], 'i32')
        return
      case 'load':
        return this.#load(expr)
      case 'gather':
        return this.#gather(expr)
      case 'pick':
        this.value(expr.a)
        this.value(expr.b)
        this.code.op(op.shuffle, ...bytesOf(expr.order))
        return
      case 'reduceLanes':
        return this.#reduceLanes(expr)
    }
  }

  #constant(expr: Expr & { op: 'const' }): void {
    const { type, lanes, value } = expr
    if (lanes === LANES) {
      const word = type === 'mask' ? -value : value
      this.code.vector([word, word, word, word], type === 'f32' ? 'f32' : 'i32')
    } else if (type === 'f32') this.code.f32(value)
    else this.code.i32(value)
  }

  /** The instruction, or the named sequence, for operands that are on the stack. */
  #word(expr: Expr, spelling: Spelling): void {
    if (!spelling) unsupported(expr)
    const word = expr.lanes === 1 ? spelling.scalar : spelling.vector
    if (typeof word !== 'string') {
      this.code.op(word)
      return
    }
    const code = this.code
    switch (word) {
      case 'same':
        return
      case 'nonzero':
        if (expr.lanes === 1) code.i32(0).op(op.i32Ne)
        else code.vector([0, 0, 0, 0], 'i32').op(op.i32x4Ne)
        return
      case 'neg32':
        code.i32(-1).op(op.i32Mul)
        return
      case 'abs32': {
        // (x ^ s) - s with s = x >> 31, which leaves the least integer as it is.
        const x = this.body.local(valueType.i32)
        const sign = this.body.local(valueType.i32)
        code.tee(x).get(x).i32(31).op(op.i32ShrS).tee(sign).op(op.i32Xor).get(sign).op(op.i32Sub)
        return
      }
      case 'divide':
        code.op(op.call, this.#options.divide)
        return
      case 'choose': {
        const a = this.body.local(valueType.i32)
        const b = this.body.local(valueType.i32)
        code.set(b).tee(a).get(b).get(a).get(b)
        code.op('fn' in expr && expr.fn === 'min' ? op.i32LtS : op.i32GtS).op(op.select)
        return
      }
      case 'lanes':
        return unsupported(expr)
    }
  }

  #binary(expr: Expr & { op: 'binary' }): void {
    const { fn, a, b, lanes } = expr
    const spelling: { readonly vector: unknown } | null = binaryWords[expr.type][fn]
    if (lanes === LANES && spelling?.vector === 'lanes') return this.#binaryByLane(expr)
    this.value(a)
    this.value(b)
    if (fn === 'div' && a.type === 'i32' && b.op === 'const' && b.value !== 0 && b.value !== -1)
      this.code.op(op.i32DivS)
    else this.#word(expr, binaryWords[expr.type][fn])
  }

  /** A vector operation that WebAssembly has for scalars only, or with one count for all lanes. */
  #binaryByLane(expr: Expr & { op: 'binary' }): void {
    const { fn, a, b } = expr
    if (expr.type !== 'i32') unsupported(expr)
    const shift = uniformShift[fn]
    if (shift && (b.op === 'const' || b.op === 'splat')) {
      this.value(a)
      if (b.op === 'const') this.code.i32(b.value)
      else this.value(b.a)
      this.code.op(shift)
      return
    }
    const [left, right] = [this.#toLocal(a), this.#toLocal(b)]
    const scalar = scalarOf(fn)
    this.code.vector([0, 0, 0, 0], 'i32')
    for (let lane = 0; lane < LANES; lane++) {
      this.code.get(left).op(op.i32x4Extract, lane).get(right).op(op.i32x4Extract, lane)
      if (scalar) this.code.op(scalar)
      else this.code.op(op.call, this.#options.divide)
      this.code.op(op.i32x4Replace, lane)
    }
  }

  #fma(expr: Expr & { op: 'fma' }): void {
    const { a, b, c, lanes } = expr
    if (lanes === LANES && this.#options.relaxed) {
      for (const operand of [a, b, c]) this.value(operand)
      this.code.op(op.f32x4RelaxedMadd)
      return
    }
    this.value(a)
    this.value(b)
    this.code.op(lanes === 1 ? op.f32Mul : op.f32x4Mul)
    this.value(c)
    this.code.op(lanes === 1 ? op.f32Add : op.f32x4Add)
  }

  #splat(expr: Expr & { op: 'splat' }): void {
    const { a } = expr
    if (expr.lanes === 1) return this.value(a)
    if (a.op === 'load' && !a.valid && !this.isShared(a)) {
      const offset = this.address(a.buffer, a.index)
      this.code.memory(op.v128Load32Splat, offset)
      return
    }
    this.value(a)
    if (a.type === 'mask') this.code.i32(-1).op(op.i32Mul)
    this.code.op(a.type === 'f32' ? op.f32x4Splat : op.i32x4Splat)
  }

  #load(expr: Expr & { op: 'load' }): void {
    const read = (): void => {
      const offset = this.address(expr.buffer, expr.index)
      if (expr.lanes === LANES) this.code.memory(op.v128Load, offset)
      else this.code.memory(expr.type === 'f32' ? op.f32Load : op.i32Load, offset)
    }
    if (!expr.valid) return read()
    if (expr.valid.lanes > 1) return this.#maskedLoad(expr, expr.valid)
    this.value(expr.valid)
    this.code.block('if', localType(expr.type, expr.lanes))
    this.openScope()
    read()
    this.closeScope()
    this.code.op(op.else)
    this.#constant({ op: 'const', type: expr.type, lanes: expr.lanes, value: 0 })
    this.code.end()
  }

  /** One load where all lanes are valid, else lane by lane. */
  #maskedLoad(expr: Expr & { op: 'load' }, mask: Expr): void {
    const code = this.code
    const valid = this.#toLocal(mask)
    const result = this.body.local(valueType.v128)
    code.get(valid).op(op.i32x4AllTrue).block('if')
    this.openScope()
    code.memory(op.v128Load, this.address(expr.buffer, expr.index)).set(result)
    this.closeScope()
    code.op(op.else)
    this.openScope()
    const first: Expr = { op: 'convert', fn: 'indexToI32', type: 'i32', lanes: 1, a: expr.index }
    const at = this.laneAddresses(expr.buffer, add(splat(first, LANES), ramp(LANES)))
    this.#loadValidLanes(at, valid, result)
    this.closeScope()
    code.end()
    code.get(result)
  }

  /** The elements at the addresses of the lanes where `valid` holds, 0 in the others. */
  #loadValidLanes(at: number, valid: number, result: number): void {
    this.code.vector([0, 0, 0, 0], 'i32').set(result)
    for (let lane = 0; lane < LANES; lane++) {
      this.code.get(valid).op(op.i32x4Extract, lane).block('if')
      this.#loadLane(at, result, lane)
      this.code.end()
    }
  }

  #loadLane(at: number, result: number, lane: number): void {
    this.code.get(at).op(op.i32x4Extract, lane).get(result).memory(op.v128Load32Lane, 0).op([lane]).set(result)
  }

  #gather(expr: Expr & { op: 'gather' }): void {
    if (expr.lanes === 1) {
      const index: Expr = { op: 'convert', fn: 'i32ToIndex', type: 'index', lanes: 1, a: expr.index }
      return this.#load({
        op: 'load',
        type: expr.type,
        lanes: 1,
        buffer: expr.buffer,
        index,
        ...(expr.valid && { valid: expr.valid }),
      })
    }
    const code = this.code
    const at = this.laneAddresses(expr.buffer, expr.index)
    const result = this.body.local(valueType.v128)
    const loadAll = (): void => {
      code.get(at).op(op.i32x4Extract, 0).memory(op.v128Load32Zero, 0).set(result)
      for (let lane = 1; lane < LANES; lane++) this.#loadLane(at, result, lane)
    }
    if (!expr.valid) loadAll()
    else {
      const valid = this.#toLocal(expr.valid)
      code.get(valid).op(op.i32x4AllTrue).block('if')
      loadAll()
      code.op(op.else)
      this.#loadValidLanes(at, valid, result)
      code.end()
    }
    code.get(result)
  }

  /** A local with the addresses of the elements at `index`, a vector. */
  laneAddresses(buffer: string, index: Expr): number {
    this.value(index)
    const local = this.body.local(valueType.v128)
    this.code
      .i32(ELEMENT_SHIFT)
      .op(op.i32x4Shl)
      .get(this.bufferBase(buffer))
      .op(op.i32x4Splat)
      .op(op.i32x4Add)
      .set(local)
    return local
  }

  /** Lanes i and i + 2 are combined, then the two that are left. */
  #reduceLanes(expr: Expr & { op: 'reduceLanes' }): void {
    const { a, fn } = expr
    if (a.lanes === 1) return this.value(a)
    const combine: Expr = { op: 'binary', fn, type: a.type, lanes: LANES, a, b: a }
    const local = this.#toLocal(a)
    for (const distance of [2, 1]) {
      const order = [0, 1, 2, 3].map((lane) => (lane + distance) % LANES)
      this.code
        .get(local)
        .get(local)
        .get(local)
        .op(op.shuffle, ...bytesOf(order))
      this.#word(combine, binaryWords[a.type][fn])
      this.code.set(local)
    }
    this.code.get(local).op(a.type === 'f32' ? op.f32x4Extract : op.i32x4Extract, 0)
  }

  #toLocal(expr: Expr): number {
    this.value(expr)
    const local = this.body.local(localType(expr.type, expr.lanes))
    this.code.set(local)
    return local
  }
}

/** Lanes of two vectors as the bytes that a shuffle counts. */
const bytesOf = (lanes: readonly number[]): number[] =>
  lanes.flatMap((lane) => [lane * 4, lane * 4 + 1, lane * 4 + 2, lane * 4 + 3])

function scalarOf(fn: BinaryFn): readonly number[] | undefined {
  const word: unknown = binaryWords.i32[fn]?.scalar
  return Array.isArray(word) ? word : undefined
}
