/** What follows when data are changed: a loss that fits the task, and a network that fits what comes in. */
import { entryOf, losses } from './catalogue.ts'
import type { DataFacts } from './facts.ts'
import { perceptron } from './presets.ts'
import { type Fitted, fit, mended } from './shapes.ts'
import type { Choice, LabSpec, LayerSpec } from './spec.ts'

/** A modest network for data of a kind; sizes are mended afterwards. */
export function modestModel({ task, inputShape }: DataFacts): LayerSpec {
  const linear = { kind: 'linear', in: 1, out: 1 }
  if (task === 'token') {
    const layers = [
      { kind: 'embedding', count: 1, size: 16 },
      { kind: 'lstm', in: 16, hidden: 48, batchFirst: true },
      linear,
    ]
    return { kind: 'sequential', layers }
  }
  if (inputShape.length === 1) return perceptron([inputShape[0], 8, 6, 1])
  const block = (out: number): LayerSpec[] => [
    { kind: 'conv2d', in: 1, out, size: 3, padding: 1 },
    { kind: 'relu' },
    { kind: 'maxPool2d', size: 2 },
  ]
  return { kind: 'sequential', layers: [...block(8), ...block(16), { kind: 'flatten', from: 1, to: -1 }, linear] }
}

/** A learning rate with which such a network learns well. */
const modestRate = ({ task, inputShape }: DataFacts): number =>
  task === 'token' ? 0.01 : inputShape.length === 3 ? 0.003 : 0.03

export function lossFor({ task }: DataFacts, asked: Choice): Choice {
  const fits = entryOf(losses, asked.kind)?.fits[task] !== undefined
  return fits ? asked : { kind: task === 'number' ? 'mse' : 'crossEntropy' }
}

/** The spec with everything that follows from its data. `renew`: a network that cannot be mended gives way to a modest one. */
export function fitted(spec: LabSpec, facts: DataFacts, renew: boolean): { spec: LabSpec; fitted: Fitted } {
  const loss = lossFor(facts, spec.loss)
  const asked = loss === spec.loss ? spec : { ...spec, loss }
  const found = mended(asked, facts)
  if (!renew || found.fitted.problems.length === 0) return found
  const model = fit(modestModel(facts), facts).model
  return mended({ ...asked, model, optimizer: { kind: 'adamW', lr: modestRate(facts), weightDecay: 0 } }, facts)
}
