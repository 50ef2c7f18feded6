/**
 * What the doctor looks at: gradients, weights and outputs of a run at its present step, as a few numbers of each module.
 * What they mean: doctor.ts. What came before: course.ts.
 */
import type { nn } from 'glissade'
import type { LabSpec, Task } from '../spec/spec.ts'
import type { Breakdown, ScoreAt } from './course.ts'
import type { Live } from './desk.ts'
import { givenBack } from './probe.ts'
import type { Stamp } from './protocol.ts'
import type { Run } from './run.ts'
import { largest } from './tally.ts'

/** Of a module with weights of its own. */
export interface WeightVitals {
  readonly path: string
  /** Root mean squares. */
  readonly weight: number
  readonly gradient: number
  /** How much of the weights the last measured step changed, as norms; undefined if none was measured yet. */
  readonly change: number | undefined
}

/** Of an activation. */
export interface UnitVitals {
  readonly path: string
  readonly kind: string
  readonly units: number
  /** Units that are 0 for every sample that was looked at. */
  readonly dead: number
  /** Units that stand at the same end for nearly every sample. */
  readonly stuck: number
  /** The share of all outputs that stand at an end. */
  readonly atEnds: number
}

/** Of one head of attention. */
export interface HeadVitals {
  readonly path: string
  readonly head: number
  /** 1: looks everywhere alike; 0: at one place. */
  readonly evenness: number
  /** The share of looking that goes to the first place, of those that have at least four to choose from. */
  readonly first: number
}

export interface Vitals {
  readonly stamp: Stamp
  readonly spec: LabSpec
  readonly task: Task
  readonly stepsPerEpoch: number
  readonly lr: number
  readonly losses: readonly { readonly step: number; readonly loss: number }[]
  readonly scores: readonly ScoreAt[]
  /** In the order in which they run. */
  readonly weights: readonly WeightVitals[]
  readonly units: readonly UnitVitals[]
  readonly heads: readonly HeadVitals[]
  /** The loss of always giving the same best answer; undefined where the loss has no such simple one. */
  readonly baseline: number | undefined
  /** The norm of all gradients together. */
  readonly gradientNorm: number
  /** Of numbers that are given as a row: mean and deviation of each. */
  readonly inputs: readonly { readonly name: string; readonly mean: number; readonly deviation: number }[]
  /** How often each class is there, and is answered. */
  readonly classes: readonly { readonly name: string; readonly truth: number; readonly answered: number }[]
  readonly breakdown: Breakdown | undefined
}

/** So many numbers of input are looked at. */
const mostNumbers = 50_000
/** The ends of activations that have some. */
const ends: Readonly<Record<string, readonly [low: number, high: number]>> = {
  tanh: [-0.97, 0.97],
  sigmoid: [0.03, 0.97],
}
const rectifiers: ReadonlySet<string> = new Set(['relu', 'relu6'])

/** The module that a parameter belongs to: the longest name before its own. */
export function leafOf(model: nn.Module, parameter: string): string {
  const modules = model.namedModules()
  for (let dot = parameter.lastIndexOf('.'); dot > 0; dot = parameter.lastIndexOf('.', dot - 1))
    if (modules.has(parameter.slice(0, dot))) return parameter.slice(0, dot)
  return ''
}

