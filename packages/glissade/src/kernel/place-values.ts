/**
 * Numbers values for place.ts: equal expressions get one number, wherever they stand.
 *
 * Two expressions are the same value if they compute the same thing from the same state. So a `mut` counts
 * as a new variable after each `set`, at the start of a loop that sets it, and after that loop; the memory
 * of a written buffer likewise after each store. What a value is: place-model.ts; sums of indices are put
 * in order by place-index.ts; places are chosen in place.ts.
 */
import type { Expr, KernelBuffer, Stmt, Type } from './ir.ts'
import { linearOf, sumInOrder } from './place-index.ts'
import { type Block, dependsOnState, type Linear, onGuard, onMemory, onVariable, use, type Value } from './place-model.ts'

export interface Numbered {
  readonly root: Block
  /** Operands before their users. */
  readonly values: readonly Value[]
  /** All names that the statements define. */
  readonly taken: ReadonlySet<string>
}

export function numberValues(body: readonly Stmt[], buffers: readonly KernelBuffer[]): Numbered {
  const numbering = new Numbering(body, buffers)
  numbering.run()
  return { root: numbering.root, values: numbering.values, taken: numbering.taken }
}

/** What the code of a loop or branch changes. */
interface Effects {
  readonly variables: Set<string>
  readonly memories: Set<Memory>
}

/** The state of a buffer between two stores. */
interface Memory {
  readonly changes: boolean
  state: number
  limit: Block
}

const opNumbers: Record<Expr['op'], number> = {
  const: 0, var: 1, unary: 2, binary: 3, fma: 4, compare: 5, select: 6, convert: 7, splat: 8, ramp: 9, load: 10, gather: 11, reduceLanes: 12,
}
const typeNumbers: Record<Type, number> = { f32: 0, i32: 1, mask: 2, index: 3 }
const fnNumbers: Record<string, number> = {}
for (const fn of [
  'neg', 'abs', 'sqrt', 'floor', 'round', 'not', 'add', 'sub', 'mul', 'div', 'mod', 'min', 'max', 'and', 'or', 'xor', 'shl', 'shr', 'ushr',
  'lt', 'le', 'eq', 'toF32', 'toI32', 'asF32', 'asI32', 'maskToI32', 'i32ToMask', 'indexToI32', 'i32ToIndex',
]) fnNumbers[fn] = Object.keys(fnNumbers).length + 1

/** Functions whose operands may change places without changing a bit of the result (but a NaN's payload). */
const commutative = new Set(['add', 'mul', 'and', 'or', 'xor', 'eq'])

const none = -1

class Numbering {
  readonly root: Block
  readonly values: Value[] = []
  readonly taken = new Set(['task'])
  #blocks = 0
  #states = 0
  #block: Block
  #names = new Map<string, Value>()
  #memories = new Map<string, Memory>()
  #constants = new Map<number, Map<number, Value>>()
  /** Values by operator, operands and state. */
  #table = new Map<number, { keys: readonly number[]; value: Value }[]>()
  /** Values of expression objects: for good, until the guard changes, until the state changes. */
  #known = new Map<Expr, Value>()
  #knownHere = new Map<Expr, Value>()
  #knownNow = new Map<Expr, Value>()
  #effects = new Map<readonly Stmt[], Effects>()

  constructor(body: readonly Stmt[], buffers: readonly KernelBuffer[]) {
    this.root = this.#newBlock(body, undefined, 0, 0, true)
    this.#block = this.root
    for (const { name, access } of buffers) this.#memories.set(name, this.#newMemory(access !== 'read'))
    // One memory under two names.
    const scratch = this.#newMemory(true)
    this.#memories.set('scratch', scratch).set('scratchI', scratch)
    this.#names.set('task', this.#leaf({ op: 'var', type: 'index', lanes: 1, name: 'task' }, 0))
  }

  run(): void {
    this.#statements(this.root)
  }

