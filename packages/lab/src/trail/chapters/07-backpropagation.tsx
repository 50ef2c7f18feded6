/** Chapter 7: backpropagation, from a nudge of one weight to the chain rule, the microscope, and its proof. */
import { planeSpec } from '../../spec/presets.ts'
import type { LabSpec, LayerSpec } from '../../spec/spec.ts'
import type { Chapter } from '../chapter.ts'
import { backStage, microscopeStage, nudgeStage } from '../stages/chain.tsx'

/** One input, and layers behind it; two classes as −1 and 1. */
function small(layers: readonly LayerSpec[]): LabSpec {
  const spec = planeSpec('gaussians', [], { samples: 60, noise: 0.01, features: ['x'], loss: { kind: 'mse' } })
  return {
    ...spec,
    data: { ...spec.data, signs: true } as LabSpec['data'],
    model: { kind: 'sequential', layers },
    optimizer: { kind: 'sgd', lr: 0.05 },
  }
}

const row = small([{ kind: 'linear', in: 1, out: 1 }, { kind: 'tanh' }, { kind: 'linear', in: 1, out: 1 }])
const rowStart = { '0.weight': [0.4], '0.bias': [0.1], '2.weight': [-0.8], '2.bias': [0.3] }
const fork = small([
  { kind: 'linear', in: 1, out: 1 },
  { kind: 'linear', in: 1, out: 2 },
  { kind: 'linear', in: 2, out: 1 },
])
const forkStart = {
  ...{ '0.weight': [0.5], '0.bias': [0], '1.weight': [0.8, -0.6], '1.bias': [0.1, 0.2] },
  ...{ '2.weight': [0.9, 0.7], '2.bias': [0] },
}
const real = planeSpec('circle', [4, 3])

