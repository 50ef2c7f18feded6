/**
 * What follows a product element by element (bias, activation, the optimizer's update), at some place of its result.
 *
 * The templates of products say where, and with which value: contraction.ts, places-finish.ts.
 */
import type { Node } from '../graph/graph.ts'
import { variable } from '../kernel/build.ts'
import type { Expr, Stmt } from '../kernel/ir.ts'
import { type Lanes, scalar } from './address.ts'
import { type Cluster, positionIn } from './domain.ts'
import { Emitter, type LookUp, toMemory } from './emit.ts'
import { addressOf, elementType, KernelBuffers, type Lowering, type Names, storeLanes } from './lowering.ts'
import type { Index } from './symbolic.ts'

export class Epilogue {
  readonly #cluster: Cluster
  readonly #anchor: Node
  readonly #lowering: Lowering

  constructor(cluster: Cluster, anchor: Node, lowering: Lowering) {
    this.#cluster = cluster
    this.#anchor = anchor
    this.#lowering = lowering
  }

  /** Computes and stores what follows `value`, the product at `position`: all is there before the first is stored. */
  write(value: Expr, position: readonly Index[], lanes: Lanes, buffers: KernelBuffers, names: Names): Stmt[] {
    const emitter = new Emitter(
      lanes,
      this.#lookUp(value, (node, where, valid) => buffers.load(node, where, lanes, valid)),
    )
    const body: Stmt[] = []
    const results = this.#roots(position).map(({ root, where }) => ({
      root,
      where,
      value: names.bound(body, 'y', toMemory(emitter.value(root, where))),
    }))
    for (const each of results)
      body.push(storeLanes(buffers.of(each.root, 'write'), addressOf(each.root, each.where), each.value, lanes))
    return body
  }

  /** All addresses that it reads and writes, and what else depends on the place. */
  addresses(position: readonly Index[]): Index[] {
    const seen: Index[] = []
    const value = variable('value', elementType(this.#anchor.dtype))
    const emitter = new Emitter(
      scalar,
      this.#lookUp(value, (node, where, valid) => {
        seen.push(addressOf(node, where))
        return new KernelBuffers(this.#lowering).load(node, where, scalar, valid)
      }),
      (where) => seen.push(where),
    )
    for (const { root, where } of this.#roots(position)) {
      emitter.value(root, where)
      seen.push(addressOf(root, where))
    }
    return seen
  }

  /** The product itself is `value`; what is stored and no member is loaded; the members are computed. */
  #lookUp(value: Expr, load: (...at: Parameters<LookUp>) => Expr): LookUp {
    return (node, where, valid) => {
      if (node === this.#anchor) return value
      if (this.#cluster.members.includes(node) || !this.#lowering.stored.has(node)) return undefined
      return load(node, where, valid)
    }
  }

  #roots(position: readonly Index[]): { root: Node; where: readonly Index[] }[] {
    return this.#cluster.roots.map((root) => ({ root, where: positionIn(root.shape, this.#anchor.shape, position) }))
  }
}
