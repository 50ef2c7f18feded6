/** Chapter 1: one neuron. Its numbers are set by hand, before it finds them itself. */
import { planeSpec } from '../../spec/presets.ts'
import type { LabSpec } from '../../spec/spec.ts'
import type { Chapter } from '../chapter.ts'
import { neuronStage } from '../stages/neuron.tsx'

const neuron = { kind: 'linear', in: 2, out: 1 }
const groups = planeSpec('gaussians', [], { samples: 200, noise: 0.01, loss: { kind: 'mse' } })
const withSigns = {
  ...groups,
  data: { ...groups.data, signs: true } as LabSpec['data'],
  optimizer: { kind: 'sgd', lr: 0.03 },
}
const sumOnly: LabSpec = { ...withSigns, model: { kind: 'sequential', layers: [neuron] } }
const bent: LabSpec = { ...withSigns, model: { kind: 'sequential', layers: [neuron, { kind: 'tanh' }] } }

export const chapter: Chapter = {
  number: 1,
  id: 'neuron',
  title: 'The neuron',
  goal: 'Multiply, add, bend: set three numbers by hand, and one neuron tells two groups apart.',
  cards: [
    {
      id: 'sum',
      title: 'A neuron is a small sum',
      text: `
Everything in this lab, up to the networks that write text, is built of one small part: the [[neuron]]. Here is one.

It takes numbers in, its [[inputs|input]]. It multiplies each by a number of its own, a [[weight]]. It adds the products,
and one more number, the [[bias]]. That is all there is to it so far, and you can do it in your head.`,
      spec: sumOnly,
      start: { '0.weight': [0.5, -1], '0.bias': [1.5] },
      stage: neuronStage({ plane: false }),
      predict: {
        kind: 'number',
        question: 'The inputs are 2 and 1, the weights 0.5 and −1, the bias is 1.5. What is the sum?',
        label: 'The sum',
        truth: (scene) => scene.fact('sum'),
        near: 0.005,
        reply: (given, truth) =>
          Math.abs(given - truth) <= 0.005
            ? 'You have just done what a neuron does.'
            : '2 times 0.5 is 1; 1 times −1 is −1; together 0, and the bias of 1.5 on top.',
      },
      achieve: {
        text: 'Leave the inputs at 2 and 1. Turn weights and bias until the sum is above 4.',
        when: (scene) => (scene.fact('sum') ?? 0) > 4 && scene.fact('x1') === 2 && scene.fact('x2') === 1,
        showMe: (scene) => scene.set('0.weight', [1.5, 0.5]),
        done: 'Same inputs, another answer. What a neuron knows is in its weights and its bias, and nowhere else.',
      },
    },
    {
      id: 'line',
      title: 'On a plane, it draws a line',
      text: `
Two inputs are a place on a plane: $x_1$ to the right, $x_2$ up. So let us ask the neuron about every place at once, and
colour its sum: blue above 0, orange below.

Along the drawn line the sum is exactly 0. That line is the [[boundary]], and it is always straight: weights and bias only
say how it is turned, and where it lies.`,
      spec: sumOnly,
      start: { '0.weight': [0.5, -1], '0.bias': [1.5] },
      stage: neuronStage(),
      predict: {
        kind: 'choice',
        question: 'What will the line do when only the bias changes?',
        options: [
          {
            text: 'It turns',
            reply: 'Turning is what the weights do. Try the bias: the line slides and keeps its direction.',
          },
          {
            text: 'It slides, and keeps its direction',
            right: true,
            reply: 'Yes: the bias adds the same everywhere. Try it.',
          },
          {
            text: 'It bends',
            reply: 'A sum of products cannot bend; it will slide. What bends comes on the next card.',
          },
        ],
      },
      achieve: {
        text: 'Make the line stand upright, so that only left and right matter. One of the numbers has to become 0.',
        when: (scene) => Math.abs(scene.fact('w2') ?? 1) < 0.03 && Math.abs(scene.fact('w1') ?? 0) > 0.1,
        showMe: (scene) => scene.set('0.weight', [0.5, 0]),
        done: 'With $\\sym{w2}{w_2} = 0$ the neuron does not listen to $x_2$ at all. A weight says how much an input counts.',
      },
    },
    {
      id: 'bend',
      title: 'And then it bends',
      text: `
A sum may grow without end. So the neuron puts it through a fixed curve, its [[activation]]. This one is [[tanh]]: near 0
it leaves the sum almost as it is; large sums it squeezes to 1, and large negative ones to −1.

Now the answer is a clear one: close to 1, close to −1, or, along the line, undecided.`,
      spec: bent,
      start: { '0.weight': [0.5, -1], '0.bias': [1.5] },
      stage: neuronStage({ at: [2, 1] }),
      predict: {
        kind: 'choice',
        question: 'The sum is 1.5 now. If it were 15, what would come out?',
        options: [
          {
            text: 'About 9',
            reply: 'That would follow the sum. tanh does not: beyond 3 or so it is flat, so nearly 1.',
          },
          { text: 'Almost exactly 1', right: true, reply: 'Yes. Beyond 3 or so, more sum changes almost nothing.' },
          { text: '15', reply: 'That was the neuron without its activation. tanh never goes above 1.' },
        ],
      },
      achieve: {
        text: 'Drag the ring to a place where the neuron says less than −0.9.',
        when: (scene) => (scene.fact('out') ?? 0) < -0.9,
        showMe: (scene) => scene.notice('show'),
        done: 'Deep on the other side of the line, the neuron is sure of the opposite.',
      },
    },
    {
      id: 'by-hand',
      title: 'Tell two groups apart, by hand',
      text: `
Here are two groups of points. For the circles the neuron should say −1, for the squares 1. Its numbers are wrong:
the line runs right through both groups.

You have three numbers. Turn the line between the groups, with blue on the side of the squares.`,
      spec: bent,
      start: { '0.weight': [0.6, -0.6], '0.bias': [0.5] },
      stage: neuronStage({ points: true, at: [2, 2] }),
      achieve: {
        text: 'Get at least 97 % of the points on their own side.',
        when: (scene) => (scene.fact('right') ?? 0) >= 0.97,
        showMe: async (scene) => {
          await scene.set('0.weight', [0.6, 0.6])
          await scene.set('0.bias', [0])
        },
        done: 'You have just trained a neuron by hand. It took you two or three changes, because you saw where to go.',
      },
    },
    {
      id: 'by-itself',
      title: 'Now it finds them itself',
      text: `
The same neuron, with the same bad numbers. This time it learns: it looks at some points, sees how wrong it was, and
moves each of its three numbers a little in the direction that would have helped. Then again, with other points.

How it knows the direction is what chapters [6](#/trail/6) and [7](#/trail/7) are about. For now, watch it: go one
[[step]] at a time first, and look at the numbers in the table.`,
      spec: bent,
      start: { '0.weight': [0.6, -0.6], '0.bias': [0.5] },
      stage: neuronStage({ points: true, at: [2, 2] }),
      bar: ['train', 'step', 'reset', 'speed'],
      speed: 10,
      predict: {
        kind: 'choice',
        question: 'Which of the two weights will have to change most?',
        options: [
          {
            text: '$\\sym{w1}{w_1}$, the upper one',
            reply: 'It is right already: more to the right means square. The other has the wrong sign.',
          },
          {
            text: '$\\sym{w2}{w_2}$, the lower one',
            right: true,
            reply: 'Yes. It is negative, but squares lie higher: it has to change its sign.',
          },
        ],
      },
      achieve: {
        text: 'Let it train until 97 % are on their own side.',
        when: (scene) => (scene.fact('right') ?? 0) >= 0.97 && (scene.lab.progress.value?.stamp.step ?? 0) > 0,
        showMe: (scene) => scene.lab.advance(60),
        done: 'Three numbers, found from examples alone. Networks have thousands or billions of them, found in the same way.',
      },
    },
  ],
}