  #newBlock(statements: readonly Stmt[], parent: Block | undefined, at: number, loops: number, certain: boolean, insertable = true): Block {
    const block: Block = {
      number: this.#blocks++, parent, at, depth: parent ? parent.depth + 1 : 0, loops,
      guard: undefined as unknown as Block, insertable, statements, roots: [], inner: [], inserted: new Map(),
    }
    return Object.assign(block, { guard: certain && parent ? parent.guard : block })
  }

  #newMemory(changes: boolean): Memory {
    return { changes, state: this.#states++, limit: this.root }
  }

  #statements(block: Block): void {
    this.#block = block
    block.statements.forEach((statement, i) => {
      this.#block = block
      const inner: Block[] = []
      block.inner.push(inner)
      block.roots.push(this.#statement(statement, block, i, inner))
    })
  }

  /** Numbers one statement; returns the values that it evaluates itself. */
  #statement(statement: Stmt, block: Block, i: number, inner: Block[]): Value[] {
    switch (statement.op) {
      case 'let': {
        const value = this.value(statement.value)
        this.taken.add(statement.name)
        this.#names.set(statement.name, value)
        // A variable that changes has its value of now under the new name; what never changes needs none.
        if (value.operands.length > 0 || value.depends !== 0) {
          value.name ??= statement.name
          use(value, block, i, 0)
        }
        return []
      }
      case 'mut':
      case 'set': {
        const value = this.value(statement.value)
        use(value, block, i)
        this.taken.add(statement.name)
        this.#changeVariable(statement.name, value.expr.type, value.expr.lanes)
        return [value]
      }
      case 'store':
      case 'scatter': {
        const roots = [this.value(statement.index), this.value(statement.value)]
        for (const root of roots) use(root, block, i)
        this.#changeMemory(this.#memory(statement.buffer))
        return roots
      }
      case 'for': {
        const roots = [this.value(statement.from), this.value(statement.to)]
        for (const root of roots) use(root, block, i)
        const effects = this.#effectsOf(statement.body)
        const body = this.#newBlock(statement.body, block, i, block.loops + 1, turns(roots[0], roots[1]))
        inner.push(body)
        this.#enter(body)
        this.#apply(effects)
        this.taken.add(statement.name)
        this.#names.set(statement.name, this.#leaf({ op: 'var', type: 'index', lanes: 1, name: statement.name }, 0))
        this.#statements(body)
        this.#enter(block)
        this.#apply(effects)
        return roots
      }
      case 'while': {
        // The condition is computed before each turn: its own block, where nothing can be defined.
        const effects = this.#effectsOf(statement.body)
        const head = this.#newBlock([], block, i, block.loops + 1, true, false)
        this.#enter(head)
        this.#apply(effects)
        const condition = this.value(statement.condition)
        use(condition, head, 0)
        const body = this.#newBlock(statement.body, block, i, block.loops + 1, false)
        inner.push(body)
        this.#enter(body)
        this.#apply(effects)
        this.#statements(body)
        this.#enter(block)
        this.#apply(effects)
        return [condition]
      }
      case 'if': {
        const condition = this.value(statement.condition)
        use(condition, block, i)
        const branches = statement.else ? [statement.then, statement.else] : [statement.then]
        for (const branch of branches) {
          const { variables, memories } = this.#effectsOf(branch)
          const before = [...variables].map((name) => [name, this.#names.get(name)] as const)
          const states = [...memories].map((memory) => [memory, { ...memory }] as const)
          const body = this.#newBlock(branch, block, i, block.loops, false)
          inner.push(body)
          this.#enter(body)
          this.#statements(body)
          // The other branch starts from the same state.
          for (const [name, value] of before) if (value) this.#names.set(name, value)
          for (const [memory, state] of states) Object.assign(memory, state)
        }
        this.#enter(block)
        for (const branch of branches) this.#apply(this.#effectsOf(branch))
        return [condition]
      }
    }
  }

  #enter(block: Block): void {
    this.#block = block
    this.#knownHere.clear()
    this.#knownNow.clear()
  }

  #changeVariable(name: string, type: Type, lanes: number): void {
    this.#names.set(name, this.#leaf({ op: 'var', type, lanes, name }, onVariable))
    this.#knownNow.clear()
  }

  #changeMemory(memory: Memory): void {
    memory.state = this.#states++
    memory.limit = this.#block
    this.#knownNow.clear()
  }

  /** All that `effects` may have changed is unknown from here on. */
  #apply(effects: Effects): void {
    for (const name of effects.variables) {
      const value = this.#names.get(name)
      if (value) this.#changeVariable(name, value.expr.type, value.expr.lanes)
    }
    for (const memory of effects.memories) this.#changeMemory(memory)
  }

  #effectsOf(body: readonly Stmt[]): Effects {
    const known = this.#effects.get(body)
    if (known) return known
    const effects: Effects = { variables: new Set(), memories: new Set() }
    const join = (inner: readonly Stmt[]): void => {
      const { variables, memories } = this.#effectsOf(inner)
      for (const name of variables) effects.variables.add(name)
      for (const memory of memories) effects.memories.add(memory)
    }
    for (const statement of body) {
      if (statement.op === 'set') effects.variables.add(statement.name)
      if (statement.op === 'store' || statement.op === 'scatter') effects.memories.add(this.#memory(statement.buffer))
      if (statement.op === 'for' || statement.op === 'while') join(statement.body)
      if (statement.op === 'if') {
        join(statement.then)
        join(statement.else ?? [])
      }
    }
    this.#effects.set(body, effects)
    return effects
  }

  #memory(buffer: string): Memory {
    const memory = this.#memories.get(buffer)
    if (!memory) throw new Error(`place: unknown buffer ${buffer}`)
    return memory
  }

  /** The value of `expr` here and now. */
  value(expr: Expr): Value {
    const known = this.#known.get(expr) ?? this.#knownHere.get(expr) ?? this.#knownNow.get(expr)
    if (known) return known
    const value = this.#number(expr)
    const memo = dependsOnState(value) ? this.#knownNow : value.depends !== 0 ? this.#knownHere : this.#known
    memo.set(expr, value)
    return value
  }

  #number(expr: Expr): Value {
    switch (expr.op) {
      case 'const': return this.#constant(expr)
      case 'var': {
        const value = this.#names.get(expr.name)
        if (!value) throw new Error(`place: unknown variable ${expr.name}`)
        return value
      }
      case 'ramp': return this.#node(expr, [])
      case 'unary':
      case 'convert':
      case 'splat':
      case 'reduceLanes': return this.#node(expr, [this.value(expr.a)])
      case 'binary': {
        const a = this.value(expr.a)
        const b = this.value(expr.b)
        return expr.type === 'index' ? this.index(expr.fn, a, b) : this.#node(expr, [a, b])
      }
      case 'compare': return this.#node(expr, [this.value(expr.a), this.value(expr.b)])
      case 'fma': return this.#node(expr, [this.value(expr.a), this.value(expr.b), this.value(expr.c)])
      case 'select': return this.#node(expr, [this.value(expr.mask), this.value(expr.a), this.value(expr.b)])
      case 'load':
      case 'gather': return this.#read(expr)
    }
  }

  /** Index arithmetic: sums are brought into one order, the rest is as any operator. */
  index(fn: (Expr & { op: 'binary' })['fn'], a: Value, b: Value): Value {
    const linear = linearOf(fn, a, b)
    return linear ? sumInOrder(linear, this) : this.indexNode(fn, a, b, undefined)
  }

  indexConstant(value: number): Value {
    return this.#constant({ op: 'const', type: 'index', lanes: 1, value })
  }

  indexNode(fn: (Expr & { op: 'binary' })['fn'], a: Value, b: Value, linear: Linear | undefined): Value {
    const shape: Expr = { op: 'binary', type: 'index', lanes: 1, fn, a: nothing, b: nothing }
    return this.#node(shape, [a, b], linear)
  }

  #constant(expr: Expr & { op: 'const' }): Value {
    const kind = shapeOf(expr, Object.is(expr.value, -0) ? 1 : 0)
    let constants = this.#constants.get(kind)
    if (!constants) this.#constants.set(kind, (constants = new Map()))
    let value = constants.get(expr.value)
    if (!value) constants.set(expr.value, (value = this.#create(expr, [], this.root, 0, true, expr.type === 'index' ? { terms: [], constant: expr.value } : undefined)))
    return value
  }

  #leaf(expr: Expr & { op: 'var' }, depends: number): Value {
    return this.#create(expr, [], this.#block, depends, true, undefined)
  }

  #node(expr: Expr, operands: Value[], linear?: Linear): Value {
    const fn = 'fn' in expr ? expr.fn : ''
    const [a, b, c] = [operands[0]?.number ?? none, operands[1]?.number ?? none, operands[2]?.number ?? none]
    const swap = b < a && (commutative.has(fn) || expr.op === 'fma')
    const shape = shapeOf(expr, fnNumbers[fn] ?? 0)
    return this.#find(shape, swap ? b : a, swap ? a : b, c, none, () => {
      let limit = this.root
      let depends = 0
      for (const operand of operands) {
        if (operand.limit.depth > limit.depth) limit = operand.limit
        depends |= operand.depends
      }
      return this.#create(expr, operands, limit, depends, isCheap(expr, operands), linear)
    })
  }

  #read(expr: Expr & { op: 'load' | 'gather' }): Value {
    const operands = [this.value(expr.index)]
    if (expr.valid) operands.push(this.value(expr.valid))
    const memory = this.#memory(expr.buffer)
    const shape = shapeOf(expr, 0)
    const keys = [operands[0].number, operands[1]?.number ?? none, memory.state] as const
    const guard = this.#block.guard
    // The same load under an outer guard has run already; one under an inner guard may not have.
    for (let outer: Block | undefined = guard.parent?.guard; outer; outer = outer.parent?.guard) {
      const earlier = this.#lookup(shape, ...keys, outer.number)
      if (earlier) return earlier
    }
    return this.#find(shape, ...keys, guard.number, () => {
      let limit = guard.depth > memory.limit.depth ? guard : memory.limit
      let depends = memory.changes ? onGuard | onMemory : onGuard
      for (const operand of operands) {
        if (operand.limit.depth > limit.depth) limit = operand.limit
        depends |= operand.depends
      }
      return this.#create(expr, operands, limit, depends, false, undefined)
    })
  }

  #lookup(shape: number, a: number, b: number, c: number, d: number): Value | undefined {
    return this.#table.get(hash(shape, a, b, c, d))?.find(({ keys: k }) => k[0] === shape && k[1] === a && k[2] === b && k[3] === c && k[4] === d)?.value
  }

  #find(shape: number, a: number, b: number, c: number, d: number, create: () => Value): Value {
    const known = this.#lookup(shape, a, b, c, d)
    if (known) return known
    const value = create()
    const code = hash(shape, a, b, c, d)
    const entry = { keys: [shape, a, b, c, d], value }
    const bucket = this.#table.get(code)
    if (bucket) bucket.push(entry)
    else this.#table.set(code, [entry])
    return value
  }

  #create(expr: Expr, operands: readonly Value[], limit: Block, depends: number, cheap: boolean, linear: Linear | undefined): Value {
    const value: Value = {
      number: this.values.length, expr, operands, limit, cheap, depends, linear,
      name: undefined, uses: 0, site: undefined, named: false, written: undefined,
    }
    this.values.push(value)
    return value
  }
}