export const chapter: Chapter = {
  number: 7,
  id: 'backpropagation',
  title: 'Backpropagation',
  goal: 'Follow the chain rule from the loss back to one weight, with its numbers.',
  cards: [
    {
      id: 'nudge',
      title: 'Nudge one weight',
      text: `
In chapter 6 the network knew the slope of each weight. Where from? Let us begin with what a slope is.

Here is one [[sample]] on its way through a row of four operations. The weight makes a sum, $z$; the sum is bent, $h$; that
makes the answer, $y$; and how wrong it is, is the [[loss]], $L$.`,
      spec: row,
      start: rowStart,
      stage: nudgeStage(),
      predict: {
        kind: 'choice',
        question: 'If the weight grows by 0.01, which of the numbers below it change?',
        options: [
          {
            text: 'Only the sum z',
            reply: 'The sum changes, and everything that is made of it: the change goes on, down to the loss.',
          },
          {
            text: 'All of them, each by an amount of its own',
            right: true,
            reply: 'Yes: a small change runs down the row, and each operation makes it larger or smaller.',
          },
          {
            text: 'All of them, by 0.01 each',
            reply: 'All of them, but each operation stretches or shrinks the change.',
          },
        ],
      },
      achieve: {
        text: 'Nudge the weight, and see by how many times its change the loss has changed.',
        when: (scene) => scene.fact('nudged') !== undefined,
        showMe: (scene) => scene.notice('nudge'),
        done: 'That number, the change of the loss for each bit of change of the weight, is the slope: $\\frac{\\partial L}{\\partial w}$. But to nudge each of a million weights would take a million passes.',
      },
    },
    {
      id: 'links',
      title: 'One link at a time, backwards',
      text: `
Each operation by itself is simple, and so is its slope. If $y = -0.8 \\cdot h + 0.3$, then $y$ changes by −0.8 times what
$h$ does, whatever the loss is. These are the numbers on the links: the **local** slopes.

Now go back from the loss. How it changes with $y$ is known. How it changes with $h$ is that, times the slope of the link
between. And so on, a product for each link. This is the **chain rule**, and doing it backwards is **backpropagation**.`,
      spec: row,
      start: rowStart,
      stage: backStage({ knob: true }),
      predict: {
        kind: 'choice',
        question:
          'The slopes of four links lie between the weight and the loss. How does one get the slope of the whole way?',
        options: [
          {
            text: 'Add them up',
            reply:
              'Each link stretches what comes from the one before: twice as much, then three times that. So they multiply.',
          },
          { text: 'Multiply them', right: true, reply: 'Yes: each link stretches what comes from the one before.' },
          {
            text: 'Take the largest',
            reply: 'All links have their say: one that is nearly 0 stops everything behind it.',
          },
        ],
      },
      achieve: {
        text: 'Go back link by link, from the loss to the weight.',
        when: (scene) => (scene.fact('rows') ?? 0) > 0 && (scene.fact('back') ?? 0) >= (scene.fact('rows') ?? 1),
        showMe: (scene) => scene.notice('uncover', 4),
        done: 'One pass back, and the slopes of *all* numbers on the way are known, not only of the weight. Turn the weight far up: where tanh is flat its slope is almost 0, and so is every product behind it. That is a vanishing gradient.',
      },
    },
    {
      id: 'yourself',
      title: 'Do one product yourself',
      text: `
The same row, with another weight. The numbers on the links are slopes again, and the boxes know their gradient
$\\frac{\\partial L}{\\partial \\dots}$ as soon as you have gone back to them.

The first link, from the weight to the sum, has an especially simple slope: $z = w \\cdot x + b$ changes with $w$ by $x$,
the input.`,
      spec: row,
      start: { ...rowStart, '0.weight': [-0.3] },
      stage: backStage(),
      predict: {
        kind: 'choice',
        question: 'An input is 0. What is the gradient of the weight that multiplies it?',
        options: [
          {
            text: '0, whatever the rest of the network does',
            right: true,
            reply:
              'Yes: the first link’s slope is the input, and a product with 0 is 0. Who was not heard does not learn.',
          },
          {
            text: 'It depends on the loss',
            reply: 'The loss decides all the other links; but the first one is the input, 0, and so is the product.',
          },
          { text: '1', reply: 'The slope of $w \\cdot x$ with respect to $w$ is $x$. With $x = 0$ that is 0.' },
        ],
      },
      achieve: {
        text: 'Go back to the weight again, and read the product below the picture.',
        when: (scene) => (scene.fact('rows') ?? 0) > 0 && (scene.fact('back') ?? 0) >= (scene.fact('rows') ?? 1),
        showMe: (scene) => scene.notice('uncover', 4),
        done: 'Four factors, and the last line is the gradient that the library computes, digit for digit.',
      },
    },
    {
      id: 'ways',
      title: 'Several ways: add them',
      text: `
In a wider network a weight reaches the loss on several ways. Here its sum goes into two units, and both go into the answer.

Along one way, slopes are multiplied. But both ways carry a change of their own to the loss, at the same time.`,
      spec: fork,
      start: forkStart,
      stage: backStage({ ways: true }),
      predict: {
        kind: 'choice',
        question: 'What is done with the two products, one for each way?',
        options: [
          {
            text: 'They are added',
            right: true,
            reply: 'Yes: both changes arrive, so their sum is what the loss feels.',
          },
          {
            text: 'They are multiplied',
            reply: 'Along one way, yes. Ways beside each other do not stretch each other: their changes add up.',
          },
          { text: 'The larger one counts', reply: 'Both changes arrive at the loss. They may even cancel each other.' },
        ],
      },
      achieve: {
        text: 'Look at each of the two ways, and at its product.',
        when: (scene) => (scene.fact('ways') ?? 0) >= 2,
        showMe: (scene) => {
          scene.notice('show way', 1)
          scene.notice('ways', 2)
        },
        done: 'Multiply along a way, add up over all ways. There is nothing else to backpropagation, in this network or in the largest.',
      },
    },
    {
      id: 'microscope',
      title: 'Under the microscope',
      text: `
A real network has too many ways to draw. So the lab has a microscope: it takes one weight, and unfolds its [[gradient]]
into products of **local** and **upstream**. Upstream is the gradient of what comes next, and that is a sum of products too.

So each line can be opened, until the loss is reached. What you are at lights up in the other views of the studio.`,
      spec: real,
      start: {},
      stage: microscopeStage({ name: '0.weight', element: 3 }),
      achieve: {
        text: 'Open line after line (click, or the arrow to the right), until you stand at the loss.',
        when: (scene) => scene.fact('loss') !== undefined,
        showMe: async () => {
          for (let i = 0; i < 6; i++) {
            const rows = document.querySelectorAll<HTMLElement>('[role="treeitem"][aria-expanded]')
            const last = [...rows].findLast((row) => row.getAttribute('aria-level') === String(i + 1))
            if (!last) return
            if (last.getAttribute('aria-expanded') === 'false') last.click()
            await new Promise((resolve) => setTimeout(resolve, 700))
          }
        },
        done: 'Every number there is the library’s own. The same microscope takes apart convolutions, LSTMs and transformers.',
      },
    },
    {
      id: 'proof',
      title: 'Is it true?',
      text: `
You do not have to believe any of it. A slope can be **measured**: move the weight a little to one side and to the other,
and see how the loss changes. That is what you did on the first card, only finer.

It takes two passes for a single weight, so nobody trains that way. But as a proof it is perfect. Then comes the [[step]]:
the rule of the optimizer, with its numbers filled in.`,
      spec: { ...real, optimizer: { kind: 'sgd', lr: 0.1 } },
      start: {},
      stage: microscopeStage({ name: '0.weight', element: 3 }, { update: true, check: true }),
      bar: ['step'],
      achieve: {
        text: 'Check the gradient by finite differences. Then make one step, and see that the weight becomes what the formula said.',
        when: (scene) => scene.fact('check') !== undefined && (scene.lab.progress.value?.stamp.step ?? 0) >= 1,
        showMe: async (scene) => {
          const button = [...document.querySelectorAll('button')].find(({ textContent }) =>
            textContent?.startsWith('Check by'),
          )
          button?.click()
          const began = performance.now()
          while (scene.fact('check') === undefined && performance.now() - began < 8000)
            await new Promise((resolve) => setTimeout(resolve, 100))
          await scene.lab.advance(1)
        },
        done: 'From the loss back to a weight, checked, and the step made. This happens for every weight of a network at once, thousands of times a second, while you watch its loss fall.',
      },
    },
  ],
}
