/**
 * The grammar of the loop-nest language, checked: every name, type, lane count, access and fixed address.
 *
 * It says whether a kernel means something, not whether it computes what was wanted. Addresses are
 * checked where they are sums of loop variables with constant bounds (addresses.ts); the rest is checked
 * while a kernel is interpreted. Run by tests and under DEBUG, not on a user's way.
 */
import { type Addresses, addressRange } from './addresses.ts'
import type { BinaryFn, Expr, Kernel, KernelBuffer, Stmt, Type } from './ir.ts'
import { operandsOf, printExpr, printStatements, typeName } from './print.ts'

interface Variable {
  readonly type: Type
  readonly lanes: number
  readonly mutable: boolean
}

interface Checker {
  readonly kernel: Kernel
  readonly buffers: ReadonlyMap<string, KernelBuffer>
  /** What is visible here. */
  readonly visible: Map<string, Variable>
  /** Every name of the kernel: none is used twice. */
  readonly names: Set<string>
  readonly addresses: Addresses
  /** Whether this place is reached on every run of the kernel. */
  certain: boolean
  fail(what: string): never
}

/** Throws an Error that names the kernel and the statement if `kernel` breaks a rule of ir.ts. */
export function verifyKernel(kernel: Kernel): void {
  let statement: Stmt | undefined
  const fail = (what: string): never => {
    const where = statement ? `\n  in: ${headOf(statement)}` : ''
    throw new Error(`kernel ${kernel.kind}: ${what}${where}`)
  }
  const checker: Checker = {
    kernel,
    fail,
    certain: true,
    buffers: checkBuffers(kernel, fail),
    visible: new Map([['task', { type: 'index', lanes: 1, mutable: false }]]),
    names: new Set(['task']),
    addresses: { ranges: new Map([['task', [0, kernel.tasks - 1]]]), names: new Map() },
  }
  checkBody(kernel.body, checker, (s) => {
    statement = s
  })
}

function headOf(statement: Stmt): string {
  const text = printStatements([statement])
    .split('\n')
    .filter((line) => !line.startsWith('%'))[0]
  return text.length > 200 ? `${text.slice(0, 200)} …` : text
}

const isCount = (n: number): boolean => Number.isSafeInteger(n) && n >= 0

function checkBuffers(kernel: Kernel, fail: (what: string) => never): Map<string, KernelBuffer> {
  if (!isCount(kernel.tasks)) fail(`tasks is ${kernel.tasks}, it must be a count`)
  if (!isCount(kernel.scratch)) fail(`scratch is ${kernel.scratch}, it must be a count of elements`)
  const buffers = new Map<string, KernelBuffer>()
  for (const buffer of kernel.buffers) {
    if (buffer.name === 'scratch' || buffer.name === 'scratchI')
      fail(`a buffer is named ${buffer.name}, which is the task's own memory`)
    if (buffers.has(buffer.name)) fail(`two buffers are named ${buffer.name}`)
    if (!isCount(buffer.length)) fail(`buffer ${buffer.name} has length ${buffer.length}, it must be a count`)
    buffers.set(buffer.name, buffer)
  }
  if (kernel.scratch > 0) {
    const [access, length] = ['readwrite', kernel.scratch] as const
    buffers.set('scratch', { name: 'scratch', type: 'f32', access, length })
    buffers.set('scratchI', { name: 'scratchI', type: 'i32', access, length })
  }
  return buffers
}

function checkBody(body: readonly Stmt[], c: Checker, at: (statement: Stmt) => void): void {
  const declared: string[] = []
  for (const statement of body) {
    at(statement)
    checkStatement(statement, c, declared, at)
  }
  for (const name of declared) c.visible.delete(name)
}

function declare(name: string, variable: Variable, c: Checker, declared: string[]): void {
  if (c.names.has(name)) c.fail(`${name} is defined twice`)
  if (c.buffers.has(name)) c.fail(`${name} is a variable and a buffer`)
  c.names.add(name)
  c.visible.set(name, variable)
  declared.push(name)
}

