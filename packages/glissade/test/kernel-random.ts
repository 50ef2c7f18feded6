/**
 * Random kernels for testing passes over kernels: legal ones, that never leave their buffers.
 *
 * They hold what such a pass can get wrong: nested loops, some that do not turn, `mut`s set at several
 * depths, `if` and `while`, stores and loads of the same buffers, loads that only their guard keeps inside.
 */
import {
  add,
  and,
  binary,
  bind,
  compare,
  convert,
  div,
  f32,
  fma,
  gather,
  i32,
  index,
  load,
  loop,
  lt,
  max,
  min,
  mul,
  mut,
  neg,
  pick,
  ramp,
  reduceLanes,
  scatter,
  select,
  set,
  splat,
  store,
  sub,
  task,
  transpose,
  unary,
  variable,
} from '../src/kernel/build.ts'
import type { Expr, Kernel, KernelBuffer, Stmt, Type } from '../src/kernel/ir.ts'

/** A small generator of our own, so that a failing seed fails everywhere (mulberry32). */
export function randomSource(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const lanes = 4
const length = 24

const buffers: readonly KernelBuffer[] = [
  { name: 'x', type: 'f32', access: 'read', length },
  { name: 'n', type: 'i32', access: 'read', length },
  { name: 'y', type: 'f32', access: 'readwrite', length },
  { name: 'm', type: 'i32', access: 'readwrite', length },
]
const floats = ['x', 'y', 'scratch']
const integers = ['n', 'm']

interface Visible {
  readonly expr: Expr
  readonly mutable: boolean
}

/** Writes one random kernel of about `size` statements. */
class KernelWriter {
  #random: () => number
  #left: number
  #names = 0
  #visible: Visible[] = [{ expr: task, mutable: false }]
  /** Expressions made before, to be used again as the same objects. */
  #made: Expr[] = []

  constructor(seed: number, size: number) {
    this.#random = randomSource(seed)
    this.#left = size
  }

  kernel(): Kernel {
    const start: Stmt[] = []
    for (let at = 0; at < length; at += lanes)
      start.push(store('scratch', index(at), load('x', 'f32', index(at), lanes)))
    // Variables that all blocks read and set, so that a value moved across a set shows.
    const shared = (
      [
        ['f32', 1],
        ['f32', lanes],
        ['i32', 1],
        ['i32', lanes],
        ['index', 1],
        ['mask', 1],
      ] as const
    ).map(([type, n]) => {
      const name = this.#name('w')
      start.push(mut(name, this.#expr(type, n, 2)))
      this.#visible.push({ expr: variable(name, type, n), mutable: true })
      return variable(name, type, n)
    })
    const body: Stmt[] = [...start]
    while (this.#left > 0) body.push(...this.#block(0))
    const at = mul(task, index(lanes))
    return {
      kind: 'map',
      buffers,
      scratch: length,
      tasks: 2,
      flops: 0,
      bytes: 0,
      body: [...body, store('y', at, shared[1]), store('m', at, shared[3])],
    }
  }

  #below(n: number): number {
    return Math.floor(this.#random() * n)
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)]
  }

  #name(prefix: string): string {
    return `${prefix}${this.#names++}`
  }

  #block(depth: number): Stmt[] {
    const before = this.#visible.length
    const made = this.#made.length
    const out: Stmt[] = []
    const count = 2 + this.#below(8)
    for (let i = 0; i < count && this.#left-- > 0; i++) out.push(...this.#statement(depth))
    this.#visible.length = before
    this.#made.length = made
    return out
  }

  #statement(depth: number): Stmt[] {
    const kind = this.#below(depth < 4 ? 15 : 9)
    if (kind <= 2) return [this.#define('let')]
    if (kind === 3) return [this.#define('mut')]
    if (kind <= 5) return this.#set()
    if (kind <= 8) return [this.#store()]
    if (kind <= 11) return this.#loop(depth)
    return kind <= 13 ? [this.#branch(depth)] : this.#while(depth)
  }

  #type(): [Type, number] {
    const type = this.#pick<Type>(['f32', 'f32', 'f32', 'i32', 'i32', 'mask', 'index'])
    return [type, type === 'index' ? 1 : this.#pick([1, lanes])]
  }

  #define(op: 'let' | 'mut'): Stmt {
    const [type, n] = this.#type()
    const value = this.#expr(type, n, 3)
    const name = this.#name(op === 'let' ? 'v' : 'w')
    this.#visible.push({ expr: variable(name, type, n), mutable: op === 'mut' })
    return op === 'let' ? bind(name, value) : mut(name, value)
  }

  #set(): Stmt[] {
    const choices = this.#visible.filter((v) => v.mutable)
    if (choices.length === 0) return [this.#define('mut')]
    const { expr } = this.#pick(choices)
    const value = this.#expr(expr.type, expr.lanes, 3)
    // In a loop an index could grow beyond what is exact.
    return [set((expr as Expr & { op: 'var' }).name, expr.type === 'index' ? this.#clamp(value, -99, 99) : value)]
  }

  #store(): Stmt {
    const n = this.#pick([1, lanes])
    if (this.#random() < 0.3) {
      const at = this.#clampI32(this.#expr('i32', n, 2), 0, length - 1)
      return this.#random() < 0.5
        ? scatter('y', at, this.#expr('f32', n, 3))
        : scatter('m', at, this.#expr('i32', n, 3))
    }
    const at = this.#address(n)
    return this.#random() < 0.6
      ? store(this.#pick(['y', 'scratch']), at, this.#expr('f32', n, 3))
      : store('m', at, this.#expr('i32', n, 3))
  }

  #loop(depth: number): Stmt[] {
    const name = this.#name('i')
    const counter = variable(name, 'index')
    const kind = this.#below(3)
    const from = kind === 0 ? index(this.#below(3)) : this.#clamp(this.#expr('index', 1, 2), 0, 3)
    const to =
      kind === 2
        ? add(from, index(1 + this.#below(3)))
        : kind === 0
          ? index(this.#below(5))
          : this.#clamp(this.#expr('index', 1, 2), 0, 5)
    const before = [this.#visible.length, this.#made.length]
    const [first, end] = [this.#name('v'), this.#name('v')]
    const ends = [bind(first, from), bind(end, to)]
    const bounds = [variable(first, 'index'), variable(end, 'index')] as const
    this.#visible.push({ expr: counter, mutable: false })
    const body = this.#block(depth + 1)
    if (this.#random() < 0.5) body.push(this.#onlyWhere(lt(...bounds)))
    this.#visible.length = before[0]
    this.#made.length = before[1]
    const turns =
      kind === 2 ? loop(name, from, to, 1 + this.#below(2), body) : loop(name, ...bounds, 1 + this.#below(2), body)
    return [...ends, turns]
  }

  #branch(depth: number): Stmt {
    const at = this.#expr('index', 1, 2)
    // Only the condition keeps the load inside.
    const inside = and(compare('le', index(0), at), lt(at, index(length)))
    const guarded: Stmt[] =
      this.#random() < 0.5
        ? [store('y', this.#address(1), add(load(this.#pick(['x', 'y']), 'f32', at), this.#expr('f32', 1, 2)))]
        : []
    const condition = guarded.length > 0 ? inside : this.#expr('mask', 1, 3)
    const then = [...guarded, ...this.#block(depth + 1)]
    return this.#random() < 0.5
      ? { op: 'if', condition, then }
      : { op: 'if', condition, then, else: this.#block(depth + 1) }
  }

  #while(depth: number): Stmt[] {
    const name = this.#name('turn')
    const turn = variable(name, 'i32')
    const end = this.#name('v')
    const limit = variable(end, 'i32')
    const before = bind(end, this.#clampI32(this.#expr('i32', 1, 2), -1, 3))
    const body = this.#block(depth + 1)
    if (this.#random() < 0.5) body.push(this.#onlyWhere(lt(i32(0), limit)))
    return [
      before,
      mut(name, i32(0)),
      { op: 'while', condition: lt(turn, limit), body: [...body, set(name, add(turn, i32(2)))] },
    ]
  }

  /** Loads element 0 where `turning` holds, else far outside: a load that leaves its loop is noticed. */
  #onlyWhere(turning: Expr): Stmt {
    const idle = sub(index(1), convert('i32ToIndex', convert('maskToI32', turning)))
    return store('y', this.#address(1), load('x', 'f32', mul(idle, index(10 * length))))
  }

  #clamp(at: Expr, least: number, greatest: number): Expr {
    return min(max(at, index(least)), index(greatest))
  }

  #clampI32(at: Expr, least: number, greatest: number): Expr {
    return binary('min', binary('max', at, i32(least, at.lanes)), i32(greatest, at.lanes))
  }

  #address(n: number): Expr {
    return this.#clamp(this.#expr('index', 1, 3), 0, length - n)
  }

  #expr(type: Type, n: number, depth: number): Expr {
    if (this.#made.length > 0 && this.#random() < 0.3) {
      const again = this.#made.filter((e) => e.type === type && e.lanes === n)
      if (again.length > 0) return this.#pick(again)
    }
    const expr = depth === 0 || this.#random() < 0.15 ? this.#leaf(type, n) : this.#inner(type, n, depth - 1)
    this.#made.push(expr)
    return expr
  }

  #leaf(type: Type, n: number): Expr {
    const choices = this.#visible.filter(({ expr }) => expr.type === type && expr.lanes === n)
    if (choices.length > 0 && this.#random() < 0.9)
      return this.#pick(this.#random() < 0.5 ? choices.slice(-2) : choices).expr
    if (type === 'f32') return f32(this.#pick([0, -0, 1, 0.5, -3, 1e20]), n)
    if (type === 'index') return index(this.#below(6))
    if (type === 'mask') return lt(this.#leaf('i32', n), i32(this.#below(4), n))
    return n > 1 && this.#random() < 0.3 ? ramp(n) : i32(this.#below(9) - 4, n)
  }

  #inner(type: Type, n: number, d: number): Expr {
    const e = (t: Type = type, l = n): Expr => this.#expr(t, l, d)
    const kind = this.#below(10)
    if (type === 'index') {
      if (kind < 4) return add(e(), e())
      if (kind < 5) return sub(e(), e())
      if (kind < 7) return mul(e(), index(this.#below(7) - 2))
      if (kind < 8) return this.#clamp(mul(e(), e()), -20, 20)
      return kind === 8
        ? binary(this.#pick(['div', 'mod']), e(), index(1 + this.#below(5)))
        : convert('i32ToIndex', this.#clampI32(e('i32', 1), -50, 50))
    }
    if (type === 'mask') {
      if (kind < 5)
        return compare(
          this.#pick(['lt', 'le', 'eq']),
          ...this.#pair(this.#pick<Type>(n === 1 ? ['f32', 'i32', 'index'] : ['f32', 'i32']), n, d),
        )
      return kind < 8 ? binary(this.#pick(['and', 'or']), e(), e()) : unary('not', e())
    }
    if (kind === 0) return select(e('mask'), e(), e())
    if (kind === 1 && n > 1) return splat(this.#expr(type, 1, d), n)
    if (kind === 2 && n > 1 && this.#below(2) === 0) {
      const part = (): Expr => this.#expr(type, n, Math.max(0, d - 1))
      return pick(
        Array.from({ length: n }, () => this.#below(2 * n)),
        part(),
        part(),
      )
    }
    if (kind === 2 && n > 1) {
      const rows = transpose(Array.from({ length: n }, () => this.#expr(type, n, Math.max(0, d - 1))))
      return rows[this.#below(n)]
    }
    if (kind === 1) return reduceLanes(this.#pick(['add', 'min', 'max']), this.#expr(type, lanes, d))
    if (type === 'i32') {
      if (kind < 4) return load(this.#pick(integers), 'i32', this.#address(n), n)
      if (kind === 4) return convert('maskToI32', e('mask'))
      if (kind === 5)
        return n === 1
          ? convert('indexToI32', e('index'))
          : gather('n', 'i32', this.#clampI32(e(), 0, length - 1), e('mask'))
      if (kind === 6) return binary(this.#pick(['shl', 'shr', 'ushr']), e(), i32(this.#below(32), n))
      return binary(this.#pick(['add', 'sub', 'mul', 'div', 'min', 'max', 'and', 'or', 'xor']), e(), e())
    }
    if (kind < 4)
      return load(
        this.#pick(floats),
        'f32',
        this.#address(n),
        n,
        this.#random() < 0.4 ? e('mask', this.#pick([1, n])) : undefined,
      )
    if (kind === 4) return fma(e(), e(), e())
    if (kind === 5) return convert('toF32', e('i32'))
    if (kind === 6) return gather(this.#pick(floats), 'f32', this.#clampI32(e('i32'), 0, length - 1))
    if (kind === 7) return neg(e())
    if (kind === 8) return div(e(), e())
    return binary(this.#pick(['add', 'sub', 'mul', 'min', 'max']), e(), e())
  }

  #pair(type: Type, n: number, d: number): [Expr, Expr] {
    return [this.#expr(type, n, d), this.#expr(type, n, d)]
  }
}

/** The kernel of a seed, of about `size` statements. */
export function randomKernel(seed: number, size: number): Kernel {
  return new KernelWriter(seed, size).kernel()
}

/** Fresh contents for the buffers of a random kernel, the same for the same seed. */
export function randomBuffers(seed: number): (Float32Array | Int32Array)[] {
  const random = randomSource(seed)
  return buffers.map(({ type }) =>
    type === 'f32'
      ? Float32Array.from({ length }, () => (random() < 0.1 ? 0 : random() * 8 - 4))
      : Int32Array.from({ length }, () => Math.floor(random() * 40) - 10),
  )
}
