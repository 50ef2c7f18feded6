/**
 * The compiled step: forward, gradients and update in one program; with `watch`, a program that changes nothing where
 * a number is not finite.
 */
import type { Columns } from '../data/dataset.ts'
import { isFloat } from '../dtype.ts'
import { normsOf, watchGradients } from '../explain/watch.ts'
import { activeTrace, type Trace } from '../graph/trace.ts'
import type { Module } from '../nn/module.ts'
import { stack } from '../ops/derived/movement.ts'
import type { Optimizer } from '../optim/index.ts'
import { compile } from '../run/compile.ts'
import type { Tensor } from '../tensor.ts'
import { type BatchScore, batchLength, readScores, type StepFunction, scoresOf } from './scoring.ts'

export interface StepDoneScores extends BatchScore {
  /** With watch: norms of gradients, and whether everything was finite, so that the step counts. */
  readonly norms?: Readonly<Record<string, number>>
  readonly finite: boolean
}

export interface TrainStep<C extends Columns> {
  (batch: C): Promise<StepDoneScores>
  /** Gives the programs back. */
  release(): void
}

/** Trains on a batch. Traced once for batches of each shape. */
export function trainStep<M extends Module, C extends Columns>(
  model: M,
  optimizer: Optimizer,
  step: StepFunction<M, C>,
  watched: boolean,
): TrainStep<C> {
  const plain = compile((batch: C) => {
    const { loss, accuracy, weight } = scoresOf(step(model, batch), batch)
    optimizer.minimize(loss)
    return { loss, ...(accuracy && { accuracy }), ...(weight && { weight }) }
  })
  if (!watched) {
    const run = async (batch: C): Promise<StepDoneScores> =>
      withoutWatch(await readScores(await plain(batch), batchLength(batch)))
    return Object.assign(run, { release: plain.release })
  }

  // The names in the order in which gradients are found, which is the same at every trace.
  let names: string[] = []
  const guarded = compile((batch: C) => {
    const trace = activeTrace() as Trace
    const squares = new Map<string, Tensor>()
    watchGradients(trace, model, (name, sum) => squares.set(name, sum))
    const { loss, accuracy, weight } = scoresOf(step(model, batch), batch)
    optimizer.minimize(loss)
    names = [...squares.keys()]
    const sums = stack([...squares.values()], 0)
    const finite = guard(trace, loss, sums)
    return { loss, sums, finite, ...(accuracy && { accuracy }), ...(weight && { weight }) }
  })
  const run = async (batch: C): Promise<StepDoneScores> => {
    const found = await guarded(batch)
    const [scores, sums, finite] = await Promise.all([
      readScores(found, batchLength(batch)),
      found.sums.data(),
      found.finite.item(),
    ])
    const norms = normsOf(model, new Map(names.map((name, i) => [name, sums[i]])))
    return { ...scores, norms: Object.fromEntries(norms), finite: finite !== 0 }
  }
  return Object.assign(run, { release: guarded.release })
}

const withoutWatch = (scores: BatchScore): StepDoneScores => ({ ...scores, finite: Number.isFinite(scores.loss) })

/** Lets variables change only if the loss, all gradients and all new values are finite; says whether they are: []. */
function guard(trace: Trace, loss: Tensor, squares: Tensor): Tensor {
  let finite = loss.isFinite().and(squares.isFinite().all())
  for (const value of trace.assigned.values()) if (isFloat(value.dtype)) finite = finite.and(value.isFinite().all())
  for (const [variable, value] of trace.assigned) {
    const before = trace.states.get(variable) as Tensor
    trace.assigned.set(variable, finite.where(value, before))
  }
  return finite
}