function checkStatement(statement: Stmt, c: Checker, declared: string[], at: (s: Stmt) => void): void {
  const known = new Set<Expr>()
  const value = (e: Expr): void => checkExpr(e, c, known)
  const typed = (e: Expr, what: string, type: Type): void => {
    value(e)
    if (e.type !== type || e.lanes !== 1) c.fail(`${what} is ${typeName(e.type, e.lanes)}, it must be ${type}`)
  }
  switch (statement.op) {
    case 'let':
    case 'mut':
      value(statement.value)
      declare(
        statement.name,
        { type: statement.value.type, lanes: statement.value.lanes, mutable: statement.op === 'mut' },
        c,
        declared,
      )
      if (statement.op === 'let' && statement.value.type === 'index')
        c.addresses.names.set(statement.name, statement.value)
      return
    case 'set': {
      value(statement.value)
      const { type, lanes } = statement.value
      const variable = c.visible.get(statement.name) ?? c.fail(`set of ${statement.name}, which is not defined here`)
      if (!variable.mutable) c.fail(`set of ${statement.name}, which is not a mut`)
      if (variable.type !== type || variable.lanes !== lanes) {
        c.fail(`set of ${statement.name}, a ${typeName(variable.type, variable.lanes)}, to a ${typeName(type, lanes)}`)
      }
      return
    }
    case 'store':
    case 'scatter': {
      value(statement.index)
      value(statement.value)
      const buffer = c.buffers.get(statement.buffer) ?? c.fail(`${statement.op} to unknown buffer ${statement.buffer}`)
      if (buffer.access === 'read') c.fail(`${statement.op} to ${buffer.name}, which is read-only`)
      if (buffer.type !== statement.value.type) {
        c.fail(
          `${statement.op} of ${typeName(statement.value.type, statement.value.lanes)} to ${buffer.name}, which holds ${buffer.type}`,
        )
      }
      checkPlace(statement.op, buffer, statement.index, statement.value.lanes, statement.op === 'scatter', false, c)
      return
    }
    case 'for':
      typed(statement.from, `the start of loop ${statement.name}`, 'index')
      typed(statement.to, `the end of loop ${statement.name}`, 'index')
      if (!Number.isSafeInteger(statement.step) || statement.step <= 0)
        c.fail(`loop ${statement.name} has step ${statement.step}, it must be a positive integer`)
      checkLoop(statement, c, at)
      return
    case 'while':
      typed(statement.condition, 'the condition', 'mask')
      maybe(c, () => checkBody(statement.body, c, at))
      return
    case 'if':
      typed(statement.condition, 'the condition', 'mask')
      maybe(c, () => {
        checkBody(statement.then, c, at)
        checkBody(statement.else ?? [], c, at)
      })
      return
    default:
      c.fail(`there is no statement ${(statement as Stmt).op}`)
  }
}

/** What runs inside is not reached on every run. */
function maybe(c: Checker, inside: () => void): void {
  const before = c.certain
  c.certain = false
  inside()
  c.certain = before
}

function checkLoop(loop: Stmt & { op: 'for' }, c: Checker, at: (s: Stmt) => void): void {
  const scope: string[] = []
  declare(loop.name, { type: 'index', lanes: 1, mutable: false }, c, scope)
  if (loop.from.op === 'const' && loop.to.op === 'const' && loop.from.value < loop.to.value) {
    const turns = Math.ceil((loop.to.value - loop.from.value) / loop.step)
    c.addresses.ranges.set(loop.name, [loop.from.value, loop.from.value + (turns - 1) * loop.step])
    checkBody(loop.body, c, at)
  } else {
    maybe(c, () => checkBody(loop.body, c, at))
  }
  c.visible.delete(loop.name)
}

