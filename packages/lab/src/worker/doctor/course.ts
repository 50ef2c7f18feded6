/** What the course of a training shows: that it runs away, overshoots, creeps, stands still, or learns by heart. */
import type { LayerSpec } from '../../spec/spec.ts'
import type { Evidence, Remedy } from '../protocol.ts'
import type { Vitals } from '../vitals.ts'
import { earliest, finite, lossesOf, mean, named, percent, type Rule, short, thinned, withRate } from './words.ts'

export const divergence: Rule = (vitals) => {
  const { breakdown, scores, losses, lr } = vitals
  const remedies = [
    withRate(vitals, 1 / 3, 'start'),
    ...(vitals.spec.optimizer.clipNorm === undefined
      ? [
          {
            text: 'Begin again with gradients clipped to norm 1',
            change: { optimizer: { ...vitals.spec.optimizer, clipNorm: 1 } },
            from: 'start' as const,
          },
        ]
      : []),
  ]
  if (breakdown) {
    const where = breakdown.module === undefined ? 'the loss itself' : `the gradient of ${named(breakdown.module)}`
    return [
      {
        name: 'divergence',
        severity: 'serious',
        title: 'The numbers have run away',
        text: `At step ${breakdown.step} the loss or its gradients stopped being numbers. Walking back from the loss, ${where} broke first. The learning rate there was ${short(breakdown.lr)}: each step overshot, and the next gradient was larger still.`,
        ...(breakdown.module !== undefined && { module: breakdown.module }),
        evidence: [
          {
            title: 'Norm of all gradients, step by step',
            rows: breakdown.norms.map(({ step, norm }) => ({
              name: `step ${step}`,
              value: norm,
              mark: step === breakdown.step,
            })),
            scale: 'log',
          },
        ],
        remedies,
      },
    ]
  }
  const [first, last] = [scores[0], scores[scores.length - 1]]
  // Three times as bad as knowing nothing, for the newest steps too: not one unlucky batch.
  const recent = losses.slice(-20).map(({ loss }) => loss)
  if (!first || recent.length < 10 || !(last.train.loss > 3 * first.train.loss && mean(recent) > 3 * first.train.loss))
    return []
  return [
    {
      name: 'divergence',
      severity: 'serious',
      title: 'The loss grows instead of falling',
      text: `It began at ${short(first.train.loss)} and is ${short(last.train.loss)} now, with learning rate ${short(lr)}. Each step goes past the valley and lands higher on the other side.`,
      evidence: [lossesOf(vitals, 'Loss of the newest batches')],
      remedies,
    },
  ]
}

export const overfitting: Rule = (vitals) => {
  const { scores, spec } = vitals
  if (scores.length < 8) return []
  const first = scores[0]
  const best = scores.reduce((a, b) => (b.test.loss < a.test.loss ? b : a))
  const tail = scores.slice(-4)
  const now = { train: mean(tail.map(({ train }) => train.loss)), test: mean(tail.map(({ test }) => test.loss)) }
  const since = scores.filter(({ step }) => step > best.step).length
  const rises = now.test > 1.15 * best.test.loss && now.test - best.test.loss > 0.05 * first.test.loss
  const gap = now.test - now.train
  const grows = gap > best.test.loss - best.train.loss + 0.05 * first.test.loss && gap > 0.1 * first.test.loss
  if (since < 4 || !rises || !grows || now.train > best.train.loss) return []
  const decays = spec.optimizer.kind === 'adamW' || spec.optimizer.kind === 'sgd'
  return [
    {
      name: 'overfitting',
      severity: 'warning',
      title: 'It learns the samples by heart',
      text: `Since step ${best.step} the loss on the test part rose from ${short(best.test.loss)} to ${short(now.test)}, while on the training part it fell to ${short(now.train)}. What it learns now holds for these samples only.`,
      evidence: [
        {
          title: 'Test loss',
          rows: thinned(scores, 48).map(({ step, test }) => ({
            name: `step ${step}`,
            value: test.loss,
            mark: step === best.step,
          })),
          scale: 'linear',
        },
      ],
      remedies: [
        ...(decays
          ? [
              {
                text: 'Begin again with weight decay, which keeps weights small',
                change: { optimizer: { ...spec.optimizer, weightDecay: spec.optimizer.kind === 'adamW' ? 0.3 : 0.01 } },
                from: 'start' as const,
              },
            ]
          : []),
        ...('samples' in spec.data
          ? [
              {
                text: `Begin again with ${2 * spec.data.samples} samples`,
                change: { data: { ...spec.data, samples: 2 * spec.data.samples } },
                from: 'start' as const,
              },
            ]
          : []),
        {
          text: `Begin again and stop at epoch ${Math.max(1, Math.round(best.step / vitals.stepsPerEpoch))}, where the test loss was lowest`,
          change: { stopAtEpoch: Math.max(1, Math.round(best.step / vitals.stepsPerEpoch)) },
          from: 'start',
        },
      ],
    },
  ]
}

/** The part of the loss of knowing nothing that is still there, and how little it fell in the second half of the run. */
const learnedNothing = 0.85
const still = 0.02

