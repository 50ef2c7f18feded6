/**
 * Expressions for the interpreter: each becomes a list of steps over small typed arrays, one per value.
 *
 * A value of `lanes` elements is an array of that length: Float32Array rounds f32, Int32Array wraps i32
 * and holds masks as 0 and 1, Float64Array holds indices. A subexpression that occurs twice in a
 * statement (the same object) is computed once. Not here: statements and tasks (interpret.ts).
 */
import type { BinaryFn, CompareFn, Expr, KernelBuffer, Type, UnaryFn } from './ir.ts'

export type Cells = Float32Array<ArrayBufferLike> | Int32Array<ArrayBufferLike> | Float64Array<ArrayBufferLike>
export type Elements = Float32Array<ArrayBufferLike> | Int32Array<ArrayBufferLike>
export type Step = () => void

/** A buffer's place: `array` is bound anew for each run. */
export interface Bound {
  readonly buffer: KernelBuffer
  array: Elements
}

export interface Scope {
  /** How messages name the kernel. */
  readonly name: string
  readonly buffers: ReadonlyMap<string, Bound>
  readonly variables: Map<string, Cells>
  /** Whether `fma` rounds once. */
  readonly fused: boolean
}

export function cellsFor(type: Type, lanes: number): Cells {
  if (type === 'f32') return new Float32Array(lanes)
  return type === 'index' ? new Float64Array(lanes) : new Int32Array(lanes)
}

/** The array that holds the value of `expr` once the steps appended to `steps` have run. */
export function compileExpr(expr: Expr, scope: Scope, steps: Step[], known: Map<Expr, Cells>): Cells {
  const seen = known.get(expr)
  if (seen) return seen
  const cells = build(expr, scope, steps, (e) => compileExpr(e, scope, steps, known))
  known.set(expr, cells)
  return cells
}

function build(expr: Expr, scope: Scope, steps: Step[], compile: (e: Expr) => Cells): Cells {
  if (expr.op === 'var') {
    const cells = scope.variables.get(expr.name)
    if (!cells) throw new Error(`kernel ${scope.name}: unknown variable ${expr.name}`)
    return cells
  }
  const out = cellsFor(expr.type, expr.lanes)
  const n = expr.lanes
  switch (expr.op) {
    case 'const':
      out.fill(expr.value)
      return out
    case 'ramp':
      for (let l = 0; l < n; l++) out[l] = l
      return out
    case 'unary':
      steps.push(unaryStep(expr.fn, compile(expr.a), out))
      return out
    case 'binary':
      steps.push(binaryStep(expr.fn, expr.type, compile(expr.a), compile(expr.b), out))
      return out
    case 'compare':
      steps.push(compareStep(expr.fn, compile(expr.a), compile(expr.b), out))
      return out
    case 'fma':
      steps.push(fmaStep(compile(expr.a), compile(expr.b), compile(expr.c), out, scope.fused))
      return out
    case 'select': {
      const [m, a, b] = [compile(expr.mask), compile(expr.a), compile(expr.b)]
      steps.push(() => {
        for (let l = 0; l < n; l++) out[l] = m[l] ? a[l] : b[l]
      })
      return out
    }
    case 'convert':
      steps.push(convertStep(expr.fn, compile(expr.a), out))
      return out
    case 'splat': {
      const a = compile(expr.a)
      steps.push(() => {
        out.fill(a[0])
      })
      return out
    }
    case 'load':
      steps.push(loadStep(expr, scope, compile(expr.index), expr.valid && compile(expr.valid), out))
      return out
    case 'gather':
      steps.push(gatherStep(expr.buffer, scope, compile(expr.index), expr.valid && compile(expr.valid), out))
      return out
    case 'pick': {
      const [a, b] = [compile(expr.a), compile(expr.b)]
      const { order } = expr
      const first = expr.a.lanes
      steps.push(() => {
        for (let l = 0; l < n; l++) out[l] = order[l] < first ? a[order[l]] : b[order[l] - first]
      })
      return out
    }
    case 'reduceLanes':
      steps.push(reduceStep(expr.fn, expr.type, compile(expr.a), expr.a.lanes, out))
      return out
  }
}

