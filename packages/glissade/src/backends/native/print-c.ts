/**
 * Kernels as C: one static function per kernel, and a table of them for the loader.
 *
 * The spelling tables are typed by the function names of ir.ts, so the type checker lists what a new
 * one lacks. Nothing is optimized here: what the kernel says is what the C says; only a subexpression
 * that occurs twice in a statement (the same object) gets a name. Not here: the helpers that the
 * tables name (prelude.ts), compilers (toolchain.ts).
 */
import type { BinaryFn, CompareFn, ConvertFn, Expr, Kernel, Stmt, Type, UnaryFn } from '../../kernel/ir.ts'
import { prelude, vectorWidths } from './prelude.ts'

/** How a function is written for given operands; `n` is the suffix of helpers, such as `f16` or `i1`. */
type Spelling = (n: string, a: string, b: string) => string
type ByType = Partial<Record<Type, Spelling>>

const helper =
  (name: string): Spelling =>
  (n, a, b) =>
    b === '' ? `${name}_${n}(${a})` : `${name}_${n}(${a}, ${b})`
const infix =
  (operator: string): Spelling =>
  (_, a, b) =>
    `(${a} ${operator} ${b})`
const isScalar = (n: string): boolean => /^[fi]1$/.test(n)

const unaries = {
  neg: { f32: (_, a) => `(-${a})`, i32: (_, a) => `(-${a})` },
  abs: { f32: helper('abs'), i32: helper('abs') },
  sqrt: { f32: (n, a) => (isScalar(n) ? `__builtin_sqrtf(${a})` : `sqrt_${n}(${a})`) },
  floor: { f32: helper('floor') },
  round: { f32: helper('round') },
  not: { mask: (n, a) => (isScalar(n) ? `(!${a})` : `(~${a})`) },
} satisfies Record<UnaryFn, ByType>

const binaries = {
  add: { f32: infix('+'), i32: infix('+'), index: infix('+') },
  sub: { f32: infix('-'), i32: infix('-'), index: infix('-') },
  mul: { f32: infix('*'), i32: infix('*'), index: infix('*') },
  div: { f32: infix('/'), i32: helper('div'), index: infix('/') },
  mod: { index: infix('%') },
  min: { f32: helper('min'), i32: helper('min'), index: helper('min') },
  max: { f32: helper('max'), i32: helper('max'), index: helper('max') },
  and: { i32: infix('&'), mask: infix('&') },
  or: { i32: infix('|'), mask: infix('|') },
  xor: { i32: infix('^') },
  shl: { i32: infix('<<') },
  shr: { i32: infix('>>') },
  ushr: { i32: (n, a, b) => (isScalar(n) ? `((int)((unsigned)${a} >> ${b}))` : `shru_${n}(${a}, ${b})`) },
} satisfies Record<BinaryFn, ByType>

const compares = { lt: '<', le: '<=', eq: '==' } satisfies Record<CompareFn, string>

const conversions = {
  toF32: (n, a) => (n === 'f1' ? `((float)${a})` : `to_${n}(${a})`),
  toI32: helper('to'),
  asF32: (n, a) => (n === 'f1' ? `as_f1(${a})` : `((v${n})${a})`),
  asI32: (n, a) => (n === 'i1' ? `as_i1(${a})` : `((v${n})${a})`),
  maskToI32: (n, a) => (n === 'i1' ? a : `(-${a})`),
  i32ToMask: (_, a) => `(${a} != 0)`,
  indexToI32: (_, a) => `((int)${a})`,
  i32ToIndex: (_, a) => `((ix)${a})`,
} satisfies Record<ConvertFn, Spelling>

/** The suffix of helpers for values of this type: masks are kept in i32 lanes. */
const suffix = (type: Type, lanes: number): string =>
  type === 'index' ? 'ix' : `${type === 'f32' ? 'f' : 'i'}${lanes}`

const scalarTypes = { f32: 'float', i32: 'int', mask: 'int', index: 'ix' } satisfies Record<Type, string>

