/**
 * The interpreter of the loop-nest language: ir.ts word for word, with every access checked.
 *
 * It is how the compiler is tested without a machine backend, and what backends are compared with. A
 * kernel is turned into closures once (no code generation: pages may forbid it) and run many times.
 * Rounding is that of float32 hardware: `fma` rounds once, or twice when asked to play a target
 * without it; NaNs come out as NaN, their payload is not specified. Expressions: interpret-expr.ts.
 */
import {
  type Bound,
  type Cells,
  cellsFor,
  compileExpr,
  type Elements,
  outside,
  placeOf,
  type Scope,
  type Step,
} from './interpret-expr.ts'
import type { Expr, Kernel, Stmt } from './ir.ts'
import { verifyKernel } from './verify.ts'

export interface InterpretOptions {
  /** Which tasks to run, in which order; default: all, from 0. */
  readonly tasks?: readonly number[]
  /** Whether `fma` rounds once (the default) or twice. */
  readonly fma?: boolean
  /** How messages name the kernel; default: its kind. */
  readonly name?: string
}

/** Runs a prepared kernel on `buffers`, in the order of `kernel.buffers`. */
export type PreparedKernel = (buffers: readonly Elements[], tasks?: readonly number[]) => void

/** Run `kernel` once on `buffers`, in the order of `kernel.buffers`; throws where it leaves one of them. */
export function interpretKernel(kernel: Kernel, buffers: readonly Elements[], options: InterpretOptions = {}): void {
  prepareKernel(kernel, options)(buffers, options.tasks)
}

/** Verify `kernel` and turn it into closures, to be run many times. */
export function prepareKernel(kernel: Kernel, options: Omit<InterpretOptions, 'tasks'> = {}): PreparedKernel {
  verifyKernel(kernel)
  const name = options.name ?? kernel.kind
  const bound: Bound[] = kernel.buffers.map((buffer) => ({ buffer, array: new Float32Array(0) }))
  const buffers = new Map(bound.map((b) => [b.buffer.name, b]))
  const scratch = new Float32Array(kernel.scratch)
  const scratchI = new Int32Array(scratch.buffer)
  const access = 'readwrite'
  buffers.set('scratch', { buffer: { name: 'scratch', type: 'f32', access, length: kernel.scratch }, array: scratch })
  buffers.set('scratchI', {
    buffer: { name: 'scratchI', type: 'i32', access, length: kernel.scratch },
    array: scratchI,
  })
  const task = new Float64Array(1)
  const scope: Scope = { name, buffers, variables: new Map([['task', task]]), fused: options.fma ?? true }
  const body = compileBody(kernel.body, scope)
  return (arrays, tasks) => {
    bind(name, bound, arrays)
    const count = tasks?.length ?? kernel.tasks
    for (let t = 0; t < count; t++) {
      task[0] = tasks ? tasks[t] : t
      scratch.fill(Number.NaN)
      run(body)
    }
  }
}

function bind(name: string, bound: readonly Bound[], arrays: readonly Elements[]): void {
  if (arrays.length !== bound.length) {
    throw new Error(`kernel ${name}: got ${arrays.length} buffers, it has ${bound.length}`)
  }
  bound.forEach((place, i) => {
    const { name: buffer, type, length } = place.buffer
    const fits = type === 'f32' ? arrays[i] instanceof Float32Array : arrays[i] instanceof Int32Array
    if (!fits || arrays[i].length < length) {
      throw new Error(
        `kernel ${name}: ${buffer} is ${arrays[i].constructor.name}(${arrays[i].length}), it must be ${type}[${length}]`,
      )
    }
    place.array = arrays[i]
  })
}

function run(steps: readonly Step[]): void {
  for (let i = 0; i < steps.length; i++) steps[i]()
}

function compileBody(body: readonly Stmt[], scope: Scope): Step[] {
  const steps: Step[] = []
  for (const statement of body) compileStatement(statement, scope, steps)
  return steps
}

function compileStatement(statement: Stmt, scope: Scope, steps: Step[]): void {
  const known = new Map<Expr, Cells>()
  const value = (expr: Expr): Cells => compileExpr(expr, scope, steps, known)
  switch (statement.op) {
    case 'let':
    case 'mut': {
      // The name has cells of its own: those of a mutable variable would change under it.
      const cells = cellsFor(statement.value.type, statement.value.lanes)
      steps.push(copyStep(value(statement.value), cells))
      scope.variables.set(statement.name, cells)
      return
    }
    case 'set': {
      const cells = scope.variables.get(statement.name) as Cells
      steps.push(copyStep(value(statement.value), cells))
      return
    }
    case 'store':
      steps.push(storeStep(statement.buffer, scope, value(statement.index), value(statement.value)))
      return
    case 'scatter':
      steps.push(scatterStep(statement.buffer, scope, value(statement.index), value(statement.value)))
      return
    case 'for': {
      const [from, to] = [value(statement.from), value(statement.to)]
      const counter = new Float64Array(1)
      scope.variables.set(statement.name, counter)
      const body = compileBody(statement.body, scope)
      const { step } = statement
      steps.push(() => {
        const end = to[0]
        for (let i = from[0]; i < end; i += step) {
          counter[0] = i
          run(body)
        }
      })
      return
    }
    case 'while': {
      const head: Step[] = []
      const condition = compileExpr(statement.condition, scope, head, known)
      const body = compileBody(statement.body, scope)
      steps.push(() => {
        for (run(head); condition[0]; run(head)) run(body)
      })
      return
    }
    case 'if': {
      const condition = value(statement.condition)
      const then = compileBody(statement.then, scope)
      const otherwise = compileBody(statement.else ?? [], scope)
      steps.push(() => run(condition[0] ? then : otherwise))
      return
    }
  }
}

function copyStep(from: Cells, to: Cells): Step {
  const n = to.length
  if (n === 1)
    return () => {
      to[0] = from[0]
    }
  return () => {
    for (let l = 0; l < n; l++) to[l] = from[l]
  }
}

function storeStep(buffer: string, scope: Scope, at: Cells, value: Cells): Step {
  const place = placeOf(buffer, scope)
  const n = value.length
  return () => {
    const to = at[0]
    const array = place.array
    if (!(to >= 0 && to + n <= place.buffer.length)) throw outside('store', scope, place, to, n)
    for (let l = 0; l < n; l++) array[to + l] = value[l]
  }
}

function scatterStep(buffer: string, scope: Scope, at: Cells, value: Cells): Step {
  const place = placeOf(buffer, scope)
  const n = value.length
  return () => {
    const array = place.array
    for (let l = 0; l < n; l++) {
      const to = at[l]
      if (!(to >= 0 && to < place.buffer.length)) throw outside('scatter', scope, place, to, 1)
      array[to] = value[l]
    }
  }
}