function unaryStep(fn: UnaryFn, a: Cells, out: Cells): Step {
  const n = out.length
  switch (fn) {
    case 'neg':
      return () => {
        for (let l = 0; l < n; l++) out[l] = -a[l]
      }
    case 'abs':
      return () => {
        for (let l = 0; l < n; l++) out[l] = Math.abs(a[l])
      }
    case 'sqrt':
      return () => {
        for (let l = 0; l < n; l++) out[l] = Math.sqrt(a[l])
      }
    case 'floor':
      return () => {
        for (let l = 0; l < n; l++) out[l] = Math.floor(a[l])
      }
    case 'round':
      return () => {
        for (let l = 0; l < n; l++) out[l] = roundToEven(a[l])
      }
    case 'not':
      return () => {
        for (let l = 0; l < n; l++) out[l] = a[l] ^ 1
      }
  }
}

/** Adding and taking away 2^52 rounds a float64 to an integer, ties to even; the sign of zero is kept. */
function roundToEven(x: number): number {
  const size = Math.abs(x)
  if (!(size < 2 ** 23)) return x
  const rounded = size + 2 ** 52 - 2 ** 52
  return x < 0 || Object.is(x, -0) ? -rounded : rounded
}

function binaryStep(fn: BinaryFn, type: Type, a: Cells, b: Cells, out: Cells): Step {
  const n = out.length
  switch (fn) {
    case 'add':
      return () => {
        for (let l = 0; l < n; l++) out[l] = a[l] + b[l]
      }
    case 'sub':
      return () => {
        for (let l = 0; l < n; l++) out[l] = a[l] - b[l]
      }
    case 'mul':
      if (type === 'i32')
        return () => {
          for (let l = 0; l < n; l++) out[l] = Math.imul(a[l], b[l])
        }
      return () => {
        for (let l = 0; l < n; l++) out[l] = a[l] * b[l]
      }
    case 'div':
      if (type === 'f32')
        return () => {
          for (let l = 0; l < n; l++) out[l] = a[l] / b[l]
        }
      return () => {
        for (let l = 0; l < n; l++) out[l] = b[l] === 0 ? 0 : Math.trunc(a[l] / b[l])
      }
    case 'mod':
      return () => {
        for (let l = 0; l < n; l++) out[l] = a[l] % b[l]
      }
    case 'min':
      return () => {
        for (let l = 0; l < n; l++) out[l] = Math.min(a[l], b[l])
      }
    case 'max':
      return () => {
        for (let l = 0; l < n; l++) out[l] = Math.max(a[l], b[l])
      }
    case 'and':
      return () => {
        for (let l = 0; l < n; l++) out[l] = a[l] & b[l]
      }
    case 'or':
      return () => {
        for (let l = 0; l < n; l++) out[l] = a[l] | b[l]
      }
    case 'xor':
      return () => {
        for (let l = 0; l < n; l++) out[l] = a[l] ^ b[l]
      }
    case 'shl':
      return () => {
        for (let l = 0; l < n; l++) out[l] = a[l] << b[l]
      }
    case 'shr':
      return () => {
        for (let l = 0; l < n; l++) out[l] = a[l] >> b[l]
      }
    case 'ushr':
      return () => {
        for (let l = 0; l < n; l++) out[l] = a[l] >>> b[l]
      }
  }
}

function compareStep(fn: CompareFn, a: Cells, b: Cells, out: Cells): Step {
  const n = out.length
  switch (fn) {
    case 'lt':
      return () => {
        for (let l = 0; l < n; l++) out[l] = a[l] < b[l] ? 1 : 0
      }
    case 'le':
      return () => {
        for (let l = 0; l < n; l++) out[l] = a[l] <= b[l] ? 1 : 0
      }
    case 'eq':
      return () => {
        for (let l = 0; l < n; l++) out[l] = a[l] === b[l] ? 1 : 0
      }
  }
}

function fmaStep(a: Cells, b: Cells, c: Cells, out: Cells, fused: boolean): Step {
  const n = out.length
  if (fused)
    return () => {
      for (let l = 0; l < n; l++) out[l] = fmaToOdd(a[l], b[l], c[l])
    }
  return () => {
    for (let l = 0; l < n; l++) out[l] = Math.fround(a[l] * b[l]) + c[l]
  }
}

const wide = new Float64Array(1)
const halves = new Int32Array(wide.buffer)
const low = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 0 : 1

/**
 * a · b + c of float32 values, such that rounding the result to float32 rounds the true value once.
 *
 * The product is exact in float64. The sum may not be; its error is then folded into the last bit
 * (round to odd: Boldo and Melquiond 2008), so that the second rounding cannot see a false tie.
 */
