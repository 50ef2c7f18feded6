/** Chapter 5: the loss, felt by hand for one sample, then for all. */
import { planeSpec } from '../../spec/presets.ts'
import type { LabSpec } from '../../spec/spec.ts'
import type { Chapter } from '../chapter.ts'
import { scoreOf } from '../scene.ts'
import { two } from '../stages/knob.tsx'
import { CrossEntropy, SquaredError } from '../stages/loss.tsx'
import { Samples } from '../stages/samples.tsx'

const plain = planeSpec('gaussians', [], { samples: 200, noise: 0.01, loss: { kind: 'mse' } })
const numbers: LabSpec = {
  ...plain,
  data: { ...plain.data, signs: true } as LabSpec['data'],
  model: { kind: 'sequential', layers: [{ kind: 'linear', in: 2, out: 1 }, { kind: 'tanh' }] },
}
const moons = planeSpec('moons', [6], {
  samples: 120,
  noise: 0.06,
  optimizer: { kind: 'adamW', lr: 0.02, weightDecay: 0 },
})
/** So few steps that many samples are still wrong. */
const halfway = { spec: moons, trained: 60 }

export const chapter: Chapter = {
  number: 5,
  id: 'loss',
  title: 'How wrong',
  goal: 'One number says how wrong a network is: squared error and cross-entropy, felt by hand.',
  cards: [
    {
      id: 'squared',
      title: 'How wrong is one answer?',
      text: `
Before a network can get better, someone has to tell it how bad it is, in one number. That number is the [[loss]].

If the answer is a number, take the difference from the [[target]] and multiply it by itself: the [[squared error]]. It
does not matter on which side you miss, and missing by twice as much costs four times as much.`,
      spec: numbers,
      stage: SquaredError,
      predict: {
        kind: 'number',
        question: 'The answer is 0.5, the target −1. What is the squared error?',
        label: 'Squared error',
        truth: (scene) => scene.fact('asked'),
        near: 0.01,
        reply: (given, truth) =>
          Math.abs(given - truth) <= 0.01
            ? 'The distance is 1.5; its square is the loss.'
            : 'The distance is 1.5, and 1.5 times 1.5 is the loss.',
      },
      achieve: {
        text: 'Drag the answer along the curve until the loss is below 0.01.',
        when: (scene) => (scene.fact('squared') ?? 1) < 0.01,
        showMe: (scene) => scene.notice('show'),
        done: 'Near the bottom the curve is flat: almost right costs almost nothing. Far up it is steep, and urgent.',
      },
    },
    {
      id: 'entropy',
      title: 'When the answer is a class',
      text: `
For classes the network gives [[probabilities|probability]]. What counts is how much it gave to the class that is right:
the loss is minus the logarithm of that, the [[cross-entropy]].

All of it, probability 1, costs nothing. Half of it costs a little. And to have given the right class almost nothing, to
be *sure and wrong*, costs without limit.`,
      ...halfway,
      stage: CrossEntropy,
      predict: {
        kind: 'choice',
        question: 'A network that has no idea gives each of two classes 0.5. What does that cost?',
        options: [
          { text: '0', reply: 'Only certainty about the right class is free. Not knowing costs $\\ln 2$, about 0.69.' },
          {
            text: 'About 0.69',
            right: true,
            reply: 'Yes, $\\ln 2$. A training that begins near 0.69 has two classes and knows nothing yet.',
          },
          {
            text: '1',
            reply: 'Close: it is $-\\ln 0.5 = \\ln 2$, about 0.69. Remember it: many trainings begin there.',
          },
        ],
      },
      achieve: {
        text: 'Be sure and wrong: find an answer that costs more than 4.',
        when: (scene) => (scene.fact('entropy') ?? 0) > 4,
        showMe: (scene) => scene.notice('show'),
        done: 'Less than 2 % for the right class. Such a sample pulls harder at the weights than a hundred that are almost right.',
      },
    },
    {
      id: 'worst',
      title: 'Which point hurts most?',
      text: `
Back to real points. This network was stopped in the middle of learning: much is right, some is wrong. Each point has its
own loss; choose one, and see how much probability its class was given.

Not every point on the wrong side costs the same.`,
      ...halfway,
      stage: Samples,
      predict: {
        kind: 'place',
        question:
          'Where will the point with the largest loss lie? The stage shows what the network says; choose a place.',
        reply: ([x, y], scene) => {
          const [worstX, worstY] = [scene.fact('worst x') ?? 0, scene.fact('worst y') ?? 0]
          const right = Math.hypot(x - worstX, y - worstY) < 1.2
          const where = `It lies at ${two(worstX)}, ${two(worstY)}`
          return { right, text: right ? `${where}: that is where you looked.` : `${where}. Look what colour is there.` }
        },
      },
      achieve: {
        text: 'Find the point with the largest loss of all. Where does one have to lie, to be as wrong as possible?',
        when: (scene) => scene.fact('rank') === 0,
        showMe: (scene) => scene.notice('show'),
        done: 'Deep in the other colour: where the network is surest, being wrong costs most.',
      },
    },
    {
      id: 'mean',
      title: 'All of them in one number',
      text: `
The loss of the network is the **mean** of all these bars. One number for 84 points: that is all that training looks at,
and everything that it does is done to make it smaller.

Let it train, and watch the bars. The tall ones go first.`,
      ...halfway,
      stage: Samples,
      bar: ['train', 'step', 'reset', 'speed'],
      speed: 60,
      predict: {
        kind: 'choice',
        question: 'While the mean falls, what does the loss of one single point do?',
        options: [
          {
            text: 'It falls too, every time',
            reply: 'Most of the time. But a point may be given up for many others: watch single bars rise.',
          },
          {
            text: 'It may rise, if others gain more',
            right: true,
            reply: 'Yes. Only the mean is asked for; single points may pay for it.',
          },
          {
            text: 'Nothing, until it is right',
            reply: 'It moves all the time: probability is given and taken in small amounts.',
          },
        ],
      },
      achieve: {
        text: 'Train until the mean is below 0.1.',
        when: (scene) => (scoreOf(scene, 'train')?.loss ?? 1) < 0.1,
        showMe: (scene) => scene.lab.advance(600),
        done: 'Hardly a bar is left. How training finds the way down is the [next chapter](#/trail/6).',
      },
    },
  ],
}
