/** Kernels on the wasm backend and in the interpreter: mathematical functions and random loop nests, bit for bit. */
import { expect, test } from 'vitest'
import * as k from '../src/kernel/build.ts'
import { interpretKernel } from '../src/kernel/interpret.ts'
import type { Expr, Kernel, Stmt } from '../src/kernel/ir.ts'
import * as math from '../src/kernel/math.ts'
import { runKernel, wasmBackend } from './wasm/harness.ts'
import { branch, kernelOn } from './wasm/plans.ts'

type Elements = Float32Array | Int32Array

/** The elements as bits, all NaNs alike. */
const bitsOf = (array: Elements): number[] =>
  Array.from(new Int32Array(array.buffer), (bits, i) => (Number.isNaN(array[i]) ? 0x7fc00000 : bits))

function interpreted(arrays: Record<string, Elements>, kernel: Kernel, fma: boolean): Record<string, number[]> {
  const copies = Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.slice()]))
  interpretKernel(kernel, Object.values(copies), { fma })
  return Object.fromEntries(Object.entries(copies).map(([name, array]) => [name, bitsOf(array)]))
}

const functions: Record<string, (x: Expr) => Expr> = {
  exp: math.exp,
  log: math.log,
  tanh: math.tanh,
  erf: math.erf,
  sin: math.sin,
  cos: math.cos,
}

test.each(Object.entries(functions))('%s, with 1 and 4 lanes', async (_, fn) => {
  const x = Float32Array.from({ length: 400 }, (_, i) =>
    i < 380 ? (i - 190) * 0.37 : [NaN, Infinity, -Infinity, 0, -0][i % 5] * 1,
  )
  const arrays = { x, y: new Float32Array(x.length) }
  const i = k.variable('i', 'index')
  const backend = await wasmBackend()
  for (const lanes of [1, 4]) {
    const body = [
      k.loop('i', k.index(0), k.index(x.length), lanes, [k.store('y', i, fn(k.load('x', 'f32', i, lanes)))]),
    ]
    const { y } = await runKernel(backend, arrays, body)
    const kernel = kernelOn(arrays, body)
    // Relaxed: an engine may round a fused multiply-add twice; a scalar always is.
    const allowed = (lanes === 4 && backend.target.fma ? [true, false] : [false]).map(
      (fma) => interpreted(arrays, kernel, fma).y,
    )
    expect(allowed).toContainEqual(bitsOf(y))
  }
})

/** Numbers from a seed (mulberry32, Tommy Ettinger, public domain). */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const SIZE = 64

/** A random kernel over `f` (f32) and `n` (i32), both of SIZE elements: loops, branches, lets, muts, any address. */
class RandomKernel {
  readonly #below: (n: number) => number
  #names = 0
  #indices: Expr[] = [k.task]
  #floats: Expr[] = []
  #ints: Expr[] = []
  #mutable: Expr[] = []

