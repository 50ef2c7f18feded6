/**
 * Templates for the ops with a loop of their own: adding up by index, running sums, sorting.
 *
 * Their inputs may be expressions (a lookup, a comparison), computed where they are read.
 */
import type { Node } from '../graph/graph.ts'
import {
  add,
  and,
  binary,
  bind,
  compare,
  convert,
  f32,
  i32,
  index,
  le,
  load,
  loop,
  lt,
  min,
  mul,
  mut,
  not,
  or,
  select,
  set,
  store,
  task,
  variable,
  xor,
} from '../kernel/build.ts'
import type { Expr, KernelKind, Stmt } from '../kernel/ir.ts'
import { around } from '../ops/loop.ts'
import { unflatten } from '../ops/move.ts'
import { sizeOf } from '../shape.ts'
import { indexScalar, type Lanes, scalar } from './address.ts'
import type { Cluster } from './domain.ts'
import { constant, Emitter, toMemory } from './emit.ts'
import { KernelBuffers, type Lowering, labelOf, lanesFor, type Step } from './lowering.ts'
import { addIndex, constantIndex, type Index, scaleIndex, splitIndex, symbols, variableIndex } from './symbolic.ts'

/** Elements that make a task worth a thread's attention. */
const elementsPerTask = 1 << 13

/** Buffers and values of a kernel whose only root is its anchor. */
class Loop {
  readonly node: Node
  readonly buffers: KernelBuffers
  readonly #lowering: Lowering

  constructor(cluster: Cluster, lowering: Lowering) {
    this.node = cluster.anchor as Node
    this.buffers = new KernelBuffers(lowering)
    this.#lowering = lowering
  }

  /** Reads inputs for the given lanes. */
  emitter(lanes: Lanes): Emitter {
    return new Emitter(lanes, (node, at, valid) =>
      this.#lowering.stored.has(node) ? this.buffers.load(node, at, lanes, valid) : undefined,
    )
  }

  finish(kind: KernelKind, tasks: number, body: readonly Stmt[], scratch = 0): Step {
    const { kernel, locations } = this.buffers.finish(kind, tasks, body, {
      scratch,
      flops: sizeOf(this.node.inputs[0].shape),
    })
    return { kernel, locations, ...labelOf([this.node]) }
  }
}

/** The loops over (outer, inner) positions that scatter and running sums share; `body` handles one position for some lanes. */
function overPositions(
  outer: number,
  inner: number,
  lanes: number,
  elements: number,
  body: (outerAt: Index, lanes: Lanes, at: Index) => Stmt[],
): { tasks: number; body: Stmt[] } {
  const width = lanes === 1 ? 1 : lanes
  const blocks = Math.ceil(inner / width)
  const perTask = Math.max(1, Math.min(outer * blocks, Math.floor(elementsPerTask / Math.max(1, elements * width))))
  const tasks = Math.ceil((outer * blocks) / perTask)
  const [outerAt, block] = splitIndex('p', [outer, blocks])
  const at = scaleIndex(block, width)
  const whole = inner % width === 0
  const vector = body(outerAt, width === 1 ? scalar : { count: width, variable: 'v' }, variableIndex('v', inner))
  const first = indexScalar(at)
  const one = (name: string, stmts: Stmt[]): Stmt[] => [
    loop(name, first, min(index(inner), add(first, index(width))), 1, stmts),
  ]
  let stmts: Stmt[]
  if (width === 1) stmts = one('v', vector)
  else if (whole) stmts = [bind('v', first), ...vector]
  else {
    stmts = [
      {
        op: 'if',
        condition: le(add(first, index(width)), index(inner)),
        then: [loop('v', first, add(first, index(1)), width, vector)],
        else: one('u', body(outerAt, scalar, variableIndex('u', inner))),
      },
    ]
  }
  const from = mul(task, index(perTask))
  const looped =
    outer * blocks === 1 ? stmts : [loop('p', from, min(index(outer * blocks), add(from, index(perTask))), 1, stmts)]
  return { tasks, body: looped }
}

