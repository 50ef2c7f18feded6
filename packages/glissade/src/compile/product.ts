/**
 * A product as loops: the contraction and the convolution in one form, for the template in contraction.ts.
 *
 * A product has axes of four roles: those of both operands and the result (outer), of the left operand and the
 * result (rows), of the right operand and the result (columns), and of the operands only (summed). For a
 * convolution the rows are output channels, the columns are places in the picture, and the channels and kernel
 * places are summed: patches are read where they lie and never stored.
 */
import type { Node } from '../graph/graph.ts'
import type { ContractAttrs, ConvAttrs } from '../ops/contract.ts'
import { flatten } from '../ops/move.ts'
import { addIndex, type Condition, type Index, scaleIndex, stepOf, symbols, variableIndex } from './symbolic.ts'

export type Role = 'outer' | 'row' | 'column' | 'summed'

export interface ProductAxis {
  readonly name: string
  readonly size: number
  readonly role: Role
}

export interface Operand {
  /** The node in memory. */
  readonly base: Node
  /** The address of the element, in terms of the axes. */
  address(at: (name: string) => Index): Index
}

export interface Product {
  /** Outer, row and column axes in the order of the result; then the summed ones. */
  readonly axes: readonly ProductAxis[]
  readonly left: Operand
  readonly right: Operand
  /** The index in the result's shape. */
  result(at: (name: string) => Index): Index[]
}

type Indices = (at: (name: string) => Index) => Index[]

/** The product that `node` is; the right operand is the one that has the result's last axis. */
export function productOf(node: Node, stored: ReadonlySet<Node>): Product {
  const form = node.op.kind === 'conv' ? convForm(node) : contractForm(node)
  const inLeft = (name: string): boolean => form.letters[0].has(name)
  const inRight = (name: string): boolean => form.letters[1].has(name)
  const last = form.out.findLast((name) => form.size(name) > 1 && inLeft(name) !== inRight(name))
  const swap = last !== undefined && inLeft(last)
  const roleOf = (name: string): Role => {
    if (!form.out.includes(name)) return 'summed'
    if (inLeft(name) && inRight(name)) return 'outer'
    return inLeft(name) !== swap ? 'row' : 'column'
  }
  const names = [...form.out, ...form.summed]
  const operand = (i: number): Operand => viewed(form.inputs[i], form.indices[i], stored)
  return {
    axes: names.map((name) => ({ name, size: form.size(name), role: roleOf(name) })),
    left: operand(swap ? 1 : 0),
    right: operand(swap ? 0 : 1),
    result: form.result,
  }
}

interface Form {
  readonly inputs: readonly [Node, Node]
  readonly out: readonly string[]
  readonly summed: readonly string[]
  readonly letters: readonly [ReadonlySet<string>, ReadonlySet<string>]
  readonly indices: readonly [Indices, Indices]
  readonly result: Indices
  size(name: string): number
}

function contractForm(node: Node): Form {
  const { a, b, out } = node.attrs as unknown as ContractAttrs
  const [x, y] = node.inputs
  const sizes = new Map<string, number>([
    ...[...a].map((l, i) => [l, x.shape[i]] as const),
    ...[...b].map((l, i) => [l, y.shape[i]] as const),
  ])
  return {
    inputs: [x, y],
    out: [...out],
    summed: [...a].filter((letter) => !out.includes(letter)),
    letters: [new Set(a), new Set(b)],
    indices: [(at) => [...a].map(at), (at) => [...b].map(at)],
    result: (at) => [...out].map(at),
    size: (name) => sizes.get(name) as number,
  }
}