function typeName(type: Type, lanes: number): string {
  if (lanes === 1) return scalarTypes[type]
  if (!vectorWidths.includes(lanes)) throw new Error(`native: no vectors of ${lanes} lanes`)
  return `v${suffix(type, lanes)}`
}

function float(value: number): string {
  if (Number.isNaN(value)) return '__builtin_nanf("")'
  if (!Number.isFinite(value)) return value > 0 ? '__builtin_inff()' : '(-__builtin_inff())'
  const digits = Object.is(value, -0) ? '-0' : String(value)
  const text = `${digits}${/[.e]/.test(digits) ? '' : '.0'}f`
  return digits.startsWith('-') ? `(${text})` : text
}

function integer(value: number): string {
  if (value === -2147483648) return '(-2147483647 - 1)'
  return value < 0 ? `(${value})` : String(value)
}

function scalarConst(type: Type, value: number): string {
  if (type === 'f32') return float(value)
  if (type === 'i32') return integer(value)
  if (type === 'index') return `(ix)${integer(value)}`
  return value === 0 ? '0' : '1'
}

/** A scalar in every lane. Taking zero away, unlike adding it, leaves -0 as it is. */
function splat(type: Type, lanes: number, a: string): string {
  if (lanes === 1) return a
  const zero = `(${typeName(type, lanes)}){0}`
  return type === 'mask' ? `(${zero} - ${a})` : `(${a} - ${zero})`
}

const isNumber = (e: Expr): boolean =>
  (e.op === 'const' && !Number.isNaN(e.value)) || (e.op === 'splat' && isNumber(e.a))

/** Values that are shorter to write again than to name. */
const isLeaf = (e: Expr): boolean =>
  e.op === 'const' || e.op === 'var' || e.op === 'ramp' || ((e.op === 'splat' || e.op === 'convert') && isLeaf(e.a))

function operands(e: Expr): readonly Expr[] {
  switch (e.op) {
    case 'const':
    case 'var':
    case 'ramp':
      return []
    case 'binary':
    case 'compare':
    case 'pick':
      return [e.a, e.b]
    case 'fma':
      return [e.a, e.b, e.c]
    case 'select':
      return [e.mask, e.a, e.b]
    case 'load':
    case 'gather':
      return e.valid ? [e.index, e.valid] : [e.index]
    default:
      return [e.a]
  }
}

/** Writes statements line by line; names what a statement uses twice on lines before it. */
class Writer {
  readonly lines: string[] = []
  #indent = ''
  #uses = new Map<Expr, number>()
  #names = new Map<Expr, string>()
  #serial = 0

  block(body: readonly Stmt[]): void {
    const outer = this.#indent
    this.#indent = `${outer}  `
    for (const s of body) this.#statement(s)
    this.#indent = outer
  }

  #line(text: string): void {
    this.lines.push(this.#indent + text)
  }

  /** The expressions of one statement, which share names. */
  #texts(...expressions: readonly Expr[]): string[] {
    this.#uses = new Map()
    this.#names = new Map()
    for (const e of expressions) this.#count(e)
    return expressions.map((e) => this.#print(e))
  }

