/**
 * What a plan follows from, as text: equal texts, one target and one compiler give equal plans.
 *
 * Backends that keep plans find them by it (backends/backend.ts). Module paths are part of it, since profiles name them.
 */
import { bodyOf, type Graph, graphKey } from '../graph/graph.ts'
import type { Signature } from './lower.ts'

export function planKey(graph: Graph, signature: Signature): string {
  return `${JSON.stringify(signature)}\n${graphKey(graph)}\n${pathsOf(graph)}`
}

/** Module path and pass of each node, where they are not those of the node before; those of loops' bodies after them. */
function pathsOf(graph: Graph): string {
  let last = ''
  const lines = graph.nodes.map((node) => {
    const own = `${JSON.stringify(node.path)}${node.pass}`
    const text = own === last ? '' : own
    last = own
    const body = bodyOf(node)
    return body ? `${text}{${pathsOf(body.graph)}}` : text
  })
  return lines.join()
}
