/**
 * Random graphs for fuzz.test.ts: a seed gives some leaves and tensors made of them with everything the library can
 * compute.
 *
 * Results on float32 backends are compared with float64, so the mixes are made for it: numbers stay small, what jumps
 * (comparisons, rounding, sorting) is asked only of numbers that float32 holds exactly, and what is steep comes with
 * a guard. Not here: what is done with the tensors.
 */
import {
  avgPool1d,
  concat,
  conv1d,
  conv2d,
  diagonal,
  einsum,
  maxPool1d,
  scan,
  scatterAdd,
  stack,
  type Tensor,
  take,
  where,
  windows,
} from '../../src/index.ts'
import { sizeOf } from '../../src/shape.ts'
import { fromArray } from '../../src/tensor.ts'
import { generator } from '../opinfo/common.ts'

/** A value, and what is known of its numbers. */
interface Item {
  readonly tensor: Tensor
  /** No number is larger than this. */
  readonly bound: number
  /** Whether float32 computes it without rounding: a whole number of eighths. */
  readonly exact: boolean
}

export interface RandomGraph {
  /** Float leaves, for gradients. */
  readonly leaves: readonly Tensor[]
  /** Float tensors among them that gradients may be taken of. */
  readonly outputs: readonly Tensor[]
}

/** Larger results are cut down. */
const mostElements = 700
/** Above this, numbers are brought back by a tanh or a factor. */
const largestNumber = 30
/** Sums of exact numbers up to this stay exact, products of two of them too. */
const largestExact = 64

/** Loops lie in one another up to this depth. */
const deepestLoop = 2

export class GraphMaker {
  readonly #next: () => number
  readonly #depth: number
  readonly #leaves: Tensor[] = []
  readonly #pool: Item[] = []

  readonly #scan: typeof scan

  /** `loop` is how loops are made: a test may give one that writes every step out. */
  constructor(seed: number, loop: typeof scan = scan, depth = 0) {
    this.#next = generator(seed)
    this.#scan = loop
    this.#depth = depth
  }