  #count(e: Expr): void {
    if (isLeaf(e)) return
    const uses = this.#uses.get(e) ?? 0
    this.#uses.set(e, uses + 1)
    if (uses === 0) for (const operand of operands(e)) this.#count(operand)
  }

  #print(e: Expr): string {
    const known = this.#names.get(e)
    if (known !== undefined) return known
    const text = this.#spell(e)
    if ((this.#uses.get(e) ?? 0) < 2) return text
    const name = `t${this.#serial++}`
    this.#names.set(e, name)
    this.#line(`const ${typeName(e.type, e.lanes)} ${name} = ${text};`)
    return name
  }

  #spell(e: Expr): string {
    const print = (operand: Expr): string => this.#print(operand)
    switch (e.op) {
      case 'const':
        return splat(e.type, e.lanes, scalarConst(e.type, e.value))
      case 'var':
        return e.name === 'task' ? 'task' : `v_${e.name}`
      case 'unary':
        return spellingOf(unaries[e.fn], e)(suffix(e.type, e.lanes), print(e.a), '')
      case 'binary':
        return this.#binary(e)
      case 'fma':
        return `fma_${suffix('f32', e.lanes)}(${print(e.a)}, ${print(e.b)}, ${print(e.c)})`
      case 'compare':
        return `(${print(e.a)} ${compares[e.fn]} ${print(e.b)})`
      case 'select': {
        const [m, a, b] = [print(e.mask), print(e.a), print(e.b)]
        return e.lanes === 1 ? `(${m} ? ${a} : ${b})` : `sel_${suffix(e.type, e.lanes)}(${m}, ${a}, ${b})`
      }
      case 'convert':
        return (conversions[e.fn] as Spelling)(suffix(e.type, e.lanes), print(e.a), '')
      case 'splat':
        return splat(e.type, e.lanes, print(e.a))
      case 'ramp':
        return e.lanes === 1 ? '0' : `(vi${e.lanes}){${Array.from({ length: e.lanes }, (_, k) => k).join(', ')}}`
      case 'load':
        return this.#load(e)
      case 'gather':
        return this.#gather(e)
      case 'pick':
        return this.#pick(e)
      case 'reduceLanes':
        return e.a.lanes === 1 ? print(e.a) : `all${e.fn}_${suffix(e.type, e.a.lanes)}(${print(e.a)})`
    }
  }

  #binary(e: Expr & { op: 'binary' }): string {
    const n = suffix(e.type, e.lanes)
    const [a, b] = [this.#print(e.a), this.#print(e.b)]
    if (e.type === 'f32' && e.lanes > 1 && (e.fn === 'min' || e.fn === 'max')) {
      // One instruction is enough where one side is known to be a number.
      if (isNumber(e.a)) return `${e.fn}b_${n}(${a}, ${b})`
      if (isNumber(e.b)) return `${e.fn}b_${n}(${b}, ${a})`
    }
    return spellingOf(binaries[e.fn], e)(n, a, b)
  }

  #load(e: Expr & { op: 'load' }): string {
    const at = `b_${e.buffer} + ${this.#print(e.index)}`
    const value = e.lanes === 1 ? `*(${at})` : `*(const u${suffix(e.type, e.lanes)} *)(${at})`
    if (!e.valid) return `(${value})`
    if (e.valid.lanes > 1) return `loadm_${suffix(e.type, e.lanes)}(${at}, ${this.#print(e.valid)})`
    const type = typeName(e.type, e.lanes)
    return `(${this.#print(e.valid)} ? (${type})${value} : (${type}){0})`
  }

  #pick(e: Expr & { op: 'pick' }): string {
    const { lanes, order } = e
    const n = suffix(e.type, lanes)
    const [a, b] = [this.#print(e.a), this.#print(e.b)]
    if (e.a.lanes === lanes) return `SHUFFLE(${lanes}, ${a}, ${b}, ${order.join(', ')})`
    const both = `join_${n}(${a}, ${b})`
    return `SHUFFLE(${lanes}, ${both}, (v${n}){0}, ${order.join(', ')})`
  }

  #gather(e: Expr & { op: 'gather' }): string {
    const at = this.#print(e.index)
    const valid = e.valid && this.#print(e.valid)
    if (e.lanes === 1) return valid === undefined ? `b_${e.buffer}[${at}]` : `(${valid} ? b_${e.buffer}[${at}] : 0)`
    const n = suffix(e.type, e.lanes)
    return valid === undefined ? `gather_${n}(b_${e.buffer}, ${at})` : `gatherm_${n}(b_${e.buffer}, ${at}, ${valid})`
  }

  #statement(s: Stmt): void {
    switch (s.op) {
      case 'let':
      case 'mut': {
        const [value] = this.#texts(s.value)
        this.#line(`${s.op === 'let' ? 'const ' : ''}${typeName(s.value.type, s.value.lanes)} v_${s.name} = ${value};`)
        return
      }
      case 'set':
        this.#line(`v_${s.name} = ${this.#texts(s.value)[0]};`)
        return
      case 'store': {
        const [at, value] = this.#texts(s.index, s.value)
        const { type, lanes } = s.value
        const place = lanes === 1 ? '' : `(u${suffix(type, lanes)} *)`
        this.#line(`*${place}(b_${s.buffer} + ${at}) = ${value};`)
        return
      }
      case 'scatter': {
        const [at, value] = this.#texts(s.index, s.value)
        const { type, lanes } = s.value
        const place = `b_${s.buffer}`
        this.#line(
          lanes === 1 ? `${place}[${at}] = ${value};` : `scatter_${suffix(type, lanes)}(${place}, ${at}, ${value});`,
        )
        return
      }
      case 'for': {
        const [from, to] = this.#texts(s.from, s.to)
        const i = `v_${s.name}`
        this.#line(`for (ix ${i} = ${from}, end_${s.name} = ${to}; ${i} < end_${s.name}; ${i} += ${s.step}) {`)
        this.block(s.body)
        this.#line('}')
        return
      }
      case 'while': {
        this.#line('for (;;) {')
        this.#indent += '  '
        this.#line(`if (!(${this.#texts(s.condition)[0]})) break;`)
        this.#indent = this.#indent.slice(2)
        this.block(s.body)
        this.#line('}')
        return
      }
      case 'if':
        this.#line(`if (${this.#texts(s.condition)[0]}) {`)
        this.block(s.then)
        if (s.else && s.else.length > 0) {
          this.#line('} else {')
          this.block(s.else)
        }
        this.#line('}')
    }
  }
}