export async function vitalsOf(live: Live): Promise<Vitals> {
  const { run, probe, record } = live
  const { data, model } = run
  const { parameters } = await probe.backward()
  const size = data.inputShape.reduce((product, n) => product * n, 1)
  const count = Math.min(data.trainCount, Math.max(16, Math.min(256, Math.floor(mostNumbers / size))))
  const x = run.inputs.slice([[0, count]])
  await x.realized()
  const seen = await probe.forward(x)
  const order = [...probe.order].map((name) => name.replace(/#\d+$/, ''))
  const modules = model.namedModules()
  const sums = new Map<string, { weight: number; gradient: number; count: number }>()
  let squares = 0
  for (const [name, gradient] of parameters) {
    const variable = model.namedParameters().get(name)
    if (!variable) continue
    const [g, w] = [sumOfSquares(await gradient.data()), sumOfSquares(await variable.data())]
    squares += g
    const path = leafOf(model, name)
    const sum = sums.get(path) ?? { weight: 0, gradient: 0, count: 0 }
    // Biases are few, begin at zero and are no measure of a layer.
    if (variable.rank > 1)
      sums.set(path, { weight: sum.weight + w, gradient: sum.gradient + g, count: sum.count + variable.size })
  }
  const at = (path: string): number => order.findIndex((name) => name === path || name.startsWith(`${path}.`))
  const weights = [...sums]
    .sort(([a], [b]) => at(a) - at(b))
    .map(([path, { weight, gradient, count }]) => ({
      path,
      weight: Math.sqrt(weight / count),
      gradient: Math.sqrt(gradient / count),
      change: record.changes?.ratios.get(path),
    }))
  const units: UnitVitals[] = []
  const heads: HeadVitals[] = []
  for (const [path, module] of modules) {
    const kind = module.config()?.kind ?? ''
    const value = givenBack(seen.values, path)
    if (!value) continue
    if (rectifiers.has(kind) || ends[kind]) units.push(unitsOf(path, kind, await value.data(), value.shape))
    else if (kind === 'softmax' && value.rank === 4) heads.push(...headsOf(path, await value.data(), value.shape))
  }
  measureNextStep(live)
  const { step } = run
  return {
    stamp: run.stamp,
    spec: run.spec,
    task: data.task,
    stepsPerEpoch: run.stepsPerEpoch,
    lr: run.optimizer.lr,
    losses: record.lossesBefore(step),
    scores: record.scoresUntil(step),
    weights,
    units,
    heads,
    baseline: baselineOf(run),
    gradientNorm: Math.sqrt(squares),
    inputs: inputsOf(run),
    classes: data.task === 'class' ? classesOf(run, await seen.output.data(), seen.output.shape, count) : [],
    breakdown: record.breakdown && record.breakdown.step <= step ? record.breakdown : undefined,
  }
}

/** The next step that is made tells how much of each module's weights it changed. */
function measureNextStep({ run, history, record }: Live): void {
  history.onStep = async (make) => {
    const { step } = run
    const named = [...run.model.namedParameters()].filter(([, { rank, trainable }]) => rank > 1 && trainable)
    const read = (): Promise<ArrayLike<number>[]> => Promise.all(named.map(([, parameter]) => parameter.data()))
    const before = await read()
    const loss = await make()
    const after = await read()
    const sums = new Map<string, { change: number; weight: number }>()
    named.forEach(([name], i) => {
      const path = leafOf(run.model, name)
      const sum = sums.get(path) ?? { change: 0, weight: 0 }
      for (let k = 0; k < before[i].length; k++) {
        sum.change += (after[i][k] - before[i][k]) ** 2
        sum.weight += before[i][k] ** 2
      }
      sums.set(path, sum)
    })
    const ratios = [...sums].map(([path, { change, weight }]) => [path, Math.sqrt(change / (weight || 1))] as const)
    record.changes = { step, ratios: new Map(ratios) }
    return loss
  }
}

export const sumOfSquares = (values: ArrayLike<number>): number => {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i]
  return sum
}

/** [B, units] and [B, T, units]: the last axis counts; [B, channels, height, width]: the second. */
function unitsOf(path: string, kind: string, values: ArrayLike<number>, shape: readonly number[]): UnitVitals {
  const axis = shape.length === 4 ? 1 : shape.length - 1
  const units = shape[axis]
  const inner = shape.slice(axis + 1).reduce((product, n) => product * n, 1)
  const each = values.length / units
  const [zero, low, high] = [new Uint32Array(units), new Uint32Array(units), new Uint32Array(units)]
  const [lowest, highest] = ends[kind] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let i = 0; i < values.length; i++) {
    const unit = Math.floor(i / inner) % units
    if (values[i] === 0) zero[unit]++
    if (values[i] < lowest) low[unit]++
    else if (values[i] > highest) high[unit]++
  }
  const atEnds = low.reduce((sum, n) => sum + n, 0) + high.reduce((sum, n) => sum + n, 0)
  return {
    path,
    kind,
    units,
    dead: ends[kind] ? 0 : zero.filter((n) => n === each).length,
    stuck: low.filter((n, unit) => Math.max(n, high[unit]) >= 0.98 * each).length,
    atEnds: atEnds / values.length,
  }
}

/** weights: [B, heads, T, S] */
function headsOf(
  path: string,
  values: ArrayLike<number>,
  [batch, heads, rows, columns]: readonly number[],
): HeadVitals[] {
  return Array.from({ length: heads }, (_, head) => {
    let [even, first, looked] = [0, 0, 0]
    for (let b = 0; b < batch; b++) {
      for (let row = 3; row < rows; row++) {
        const from = ((b * heads + head) * rows + row) * columns
        let [entropy, places] = [0, 0]
        for (let k = 0; k < columns; k++) {
          const share = values[from + k]
          if (share <= 0) continue
          places++
          entropy -= share * Math.log(share)
        }
        if (places < 2) continue
        looked++
        even += entropy / Math.log(places)
        first += values[from]
      }
    }
    return { path, head, evenness: even / Math.max(1, looked), first: first / Math.max(1, looked) }
  })
}

/** Of cross-entropy the entropy of the classes, of squared errors the variance of the targets, in the training part. */
function baselineOf({ data, spec }: Run): number | undefined {
  const size = data.targetShape.reduce((product, n) => product * n, 1)
  const targets = Array.from(data.targets.subarray(0, data.trainCount * size))
  if (spec.loss.kind === 'mse' && data.task === 'number') {
    const mean = targets.reduce((sum, value) => sum + value, 0) / targets.length
    return targets.reduce((sum, value) => sum + (value - mean) ** 2, 0) / targets.length
  }
  if (spec.loss.kind !== 'crossEntropy' || data.task === 'number') return undefined
  const counts = new Map<number, number>()
  let counted = 0
  for (const target of targets) {
    if (target < 0) continue
    counts.set(target, (counts.get(target) ?? 0) + 1)
    counted++
  }
  return -[...counts.values()].reduce((sum, n) => sum + (n / counted) * Math.log(n / counted), 0)
}

function inputsOf(run: Run): Vitals['inputs'] {
  const { inputs, inputShape, features, trainCount } = run.data
  if (inputShape.length !== 1 || inputs instanceof Int32Array) return []
  const [width] = inputShape
  return Array.from({ length: width }, (_, k) => {
    let [sum, squares] = [0, 0]
    for (let i = 0; i < trainCount; i++) {
      sum += inputs[i * width + k]
      squares += inputs[i * width + k] ** 2
    }
    const mean = sum / trainCount
    return {
      name: features[k] ?? `input ${k}`,
      mean,
      deviation: Math.sqrt(Math.max(0, squares / trainCount - mean ** 2)),
    }
  })
}

function classesOf(run: Run, output: ArrayLike<number>, shape: readonly number[], count: number): Vitals['classes'] {
  const width = shape[shape.length - 1]
  const found = run.data.labels.map((name) => ({ name, truth: 0, answered: 0 }))
  for (let i = 0; i < count; i++) {
    const truth = found[run.data.targets[i]]
    const answered = found[largest(output, i * width, width)]
    if (truth) truth.truth++
    if (answered) answered.answered++
  }
  return found
}