export function fmaToOdd(a: number, b: number, c: number): number {
  const product = a * b
  const sum = product + c
  const back = sum - product
  const error = product - (sum - back) + (c - back)
  if (error === 0 || Number.isNaN(error)) return sum
  wide[0] = sum
  if ((halves[low] & 1) === 1) return sum
  if (error > 0 === sum > 0) {
    halves[low] |= 1
  } else {
    if (halves[low] === 0) halves[1 - low] -= 1
    halves[low] -= 1
  }
  return wide[0]
}

function convertStep(fn: (Expr & { op: 'convert' })['fn'], a: Cells, out: Cells): Step {
  const n = out.length
  switch (fn) {
    case 'toI32':
      return () => {
        for (let l = 0; l < n; l++) out[l] = saturate(a[l])
      }
    case 'asF32':
    case 'asI32': {
      // Copying as integers keeps the bits of a NaN.
      const from = new Int32Array(a.buffer, a.byteOffset, n)
      const to = new Int32Array(out.buffer, out.byteOffset, n)
      return () => {
        for (let l = 0; l < n; l++) to[l] = from[l]
      }
    }
    case 'i32ToMask':
      return () => {
        for (let l = 0; l < n; l++) out[l] = a[l] === 0 ? 0 : 1
      }
    // The arrays do the work: Float32Array rounds, Int32Array keeps the low 32 bits.
    case 'toF32':
    case 'maskToI32':
    case 'indexToI32':
    case 'i32ToIndex':
      return () => {
        for (let l = 0; l < n; l++) out[l] = a[l]
      }
  }
}

function saturate(x: number): number {
  if (x >= 2147483647) return 2147483647
  if (x <= -2147483648) return -2147483648
  return Math.trunc(x) | 0
}

function loadStep(expr: Expr & { op: 'load' }, scope: Scope, at: Cells, valid: Cells | undefined, out: Cells): Step {
  const place = placeOf(expr.buffer, scope)
  const n = out.length
  return () => {
    const from = at[0]
    const array = place.array
    if (valid?.includes(0)) {
      for (let l = 0; l < n; l++) {
        const holds = valid[valid.length === 1 ? 0 : l]
        if (holds && !(from + l >= 0 && from + l < place.buffer.length))
          throw outside('load', scope, place, from + l, 1)
        out[l] = holds ? array[from + l] : 0
      }
      return
    }
    if (!(from >= 0 && from + n <= place.buffer.length)) throw outside('load', scope, place, from, n)
    for (let l = 0; l < n; l++) out[l] = array[from + l]
  }
}

function gatherStep(buffer: string, scope: Scope, at: Cells, valid: Cells | undefined, out: Cells): Step {
  const place = placeOf(buffer, scope)
  const n = out.length
  return () => {
    const array = place.array
    for (let l = 0; l < n; l++) {
      if (valid && !valid[l]) {
        out[l] = 0
        continue
      }
      const from = at[l]
      if (!(from >= 0 && from < place.buffer.length)) throw outside('gather', scope, place, from, 1)
      out[l] = array[from]
    }
  }
}

/** The halves are combined lane by lane until one lane is left. */
function reduceStep(fn: 'add' | 'mul' | 'min' | 'max', type: Type, a: Cells, lanes: number, out: Cells): Step {
  const work = cellsFor(type, lanes)
  const folds: Step[] = []
  for (let half = lanes / 2; half >= 1; half /= 2) {
    folds.push(binaryStep(fn, type, work.subarray(0, half), work.subarray(half, 2 * half), work.subarray(0, half)))
  }
  return () => {
    work.set(a)
    for (const fold of folds) fold()
    out[0] = work[0]
  }
}

export function placeOf(buffer: string, scope: Scope): Bound {
  const place = scope.buffers.get(buffer)
  if (!place) throw new Error(`kernel ${scope.name}: unknown buffer ${buffer}`)
  return place
}

export function outside(what: string, scope: Scope, place: Bound, at: number, lanes: number): Error {
  const span = lanes === 1 ? `element ${at}` : `elements ${at} to ${at + lanes - 1}`
  return new Error(`kernel ${scope.name}: ${what} of ${span} of ${place.buffer.name}, which has ${place.buffer.length}`)
}
