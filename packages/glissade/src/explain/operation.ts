/**
 * An operation of a recording as data: what it is, what it is made of, and where it stands in the model.
 *
 * Who makes them: record.ts. Nothing here is a tensor: all of it can be sent between threads, or written to a file.
 */
import type { DType } from '../dtype.ts'
import { exactText } from '../graph/graph.ts'
import type { Op } from '../ops/op.ts'
import type { Pass } from '../scope.ts'
import type { Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/**
 * What an operation does to numbers. `data` and `variable` are there before; `constant` and `random` are made of
 * nothing; `movement` changes places only, and `same` changes nothing (what differs is how a gradient passes).
 */
export type OperationKind =
  | 'data'
  | 'variable'
  | 'constant'
  | 'random'
  | 'elementwise'
  | 'reduction'
  | 'product'
  | 'lookup'
  | 'running'
  | 'sorting'
  | 'movement'
  | 'same'

export interface Operation {
  /** Its place in the recording: inputs come first. */
  readonly id: number
  /** As `add`, `contract`; of a function with a gradient of its own that function's name, as `relu`. */
  readonly op: string
  readonly kind: OperationKind
  /** The operations whose values it takes. */
  readonly inputs: readonly number[]
  readonly shape: Shape
  readonly dtype: DType
  /** The module, as `blocks.0.attn`; in a loop that is written out with the step, as `lstm.t3`. */
  readonly path: string
  readonly pass: Pass
  /** What else says how it computes, as `axes [1]`; empty where nothing does. */
  readonly attributes: string
  /** What it is called: a variable's name, the modules that gave it back, and taps. Often none. */
  readonly names: readonly string[]
  /** What the operation is, in a sentence. */
  readonly doc: string
}

/** What is said elsewhere, and what is no data. */
const leftOut = new Set(['shape', 'dtype', 'rule', 'label', 'recompute', 'variable', 'steps', 'wanted'])

/** `tensor` as operation `id`. `isGiven`: its numbers were there before the recording began. */
export function operationOf(
  tensor: Tensor,
  id: number,
  { inputs, names, isGiven }: { inputs: readonly number[]; names: readonly string[]; isGiven: boolean },
): Operation {
  const { op, attrs, shape, dtype, path, pass } = tensor
  const kind = isGiven ? (attrs.variable === undefined ? 'data' : 'variable') : kindOf(op, inputs.length)
  const shown = Object.entries(attrs).filter(([name]) => !leftOut.has(name))
  return {
    id,
    op: isGiven ? kind : typeof attrs.label === 'string' ? attrs.label : op.name,
    kind,
    inputs: isGiven ? [] : inputs,
    shape,
    dtype,
    path,
    pass,
    attributes: isGiven ? '' : shown.map(([name, value]) => `${name} ${attributeText(value)}`).join(', '),
    names,
    doc: isGiven ? 'Numbers from outside the graph.' : op.doc,
  }
}

const attributeText = (value: unknown): string => (typeof value === 'string' ? value : exactText(value))

function kindOf(op: Op, inputs: number): OperationKind {
  switch (op.kind) {
    case 'leaf':
      return 'data'
    case 'generate':
      return inputs > 0 ? 'random' : 'constant'
    case 'map':
      return 'elementwise'
    case 'reduce':
      return 'reduction'
    case 'contract':
    case 'conv':
      return 'product'
    case 'gather':
    case 'scatter':
      return 'lookup'
    case 'cumulate':
      return 'running'
    case 'sort':
      return 'sorting'
    case 'move':
      return 'movement'
    default:
      return 'same'
  }
}