export const plateau: Rule = (vitals) => {
  const { scores, stamp } = vitals
  if (stamp.step < 4 * earliest || scores.length < 6) return []
  const [first, last] = [scores[0], scores[scores.length - 1]]
  const half = scores.find(({ step }) => step >= stamp.step / 2) ?? last
  const fell = (half.train.loss - last.train.loss) / first.train.loss
  const nothing = Math.min(first.train.loss, vitals.baseline ?? first.train.loss)
  if (last.train.loss < learnedNothing * nothing || Math.abs(fell) > still) return []
  return [
    {
      name: 'plateau',
      severity: 'warning',
      title: 'The loss has stopped falling',
      text: `It began at ${short(first.train.loss)}, was ${short(half.train.loss)} at step ${half.step}, and is ${short(last.train.loss)} now${vitals.baseline === undefined ? '' : `; always giving the same answer would cost ${short(vitals.baseline)}`}. The network may be too small for these data, or steps too small or too large to get on.`,
      evidence: [
        {
          title: 'Training loss',
          rows: thinned(scores, 48).map(({ step, train }) => ({ name: `step ${step}`, value: train.loss })),
          scale: 'linear',
        },
      ],
      remedies: [withRate(vitals, 3, 'here'), withRate(vitals, 1 / 3, 'here'), ...deeper(vitals)],
    },
  ]
}

/** A hidden layer for a network that is a single one. */
function deeper({ spec }: Vitals): Remedy[] {
  const layers = spec.model.layers as readonly LayerSpec[] | undefined
  const at = layers?.length === 1 && layers[0].kind === 'linear' ? layers[0] : undefined
  if (!at) return []
  const model = {
    kind: 'sequential',
    layers: [{ kind: 'linear', in: at.in, out: 8 }, { kind: 'tanh' }, { kind: 'linear', in: 8, out: at.out }],
  }
  return [{ text: 'Begin again with a hidden layer of 8', change: { model }, from: 'start' }]
}

/** How much of its weights a step should change: about a thousandth; far from it is worth a word. */
const changeTooSmall = 2e-5
const changeTooLarge = 0.15

const changesByLayer = ({ weights }: Vitals): Evidence => ({
  title: 'Part of its weights that a step changes, by layer',
  rows: weights
    .filter(({ change }) => change !== undefined)
    .map(({ path, change }) => ({ name: path || 'model', value: change as number })),
  scale: 'log',
})

export const rate: Rule = (vitals) => {
  const { weights, scores, stamp, lr, losses } = vitals
  const changes = weights
    .flatMap(({ change }) => (change === undefined || !finite(change) ? [] : [change]))
    .sort((a, b) => a - b)
  const middle = changes[Math.floor(changes.length / 2)]
  const [first, last] = [scores[0], scores[scores.length - 1]]
  if (middle === undefined || !first || stamp.step < earliest) return []
  if (middle < changeTooSmall && last.train.loss > 0.9 * first.train.loss) {
    return [
      {
        name: 'rate-small',
        severity: 'warning',
        title: 'The learning rate is very small',
        text: `A step changes ${short(middle)} of a layer's weights; a thousandth is usual. After ${stamp.step} steps the loss is ${short(last.train.loss)}, from ${short(first.train.loss)}.`,
        evidence: [changesByLayer(vitals)],
        remedies: [withRate(vitals, 10, 'here'), withRate(vitals, 10, 'start')],
      },
    ]
  }
  const best = Math.min(...scores.map(({ train }) => train.loss))
  const recent = losses.slice(-40).map(({ loss }) => loss)
  const jumps = recent.length >= 20 && Math.max(...recent) > 2 * Math.min(...recent)
  const lost = mean(scores.slice(-4).map(({ train }) => train.loss)) > Math.max(1.5 * best, 0.5 * first.train.loss)
  const most = changes[changes.length - 1]
  if (!(most > changeTooLarge && jumps && lost)) return []
  return [
    {
      name: 'rate-large',
      severity: 'serious',
      title: 'The learning rate is too large',
      text: `A step changes up to ${percent(most)} of a layer's weights, and the loss of batches jumps between ${short(Math.min(...recent))} and ${short(Math.max(...recent))}: steps of rate ${short(lr)} overshoot.`,
      evidence: [lossesOf(vitals, 'Loss of the newest batches'), changesByLayer(vitals)],
      remedies: [withRate(vitals, 1 / 3, 'start'), withRate(vitals, 1 / 10, 'start')],
    },
  ]
}

export const collapse: Rule = (vitals) => {
  const { classes, stamp, stepsPerEpoch } = vitals
  const count = classes.reduce((sum, { truth }) => sum + truth, 0)
  if (stamp.step < Math.max(earliest, stepsPerEpoch) || count < 16) return []
  const most = classes.reduce((a, b) => (b.answered > a.answered ? b : a))
  if (most.answered < 0.98 * count || most.truth > 0.8 * count) return []
  return [
    {
      name: 'collapse',
      severity: 'serious',
      title: `It answers “${most.name}” whatever it is shown`,
      text: `${most.answered} of ${count} answers are “${most.name}”, but only ${most.truth} of these samples are. The output no longer depends on the input.`,
      evidence: [
        {
          title: 'Answers by class',
          rows: classes.map(({ name, answered }) => ({ name, value: answered / count, mark: name === most.name })),
          scale: 'linear',
          unit: 'share',
        },
      ],
      remedies: [withRate(vitals, 1 / 3, 'start')],
    },
  ]
}