function spellingOf(table: ByType, e: Expr & { readonly fn: string }): Spelling {
  const spelling = table[e.type]
  if (!spelling) throw new Error(`native: no ${e.fn} of ${e.type}`)
  return spelling
}

/** The body of a kernel, without its name: equal texts are equal kernels. */
export function printKernel(kernel: Kernel): string {
  const writer = new Writer()
  const out = ['(char *const *b, ix task, void *scratch) {']
  kernel.buffers.forEach(({ name, type, access }, k) => {
    const to = `${access === 'read' ? 'const ' : ''}${scalarTypes[type]}`
    out.push(`  ${to} *const b_${name} = (${to} *)b[${k}];`)
  })
  if (kernel.scratch > 0) {
    out.push('  float *const b_scratch = (float *)scratch;', '  int *const b_scratchI = (int *)scratch;')
  }
  writer.block(kernel.body)
  return [...out, ...writer.lines, '}'].join('\n')
}

/** The widest vector in a kernel's text. */
function widest(text: string): number {
  let lanes = 1
  for (const match of text.matchAll(/\b[uv][fi](\d+)\b/g)) lanes = Math.max(lanes, Number(match[1]))
  return lanes
}

/** More distinct constants in vectors than this do not fit in registers beside the sums of a product. */
const constantsInRegisters = 16

/** Whether a kernel's text has many constants, as an erf or some exponentials have. */
function hasManyConstants(text: string): boolean {
  const constants = new Set<string>()
  for (const [, value] of text.matchAll(/\(\(?(-?[\d.e+-]+f)\)? - \(vf\d+\)/g)) constants.add(value)
  return constants.size > constantsInRegisters
}

/** The name under which a program's table of functions is exported. */
export const tableSymbol = 'glissade_table'

/** A whole source file: the prelude, the kernels, and a function that writes their addresses. */
export function printProgram(kernels: readonly string[]): string {
  const functions = kernels.map((text, k) => `static void ${hasManyConstants(text) ? 'NO_HOIST ' : ''}k${k}${text}\n`)
  const entries = kernels.map((_, k) => `  out[${k}] = (unsigned long long)&k${k};\n`)
  const table = `void ${tableSymbol}(unsigned long long *out) {\n${entries.join('')}}\n`
  return `${prelude(Math.max(1, ...kernels.map(widest)))}\n${functions.join('\n')}\n${table}`
}