function checkPlace(
  what: string,
  buffer: KernelBuffer,
  index: Expr,
  lanes: number,
  lanewise: boolean,
  guarded: boolean,
  c: Checker,
): void {
  if (lanewise) {
    if (index.type !== 'i32' || index.lanes !== lanes)
      c.fail(`${what} of ${buffer.name} at ${typeName(index.type, index.lanes)}, it must be ${typeName('i32', lanes)}`)
    return
  }
  if (index.type !== 'index' || index.lanes !== 1)
    c.fail(`${what} of ${buffer.name} at ${typeName(index.type, index.lanes)}, it must be an index`)
  if (guarded || !c.certain || c.kernel.tasks === 0) return
  const range = addressRange(index, c.addresses)
  if (range && (range[0] < 0 || range[1] + lanes > buffer.length)) {
    c.fail(`${what} of ${buffer.name} reaches elements ${range[0]} to ${range[1] + lanes - 1}, it has ${buffer.length}`)
  }
}

const allowed: Record<Type, ReadonlySet<BinaryFn>> = {
  f32: new Set<BinaryFn>(['add', 'sub', 'mul', 'div', 'min', 'max']),
  i32: new Set<BinaryFn>(['add', 'sub', 'mul', 'div', 'min', 'max', 'and', 'or', 'xor', 'shl', 'shr', 'ushr']),
  index: new Set<BinaryFn>(['add', 'sub', 'mul', 'div', 'mod', 'min', 'max']),
  mask: new Set<BinaryFn>(['and', 'or']),
}

const conversions: Record<(Expr & { op: 'convert' })['fn'], readonly [from: Type, to: Type]> = {
  toF32: ['i32', 'f32'],
  toI32: ['f32', 'i32'],
  asF32: ['i32', 'f32'],
  asI32: ['f32', 'i32'],
  maskToI32: ['mask', 'i32'],
  i32ToMask: ['i32', 'mask'],
  indexToI32: ['index', 'i32'],
  i32ToIndex: ['i32', 'index'],
}