/** Each position (before and after the axis) goes through the updates in order, so that sums do not depend on threads. */
export function lowerScatter(cluster: Cluster, lowering: Lowering): Step {
  const self = new Loop(cluster, lowering)
  const { node } = self
  const axis = node.attrs.axis as number
  const [outer, count, inner] = around(node.inputs[0].shape, axis)
  const size = node.shape[axis]
  const out = self.buffers.of(node, 'write')
  self.buffers.of(node, 'read')
  const place = (shape: readonly number[], outerAt: Index, along: Index, at: Index): Index[] => [
    ...unflatten(symbols, outerAt, shape.slice(0, axis)),
    along,
    ...unflatten(symbols, at, shape.slice(axis + 1)),
  ]
  let names = 0
  const type = node.dtype === 'float32' ? 'f32' : 'i32'
  const uniform = isUniform(
    self,
    node.inputs[1],
    place(node.inputs[1].shape, constantIndex(0), variableIndex('j', count), variableIndex('v', inner)),
    inner,
  )
  const lanes = uniform ? lanesFor(lowering.target, inner) : 1
  const result = overPositions(outer, inner, lanes, count + size, (outerAt, width, at) => {
    const n = names++
    const turn = variableIndex(`j${n}`, count)
    const emitter = self.emitter(width)
    const where = emitter.value(node.inputs[1], place(node.inputs[1].shape, outerAt, turn, at))
    const target = where.op === 'splat' ? where.a : where.op === 'const' ? i32(where.value) : where
    const update = toMemory(emitter.value(node.inputs[0], place(node.inputs[0].shape, outerAt, turn, at)))
    const row = scaleIndex(outerAt, size)
    const address = (along: Expr): Expr => add(mul(add(indexScalar(row), along), index(inner)), indexScalar(at))
    const name = `i${n}`
    const spot = variable(name, 'i32')
    const updating: Stmt[] = [
      bind(name, target),
      {
        op: 'if',
        condition: and(le(i32(0), spot), lt(spot, i32(size))),
        then: [
          store(
            out,
            address(convert('i32ToIndex', spot)),
            add(load(out, type, address(convert('i32ToIndex', spot)), width.count), update),
          ),
        ],
      },
    ]
    return [
      loop(`s${n}`, index(0), index(size), 1, [
        store(out, address(variable(`s${n}`, 'index')), constant(0, node.dtype, width.count)),
      ]),
      ...(count === 1 ? updating : [loop(`j${n}`, index(0), index(count), 1, updating)]),
    ]
  })
  return self.finish('scatter', result.tasks, result.body)
}

/** Whether the index is the same along the innermost positions. */
function isUniform(self: Loop, indices: Node, at: readonly Index[], inner: number): boolean {
  if (inner < 4) return false
  const value = self.emitter({ count: 4, variable: 'v' }).value(indices, at)
  return value.op === 'splat' || value.op === 'const'
}

export function lowerCumulate(cluster: Cluster, lowering: Lowering): Step {
  const self = new Loop(cluster, lowering)
  const { node } = self
  const axis = node.attrs.axis as number
  const [outer, count, inner] = around(node.shape, axis)
  const out = self.buffers.of(node, 'write')
  let names = 0
  const result = overPositions(outer, inner, lanesFor(lowering.target, inner), count, (outerAt, width, at) => {
    const n = names++
    const turn = variableIndex(`j${n}`, count)
    const value = toMemory(
      self
        .emitter(width)
        .value(node.inputs[0], [
          ...unflatten(symbols, outerAt, node.shape.slice(0, axis)),
          turn,
          ...unflatten(symbols, at, node.shape.slice(axis + 1)),
        ]),
    )
    const total = variable(`total${n}`, value.type, width.count)
    const address = addIndex(scaleIndex(addIndex(scaleIndex(outerAt, count), turn), inner), at)
    const turnBody = [set(`total${n}`, add(total, value)), store(out, indexScalar(address), total)]
    return [
      mut(`total${n}`, constant(0, node.dtype, width.count)),
      ...(count === 1 ? turnBody : [loop(`j${n}`, index(0), index(count), 1, turnBody)]),
    ]
  })
  return self.finish('cumulate', result.tasks, result.body)
}

