/**
 * The microscope: the gradient of one weight as the products of the chain rule, and a check of it by finite differences.
 *
 * All of it is the library's `chainRule` on the run's own weights, with the random draws of the next step; this file
 * chooses the samples and keeps the story while the numbers hold. What the optimizer does with the gradient: update.ts.
 */
import { type ChainRule, chainRule, checkGradient, type Tensor, take, tensor } from 'glissade'
import type { Live } from '../desk.ts'
import { inputOf, targetOf } from '../inputs.ts'
import type { SeenBackward } from '../probe.ts'
import type { GradientTerms, LossPart, PassElement, Stride } from '../protocol.ts'
import { forwardOf } from '../run.ts'
import type { Answerer } from './index.ts'
import { remembered } from './remembered.ts'

export const unfolded: Answerer<'unfolded'> = async (live, { name, element, of, stride, limit, open }) => {
  const { run } = live
  checkPlace(live, name, element)
  const story = await remembered(live, 'story', of, async () => {
    const { x, y } = await givenFor(live, of)
    return run.withDraws(() => chainRule(lossOf(live, x, y)))
  })
  const seen = await backwardFor(live, of)
  const options = { level: stride, limit }
  const root = story.terms(name, element, options)
  return {
    stamp: run.stamp,
    samples: of === 'batch' ? [...run.nextBatch()] : [of.index],
    loss: await seen.loss.item(),
    value: root.value,
    gradient: (await seen.parameters.get(name)?.data())?.[element] ?? 0,
    root: plain(root),
    opened: open.filter((each) => isThere(story, each)).map((each) => openedAt(story, each, stride, limit)),
  }
}

export const gradientCheck: Answerer<'gradientCheck'> = async (live, { name, element, of }) => {
  const { run } = live
  const parameter = checkPlace(live, name, element)
  const { x, y } = await givenFor(live, of)
  const found = await run.withDraws(() => checkGradient(lossOf(live, x, y), parameter, element))
  return { stamp: run.stamp, ...found }
}

function checkPlace({ run }: Live, name: string, element: number) {
  const parameter = run.model.namedParameters().get(name)
  if (!parameter) throw new Error(`The model has no parameter ${name}.`)
  if (!parameter.trainable) throw new Error(`${name} is not trained, so it has no gradient.`)
  if (!(Number.isInteger(element) && element >= 0 && element < parameter.size))
    throw new Error(`${name} has ${parameter.size} numbers; there is none at place ${element}.`)
  return parameter
}

/** The loss as the next step computes it, on these samples. */
const lossOf =
  ({ run }: Live, x: Tensor, y: Tensor) =>
  (): Tensor => {
    run.model.train()
    return run.loss(forwardOf(run.model, x), y)
  }

async function givenFor({ run }: Live, of: LossPart): Promise<{ readonly x: Tensor; readonly y: Tensor }> {
  if (of !== 'batch') return { x: await inputOf(run, of), y: targetOf(run, of) as Tensor }
  const at = tensor(run.nextBatch())
  const [x, y] = [take(run.inputs, at, 0), take(run.targets, at, 0)]
  await Promise.all([x.realized(), y.realized()])
  return { x, y }
}

/** The same gradients by the compiled program. */
function backwardFor(live: Live, of: LossPart): Promise<SeenBackward> {
  if (of === 'batch') return live.probe.backward()
  return remembered(live, 'backward', of, async () => {
    const { x, y } = await givenFor(live, of)
    return live.probe.backwardOf(x, y)
  })
}

/** Ids of an earlier recording may be of another network. */
function isThere(story: ChainRule, { id, element }: PassElement): boolean {
  const operation = story.operations[id]
  return operation !== undefined && element < operation.shape.reduce((product, n) => product * n, 1)
}

function openedAt(story: ChainRule, { id, element }: PassElement, stride: Stride, limit: number): GradientTerms {
  return plain(story.terms(id, element, { level: stride, limit }))
}

/** Without what the page does not show; small enough to be sent often. */
function plain({ id, element, gradient, sum, terms, rest }: ReturnType<ChainRule['terms']>): GradientTerms {
  return { id, element, gradient, sum, terms, rest }
}
