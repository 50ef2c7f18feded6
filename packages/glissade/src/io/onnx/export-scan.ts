/**
 * Loops over time as ONNX's Scan: the step is a graph inside the node, what is the same at each step is named from it.
 *
 * A loop has no value of its own here as there; each `scanOutput` of it is one output of the Scan: the last state, or a
 * stack of what stands in the step before or after it (graph/loop-body.ts says how rows are counted).
 */
import { bodyOf, type Node } from '../../graph/graph.ts'
import type { LoopBody } from '../../graph/loop-body.ts'
import type { Emitted, Emitter, Traced } from './emitter.ts'
import type { OnnxValue } from './write.ts'

/** A value of the step that is stacked: a state before or after the step, or another output. */
interface Stack {
  readonly output: number
  readonly before: boolean
}

interface Place {
  readonly output: number
  readonly row: number
}

/** The last state, or a stack, that a `scanOutput` means. */
function wantedOf(node: Node, body: LoopBody): Stack | number {
  const { output, row } = node.attrs as unknown as Place
  if (output >= body.carries) return { output, before: false }
  const isStack = node.shape.length > body.graph.outputs[output].shape.length
  return isStack ? { output, before: (row === 1) === body.reverse } : output
}

const keyOf = ({ output, before }: Stack): string => `${output}${before ? ' before' : ''}`

/** Names of the outputs of each loop: of last states by number, of stacks by key. */
const outputsOf = new WeakMap<
  Node,
  { readonly last: readonly string[]; readonly stacks: ReadonlyMap<string, string> }
>()

export function scan(e: Emitter, traced: Traced, inputs: readonly Traced[]): Emitted {
  const body = bodyOf(traced.node) as LoopBody
  const other = traced.other && bodyOf(traced.other)
  const stacks = new Map<string, Stack>()
  for (const user of e.usersOf(traced.node)) {
    const wanted = wantedOf(user, body)
    if (typeof wanted !== 'number') stacks.set(keyOf(wanted), wanted)
  }
  const first = body.carries + body.slices
  const names = inputs.map((input, i) => (i < first ? e.whole(input) : ''))
  const pairs = body.graph.nodes.map((node, i): Traced => ({ node, other: other?.graph.nodes[i] }))
  const pairOf = new Map(pairs.map((pair) => [pair.node, pair]))
  const ports: OnnxValue[] = new Array(first)
  const results: OnnxValue[] = []
  e.noteUsers(body.graph)
  const nodes = e.inside(() => {
    for (const pair of pairs) {
      const { node } = pair
      if (node.op.kind !== 'leaf') {
        e.emit(
          pair,
          node.inputs.map((input) => pairOf.get(input) as Traced),
        )
        continue
      }
      const place = node.attrs.argument as number
      if (place < first) {
        const name = e.unique(place < body.carries ? 'state' : 'slice')
        ports[place] = { name, dtype: node.dtype, shape: e.shapeOf(pair) }
        e.set(node, { name, shape: ports[place].shape })
      } else e.set(node, e.loose(inputs[place].node))
    }
    // A state that the step does not read is still given to it.
    for (let i = 0; i < first; i++) {
      const { node } = inputs[i]
      const shape = e.shapeOf(inputs[i])
      ports[i] ??= { name: e.unique('unread'), dtype: node.dtype, shape: i < body.carries ? shape : shape.slice(1) }
    }
    const give = (name: string, like: OnnxValue): void => {
      results.push({ ...like, name: e.op('Identity', [name]) })
    }
    const outputValue = (node: Node): OnnxValue => {
      const pair = pairOf.get(node) as Traced
      return { name: e.whole(pair), dtype: node.dtype, shape: e.shapeOf(pair) }
    }
    body.graph.outputs.slice(0, body.carries).forEach((node) => {
      const value = outputValue(node)
      give(value.name, value)
    })
    for (const { output, before } of stacks.values()) {
      const value = before ? ports[output] : outputValue(body.graph.outputs[output])
      give(value.name, value)
    }
  })
  const given = names.slice(0, first)
  if (body.slices === 0) {
    // Scan counts its steps by what it slices.
    const steps = Array.from({ length: body.length }, (_, i) => i)
    given.push(e.indices(steps, [body.length]))
    ports.push({ name: e.unique('turn'), dtype: 'int32', shape: [] })
  }
  const slices = given.length - body.carries
  const backwards = Number(body.reverse)
  const made = e.multiple(
    'Scan',
    given,
    {
      body: { body: { name: 'step', nodes, inputs: ports, outputs: results } },
      num_scan_inputs: slices,
      scan_input_directions: new Array<number>(slices).fill(backwards),
      ...(stacks.size > 0 && { scan_output_directions: new Array<number>(stacks.size).fill(backwards) }),
    },
    body.carries + stacks.size,
  )
  outputsOf.set(traced.node, {
    last: made.slice(0, body.carries),
    stacks: new Map([...stacks.keys()].map((key, i) => [key, made[body.carries + i]])),
  })
  return { name: '', shape: [] }
}

export function scanOutput(e: Emitter, traced: Traced, [loop]: readonly Traced[]): Emitted {
  const { last, stacks } = outputsOf.get(loop.node) as NonNullable<ReturnType<typeof outputsOf.get>>
  const wanted = wantedOf(traced.node, bodyOf(loop.node) as LoopBody)
  const name = typeof wanted === 'number' ? last[wanted] : (stacks.get(keyOf(wanted)) as string)
  return { name, shape: e.shapeOf(traced) }
}