/** Stands for operands that are given apart. */
const nothing: Expr = { op: 'const', type: 'index', lanes: 1, value: 0 }

/** Operator, type, lanes and function in one number. */
const shapeOf = (expr: Expr, fn: number): number => ((opNumbers[expr.op] * 4 + typeNumbers[expr.type]) * 64 + fn) * 64 + expr.lanes

function hash(shape: number, a: number, b: number, c: number, d: number): number {
  let h = Math.imul(shape ^ Math.imul(a, 0x9e3779b1), 0x85ebca6b)
  h = Math.imul((h ^ (h >>> 15)) + Math.imul(b, 0xc2b2ae35), 0x27d4eb2f)
  return (h ^ (h >>> 13) ^ Math.imul(c, 0x165667b1) ^ Math.imul(d, 0x2545f491)) | 0
}

function isCheap(expr: Expr, operands: readonly Value[]): boolean {
  if (operands.length === 0) return true
  // Backends fold a constant offset into the address.
  if (expr.op === 'binary' && expr.type === 'index' && expr.fn === 'add') return operands[1].expr.op === 'const'
  return expr.op === 'convert' && (expr.fn === 'indexToI32' || expr.fn === 'i32ToIndex')
}

/** Whether the loop is known to turn at least once: its ends differ by a positive constant. */
function turns(from: Value, to: Value): boolean {
  const trip = linearOf('sub', to, from)
  return trip !== undefined && trip.terms.length === 0 && trip.constant > 0
}