  constructor(seed: number) {
    this.#below = generator(seed)
  }
  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]
  }
  #name(): string {
    return `v${this.#names++}`
  }

  /** An index of any value. */
  #anyIndex(depth: number): Expr {
    const kind = depth <= 0 ? 0 : this.#below(8)
    if (kind < 2) return this.#pick(this.#indices)
    if (kind === 2) return k.index(this.#below(40) - 8)
    const a = this.#anyIndex(depth - 1)
    if (kind === 3) return k.mul(a, k.index(this.#below(9) - 3))
    if (kind === 4) return this.#pick([k.div, k.mod])(a, k.index(1 + this.#below(5)))
    if (kind === 5 && this.#ints.length > 0)
      return k.add(a, k.convert('i32ToIndex', k.and(this.#pick(this.#ints), k.i32(15))))
    return this.#pick([k.add, k.sub, k.add, k.min, k.max])(a, this.#anyIndex(depth - 1))
  }
  /** An index from 0 to SIZE - lanes. */
  #place(lanes: number): Expr {
    const raw = this.#anyIndex(3)
    const inside = k.min(k.max(raw, k.index(0)), k.index(SIZE - 8 - lanes))
    // The constant outside of the bounds goes into the instruction.
    return this.#pick([inside, k.add(inside, k.index(this.#below(8)))])
  }
  #float(depth: number, lanes: number): Expr {
    const kind = depth <= 0 ? this.#below(2) : this.#below(9)
    const sub = (): Expr => this.#float(depth - 1, lanes)
    if (kind === 0) return k.load('f', 'f32', this.#place(lanes), lanes)
    if (kind === 1)
      return this.#floats.length > 0 ? k.splat(this.#pick(this.#floats), lanes) : k.f32(this.#below(9) - 4, lanes)
    if (kind === 2) return k.select(k.lt(sub(), sub()), sub(), sub())
    if (kind === 3) return k.convert('toF32', this.#int(depth - 1, lanes))
    if (kind === 4) return k.load('f', 'f32', this.#place(lanes), lanes, k.lt(this.#int(1, 1), k.i32(3)))
    if (kind === 5 && lanes === 4)
      return k.splat(k.reduceLanes(this.#pick(['add', 'mul', 'min', 'max'] as const), sub()), 4)
    if (kind === 6) {
      const twice = sub()
      return k.add(twice, k.mul(twice, sub()))
    }
    return this.#pick([k.add, k.sub, k.mul, k.min, k.max])(sub(), sub())
  }
  #int(depth: number, lanes: number): Expr {
    const kind = depth <= 0 ? this.#below(3) : this.#below(7)
    const sub = (): Expr => this.#int(depth - 1, lanes)
    if (kind === 0) return k.load('n', 'i32', this.#place(lanes), lanes)
    if (kind === 1) return this.#ints.length > 0 ? k.splat(this.#pick(this.#ints), lanes) : k.ramp(lanes)
    if (kind === 2) return k.splat(k.convert('indexToI32', this.#anyIndex(2)), lanes)
    if (kind === 3) return k.convert('toI32', this.#float(depth - 1, lanes))
    if (kind === 4)
      return k.gather('n', 'i32', k.and(sub(), k.i32(SIZE - 1, lanes)), this.#pick([undefined, k.lt(sub(), sub())]))
    return this.#pick([k.add, k.sub, k.mul, k.div, k.xor, k.min])(sub(), sub())
  }

  statements(depth: number): Stmt[] {
    const held = [this.#indices, this.#floats, this.#ints, this.#mutable]
    ;[this.#indices, this.#floats, this.#ints, this.#mutable] = held.map((list) => [...list])
    const list = Array.from({ length: 2 + this.#below(4) }, () => this.#statement(depth)).flat()
    ;[this.#indices, this.#floats, this.#ints, this.#mutable] = held
    return list
  }

  #statement(depth: number): Stmt[] {
    const kind = this.#below(depth > 0 ? 10 : 6)
    const lanes = this.#pick([1, 4])
    const name = this.#name()
    if (kind === 0) {
      const value = this.#anyIndex(3)
      this.#indices.push(k.variable(name, 'index'))
      return [k.bind(name, value)]
    }
    if (kind === 1) {
      const value = this.#int(2, 1)
      const variable = k.variable(name, 'i32')
      this.#ints.push(variable)
      this.#mutable.push(variable)
      return [k.mut(name, value)]
    }
    if (kind === 2) {
      const value = this.#float(2, 1)
      this.#floats.push(k.variable(name, 'f32'))
      return [k.bind(name, value)]
    }
    if (kind === 3 && this.#mutable.length > 0) {
      const { name: changed } = this.#pick(this.#mutable) as Expr & { op: 'var' }
      return [k.set(changed, this.#int(2, 1))]
    }
    if (kind < 5) return [k.store('f', this.#place(lanes), this.#float(3, lanes))]
    if (kind === 5) return [k.store('n', this.#place(lanes), this.#int(3, lanes))]
    if (kind < 8) {
      const [from, to] = [
        k.index(this.#below(3)),
        this.#pick([k.index(this.#below(7)), k.min(this.#anyIndex(1), k.index(5))]),
      ]
      const outer = this.#indices
      this.#indices = [...outer, k.variable(name, 'index')]
      const body = this.statements(depth - 1)
      this.#indices = outer
      return [k.loop(name, from, to, 1 + this.#below(2), body)]
    }
    const condition = k.lt(this.#int(1, 1), this.#int(1, 1))
    return [branch(condition, this.statements(depth - 1), kind === 9 ? this.statements(depth - 1) : undefined)]
  }
}

test('300 random loop nests', async () => {
  const backend = await wasmBackend()
  const arrays = {
    f: Float32Array.from({ length: SIZE }, (_, i) => Math.fround(Math.cos(i * 1.7) * 3)),
    n: Int32Array.from({ length: SIZE }, (_, i) => (Math.imul(i + 1, 2654435761) >> 26) + (i % 5)),
  }
  let changed = 0
  for (let seed = 1; seed <= 300; seed++) {
    const body = new RandomKernel(seed).statements(3)
    const want = interpreted(arrays, kernelOn(arrays, body, { tasks: 3 }), false)
    const got = await runKernel(backend, arrays, body, { tasks: 3 })
    expect({ f: bitsOf(got.f), n: bitsOf(got.n) }, `seed ${seed}`).toEqual(want)
    if (bitsOf(arrays.f).some((bits, i) => bits !== want.f[i])) changed++
  }
  // Most of them do something.
  expect(changed).toBeGreaterThan(150)
})
