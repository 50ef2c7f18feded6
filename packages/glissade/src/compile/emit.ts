/**
 * From nodes to expressions: the value of a node at an index, pulled from what is stored.
 *
 * An expression is built from the consumer towards the sources: maps become words, movements change the index,
 * and the walk ends at nodes that the kernel reads from memory or holds in a register (`lookUp`). Nothing here
 * decides what is stored (cluster.ts) or which loops run (nest.ts, contraction.ts).
 */
import type { DType } from '../dtype.ts'
import type { Node } from '../graph/graph.ts'
import { and, convert, f32, i32, le, lt, mask, select, splat } from '../kernel/build.ts'
import type { Expr } from '../kernel/ir.ts'
import { threefry } from '../kernel/math.ts'
import { spellings } from '../kernel/spell.ts'
import { flatten } from '../ops/move.ts'
import type { MapName } from '../ops/table.ts'
import { bothMasks, conditionMask, indexI32, type Lanes, loadLanes } from './address.ts'
import { type Condition, constantIndex, dynamicIndex, type Index, symbols } from './symbolic.ts'

/** A node's value where the kernel has it without computing; undefined where it must be computed. */
export type LookUp = (node: Node, index: readonly Index[], valid: Expr | undefined) => Expr | undefined

/** Digits of a node's number: graphs of more nodes do not fit in memory. */
const idDigits = 9

export class Emitter {
  readonly #lookUp: LookUp
  readonly #known = new Map<string, Expr>()
  readonly lanes: Lanes

  /** Told of every index that becomes a number or a condition without being an address. */
  readonly note: (index: Index, condition?: Condition) => void

  constructor(lanes: Lanes, lookUp: LookUp, note: (index: Index, condition?: Condition) => void = () => {}) {
    this.lanes = lanes
    this.#lookUp = lookUp
    this.note = note
  }

  /**
   * The value of `node` at `index`; a bool is a mask. Where `valid` does not hold, memory is not touched and the
   * value is of no importance.
   */
  value(node: Node, index: readonly Index[], valid?: Expr, validKey = ''): Expr {
    const key = `${node.id}@${index.map((i) => i.key).join()}?${validKey}`
    const known = this.#known.get(key)
    if (known) return known
    const found = this.#lookUp(node, index, valid) ?? this.#compute(node, index, valid, validKey)
    const result = found.lanes === this.lanes.count ? found : splat(found, this.lanes.count)
    this.#known.set(key, result)
    return result
  }

  #compute(node: Node, index: readonly Index[], valid: Expr | undefined, validKey: string): Expr {
    const { op } = node
    switch (op.kind) {
      case 'map': {
        const inputs = node.inputs.map((input) => this.value(input, index, valid, validKey))
        return (spellings[op.name as MapName] as (...inputs: Expr[]) => Expr)(...inputs)
      }
      case 'wrap':
        return this.value(node.inputs[0], index, valid, validKey)
      case 'generate':
        return this.#generate(node, index)
      case 'move': {
        const sources = op.sources<Index, Condition>(symbols, index, node)
        const fill = constant(op.fill?.(node.attrs) ?? 0, node.dtype, this.lanes.count)
        let result: Expr = fill
        for (const source of [...sources].reverse()) {
          const here = source.valid.filter((condition) => condition !== true)
          if (here.includes(false)) continue
          if (here.length === 0) {
            result = this.value(node.inputs[source.input], source.index, valid, validKey)
            continue
          }
          for (const condition of here) if (typeof condition === 'object') this.note(condition.index, condition)
          const inside = here.map((condition) => conditionMask(condition, this.lanes)).reduce(bothMasks)
          const both = valid ? bothMasks(valid, inside) : inside
          const bothKey = `${validKey}&${here.map(conditionKey).join('&')}`
          const value = this.value(node.inputs[source.input], source.index, both, bothKey)
          if (!isZeroOutside(value, both, result)) result = choose(splat(inside, this.lanes.count), value, result)
          else result = value
        }
        return result
      }
      case 'gather': {
        const axis = node.attrs.axis as number
        const [x, indices] = node.inputs
        const size = x.shape[axis]
        const at = this.value(indices, index, valid, validKey)
        const scalarAt = at.op === 'splat' ? at.a : at.op === 'const' ? i32(at.value) : at
        const inside = and(le(i32(0, scalarAt.lanes), scalarAt), lt(scalarAt, i32(size, scalarAt.lanes)))
        const both = valid ? bothMasks(valid, inside) : inside
        // Sums are in the order of such keys: it must be the order of the nodes, as it is in every equal cluster.
        const key = `${String(indices.id).padStart(idDigits, '0')}@${index.map((i) => i.key).join()}`
        const varying = new Set(scalarAt.lanes > 1 ? [this.lanes.variable] : [])
        const from = index.map((i, a) => (a === axis ? dynamicIndex(key, scalarAt, varying, size) : i))
        const value = this.value(x, from, both, `${validKey}&${key}`)
        const outside =
          node.dtype === 'float32' ? f32(Number.NaN, this.lanes.count) : constant(0, node.dtype, this.lanes.count)
        return choose(splat(inside, this.lanes.count), value, outside)
      }
      default:
        throw new Error(
          `compile: ${op.name} (${op.kind}) has no value inside another kernel; it should have been stored`,
        )
    }
  }

  #generate(node: Node, index: readonly Index[]): Expr {
    const spell = generators[node.op.name as keyof typeof generators] as Generator
    return spell(this, node, index)
  }
}