function checkExpr(expr: Expr, c: Checker, known: Set<Expr>): void {
  if (known.has(expr)) return
  known.add(expr)
  for (const operand of operandsOf(expr)) checkExpr(operand, c, known)
  const fail = (what: string): never => c.fail(`${what} (${shorten(printable(expr))})`)
  const { type, lanes } = expr
  if (!Number.isInteger(lanes) || lanes < 1 || (lanes & (lanes - 1)) !== 0)
    fail(`${lanes} lanes, it must be a power of two`)
  if (type === 'index' && lanes !== 1) fail(`an index of ${lanes} lanes, it must be a scalar`)
  const same = (e: Expr, t: Type, n: number, what: string): void => {
    if (e.type !== t || e.lanes !== n) fail(`${what} is ${typeName(e.type, e.lanes)}, it must be ${typeName(t, n)}`)
  }
  switch (expr.op) {
    case 'const':
      if (type === 'f32' ? !Object.is(Math.fround(expr.value), expr.value) : !Number.isSafeInteger(expr.value))
        fail(`${expr.value} is not a value of ${type}`)
      if (type === 'i32' && (expr.value | 0) !== expr.value) fail(`${expr.value} does not fit i32`)
      if (type === 'mask' && expr.value !== 0 && expr.value !== 1) fail(`a mask of ${expr.value}, it must be 0 or 1`)
      return
    case 'var': {
      const variable = c.visible.get(expr.name) ?? c.fail(`${expr.name} is not defined here`)
      if (variable.type !== type || variable.lanes !== lanes)
        fail(`${expr.name} is ${typeName(variable.type, variable.lanes)}, here it is read as ${typeName(type, lanes)}`)
      return
    }
    case 'unary': {
      same(expr.a, type, lanes, `operand of ${expr.fn}`)
      const ok =
        expr.fn === 'not'
          ? type === 'mask'
          : type === 'f32' || (type === 'i32' && (expr.fn === 'neg' || expr.fn === 'abs'))
      if (!ok) fail(`${expr.fn} of ${type}`)
      return
    }
    case 'binary':
      same(expr.a, type, lanes, `left operand of ${expr.fn}`)
      same(expr.b, type, lanes, `right operand of ${expr.fn}`)
      if (!allowed[type].has(expr.fn)) fail(`${expr.fn} of ${type}`)
      if (
        type === 'index' &&
        (expr.fn === 'div' || expr.fn === 'mod') &&
        !(expr.b.op === 'const' && expr.b.value > 0)
      ) {
        fail(`${expr.fn} of an index by what is not a positive constant`)
      }
      return
    case 'fma':
      if (type !== 'f32') fail(`fma of ${type}`)
      for (const e of [expr.a, expr.b, expr.c]) same(e, type, lanes, 'operand of fma')
      return
    case 'compare':
      if (type !== 'mask' || expr.a.type === 'mask') fail(`${expr.fn} of ${expr.a.type} giving ${type}`)
      same(expr.a, expr.a.type, lanes, `left operand of ${expr.fn}`)
      same(expr.b, expr.a.type, lanes, `right operand of ${expr.fn}`)
      return
    case 'select':
      same(expr.mask, 'mask', lanes, 'mask of select')
      same(expr.a, type, lanes, 'first choice of select')
      same(expr.b, type, lanes, 'second choice of select')
      return
    case 'convert': {
      const [from, to] = conversions[expr.fn]
      same(expr.a, from, lanes, `operand of ${expr.fn}`)
      if (type !== to) fail(`${expr.fn} giving ${type}, it must be ${to}`)
      return
    }
    case 'splat':
      if (type === 'index') fail('splat of an index')
      same(expr.a, type, 1, 'operand of splat')
      return
    case 'ramp':
      if (type !== 'i32') fail(`ramp of ${type}`)
      return
    case 'pick': {
      const from = expr.a.lanes
      if (type !== 'f32' && type !== 'i32') fail(`pick of ${type}`)
      if (lanes < 2 || (from !== lanes && from !== lanes / 2)) fail(`pick of ${lanes} lanes from twice ${from}`)
      if (expr.order.length !== lanes || !expr.order.every((k) => Number.isInteger(k) && k >= 0 && k < 2 * from))
        fail(`pick of ${lanes} lanes in the order ${expr.order}`)
      same(expr.a, type, from, 'first operand of pick')
      same(expr.b, type, from, 'second operand of pick')
      return
    }
    case 'reduceLanes':
      if (type !== 'f32' && type !== 'i32') fail(`reduceLanes of ${type}`)
      if (lanes !== 1) fail(`reduceLanes giving ${lanes} lanes`)
      same(expr.a, type, expr.a.lanes, 'operand of reduceLanes')
      return
    case 'load':
    case 'gather': {
      const buffer = c.buffers.get(expr.buffer) ?? c.fail(`${expr.op} from unknown buffer ${expr.buffer}`)
      if (buffer.access === 'write') fail(`${expr.op} from ${buffer.name}, which is write-only`)
      if (buffer.type !== type) fail(`${expr.op} of ${type} from ${buffer.name}, which holds ${buffer.type}`)
      if (expr.valid) {
        const one = expr.op === 'load' && expr.valid.lanes === 1
        same(expr.valid, 'mask', one ? 1 : lanes, `valid of ${expr.op}`)
      }
      checkPlace(expr.op, buffer, expr.index, lanes, expr.op === 'gather', expr.valid !== undefined, c)
      return
    }
    default:
      c.fail(`there is no expression ${(expr as Expr).op}`)
  }
}

/** Writing a deep shared expression out as a tree could take for ever. */
function printable(expr: Expr): string {
  return operandsOf(expr).every((e) => operandsOf(e).every((f) => operandsOf(f).length === 0))
    ? printExpr(expr)
    : expr.op
}

const shorten = (text: string): string => (text.length > 120 ? `${text.slice(0, 120)} …` : text)
