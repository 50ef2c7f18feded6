/**
 * Template: convolutions with a kernel as large as a picture and few results, the gradients of weights.
 *
 * Such a product sums over the places of all pictures, with a row for each output channel and columns for the channels
 * and the few results ("taps") of each. A block of a picture is copied into scratch with its channels innermost, so that
 * vectors lie along channels, and along neighbouring taps and channels together where places are read one by one: any
 * picture width, stride and distance of taps goes in whole vectors. A tile of rows and columns stays in registers while
 * the loops run over the places of a block, and is then added to sums in scratch. What follows is done at the end.
 *
 * When, and in which sizes: places-tiling.ts. All else that is a product: contraction.ts.
 */
import type { Node } from '../graph/graph.ts'
import {
  add,
  f32,
  fma,
  index,
  load,
  loop,
  lt,
  min,
  mul,
  mut,
  set,
  splat,
  store,
  transpose,
  variable,
} from '../kernel/build.ts'
import type { Stmt } from '../kernel/ir.ts'
import { sizeOf } from '../shape.ts'
import { indexScalar, type Lanes, scalar } from './address.ts'
import { type Cluster, positionIn } from './domain.ts'
import { Emitter, toMemory } from './emit.ts'
import {
  addressOf,
  countOperations,
  KernelBuffers,
  type Lowering,
  labelOf,
  Names,
  type Step,
  storeLanes,
} from './lowering.ts'
import { plus } from './operands.ts'
import { type PlacesTiling, type Sizes, tilePlaces } from './places-tiling.ts'
import { type Operand, viewed } from './product.ts'
import {
  addIndex,
  constantIndex,
  divIndex,
  type Index,
  modIndex,
  scaleIndex,
  splitIndex,
  stepOf,
  variableIndex,
} from './symbolic.ts'

/** Channels copied by one turn of a loop. */
const copiedTogether = 8

export function lowerPlaces(cluster: Cluster, lowering: Lowering): Step[] {
  return new SumOverPlaces(cluster, cluster.anchor as Node, lowering).build()
}

class SumOverPlaces {
  readonly #cluster: Cluster
  readonly #anchor: Node
  readonly #lowering: Lowering
  readonly #buffers: KernelBuffers
  readonly #names = new Names()
  readonly #tiling: PlacesTiling
  readonly #sizes: Sizes
  readonly #x: Operand
  readonly #w: Operand
  readonly #lanes: number

