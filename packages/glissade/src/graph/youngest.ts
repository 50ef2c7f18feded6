/**
 * Nodes by falling id, which is: each after all that use it. For walks from results back to what they depend on.
 */

/** A binary heap whose parents are younger than their children. */
export class Youngest<N extends { readonly id: number }> {
  readonly #nodes: N[] = []

  push(node: N): void {
    const nodes = this.#nodes
    let at = nodes.push(node) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (nodes[parent].id >= node.id) break
      nodes[at] = nodes[parent]
      at = parent
    }
    nodes[at] = node
  }

  pop(): N | undefined {
    const nodes = this.#nodes
    const top = nodes[0]
    const last = nodes.pop()
    if (last === undefined || nodes.length === 0) return top
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= nodes.length) break
      if (child + 1 < nodes.length && nodes[child + 1].id > nodes[child].id) child++
      if (nodes[child].id <= last.id) break
      nodes[at] = nodes[child]
      at = child
    }
    nodes[at] = last
    return top
  }
}