/** A convolution without padding and input dilation (compile/decompose.ts has turned those into movements). */
function convForm(node: Node): Form {
  const { stride, dilation, groups } = node.attrs as unknown as ConvAttrs
  // The axes of the result in the order in which they are wanted (decompose.ts); channels are group and output.
  const order = (node.attrs.order as readonly number[] | undefined) ?? node.shape.map((_, axis) => axis)
  const [x, w] = node.inputs
  const space = stride.map((_, i) => `p${i}`)
  const kernel = stride.map((_, i) => `k${i}`)
  const sizes: Record<string, number> = { n: x.shape[0], g: groups, o: w.shape[0] / groups, c: w.shape[1] }
  space.forEach((name, i) => (sizes[name] = node.shape[order.indexOf(i + 2)]))
  kernel.forEach((name, i) => (sizes[name] = w.shape[i + 2]))
  const group = (at: (name: string) => Index, inner: string): Index =>
    addIndex(scaleIndex(at('g'), sizes[inner]), at(inner))
  return {
    inputs: [w, x],
    out: order.flatMap((axis) => (axis === 0 ? ['n'] : axis === 1 ? ['g', 'o'] : [space[axis - 2]])),
    summed: ['c', ...kernel],
    letters: [new Set(['g', 'o', 'c', ...kernel]), new Set(['n', 'g', 'c', ...space, ...kernel])],
    indices: [
      (at) => [group(at, 'o'), at('c'), ...kernel.map(at)],
      (at) => [
        at('n'),
        group(at, 'c'),
        ...space.map((p, i) => addIndex(scaleIndex(at(p), stride[i]), scaleIndex(at(kernel[i]), dilation[i]))),
      ],
    ],
    result: (at) => order.map((axis) => (axis === 0 ? at('n') : axis === 1 ? group(at, 'o') : at(space[axis - 2]))),
    size: (name) => sizes[name],
  }
}

/** The operand in memory behind its movements. */
export function viewed(input: Node, indices: Indices, stored: ReadonlySet<Node>): Operand {
  return {
    base: follow(input, stored),
    address: (at) => {
      let node = input
      let index: readonly Index[] = indices(at)
      while (!stored.has(node)) {
        if (node.op.kind === 'move') {
          const [source] = node.op.sources<Index, Condition>(symbols, index, node)
          index = source.index
          node = node.inputs[source.input]
        } else node = node.inputs[0]
      }
      return flatten<Index, Condition>(symbols, index, node.shape)
    },
  }
}

function follow(input: Node, stored: ReadonlySet<Node>): Node {
  let node = input
  while (!stored.has(node)) {
    if (node.op.kind !== 'move' && node.op.kind !== 'wrap')
      throw new Error(`compile: an operand of a product ends at ${node.op.name}, which is not stored`)
    node = node.inputs[0]
  }
  return node
}

/**
 * The product with neighbouring axes of one role merged where all `addresses` step through both as through one;
 * axes of size 1 are dropped. `at` gives each original axis in terms of the merged ones.
 */
export function mergeProduct(
  axes: readonly ProductAxis[],
  addresses: readonly Index[],
): { axes: ProductAxis[]; at: (name: string) => Index } {
  const merged: { axis: ProductAxis; parts: ProductAxis[] }[] = []
  for (const axis of axes) {
    if (axis.size === 1) continue
    const last = merged[merged.length - 1]
    const before = last?.parts[last.parts.length - 1]
    const fits =
      before !== undefined &&
      before.role === axis.role &&
      addresses.every((address) => {
        const outer = stepOf(address, before.name)
        const inner = stepOf(address, axis.name)
        return outer !== undefined && inner !== undefined && outer === inner * axis.size
      })
    if (fits && last) {
      last.parts.push(axis)
      last.axis = { ...last.axis, name: `${last.axis.name}${axis.name}`, size: last.axis.size * axis.size }
    } else merged.push({ axis, parts: [axis] })
  }
  const where = new Map<string, Index>()
  for (const { axis, parts } of merged) {
    let rest = variableIndex(axis.name, axis.size)
    for (let i = parts.length - 1; i >= 0; i--) {
      where.set(parts[i].name, i === 0 ? rest : symbols.mod(rest, parts[i].size))
      rest = symbols.floorDiv(rest, parts[i].size)
    }
  }
  return { axes: merged.map(({ axis }) => axis), at: (name) => where.get(name) ?? symbols.constant(0) }
}