/** A merge sort from below over keys and their places: in order, in n log n steps, one row a task. */
export function lowerSort(cluster: Cluster, lowering: Lowering): Step {
  const self = new Loop(cluster, lowering)
  const { node } = self
  const length = node.shape[node.shape.length - 1] ?? 1
  const rows = sizeOf(node.shape) / length
  const out = self.buffers.of(node, 'write')
  const row = splitIndex('task', [rows])[0]
  const at = (column: Index): Index[] => [...unflatten(symbols, row, node.shape.slice(0, -1)), column]
  const key = sortable(
    self.emitter(scalar).value(node.inputs[0], node.shape.length === 0 ? [] : at(variableIndex('c', length))),
  )
  // Scratch: keys and places, twice: [keys, places] to read and [keys, places] to write.
  const v = (name: string): Expr => variable(name, 'index')
  const cell = (base: Expr, part: number, place: Expr): Expr => add(add(base, index(part * length)), place)
  const inLeft = lt(v('i'), v('mid'))
  const inRight = lt(v('j'), v('end'))
  const takeLeft = and(inLeft, or(not(inRight), le(variable('keyI', 'i32'), variable('keyJ', 'i32'))))
  const taken = variable('left', 'mask')
  const merge: Stmt[] = [
    bind('mid', min(add(v('start'), v('width')), index(length))),
    bind('end', min(add(v('mid'), v('width')), index(length))),
    mut('i', v('start')),
    mut('j', v('mid')),
    loop('k', v('start'), v('end'), 1, [
      bind('keyI', load('scratchI', 'i32', cell(v('from'), 0, v('i')), 1, inLeft)),
      bind('keyJ', load('scratchI', 'i32', cell(v('from'), 0, v('j')), 1, inRight)),
      bind('left', takeLeft),
      bind('chosen', select(taken, v('i'), v('j'))),
      store('scratchI', cell(v('to'), 0, v('k')), select(taken, variable('keyI', 'i32'), variable('keyJ', 'i32'))),
      store('scratchI', cell(v('to'), 1, v('k')), load('scratchI', 'i32', cell(v('from'), 1, v('chosen')))),
      set('i', add(v('i'), select(taken, index(1), index(0)))),
      set('j', add(v('j'), select(taken, index(0), index(1)))),
    ]),
    set('start', v('end')),
  ]
  const body: Stmt[] = [
    loop('c', index(0), index(length), 1, [
      store('scratchI', v('c'), key),
      store('scratchI', add(v('c'), index(length)), convert('indexToI32', v('c'))),
    ]),
    mut('from', index(0)),
    mut('to', index(2 * length)),
    mut('width', index(1)),
    {
      op: 'while',
      condition: lt(v('width'), index(length)),
      body: [
        mut('start', index(0)),
        { op: 'while', condition: lt(v('start'), index(length)), body: merge },
        bind('swap', v('from')),
        set('from', v('to')),
        set('to', v('swap')),
        set('width', add(v('width'), v('width'))),
      ],
    },
    loop('d', index(0), index(length), 1, [
      store(
        out,
        add(indexScalar(scaleIndex(row, length)), v('d')),
        load('scratchI', 'i32', cell(v('from'), 1, v('d'))),
      ),
    ]),
  ]
  return self.finish('sort', rows, body, 4 * length)
}

/** A number as an int32 that sorts like it: floats by their bits, negative ones mirrored, NaN last, -0 as 0. */
function sortable(value: Expr): Expr {
  if (value.type === 'mask') return convert('maskToI32', value)
  if (value.type === 'i32') return value
  const bits = convert('asI32', add(value, f32(0)))
  const mirrored = xor(bits, binary('and', binary('shr', bits, i32(31)), i32(0x7fffffff)))
  return select(not(compare('eq', value, value)), i32(0x7fffffff), mirrored)
}