type Generator = (emitter: Emitter, node: Node, index: readonly Index[]) => Expr

/** How each generating primitive of ops/leaf.ts is said. */
const generators = {
  constant: (emitter, node) => constant(node.attrs.value as number, node.dtype, emitter.lanes.count),
  iota: (emitter, node, index) => {
    const at = index[node.attrs.axis as number]
    emitter.note(at)
    return indexI32(at, emitter.lanes)
  },
  randomBits: (emitter, node, index) => {
    const flat = flatten<Index, Condition>(symbols, index, node.shape)
    emitter.note(flat)
    const [key0, key1] = [0, 1].map((i) => emitter.value(node.inputs[0], [constantIndex(i)]))
    return threefry(key0, key1, indexI32(flat, emitter.lanes), i32(0, emitter.lanes.count))[0]
  },
} satisfies Record<string, Generator>

function conditionKey(condition: Condition): string {
  if (typeof condition === 'boolean') return String(condition)
  return condition.kind === 'within'
    ? `${condition.from}<=${condition.index.key}<${condition.to}`
    : `${condition.by}|${condition.index.key}`
}

function choose(condition: Expr, a: Expr, b: Expr): Expr {
  return a.type === 'mask' ? (spellings.where(condition, a, b) as Expr) : select(condition, a, b)
}

/** Whether `value` is read where `valid` holds, so that it is 0 elsewhere, and so is `otherwise`. */
function isZeroOutside(value: Expr, valid: Expr, otherwise: Expr): boolean {
  if (otherwise.op !== 'const' || !Object.is(otherwise.value, 0)) return false
  if (value.op === 'pick') return isZeroOutside(value.a, valid, otherwise) && isZeroOutside(value.b, valid, otherwise)
  if (value.op !== 'load' && value.op !== 'gather') return false
  return value.valid === valid || (value.valid?.op === 'splat' && value.valid.a === valid)
}

/** A number of the given type in every lane. */
export function constant(value: number, dtype: DType, lanes: number): Expr {
  if (dtype === 'bool') return mask(value !== 0, lanes)
  return dtype === 'int32' ? i32(value, lanes) : f32(value, lanes)
}

/** A stored element as a value: bools come out of memory as 0 and 1. */
export function fromMemory(buffer: string, dtype: DType, at: Index, lanes: Lanes, valid?: Expr): Expr {
  if (dtype === 'bool') return convert('i32ToMask', loadLanes(buffer, 'i32', at, lanes, valid))
  return loadLanes(buffer, dtype === 'int32' ? 'i32' : 'f32', at, lanes, valid)
}

/** A value as it is stored. */
export function toMemory(value: Expr): Expr {
  return value.type === 'mask' ? convert('maskToI32', value) : value
}
