/** Chapter 8: epochs, training and test, learning by heart, and what helps against it. */
import { planeSpec } from '../../spec/presets.ts'
import type { LabSpec } from '../../spec/spec.ts'
import type { Chapter, Scene } from '../chapter.ts'
import { scoreOf } from '../scene.ts'
import { generalizeStage } from '../stages/generalize.tsx'

/** Always so many points to test with, however many there are to learn from. */
const tests = 180

/** Two half moons with much noise, and a network that is far too large for few points. */
function moons(train: number, weightDecay = 0): LabSpec {
  const spec = planeSpec('moons', [24, 24], {
    samples: train + tests,
    noise: 0.14,
    batchSize: 20,
    optimizer: { kind: 'adamW', lr: 0.01, weightDecay },
  })
  return { ...spec, data: { ...spec.data, testShare: tests / (train + tests) } }
}

const first = planeSpec('moons', [6], {
  samples: 300,
  noise: 0.08,
  optimizer: { kind: 'adamW', lr: 0.01, weightDecay: 0 },
})
const steps = (scene: Scene): number => scene.lab.progress.value?.stamp.step ?? 0
const testLoss = (scene: Scene): number => scoreOf(scene, 'test')?.loss ?? Number.POSITIVE_INFINITY

export const chapter: Chapter = {
  number: 8,
  id: 'epochs',
  title: 'Epochs',
  goal: 'Learned, or only by heart? Training and test curves, overfitting, and what helps.',
  cards: [
    {
      id: 'epoch',
      title: 'Once through all the points',
      text: `
A network does not look at all points before each [[step]]. It takes a few, a [[batch]], makes a step, and takes the next
few. When it has been through all of them once, that was one [[epoch]]; then they are shuffled, and it begins again.

This one has 210 points to learn from, and takes 30 at a time.`,
      spec: first,
      stage: generalizeStage(),
      bar: ['epoch', 'step', 'train', 'reset'],
      predict: {
        kind: 'number',
        question: 'How many steps make one epoch?',
        label: 'Steps',
        truth: ({ lab }) => lab.info.value?.stepsPerEpoch,
        near: 0,
        reply: () => '210 points, 30 at a time.',
      },
      achieve: {
        text: 'Go on for five epochs with the button *One epoch*, and watch the two losses fall.',
        when: (scene) => (scene.lab.progress.value?.stamp.epoch ?? 0) >= 5,
        showMe: (scene) => scene.lab.advance(35),
        done: 'The solid curve is the loss on the points it learns from; the dashed one, on 90 points that it never sees. So far they fall together.',
      },
    },
    {
      id: 'by-heart',
      title: 'Twenty points, by heart',
      text: `
Now make it easy to cheat. Only 20 points to learn from, and a network with more than seven hundred weights. It does not
have to understand the moons: it can learn the 20 by heart, the noise included.

The [[test data]], 180 points that it never sees, will tell.`,
      spec: moons(20),
      stage: generalizeStage(),
      bar: ['train', 'epoch', 'reset', 'speed'],
      speed: 60,
      predict: {
        kind: 'curve',
        question: 'The training loss will go to 0. Draw what the *test* loss will do over 400 epochs.',
        x: { label: 'epoch', from: 0, to: 400 },
        y: { label: 'test loss', from: 0, to: 2 },
        truth: ({ lab }) => {
          const state = lab.run.value
          if (!state) return []
          const perEpoch = state.info.stepsPerEpoch
          return state.curves.scores.map(({ step, test }) => [step / perEpoch, test.loss] as const)
        },
        reply: 'Train, and see it drawn over yours.',
      },
      achieve: {
        text: 'Train until all 20 points are right and the test loss is at least twice its lowest value.',
        when: (scene) =>
          (scoreOf(scene, 'train')?.accuracy ?? 0) === 1 &&
          testLoss(scene) >= 2 * (scene.fact('lowest') ?? Number.POSITIVE_INFINITY),
        showMe: (scene) => scene.lab.train(),
        done: 'Perfect on what it saw, and worse and worse on what it did not: [[overfitting]]. It is ever surer of an answer that is wrong.',
      },
    },
    {
      id: 'more-data',
      title: 'The best cure: more data',
      text: `
What we want is not to be right about the points that were seen. It is [[generalization]]: being right about those that
were not. The same network, the same training; only the number of points to learn from is yours to choose. The 180 test
points stay away from it, as before.`,
      spec: moons(20),
      stage: generalizeStage({
        label: 'points to learn from',
        values: [20, 60, 180, 600],
        of: ({ data }) => (data.kind === 'plane' ? Math.round(data.samples * (1 - data.testShare)) : 0),
        put: (_, value) => moons(value),
      }),
      bar: ['train', 'reset', 'speed'],
      speed: 600,
      predict: {
        kind: 'choice',
        question: 'With 600 points, what will happen to the *training* loss?',
        options: [
          {
            text: 'It falls to 0 as well',
            reply: 'Not with 600 noisy points: there is too much to learn by heart, and that is just what helps.',
          },
          {
            text: 'It stays clearly above 0',
            right: true,
            reply: 'Yes. The moons overlap, and so many points cannot be learned by heart. That is what helps.',
          },
        ],
      },
      achieve: {
        text: 'Find a number of points with which the test loss is below 0.4 after at least 300 steps.',
        when: (scene) => steps(scene) >= 300 && testLoss(scene) < 0.4,
        showMe: async (scene) => {
          await scene.lab.open(moons(600))
          await scene.lab.advance(400)
        },
        done: 'The gap between the two losses is nearly closed: what it learned from so many points holds for others, too.',
      },
    },
    {
      id: 'decay',
      title: 'Or keep the weights small',
      text: `
What if there are only 20 points? Learning by heart needs sharp corners, and sharp corners need large weights. So make
large weights expensive: with [[weight decay]], every weight is pulled a little towards 0 at each step, and only what is
worth it stays.

This and everything else that keeps a network from learning by heart is called [[regularization]].`,
      spec: moons(20),
      stage: generalizeStage({
        label: 'weight decay',
        values: [0, 0.3, 1, 3, 10],
        of: ({ optimizer }) => Number(optimizer.weightDecay ?? 0),
        put: (_, value) => moons(20, value),
      }),
      bar: ['train', 'reset', 'speed'],
      speed: 600,
      predict: {
        kind: 'choice',
        question: 'What does a strong weight decay do to the loss on the 20 training points?',
        options: [
          {
            text: 'It makes it smaller',
            reply: 'No, larger: the network is held back on the points it sees, so that it does better on others.',
          },
          {
            text: 'It makes it larger',
            right: true,
            reply: 'Yes. It does worse on what it sees, and better on what it does not: a good bargain.',
          },
        ],
      },
      achieve: {
        text: 'With 20 points, find a weight decay with which the test loss is below 0.6 after at least 400 steps.',
        when: (scene) => steps(scene) >= 400 && testLoss(scene) < 0.6 && scene.lab.info.value?.trainCount === 20,
        showMe: async (scene) => {
          await scene.lab.open(moons(20, 3))
          await scene.lab.advance(450)
        },
        done: 'Same 20 points. Too little of it and the network learns by heart; too much, and it learns too little.',
      },
    },
  ],
}
