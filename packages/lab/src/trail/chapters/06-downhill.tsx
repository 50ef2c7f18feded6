/** Chapter 6: gradient descent, on one and two weights, and on the surface of a whole network. */
import { planeSpec } from '../../spec/presets.ts'
import type { LabSpec } from '../../spec/spec.ts'
import type { Chapter, Scene } from '../chapter.ts'
import { accuracyOf } from '../scene.ts'
import { lineStage, mapStage, wayStage } from '../stages/downhill.tsx'

/** One neuron without a bend and without a bias: nothing but weights. All points are one batch, so the slope is exact. */
function weightsOnly(features: readonly ('x' | 'y')[], lr: number): LabSpec {
  const spec = planeSpec('gaussians', [], {
    samples: 200,
    noise: 0.01,
    features,
    loss: { kind: 'mse' },
    batchSize: 140,
  })
  return {
    ...spec,
    data: { ...spec.data, signs: true } as LabSpec['data'],
    model: { kind: 'sequential', layers: [{ kind: 'linear', in: features.length, out: 1, bias: false }] },
    optimizer: { kind: 'sgd', lr },
  }
}

const one = weightsOnly(['x'], 0.02)
const two = weightsOnly(['x', 'y'], 0.03)
const line = [[-1.6, 2.4]] as const
const map = [
  [-1.5, 2],
  [-1.5, 2],
] as const
const name = '0.weight'

const loss = (scene: Scene): number => scene.fact('loss') ?? Number.POSITIVE_INFINITY
const step = (scene: Scene): number => scene.fact('step') ?? 0
/** Just above the bottom of the valley of one weight, and of two. */
const [bottom1, bottom2] = [0.215, 0.135]

const rates = [
  { lr: 0.001, text: '0.001' },
  { lr: 0.02, text: '0.02' },
  { lr: 0.09, text: '0.09' },
  { lr: 0.19, text: '0.19' },
  { lr: 0.22, text: '0.22' },
]
const ways = [
  { lr: 0.01, text: '0.01' },
  { lr: 0.05, text: '0.05' },
  { lr: 0.1, text: '0.1' },
]
const rolls = [
  { lr: 0.01, momentum: 0, text: '0.01, no momentum' },
  { lr: 0.01, momentum: 0.9, text: '0.01, momentum 0.9' },
]