  /** `steps` operations on a few leaves; outputs are the last values and some from the middle. */
  make(steps: number): RandomGraph {
    const count = 1 + this.#below(3)
    for (let i = 0; i < count; i++) this.#leaf(this.#shape())
    for (let i = 0; i < steps; i++) this.#step()
    const floats = this.#pool.filter((item) => item.tensor.dtype === 'float32' && !this.#leaves.includes(item.tensor))
    const last = floats.slice(-2)
    const some = floats.filter((item) => !last.includes(item) && this.#next() < 0.15)
    return { leaves: this.#leaves, outputs: [...some.slice(0, 3), ...last].map(({ tensor }) => tensor) }
  }

  // ---- chance ----

  #below(n: number): number {
    return Math.floor(this.#next() * n)
  }
  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]
  }
  #size(): number {
    const chance = this.#next()
    if (chance < 0.04) return 0
    if (chance < 0.16) return this.#pick([8, 9, 16, 17, 33])
    return 1 + this.#below(7)
  }
  #shape(rank = this.#below(4) + (this.#next() < 0.15 ? 1 : 0)): number[] {
    for (;;) {
      const shape = Array.from({ length: rank }, () => this.#size())
      if (sizeOf(shape) <= mostElements) return shape
    }
  }
  #axis(x: Tensor): number {
    return this.#below(x.rank)
  }
  #axes(x: Tensor): number[] {
    const axes = x.shape.flatMap((_, axis) => (this.#next() < 0.5 ? [axis] : []))
    return axes.length === 0 ? [this.#axis(x)] : axes
  }
  #order(rank: number): number[] {
    const order = Array.from({ length: rank }, (_, i) => i)
    for (let i = rank - 1; i > 0; i--) {
      const j = this.#below(i + 1)
      ;[order[i], order[j]] = [order[j], order[i]]
    }
    return order
  }

  // ---- values ----

  #leaf(shape: readonly number[]): Item {
    // Eighths from -2 to 2, without 0: no kinks of abs and relu.
    const data = Float32Array.from(
      { length: sizeOf(shape) },
      () => (1 + this.#below(16)) * (this.#next() < 0.5 ? 0.125 : -0.125),
    )
    const tensor = fromArray(data, shape)
    this.#leaves.push(tensor)
    const item = { tensor, bound: 2, exact: true }
    this.#pool.push(item)
    return item
  }

  #indices(shape: readonly number[], size: number): Tensor {
    return fromArray(
      Int32Array.from({ length: sizeOf(shape) }, () => this.#below(size)),
      shape,
    )
  }

  /** Values made last are preferred, so that graphs grow deep. */
  #item(): Item {
    const n = this.#pool.length
    return this.#next() < 0.6 ? this.#pool[Math.max(0, n - 1 - this.#below(3))] : this.#pool[this.#below(n)]
  }
  #exactItem(): Item {
    const exact = this.#pool.filter((item) => item.exact)
    return this.#pick(exact)
  }

  #add(tensor: Tensor, bound: number, exact = false): void {
    if (tensor.size > mostElements * 4) return
    if (bound > largestNumber && !(exact && bound <= largestExact)) {
      const tamed = this.#next() < 0.5 ? tensor.mul(1 / bound) : tensor.mul(4 / bound).tanh()
      this.#pool.push({ tensor: tamed, bound: 1, exact: false })
    } else this.#pool.push({ tensor, bound, exact })
  }

  /** The numbers of `item`, repeated or cut, under another shape. */
  #as(item: Item, shape: readonly number[]): Item {
    const wanted = sizeOf(shape)
    let flat = item.tensor.reshape([item.tensor.size])
    if (flat.size === 0) return wanted === 0 ? { ...item, tensor: flat.reshape(shape) } : this.#leaf(shape)
    if (flat.size < wanted) {
      const missing = wanted - flat.size
      if (this.#next() < 0.5) flat = flat.pad([[this.#below(missing + 1), missing]])
      else flat = flat.repeat([Math.ceil(wanted / flat.size)])
    }
    const start = this.#below(flat.size - wanted + 1)
    return { ...item, tensor: flat.slice([[start, start + wanted]]).reshape(shape) }
  }

  // ---- steps ----

  #step(): void {
    const kinds = [
      () => this.#unary(),
      () => this.#unary(),
      () => this.#binary(),
      () => this.#binary(),
      () => this.#binary(),
      () => this.#choice(),
      () => this.#reduce(),
      () => this.#reduce(),
      () => this.#move(),
      () => this.#move(),
      () => this.#move(),
      () => this.#join(),
      () => this.#lookUp(),
      () => this.#product(),
      () => this.#product(),
      () => this.#convolution(),
      () => this.#pooling(),
      () => this.#along(),
      () => this.#row(),
      () => this.#loop(),
    ]
    this.#pick(kinds)()
  }

  #unary(): void {
    const { tensor: x, bound, exact } = this.#item()
    const smooth: (() => void)[] = [
      () => this.#add(x.neg(), bound, exact),
      () => this.#add(x.sin(), 1),
      () => this.#add(x.tanh(), 1),
      () => this.#add(x.sigmoid(), 1),
      () => this.#add(x.minimum(2).exp(), 7.5),
      () => this.#add(x.square().add(0.5).log(), 7),
      () => this.#add(x.square().add(0.25).sqrt(), bound + 1),
      () => this.#add(x.square(), bound * bound, exact && bound <= 2),
      () => this.#add(x.square().add(1).reciprocal(), 1),
      () => this.#add(x.mul(0.5).erf(), 1),
    ]
    const jumpy: (() => void)[] = [
      () => this.#add(x.relu(), bound, true),
      () => this.#add(x.abs(), bound, true),
      () => this.#add(x.sign(), 1, true),
      () => this.#add(x.floor(), bound + 1, true),
      () => this.#add(x.clip(-1, 1.5), 1.5, true),
      () => this.#add(x.mul(4).cast('int32').mod(3).cast('float32'), 3, true),
    ]
    this.#pick(exact ? [...smooth, ...jumpy] : smooth)()
  }

  #binary(): void {
    const a = this.#item()
    const b = this.#partner(a)
    const [x, y] = this.#next() < 0.5 ? [a, b] : [b, a]
    const exact = a.exact && b.exact
    const operations: (() => void)[] = [
      () => this.#add(x.tensor.add(y.tensor), a.bound + b.bound, exact),
      () => this.#add(x.tensor.sub(y.tensor), a.bound + b.bound, exact),
      () => this.#add(x.tensor.mul(y.tensor), a.bound * b.bound),
      () => this.#add(x.tensor.div(y.tensor.square().add(0.5)), x.bound * 2),
      () => this.#add(x.tensor.mul(0.5).add(y.tensor.mul(-0.25)), a.bound + b.bound),
    ]
    if (exact) operations.push(() => this.#add(x.tensor.maximum(y.tensor.add(0.0625)), a.bound + b.bound + 1))
    this.#pick(operations)()
  }

  /** Something that broadcasts with `a`. */
  #partner(a: Item): Item {
    const same = this.#pool.filter((item) => item.tensor.shape.join() === a.tensor.shape.join())
    const chance = this.#next()
    if (chance < 0.5 && same.length > 1) return this.#pick(same)
    const shape = a.tensor.shape.map((n) => (this.#next() < 0.3 ? 1 : n))
    const kept = this.#next() < 0.3 ? shape.slice(this.#below(shape.length + 1)) : shape
    return this.#as(this.#item(), kept)
  }

  #choice(): void {
    const c = this.#exactItem()
    const condition = this.#pick([
      () => c.tensor.lt(0.0625),
      () => c.tensor.ge(-0.5).and(c.tensor.le(1)),
      () => c.tensor.eq(c.tensor.floor()).not(),
      () => c.tensor.gt(1).xor(c.tensor.lt(-1)),
    ])()
    if (this.#next() < 0.2) {
      this.#add(condition.cast('float32'), 1, true)
      return
    }
    const [a, b] = [this.#as(this.#item(), c.tensor.shape), this.#as(this.#item(), c.tensor.shape)]
    this.#add(
      where(condition, a.tensor, this.#next() < 0.3 ? 0.5 : b.tensor),
      Math.max(a.bound, b.bound),
      a.exact && b.exact,
    )
  }

  #reduce(): void {
    const item = this.#item()
    const { tensor: x, bound, exact } = item
    if (x.rank === 0) return
    const axes = this.#next() < 0.2 ? undefined : this.#axes(x)
    const options = { keepDims: this.#next() < 0.4 }
    const count = sizeOf(x.shape.filter((_, axis) => axes === undefined || axes.includes(axis)))
    if (count === 0) {
      this.#add(x.sum(axes, options), 1)
      return
    }
    const operations = [
      () => this.#add(x.sum(axes, options), bound * count, exact),
      () => this.#add(x.mean(axes, options), bound),
      () => this.#add(x.square().sum(axes, options).add(0.1).sqrt(), bound * Math.sqrt(count) + 1),
      () => this.#add(x.sub(x.mean(axes, { keepDims: true })), 2 * bound),
    ]
    if (exact) {
      operations.push(
        () => this.#add(x.max(axes, options), bound, true),
        () => this.#add(x.min(axes, options), bound, true),
      )
    }
    if (count <= 6) operations.push(() => this.#add(x.tanh().add(1.5).prod(axes, options), 2.5 ** count))
    this.#pick(operations)()
  }

  #move(): void {
    const { tensor: x, bound, exact } = this.#item()
    const operations = [
      () => this.#reshaped(x),
      () => x.permute(...this.#order(x.rank)),
      () => this.#expanded(x),
      () =>
        x.pad(
          x.shape.map(() => [this.#below(3), this.#below(3)] as const),
          this.#pick([0, 0, 1.5]),
        ),
      () =>
        x.slice(
          x.shape.map((n) => (this.#next() < 0.4 ? undefined : ([this.#below(n + 1), n, 1 + this.#below(3)] as const))),
        ),
      () => (x.rank === 0 ? x.neg() : x.flip(this.#axes(x))),
      () => x.repeat(x.shape.map(() => 1 + this.#below(2))),
      () => (x.rank === 0 ? x.unsqueeze(0) : this.#windowed(x)),
      () => (x.rank < 2 ? x.unsqueeze(0) : diagonal(x, ...(this.#order(x.rank).slice(0, 2) as [number, number]))),
    ]
    this.#add(this.#pick(operations)(), Math.max(bound, 1.5), exact)
  }

  #expanded(x: Tensor): Tensor {
    const [axis, times] = [this.#below(x.rank + 1), 1 + this.#below(3)]
    return x.unsqueeze(axis).expand([...x.shape.slice(0, axis), times, ...x.shape.slice(axis)])
  }

  #reshaped(x: Tensor): Tensor {
    if (x.size === 0) return x.reshape([0])
    const shape: number[] = []
    let left = x.size
    while (left > 1 && shape.length < 3) {
      const divisors = Array.from({ length: left }, (_, i) => i + 1).filter((d) => left % d === 0)
      const n = this.#pick(divisors)
      shape.push(n)
      left /= n
    }
    if (left > 1) shape.push(left)
    if (this.#next() < 0.2) shape.splice(this.#below(shape.length + 1), 0, 1)
    return x.reshape(shape)
  }

  #windowed(x: Tensor): Tensor {
    const axis = this.#axis(x)
    const [size, stride, dilation] = [1 + this.#below(3), 1 + this.#below(3), 1 + this.#below(2)]
    return x.shape[axis] < (size - 1) * dilation + 1 ? x.unsqueeze(axis) : windows(x, axis, size, stride, dilation)
  }

  #join(): void {
    const a = this.#item()
    if (a.tensor.rank === 0) {
      const b = this.#as(this.#item(), [])
      this.#add(stack([a.tensor, b.tensor, a.tensor]), Math.max(a.bound, b.bound), a.exact && b.exact)
      return
    }
    const axis = this.#axis(a.tensor)
    const b = this.#as(
      this.#item(),
      a.tensor.shape.map((n, i) => (i === axis ? this.#below(5) : n)),
    )
    const parts = this.#next() < 0.5 ? [a.tensor, b.tensor] : [b.tensor, a.tensor, a.tensor.neg()]
    this.#add(concat(parts, axis), Math.max(a.bound, b.bound), a.exact && b.exact)
  }

  #lookUp(): void {
    const { tensor: x, bound, exact } = this.#item()
    if (x.rank === 0 || x.size === 0) return
    const axis = this.#axis(x)
    const shape = x.shape.map((n, i) => (i === axis ? 1 + this.#below(6) : n))
    const operations = [
      () => this.#add(take(x, this.#indices(this.#shape(1 + this.#below(2)), x.shape[axis]), axis), bound, exact),
      () => this.#add(x.gather(this.#indices(shape, x.shape[axis]), axis), bound, exact),
      () => {
        const updates = this.#as(this.#item(), shape)
        const most = bound + updates.bound * shape[axis]
        this.#add(
          scatterAdd(x, this.#indices(shape, x.shape[axis]), updates.tensor, axis),
          most,
          exact && updates.exact,
        )
      },
      () => {
        // The same index for a whole row, as an embedding's gradient has it.
        const rows = this.#indices(
          shape.map((n, i) => (i === axis ? n : 1)),
          x.shape[axis],
        ).expand(shape)
        const updates = this.#as(this.#item(), shape)
        this.#add(scatterAdd(x.mul(0), rows, updates.tensor, axis), updates.bound * shape[axis], exact && updates.exact)
      },
    ]
    this.#pick(operations)()
  }

  #product(): void {
    const a = this.#item()
    const { tensor: x } = a
    if (x.rank === 0) return
    const inner = x.shape[x.rank - 1]
    const columns = this.#size()
    const operations = [
      () => {
        const b = this.#as(this.#item(), [inner, columns])
        this.#add(x.matmul(b.tensor), a.bound * b.bound * Math.max(1, inner))
      },
      () => {
        const b = this.#as(this.#item(), [columns, inner])
        const bias = this.#as(this.#item(), [columns])
        const y = x.matmul(b.tensor.transpose()).add(bias.tensor)
        this.#add(this.#next() < 0.5 ? y.tanh() : y, a.bound * b.bound * Math.max(1, inner) + bias.bound)
      },
      () => {
        // Batched, with an epilogue that reads something of the result's shape.
        const flat = x.reshape([sizeOf(x.shape.slice(0, -1)), inner])
        const b = this.#as(this.#item(), [2, inner, columns])
        const y = flat.matmul(b.tensor)
        const more = this.#as(this.#item(), y.shape)
        this.#add(y.mul(0.5).sub(more.tensor), a.bound * b.bound * Math.max(1, inner) + more.bound)
      },
      () => {
        const equation = this.#pick([
          'ij,kj->ik',
          'ij,ik->jk',
          'ij,ij->i',
          'ij,jk->ki',
          'ij,k->ikj',
          'ij,ji->',
          'ij,jik->k',
        ])
        const [left, right] = equation.split('->')[0].split(',')
        const sizes: Record<string, number> = { i: this.#size(), j: this.#size(), k: 1 + this.#below(5) }
        const p = this.#as(
          a,
          [...left].map((letter) => sizes[letter]),
        )
        const q = this.#as(
          this.#item(),
          [...right].map((letter) => sizes[letter]),
        )
        const out = equation.split('->')[1]
        const summed = [...new Set(left + right)].filter((letter) => !out.includes(letter))
        const terms = Math.max(
          1,
          summed.reduce((n, letter) => n * sizes[letter], 1),
        )
        this.#add(einsum(equation, p.tensor, q.tensor), p.bound * q.bound * terms)
      },
    ]
    this.#pick(operations)()
  }

  #convolution(): void {
    const groups = this.#pick([1, 1, 2])
    const [batch, channels, filters] = [
      1 + this.#below(3),
      groups * (1 + this.#below(3)),
      groups * (1 + this.#below(3)),
    ]
    const options = { stride: 1 + this.#below(2), padding: this.#below(3), dilation: 1 + this.#below(2), groups }
    const kernel = 1 + this.#below(3)
    const reach = (kernel - 1) * options.dilation + 1
    const length = (): number => reach + this.#below(6)
    const terms = (channels / groups) * kernel
    if (this.#next() < 0.5) {
      const x = this.#as(this.#item(), [batch, channels, length() + (this.#next() < 0.2 ? 17 : 0)])
      const w = this.#as(this.#item(), [filters, channels / groups, kernel])
      const y = conv1d(x.tensor, w.tensor, options)
      this.#add(this.#next() < 0.3 ? y.add(1).tanh() : y, x.bound * w.bound * terms)
    } else {
      const x = this.#as(this.#item(), [batch, channels, length(), length()])
      const w = this.#as(this.#item(), [filters, channels / groups, kernel, kernel])
      const bias = this.#as(this.#item(), [filters, 1, 1])
      const y = conv2d(x.tensor, w.tensor, options)
      this.#add(this.#next() < 0.5 ? y.add(bias.tensor) : y, x.bound * w.bound * terms * kernel + bias.bound)
    }
  }

  #pooling(): void {
    const size = 1 + this.#below(3)
    const options = { stride: 1 + this.#below(3), padding: this.#below(Math.floor(size / 2) + 1) }
    const item = this.#next() < 0.5 ? this.#exactItem() : this.#item()
    const x = this.#as(item, [1 + this.#below(2), 1 + this.#below(3), size + this.#below(8)])
    if (item.exact && this.#next() < 0.7) this.#add(maxPool1d(x.tensor, size, options), item.bound, true)
    else this.#add(avgPool1d(x.tensor, size, options), item.bound)
  }

  #along(): void {
    const item = this.#next() < 0.5 ? this.#exactItem() : this.#item()
    const { tensor: x, bound, exact } = item
    if (x.rank === 0) return
    const axis = this.#axis(x)
    if (exact && this.#next() < 0.5) this.#add(x.sort(axis, { descending: this.#next() < 0.5 }), bound, true)
    else this.#add(x.cumsum(axis), bound * Math.max(1, x.shape[axis]), exact)
  }

  /** A loop over the first axis, whose body is a random graph of its own on the state, the slice and something outside. */
  #loop(): void {
    const item = this.#item()
    const xs = item.tensor
    if (xs.rank === 0 || xs.shape[0] > 9 || this.#depth === deepestLoop) return
    const [outer, start] = [this.#item(), this.#as(this.#item(), this.#shape(1 + this.#below(2)))]
    const [seed, steps] = [this.#below(1 << 30), 1 + this.#below(6)]
    const init = start.tensor.mul(1 / start.bound)
    const body = (state: Tensor, x: Tensor) => {
      const inner = new GraphMaker(seed, this.#scan, this.#depth + 1)
      inner.#leaf(inner.#shape())
      inner.#pool.push(outer, { ...item, tensor: x }, { tensor: state, bound: 1, exact: false })
      for (let i = 0; i < steps; i++) inner.#step()
      const floats = inner.#pool.filter(({ tensor }) => tensor.dtype === 'float32')
      const [next, y] = [floats[floats.length - 1], inner.#pick(floats)]
      const kept = inner.#as({ ...next, tensor: next.tensor.mul(1 / next.bound) }, state.shape)
      const half = state.mul(0.5).add(kept.tensor.mul(0.5))
      return { carry: half, y: y.tensor.mul(1 / y.bound) }
    }
    const { carry, ys } = this.#scan(body, init, xs, { reverse: this.#next() < 0.4 })
    this.#add(carry, 1)
    this.#add(ys, 1)
  }

  /** Several reductions and maps over one row. */
  #row(): void {
    const { tensor: x, bound } = this.#item()
    if (x.rank === 0) return
    const axis = this.#axis(x)
    if (x.shape[axis] === 0) return
    const operations = [
      () => this.#add(x.softmax(axis), 1),
      () => this.#add(x.logSoftmax(axis), 2 * bound + 4),
      () => this.#add(x.logSumExp(axis), bound + 4),
      () => {
        const centred = x.sub(x.mean(axis, { keepDims: true }))
        this.#add(centred.div(centred.square().mean(axis, { keepDims: true }).add(0.1).sqrt()), 2 * bound * 3.2)
      },
    ]
    this.#pick(operations)()
  }
}
