/** Chapter 4: the forward pass, one operation at a time. */
import { planeSpec } from '../../spec/presets.ts'
import type { Chapter } from '../chapter.ts'
import { forwardStage } from '../stages/forward.tsx'

const moons = planeSpec('moons', [3], { samples: 200, seed: 2 })
/** The network has learned before it is looked at. */
const network = { spec: moons, trained: 300 }

export const chapter: Chapter = {
  number: 4,
  id: 'forward',
  title: 'The forward pass',
  goal: 'Follow one point through the network, one operation at a time.',
  cards: [
    {
      id: 'step',
      title: 'From a point to an answer',
      text: `
This network has learned to tell two half moons apart. Here is one point, and the question: which moon?

Nothing in the network is hidden, and nothing is clever. The answer is made of a handful of small sums, one after the
other, from left to right. This is called the [[forward pass]]. Take it apart.`,
      ...network,
      stage: forwardStage(),
      achieve: {
        text: 'Go through it with *Next operation*, to the end, and read each line of numbers.',
        when: (scene) => scene.fact('all') === 1,
        showMe: (scene) => scene.notice('show'),
        done: 'That was all of it. Every answer of every network is made this way; only the number of sums is different.',
      },
    },
    {
      id: 'guess',
      title: 'Compute one yourself',
      text: `
Another point, and the first hidden unit. Its two weights and its bias are what it learned; its sum is covered.

Multiply each input by its weight, add the two products, add the bias. Round as much as you like.`,
      ...network,
      stage: forwardStage({ at: [2, -1], begin: 1 }),
      predict: {
        kind: 'number',
        question: 'What is the sum of the first unit, roughly? Its numbers are below the picture.',
        label: 'The sum, roughly',
        truth: (scene) => scene.fact('first'),
        near: 0.5,
        reply: () => 'On the stage you see it term by term.',
      },
    },
    {
      id: 'softmax',
      title: 'From scores to probabilities',
      text: `
The last sums are called [[logits|logit]], one for each class. They can be anything: −3, 0, 12. To read them as
[[probabilities|probability]] they go through [[softmax]]: raise $e$ to each of them, which makes all positive, and take
each one’s share of the total.

Only the *difference* between logits matters. Equal logits mean: no idea.`,
      ...network,
      stage: forwardStage({ at: [3, 3], end: true }),
      predict: {
        kind: 'choice',
        question: 'If 5 were added to both logits, what would happen to the probabilities?',
        options: [
          {
            text: 'Both grow',
            reply: 'They cannot both grow: together they are always 1. The 5 cancels out, so nothing changes.',
          },
          {
            text: 'Nothing',
            right: true,
            reply: 'Yes: the 5 becomes a factor $e^5$ above and below the line, and cancels out.',
          },
          {
            text: 'The larger one grows',
            reply: 'It would if the larger logit alone grew. The same 5 for both cancels out.',
          },
        ],
      },
      achieve: {
        text: 'Drag the ring to a place where the network has no idea: both probabilities between 0.45 and 0.55.',
        when: (scene) => (scene.fact('surest') ?? 1) <= 0.55,
        showMe: (scene) => scene.notice('show'),
        done: 'You are on the drawn line. There the logits are equal, and a small push decides.',
      },
    },
    {
      id: 'count',
      title: 'How much work was that?',
      text: `
Each link of the picture is one weight, and each weight is one multiplication. That is what people mean when they speak of
the size of a network: how many weights there are to multiply with.

A network that writes text makes billions of such multiplications for each letter. They are of exactly this kind.`,
      ...network,
      stage: forwardStage({ at: [-2, 2], end: true }),
      predict: {
        kind: 'number',
        question: 'How many multiplications does this network make for one point? Count the coloured links.',
        label: 'Multiplications',
        truth: (scene) => scene.fact('products'),
        near: 0,
        reply: () => 'Two inputs to three units are 6; three units to two classes are 6 more.',
      },
    },
  ],
}