export const chapter: Chapter = {
  number: 6,
  id: 'downhill',
  title: 'Downhill',
  goal: 'Walk the real loss surface: the learning rate too large, too small, and momentum.',
  cards: [
    {
      id: 'valley',
      title: 'One weight, one valley',
      text: `
Here is the smallest network there is: one input, one [[weight]], no bias. Its answer is $w \\cdot x$. For one group of
points it should be −1, for the other 1.

How wrong it is over all 140 points is one number, the [[loss]]. It depends on nothing but $w$. So each value of the
weight has its loss, and together they are a curve.`,
      spec: one,
      start: { [name]: [-1] },
      stage: lineStage({ start: [-1], windows: line, byHand: true }),
      predict: {
        kind: 'choice',
        question: 'The weight is −1, so almost every answer has the wrong sign. What will the curve look like?',
        options: [
          {
            text: 'It falls, and falls further, the larger the weight',
            reply: 'Not without end: with a weight of 100 the answers would be far beyond 1, and wrong again.',
          },
          {
            text: 'A valley: it falls, and then rises again',
            right: true,
            reply: 'Yes. Too small is wrong, too large is wrong, and in between lies a lowest point.',
          },
          {
            text: 'Up and down, many times',
            reply: 'Larger networks can have that. One weight and squares make a single valley.',
          },
        ],
      },
      achieve: {
        text: 'Turn the weight, or click on the curve, until the loss is below 0.215.',
        when: (scene) => (scene.fact('loss') ?? 1) < bottom1,
        showMe: (scene) => scene.set(name, [0.4]),
        done: 'That is the bottom. The loss is not 0 there, since no single weight is right for all points at once.',
      },
    },
    {
      id: 'slope',
      title: 'The slope says where to go',
      text: `
You saw the whole curve. A network does not: with a million weights nobody could draw it. What it can know is the **slope**
where it stands, the [[gradient]] $\\frac{\\partial L}{\\partial w}$: how the loss changes when the weight grows a little.

If the slope is negative, growing helps. So the rule is: go *against* the slope, by a small share of it. That share, $\\eta$,
is the [[learning rate]]. The rule has a name: **gradient descent**.`,
      spec: one,
      start: { [name]: [-1] },
      stage: lineStage({ start: [-1], windows: line, formula: true }),
      bar: ['step', 'reset'],
      predict: {
        kind: 'number',
        question: 'The numbers are on the stage: weight, learning rate, slope. Where will the first step lead?',
        label: 'The weight after one step',
        truth: (scene) => scene.fact('next'),
        near: 0.02,
        reply: (given, truth) =>
          Math.abs(given - truth) <= 0.02
            ? 'Exactly. Minus times a negative slope is plus: the weight grows.'
            : 'Take the slope times the learning rate, and subtract it from the weight. Subtracting a negative number adds.',
      },
      achieve: {
        text: 'Make steps with the button *One step* until the slope is less than 0.5, one way or the other.',
        when: (scene) => step(scene) > 0 && (scene.fact('slope') ?? 1) < 0.5,
        showMe: (scene) => scene.lab.advance(16),
        done: 'The steps became smaller by themselves, since the slope did. At the bottom it is 0, and nothing moves any more.',
      },
    },
    {
      id: 'rate',
      title: 'Too small, and too large',
      text: `
The slope says the direction. How far to go is up to the [[learning rate]], and that is a choice. Too small, and it
takes forever. Too large, and the step leads across the valley, to the other side.

Now the step is sometimes larger than the whole valley.`,
      spec: one,
      start: { [name]: [-1] },
      stage: lineStage({ start: [-1], windows: line, formula: true, paces: rates }),
      bar: ['step', 'train', 'reset'],
      speed: 4,
      predict: {
        kind: 'choice',
        question:
          'With 0.22 each step lands on the other side of the valley, a little higher than before. What happens after many steps?',
        options: [
          {
            text: 'It swings for a while, and comes to rest',
            reply:
              'It would, if each landing were lower. Each is higher: the slope there is steeper, so the next step is larger.',
          },
          {
            text: 'It climbs out of the valley, without end',
            right: true,
            reply: 'Yes: steeper slope, larger step, steeper slope. That is called divergence.',
          },
          {
            text: 'It stops at the edge',
            reply: 'Nothing stops it: at the edge the slope is steepest, so the step is largest.',
          },
        ],
      },
      achieve: {
        text: 'First see it climb: with 0.22, until the loss is above 20. Then find a rate that gets below 0.215 within 6 steps.',
        when: (scene) =>
          (scene.fact('highest') ?? 0) > 20 && loss(scene) < bottom1 && step(scene) > 0 && step(scene) <= 6,
        showMe: async (scene) => {
          await pace(scene, 0.22, [-1])
          await scene.lab.advance(30)
          await until(() => (scene.fact('highest') ?? 0) > 20)
          await pace(scene, 0.09, [-1])
          await scene.lab.advance(4)
        },
        done: 'One rule, one number, and it decides between forever, four steps, and never. When a loss becomes huge or is no number any more, the learning rate is the first thing to look at.',
      },
    },
    {
      id: 'two',
      title: 'Two weights, a landscape',
      text: `
With two weights there is a loss for each *pair*: a landscape, seen from above like a hiking map. Each line joins places
of the same height. The [[gradient]] now has two numbers, one slope for each weight, and together they are an arrow.`,
      spec: two,
      start: { [name]: [1.5, 0.9] },
      stage: mapStage({ start: [1.5, 0.9], windows: map, drop: true }),
      bar: ['step', 'train', 'reset'],
      speed: 6,
      predict: {
        kind: 'choice',
        question: 'How does the arrow straight down lie to the line on which it begins?',
        options: [
          {
            text: 'Along the line',
            reply: 'Along the line the height stays the same: that would be neither up nor down.',
          },
          {
            text: 'Across it, at a right angle',
            right: true,
            reply: 'Yes: a step along the line changes nothing, so all of the slope is across.',
          },
          {
            text: 'Always towards the lowest point',
            reply: 'Only where the lines are circles. In this stretched valley it points elsewhere: look.',
          },
        ],
      },
      achieve: {
        text: 'Click somewhere on the map to put the weights there, then train down to a loss below 0.135.',
        when: (scene) => scene.fact('dropped') !== undefined && step(scene) > 0 && loss(scene) < bottom2,
        showMe: async (scene) => {
          scene.notice('dropped')
          await scene.set(name, [-1.2, 1.4])
          await scene.lab.advance(90)
        },
        done: 'Each step was straight down where it stood, and still the way bent: down changes from place to place.',
      },
    },
    {
      id: 'narrow',
      title: 'A narrow valley',
      text: `
This valley is three times as long as it is wide, and that is mild: in large networks it may be a thousand times. Across it
the slope is steep, so a large [[learning rate]] swings from wall to wall. Along it the slope is gentle, so a small one
crawls.

One number for both directions: that is the trouble.`,
      spec: two,
      start: { [name]: [1.5, -0.2] },
      stage: mapStage({ start: [1.5, -0.2], windows: map, paces: ways }),
      bar: ['step', 'train', 'reset'],
      speed: 6,
      predict: {
        kind: 'choice',
        question: 'What will the way look like with 0.1, which is almost too large across the valley?',
        options: [
          { text: 'A zigzag', right: true, reply: 'Yes: from one wall to the other, and only slowly along.' },
          {
            text: 'A smooth curve to the bottom',
            reply: 'That is what 0.01 does, and it takes its time. 0.1 jumps across.',
          },
          { text: 'It flies out at once', reply: 'From about 0.11 on it would. 0.1 still holds, just.' },
        ],
      },
      achieve: {
        text: 'Try all three, and come below 0.135 within 30 steps with one of them.',
        when: (scene) =>
          ((scene.fact('tried') ?? 0) & 7) === 7 && step(scene) > 0 && step(scene) <= 30 && loss(scene) < bottom2,
        showMe: async (scene) => {
          for (const { lr } of ways) {
            await pace(scene, lr, [1.5, -0.2])
            await scene.lab.advance(26)
            await until(() => scene.lab.running.peek() === false)
          }
          scene.notice('tried', 7)
        },
        done: 'The steepest direction sets how large a step may be, and the gentlest how many it takes.',
      },
    },
    {
      id: 'momentum',
      title: 'Momentum',
      text: `
A ball would not stop and look at each place: it would roll, and keep its speed. **Momentum** does the same. It keeps a
velocity $v$, adds the slope to it, and steps by the velocity:

$$v' = 0.9 \\cdot v + \\frac{\\partial L}{\\partial w}, \\qquad w' = w - \\eta \\cdot v'$$

What points the same way again and again adds up; what swings from side to side cancels out.`,
      spec: two,
      start: { [name]: [1.5, -0.9] },
      stage: mapStage({ start: [1.5, -0.9], windows: map, paces: rolls, arrows: false }),
      bar: ['step', 'train', 'reset'],
      speed: 10,
      predict: {
        kind: 'choice',
        question: 'The same small learning rate, 0.01. What will be different with momentum?',
        options: [
          {
            text: 'The way is the same, only faster',
            reply: 'Faster, yes. But a ball that is fast does not stop at the bottom.',
          },
          {
            text: 'It is faster, and rolls past the bottom before it comes back',
            right: true,
            reply: 'Yes. What it has gained in speed carries it past, and it comes back in a spiral.',
          },
          {
            text: 'It swings itself out of the valley',
            reply: 'It loses a tenth of its speed at each step, so it comes to rest.',
          },
        ],
      },
      achieve: {
        text: 'Run without momentum for 40 steps, then with it: below 0.135 within 40 steps.',
        when: (scene) =>
          ((scene.fact('tried') ?? 0) & 2) === 2 && step(scene) > 0 && step(scene) <= 40 && loss(scene) < bottom2,
        showMe: async (scene) => {
          await pace(scene, 0.01, [1.5, -0.9], 0)
          await scene.lab.advance(40)
          await until(() => scene.lab.running.peek() === false && step(scene) === 40)
          await pace(scene, 0.01, [1.5, -0.9], 0.9)
          scene.notice('tried', 2)
          for (let i = 0; i < 40 && loss(scene) >= bottom2; i++) {
            await scene.lab.advance(1)
            await until(() => step(scene) === i + 1)
          }
        },
        done: 'Adam, which most networks are trained with, goes one further: besides a velocity it keeps the size of each weight’s slopes, and gives every weight a step of its own.',
      },
    },
    {
      id: 'network',
      title: 'The valley of a real network',
      text: `
Now a real network: two inputs, four and three hidden neurons, two classes. It has 35 weights and biases, so its landscape
has 35 directions. Nobody can draw that. But one can cut through it: along the two directions in which the weights moved most.`,
      spec: planeSpec('circle', [4, 3]),
      start: {},
      stage: wayStage(),
      bar: ['train', 'reset'],
      speed: 60,
      predict: {
        kind: 'choice',
        question: 'Will it be one round bowl, as with two weights?',
        options: [
          {
            text: 'Yes, a bowl with more directions',
            reply: 'With layers and bends the loss bends too: there are plains, ridges and several valleys.',
          },
          {
            text: 'No: plains, ridges, perhaps several valleys',
            right: true,
            reply: 'Yes. And still, going downhill from where it stood has led somewhere good.',
          },
        ],
      },
      achieve: {
        text: 'Train until at least 98 % of the training points are right, then look at the way.',
        when: (scene) => accuracyOf(scene) >= 0.98 && scene.fact('way') !== undefined,
        showMe: async (scene) => {
          await scene.lab.advance(150)
          await until(() => scene.lab.running.peek() === false && accuracyOf(scene) >= 0.98)
          scene.notice('look')
        },
        done: 'The same rule as with one weight, 35 slopes at once. Where do all those slopes come from? That is chapter 7.',
      },
    },
  ],
}

/** Begins again at `start`, with another learning rate. */
async function pace(scene: Scene, lr: number, start: readonly number[], momentum?: number): Promise<void> {
  const { lab } = scene
  await lab.adjust({ optimizer: { kind: 'sgd', lr, ...(momentum !== undefined && { momentum }) } })
  await lab.reset()
  await scene.set(name, start)
}

/** Waits until something holds, but not forever. */
async function until(holds: () => boolean): Promise<void> {
  const began = performance.now()
  while (!holds() && performance.now() - began < 6000) await new Promise((resolve) => setTimeout(resolve, 50))
}
