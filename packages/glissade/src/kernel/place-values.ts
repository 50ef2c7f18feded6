/**
 * Numbers values for place.ts: equal expressions get one number, wherever they stand.
 *
 * Two expressions are the same value if they compute the same thing from the same state. So a `mut` counts
 * as a new variable after each `set`, at the start of a loop that sets it, and after that loop; the memory
 * of a written buffer likewise after each store. Equal operators on equal values are found in
 * place-table.ts; places are chosen in place.ts.
 */
import type { Expr, KernelBuffer, Stmt, Type } from './ir.ts'
import { differenceOf } from './place-index.ts'
import { type Block, dependsOnState, onVariable, use, type Value } from './place-model.ts'
import { type Memory, ValueTable } from './place-table.ts'

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

class Numbering {
  readonly root: Block
  readonly taken = new Set(['task'])
  #blocks = 0
  #states = 0
  #block: Block
  #names = new Map<string, Value>()
  #memories = new Map<string, Memory>()
  #table: ValueTable
  /** Values of expression objects: for good, until the guard changes, until the state changes. */
  #known = new Map<Expr, Value>()
  #knownHere = new Map<Expr, Value>()
  #knownNow = new Map<Expr, Value>()
  #effects = new Map<readonly Stmt[], Effects>()

  constructor(body: readonly Stmt[], buffers: readonly KernelBuffer[]) {
    this.root = this.#newBlock(body, undefined, 0, 0, true)
    this.#block = this.root
    this.#table = new ValueTable(this.root)
    for (const { name, access } of buffers) this.#memories.set(name, this.#newMemory(access !== 'read'))
    // One memory under two names.
    const scratch = this.#newMemory(true)
    this.#memories.set('scratch', scratch).set('scratchI', scratch)
    this.#names.set('task', this.#table.variable({ op: 'var', type: 'index', lanes: 1, name: 'task' }, this.#block, 0))
  }

  get values(): readonly Value[] {
    return this.#table.values
  }

  run(): void {
    this.#statements(this.root)
  }

  #newBlock(
    statements: readonly Stmt[],
    parent: Block | undefined,
    at: number,
    loops: number,
    certain: boolean,
    insertable = true,
  ): Block {
    const block: Block = {
      number: this.#blocks++,
      parent,
      at,
      depth: parent ? parent.depth + 1 : 0,
      loops,
      guard: undefined as unknown as Block,
      insertable,
      statements: dissolve(statements),
      roots: [],
      inner: [],
      inserted: new Map(),
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
        const body = this.#newBlock(
          statement.body,
          block,
          i,
          block.loops + 1,
          (differenceOf(roots[1], roots[0]) ?? 0) > 0,
        )
        inner.push(body)
        this.#enter(body)
        this.#apply(effects)
        this.taken.add(statement.name)
        this.#names.set(
          statement.name,
          this.#table.variable({ op: 'var', type: 'index', lanes: 1, name: statement.name }, this.#block, 0),
        )
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
        const { branches, certain } = branchesOf(statement, condition)
        for (const branch of branches) {
          const { variables, memories } = this.#effectsOf(branch)
          const before = [...variables].map((name) => [name, this.#names.get(name)] as const)
          const states = [...memories].map((memory) => [memory, { ...memory }] as const)
          const body = this.#newBlock(branch, block, i, block.loops, certain)
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
    this.#names.set(name, this.#table.variable({ op: 'var', type, lanes, name }, this.#block, onVariable))
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
    // Leaves have a table of their own.
    if (expr.op === 'const') return this.#table.constant(expr)
    if (expr.op === 'var') return this.#named(expr.name)
    const known = this.#known.get(expr) ?? this.#knownHere.get(expr) ?? this.#knownNow.get(expr)
    if (known) return known
    const value = this.#number(expr)
    const memo = dependsOnState(value) ? this.#knownNow : value.depends !== 0 ? this.#knownHere : this.#known
    memo.set(expr, value)
    return value
  }

  #named(name: string): Value {
    const value = this.#names.get(name)
    if (!value) throw new Error(`place: unknown variable ${name}`)
    return value
  }

  #number(expr: Exclude<Expr, { op: 'const' | 'var' }>): Value {
    switch (expr.op) {
      case 'ramp':
        return this.#table.node(expr, [])
      case 'unary':
      case 'convert':
      case 'splat':
      case 'reduceLanes':
        return this.#table.node(expr, [this.value(expr.a)])
      case 'binary': {
        const a = this.value(expr.a)
        const b = this.value(expr.b)
        return expr.type === 'index' ? this.#table.index(expr.fn, a, b) : this.#table.node(expr, [a, b])
      }
      case 'compare':
      case 'pick':
        return this.#table.node(expr, [this.value(expr.a), this.value(expr.b)])
      case 'fma':
        return this.#table.node(expr, [this.value(expr.a), this.value(expr.b), this.value(expr.c)])
      case 'select':
        return this.#table.node(expr, [this.value(expr.mask), this.value(expr.a), this.value(expr.b)])
      case 'load':
      case 'gather':
        return this.#read(expr)
    }
  }

  #read(expr: Expr & { op: 'load' | 'gather' }): Value {
    const operands = [this.value(expr.index)]
    if (expr.valid) operands.push(this.value(expr.valid))
    return this.#table.load(expr, operands, this.#memory(expr.buffer), this.#block.guard)
  }
}

/** The branches that may run: both, or under a constant condition one or none. */
function branchesOf(
  statement: Stmt & { op: 'if' },
  { expr }: Value,
): { branches: readonly (readonly Stmt[])[]; certain: boolean } {
  const otherwise = statement.else ? [statement.else] : []
  if (expr.op !== 'const') return { branches: [statement.then, ...otherwise], certain: false }
  return { branches: expr.value === 1 ? [statement.then] : otherwise, certain: true }
}

/**
 * Loops of constant ends that turn once become their body, with the counter as a name for its only value;
 * those that never turn become nothing.
 */
function dissolve(statements: readonly Stmt[]): readonly Stmt[] {
  if (!statements.some((statement) => turnsOf(statement) <= 1)) return statements
  return statements.flatMap((statement) => {
    const turns = turnsOf(statement)
    if (turns > 1 || statement.op !== 'for') return [statement]
    return turns === 1 ? [{ op: 'let', name: statement.name, value: statement.from }, ...dissolve(statement.body)] : []
  })
}

/** How often the body of `statement` runs, where that is constant; else infinity. */
function turnsOf(statement: Stmt): number {
  if (statement.op !== 'for' || statement.from.op !== 'const' || statement.to.op !== 'const')
    return Number.POSITIVE_INFINITY
  return Math.max(0, Math.ceil((statement.to.value - statement.from.value) / statement.step))
}