  constructor(cluster: Cluster, anchor: Node, lowering: Lowering) {
    this.#cluster = cluster
    this.#anchor = anchor
    this.#lowering = lowering
    this.#buffers = new KernelBuffers(lowering)
    this.#tiling = tilePlaces(anchor, lowering.target)
    const { sizes } = this.#tiling
    this.#sizes = sizes
    this.#lanes = lowering.target.lanes
    const { stored } = lowering
    const inGroup = (at: (name: string) => Index, size: number, name: string): Index =>
      addIndex(scaleIndex(at('g'), size), at(name))
    const axes = sizes.taps.map((_, i) => i)
    this.#x = viewed(
      anchor.inputs[0],
      (at) => [at('c'), inGroup(at, sizes.samples, 'n'), ...axes.map((i) => at(`y${i}`))],
      stored,
    )
    this.#w = viewed(
      anchor.inputs[1],
      (at) => [inGroup(at, sizes.rows, 'o'), at('n'), ...axes.map((i) => at(`k${i}`))],
      stored,
    )
  }

  build(): Step[] {
    const { channels, rows, samples, groups, taps, places } = this.#sizes
    const { block } = this.#tiling.columns
    const [, task] = this.#task()
    const left = channels % block
    const blocks = this.#tiling.grid[1]
    const body: Stmt[] =
      left === 0
        ? this.#block(block)
        : [
            {
              op: 'if',
              condition: lt(indexScalar(task), index(blocks - 1)),
              then: this.#block(block),
              else: this.#block(left),
            },
          ]
    const work = groups * rows * channels * samples * sizeOf(taps) * sizeOf(places)
    const { kernel, locations } = this.#buffers.finish('contract', sizeOf(this.#tiling.grid), body, {
      scratch: this.#panelStart() + Math.max(this.#tiling.panel + this.#lanes, block * sizeOf(taps)),
      flops: 2 * work + countOperations(this.#cluster.members),
    })
    return [{ kernel, locations, ...labelOf(this.#cluster.members) }]
  }

  #task(): Index[] {
    return splitIndex('task', this.#tiling.grid)
  }

  /** Scratch: the sums, then the panel. */
  #panelStart(): number {
    const { tapLoops, vectors } = this.#tiling.columns
    return sizeOf(tapLoops) * this.#tiling.rowsPerTask * vectors * this.#lanes
  }

  #sumAt(tap: Index, row: Index): Index {
    const inTask = addIndex(row, scaleIndex(this.#task()[2], -this.#tiling.rowsPerTask))
    return scaleIndex(
      addIndex(scaleIndex(tap, this.#tiling.rowsPerTask), inTask),
      this.#tiling.columns.vectors * this.#lanes,
    )
  }

  /** All that a task does for a block of `channels`. */
  #block(channels: number): Stmt[] {
    const { samples, places } = this.#sizes
    const zero = this.#names.fresh('z')
    const body: Stmt[] = [
      loop(zero, index(0), index(this.#panelStart()), this.#lanes, [
        store('scratch', variable(zero, 'index'), f32(0, this.#lanes)),
      ]),
      // What vectors read behind the panel is of no use, but has to be a plain number.
      store('scratch', index(this.#panelStart() + this.#tiling.panel), f32(0, this.#lanes)),
    ]
    const [sample, line] = [this.#names.fresh('n'), this.#names.fresh('y')]
    const inside = [
      ...this.#copyPictures(channels, sample, line),
      ...this.#overTaps((tap, at) => this.#overTiles(sample, line, tap, at)),
    ]
    const overLines = loop(line, index(0), index(places[0]), this.#tiling.linesPerBlock, inside)
    body.push(loop(sample, index(0), index(samples), this.#tiling.samplesPerBlock, [overLines]))
    body.push(...this.#finish(channels))
    return body
  }

  /** From the block's first to its end: the last block may be shorter. */
  #within(name: string, first: string, count: number, all: number, body: readonly Stmt[]): Stmt {
    const from = variable(first, 'index')
    const to = add(from, index(count))
    return loop(name, from, all % count === 0 ? to : min(index(all), to), 1, body)
  }

  #copyPictures(channels: number, sample: string, line: string): Stmt[] {
    const { picture, placeSteps, samples, places: all } = this.#sizes
    const { block } = this.#tiling.columns
    const [n, c] = [this.#names.fresh('n'), this.#names.fresh('c')]
    const ys = picture.map(() => this.#names.fresh('y'))
    const [group, columnBlock] = this.#task()
    const firstLine = scaleIndex(variableIndex(line, all[0]), placeSteps[0])
    const buffer = this.#buffers.of(this.#x.base, 'read')
    const last = picture.length - 1
    const places = (at: Index): Index[] =>
      ys.map((y, axis) => (axis === last && axis > 0 ? at : variableIndex(y, picture[axis])))
    const source = (channel: Index, at: Index): Index => {
      const place = places(at)
      return this.#x.address((name) => {
        if (name === 'g') return group
        if (name === 'n') return variableIndex(n, samples)
        return name === 'c' ? addIndex(scaleIndex(columnBlock, block), channel) : place[Number(name.slice(1))]
      })
    }
    const target = (channel: Index, at: Index): Index => {
      const local = places(at).map((place, axis) => (axis === 0 ? addIndex(place, scaleIndex(firstLine, -1)) : place))
      return plus(addIndex(this.#panelAt(this.#fromFirst(n, sample), local), channel), this.#panelStart())
    }
    const inLine = variableIndex(ys[last], picture[last])
    const one = (channel: Index, at: Index): Stmt =>
      store('scratch', indexScalar(target(channel, at)), load(buffer, 'f32', indexScalar(source(channel, at))))
    const step = stepOf(source(variableIndex(c, channels), inLine), ys[last])
    const side = last > 0 && step === 1 ? squareOf(this.#lanes, Math.min(channels, picture[last])) : 1
    const square = (channel: Index, at: Index): Stmt[] =>
      transpose(
        Array.from({ length: side }, (_, i) => load(buffer, 'f32', indexScalar(source(plus(channel, i), at)), side)),
      ).map((value, i) => store('scratch', indexScalar(target(channel, plus(at, i))), value))
    let body: Stmt[]
    if (side > 1) {
      // The last square of a line, and of the channels, may copy some for the second time.
      body = inSteps(c, channels, side, (channel) =>
        inSteps(this.#names.fresh('y'), picture[last], side, (at) => square(channel, at)),
      )
    } else {
      const together = Math.min(channels, copiedTogether)
      body = inSteps(c, channels, together, (channel) =>
        Array.from({ length: together }, (_, i) => one(plus(channel, i), inLine)),
      )
      if (last > 0) body = [loop(ys[last], index(0), index(picture[last]), 1, body)]
    }
    for (let axis = last - 1; axis > 0; axis--) body = [loop(ys[axis], index(0), index(picture[axis]), 1, body)]
    const start = mul(variable(line, 'index'), index(placeSteps[0]))
    const end = add(start, index(this.#tiling.pictureLines))
    const exact = all[0] % this.#tiling.linesPerBlock === 0
    const overLines = loop(ys[0], start, exact ? end : min(index(picture[0]), end), 1, body)
    return [this.#within(n, sample, this.#tiling.samplesPerBlock, samples, [overLines])]
  }

  #fromFirst(n: string, sample: string): Index {
    const { samples } = this.#sizes
    return addIndex(variableIndex(n, samples), scaleIndex(variableIndex(sample, samples), -1))
  }

  /** The panel's element of a sample and place of the block, channel 0. */
  #panelAt(sample: Index, place: readonly Index[]): Index {
    const { picture } = this.#sizes
    const sizes = [this.#tiling.pictureLines, ...picture.slice(1)]
    const flat = place.reduce((sum, at, axis) => addIndex(scaleIndex(sum, sizes[axis]), at), sample)
    return scaleIndex(flat, this.#tiling.columns.block)
  }

  #overTaps(body: (tap: Index, at: readonly Index[]) => Stmt[]): Stmt[] {
    const { tapLoops } = this.#tiling.columns
    const names = tapLoops.map(() => this.#names.fresh('t'))
    const at = names.map((name, i) => variableIndex(name, tapLoops[i]))
    const tap = at.reduce((sum, each, i) => addIndex(scaleIndex(sum, tapLoops[i]), each), constantIndex(0))
    let stmts = body(tap, at)
    for (let i = names.length - 1; i >= 0; i--)
      if (tapLoops[i] > 1) stmts = [loop(names[i], index(0), index(tapLoops[i]), 1, stmts)]
    return stmts
  }

  /** Over the tiles of columns and rows. */
  #overTiles(sample: string, line: string, tap: Index, at: readonly Index[]): Stmt[] {
    const { vectors } = this.#tiling.columns
    const whole = Math.floor(vectors / this.#tiling.tile.vectors) * this.#tiling.tile.vectors
    const body: Stmt[] = []
    if (whole > 0) {
      const v = this.#names.fresh('v')
      const inside = this.#overRows((row, rows) =>
        this.#tileOf(
          rows,
          this.#tiling.tile.vectors,
          row,
          variableIndex(v, whole - this.#tiling.tile.vectors + 1),
          sample,
          line,
          tap,
          at,
        ),
      )
      body.push(loop(v, index(0), index(whole), this.#tiling.tile.vectors, inside))
    }
    if (whole < vectors)
      body.push(
        ...this.#overRows((row, rows) =>
          this.#tileOf(rows, vectors - whole, row, constantIndex(whole), sample, line, tap, at),
        ),
      )
    return body
  }

  #overRows(body: (row: Index, rows: number) => Stmt[]): Stmt[] {
    const { rows } = this.#sizes
    const left = rows % this.#tiling.tile.rows
    const m = this.#names.fresh('m')
    const from = mul(indexScalar(this.#task()[2]), index(this.#tiling.rowsPerTask))
    const to = min(index(rows), add(from, index(this.#tiling.rowsPerTask)))
    const stmts: Stmt[] = []
    if (rows > left)
      stmts.push(
        loop(
          m,
          from,
          left === 0 ? to : min(index(rows - left), to),
          this.#tiling.tile.rows,
          body(variableIndex(m, rows - this.#tiling.tile.rows + 1), this.#tiling.tile.rows),
        ),
      )
    if (left > 0)
      stmts.push({ op: 'if', condition: lt(index(rows - left), to), then: body(constantIndex(rows - left), left) })
    return stmts
  }

  #tileOf(
    rows: number,
    vectors: number,
    row: Index,
    vector: Index,
    sample: string,
    line: string,
    tap: Index,
    tapAt: readonly Index[],
  ): Stmt[] {
    const { samples, places, placeSteps, tapSteps } = this.#sizes
    const lanes = this.#lanes
    const prefix = this.#names.fresh('a')
    const sum = (r: number, v: number): string => `${prefix}_${r}_${v}`
    const each = (visit: (r: number, v: number) => void): void => {
      for (let r = 0; r < rows; r++) for (let v = 0; v < vectors; v++) visit(r, v)
    }
    const body: Stmt[] = []
    each((r, v) => body.push(mut(sum(r, v), f32(0, lanes))))

    const n = this.#names.fresh('n')
    const ks = places.map(() => this.#names.fresh('k'))
    const [group] = this.#task()
    const ki = (axis: number): Index => variableIndex(ks[axis], places[axis])
    const local = places.map((_, axis) => {
      const place = axis === 0 ? addIndex(ki(0), scaleIndex(variableIndex(line, places[0]), -1)) : ki(axis)
      const step = tapAt[axis] ? scaleIndex(tapAt[axis], tapSteps[axis]) : constantIndex(0)
      return addIndex(scaleIndex(place, placeSteps[axis]), step)
    })
    const panel = plus(
      addIndex(this.#panelAt(this.#fromFirst(n, sample), local), scaleIndex(vector, lanes)),
      this.#panelStart(),
    )
    const inner: Stmt[] = []
    const xs = Array.from({ length: vectors }, (_, v) =>
      this.#names.bound(inner, 'x', load('scratch', 'f32', indexScalar(plus(panel, v * lanes)), lanes)),
    )
    const buffer = this.#buffers.of(this.#w.base, 'read')
    for (let r = 0; r < rows; r++) {
      const where = (name: string): Index => {
        if (name === 'g') return group
        if (name === 'n') return variableIndex(n, samples)
        return name === 'o' ? plus(row, r) : ki(Number(name.slice(1)))
      }
      const w = this.#names.bound(inner, 'w', splat(load(buffer, 'f32', indexScalar(this.#w.address(where))), lanes))
      for (let v = 0; v < vectors; v++) inner.push(set(sum(r, v), fma(w, xs[v], variable(sum(r, v), 'f32', lanes))))
    }
    let stmts = inner
    for (let axis = places.length - 1; axis > 0; axis--)
      stmts = [loop(ks[axis], index(0), index(places[axis]), 1, stmts)]
    stmts = [this.#within(ks[0], line, this.#tiling.linesPerBlock, places[0], stmts)]
    body.push(this.#within(n, sample, this.#tiling.samplesPerBlock, samples, stmts))
    each((r, v) => {
      const at = indexScalar(plus(addIndex(this.#sumAt(tap, plus(row, r)), scaleIndex(vector, lanes)), v * lanes))
      body.push(store('scratch', at, add(load('scratch', 'f32', at, lanes), variable(sum(r, v), 'f32', lanes))))
    })
    return body
  }

  /** Row by row, the sums in the order of channels and taps, and what follows them. */
  #finish(channels: number): Stmt[] {
    const { taps, rows } = this.#sizes
    const { block, merged, tapLoops } = this.#tiling.columns
    const count = sizeOf(taps)
    const m = this.#names.fresh('m')
    const row = variableIndex(m, rows)
    const last = merged ? taps[taps.length - 1] : 1
    const [tap, c] = [this.#names.fresh('t'), this.#names.fresh('c')]
    const tapAt = variableIndex(tap, count)
    const [tapLoop, inRun] = [divIndex(tapAt, last), modIndex(tapAt, last)]
    const from = addIndex(
      this.#sumAt(sizeOf(tapLoops) === 1 ? constantIndex(0) : tapLoop, row),
      addIndex(scaleIndex(inRun, block), variableIndex(c, channels)),
    )
    const to = plus(addIndex(scaleIndex(variableIndex(c, channels), count), tapAt), this.#panelStart())
    const order = loop(c, index(0), index(channels), 1, [
      loop(tap, index(0), index(count), 1, [
        store('scratch', indexScalar(to), load('scratch', 'f32', indexScalar(from))),
      ]),
    ])
    const body: Stmt[] = [order]
    const all = channels * count
    let start = 0
    for (let lanes = this.#lanes; lanes >= 1; lanes = lanes > 4 ? lanes / 2 : lanes > 1 ? 1 : 0) {
      const end = start + Math.floor((all - start) / lanes) * lanes
      if (end > start) {
        const q = this.#names.fresh('q')
        body.push(loop(q, index(start), index(end), lanes, this.#epilogue(row, channels, q, lanes)))
      }
      start = end
    }
    const first = mul(indexScalar(this.#task()[2]), index(this.#tiling.rowsPerTask))
    return [loop(m, first, min(index(rows), add(first, index(this.#tiling.rowsPerTask))), 1, body)]
  }

  /** What follows the sums of a row, at `lanes` neighbours of its channels and taps. */
  #epilogue(row: Index, channels: number, q: string, count: number): Stmt[] {
    const { taps, order, rows } = this.#sizes
    const [group, columnBlock] = this.#task()
    const body: Stmt[] = []
    const at = plus(variableIndex(q, channels * sizeOf(taps)), this.#panelStart())
    const value = this.#names.bound(body, 's', load('scratch', 'f32', indexScalar(at), count))
    const lanes: Lanes = count === 1 ? scalar : { count, variable: q }
    const [channelAt, ...tapAt] = splitIndex(q, [channels, ...taps])
    const channel = addIndex(scaleIndex(columnBlock, this.#tiling.columns.block), channelAt)
    const output = addIndex(scaleIndex(group, rows), row)
    const position = order.map((axis) => (axis === 0 ? channel : axis === 1 ? output : tapAt[axis - 2]))
    const emitter = new Emitter(lanes, (node, where, valid) => {
      if (node === this.#anchor) return value
      if (this.#cluster.members.includes(node) || !this.#lowering.stored.has(node)) return undefined
      return this.#buffers.load(node, where, lanes, valid)
    })
    const results = this.#cluster.roots.map((root) => {
      const where = positionIn(root.shape, this.#anchor.shape, position)
      return { root, where, value: this.#names.bound(body, 'r', toMemory(emitter.value(root, where))) }
    })
    for (const each of results)
      body.push(storeLanes(this.#buffers.of(each.root, 'write'), addressOf(each.root, each.where), each.value, lanes))
    return body
  }
}

/** `body` at every `step` of `size` places; the last steps back where fewer than `step` are left. */
function inSteps(name: string, size: number, step: number, body: (at: Index) => Stmt[]): Stmt[] {
  const whole = Math.floor(size / step) * step
  return [
    loop(name, index(0), index(whole), step, body(variableIndex(name, whole - step + 1))),
    ...(whole < size ? body(constantIndex(size - step)) : []),
  ]
}

/** The side of the squares that are transposed: the vectors' length, or the largest part of it that fits; or 1. */
function squareOf(lanes: number, size: number): number {
  let side = lanes
  while (side > size && side > 4) side /= 2
  return side <= size ? side : 1
}
