/**
 * The op table's other half: for every primitive and every derived function, how to draw samples, what must come out,
 * how near a float32 backend must be, up to which order the gradient is checked, and which calls are refused.
 *
 * Generated tests run over it: values and gradients on the reference (ops-values, autodiff-gradients), refusals
 * (ops-errors), and on each backend `conformance/`, which needs no more than `samples()` and `mismatch()`. A new op is
 * one row more in the file of its family under opinfo/.
 */
import type { Op } from '../src/ops/op.ts'
import { ops } from '../src/ops/table.ts'
import type { Tensor } from '../src/tensor.ts'
import type { Row, Sample } from './opinfo/common.ts'
import { toTensor } from './opinfo/common.ts'
import { elementwiseRows } from './opinfo/elementwise.ts'
import { indexingRows } from './opinfo/indexing.ts'
import { movementRows } from './opinfo/movement.ts'
import { productRows } from './opinfo/product.ts'
import { reduceRows } from './opinfo/reduce.ts'
import { scanRows } from './opinfo/scan.ts'
import { spaceRows } from './opinfo/space.ts'

export { mismatch, type Row, type Sample, type Tolerance, toTensor } from './opinfo/common.ts'

export const rows: readonly Row[] = [...elementwiseRows, ...reduceRows, ...movementRows, ...productRows, ...spaceRows, ...indexingRows, ...scanRows]

/** The samples of one row, by its name. */
export function samples(op: string): readonly Sample[] {
  const row = rows.find((each) => each.op === op)
  if (!row) throw new Error(`There is no row '${op}' in test/opinfo.`)
  return row.samples
}

/** The sample's result as a graph over fresh leaves. */
export function build(sample: Sample): { inputs: Tensor[]; output: Tensor } {
  const inputs = sample.inputs.map(toTensor)
  return { inputs, output: sample.build(inputs) }
}

/** Whether an op of float64 is needed, which the reference alone has. */
export function needsFloat64(sample: Sample): boolean {
  return [...nodesOf(build(sample).output)].some((node) => node.dtype === 'float64')
}

/** All nodes of a graph. */
export function nodesOf(output: Tensor): Set<Tensor> {
  const seen = new Set<Tensor>()
  const open = [output]
  for (let node = open.pop(); node; node = open.pop()) {
    if (seen.has(node)) continue
    seen.add(node)
    open.push(...node.inputs)
  }
  return seen
}

/** The primitives that no sample's graph contains. */
export function uncoveredPrimitives(): string[] {
  const covered = new Set<Op>()
  for (const { samples } of rows) for (const sample of samples) for (const node of nodesOf(build(sample).output)) covered.add(node.op)
  return Object.values(ops).flatMap((op) => (covered.has(op) ? [] : [op.name]))
}
