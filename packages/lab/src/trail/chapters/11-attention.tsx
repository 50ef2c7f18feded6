/** Chapter 11: attention: a small transformer learns names; heads, and the sums inside one, with their numbers. */

import { typed } from '../../views/sequence/letters.ts'
import type { Chapter, Scene } from '../chapter.ts'
import { recentLoss } from '../scene.ts'
import { looks, moment, press, slide, tryEach } from '../stages/hands.ts'
import { transformerSpec } from '../stages/names.ts'
import { attentionStage, headsSeen, tokensStage } from '../stages/sequence.tsx'

/** Names are learned well enough when a letter costs less than this. */
const goal = 2.3

async function learn({ lab }: Scene): Promise<void> {
  lab.speed.value = 0
  await lab.train()
}

const trained = { spec: transformerSpec, trained: 450 }

export const chapter: Chapter = {
  number: 11,
  id: 'attention',
  title: 'Attention',
  goal: 'A small transformer trained in the page: who looks at whom, and why.',
  cards: [
    {
      id: 'look',
      title: 'Looking back, all at once',
      text: `
A network with memory has to carry everything along, letter by letter. A **transformer** carries nothing: at each letter
it looks back at all letters so far, and takes what it needs. That is [[attention]].

Each small map is one [[head]]. A row is a letter that looks, a column one that is looked at; blue says how much. This
network has two layers of four heads, and knows nothing yet. It is to learn first names: what letter comes next?`,
      spec: transformerSpec,
      stage: attentionStage({ heads: true, map: true }, { text: 'christopher', covered: 'all' }),
      bar: ['train', 'step', 'reset'],
      predict: {
        kind: 'choice',
        question: 'May a letter also look at the letters that come after it?',
        options: [
          { text: 'Yes, the more it sees the better', reply: 'Then it could simply read off what it is to guess.' },
          {
            text: 'No, that would be cheating',
            right: true,
            reply: 'Right: the answer stands there. So the upper half of every map stays empty: it is masked.',
          },
        ],
      },
      achieve: {
        text: `Train it until a letter of the training names costs less than ${goal} (knowing nothing costs 3.30). Watch the maps: at first all look alike.`,
        when: (scene) => recentLoss(scene) < goal,
        showMe: learn,
        done: 'The heads have divided the work: some look one letter back, some at the beginning, some at vowels. Nobody told them to.',
      },
    },
    {
      id: 'product',
      title: 'A question and an offer',
      text: `
How does a letter know whom to look at? Each makes two short lists of numbers out of what it is: a **query**, what it asks
for, and a **key**, what it has to offer. Query times key, number by number, added up: that is how well the two fit.

Choose a letter that looks, then a letter that it may look at, and read the sum.`,
      ...trained,
      stage: attentionStage({ heads: true, sums: ['scores', 'product'] }, { text: 'christopher' }),
      predict: {
        kind: 'number',
        question: 'A query is (1, 2), a key (3, −1). How well do they fit: what is the sum of the products?',
        label: 'q · k',
        truth: () => 1 * 3 + 2 * -1,
        near: 0.01,
        reply: () => '1 · 3 + 2 · (−1) = 1. A large sum says: this is what I was looking for.',
      },
      achieve: {
        text: 'Take a letter from the fourth on, and choose the key that fits it best, in any head.',
        when: (scene) => scene.fact('largest') === 1,
        showMe: async (scene) => {
          scene.lab.selection.time.value = 5
          await moment()
          const keys = Array.from({ length: 6 }, (_, place) => () => press(`Key ${place + 1},`))
          await tryEach(keys, () => scene.fact('largest') === 1)
        },
        done: 'The row of products shows which numbers made it so large: where both are large, with the same sign.',
      },
    },
    {
      id: 'softmax',
      title: 'From scores to shares',
      text: `
The sums are made smaller first (times 1 over the root of how many terms they have), so that they do not grow with the
size of a head. What comes later is left out. Then [[softmax]]: *e* to each score, over the sum of all. Now they are
shares that make 1.`,
      ...trained,
      stage: attentionStage(
        { heads: true, map: true, sums: ['scores'] },
        { text: 'christopher', covered: { heads: true } },
      ),
      predict: {
        kind: 'number',
        question:
          'A letter sees four letters, itself included, and all four scores are equal. What share does each get?',
        label: 'Share',
        truth: () => 1 / 4,
        near: 0.005,
        reply: () => 'Equal scores, equal shares: a quarter each, whatever the scores are. Only differences count.',
      },
      achieve: {
        text: 'Find a head and a letter (the fourth or later) that gives more than half of its attention to one place.',
        when: (scene) => (scene.fact('sure') ?? 0) > 0.5,
        showMe: (scene) => tryEach(looks(scene, 11), () => (scene.fact('sure') ?? 0) > 0.5),
        done: 'One score is larger than the others by only one or two: *e* makes a clear choice of it.',
      },
    },
    {
      id: 'values',
      title: 'What is taken along',
      text: `
The shares say how much. *What* is taken is a third list, the **value** of each letter that is looked at. A head's result
is the sum: share times value, over all letters.

So a head is a question, an offer and a gift. All three are learned.`,
      ...trained,
      stage: attentionStage({ heads: true, map: true, sums: ['values'] }, { text: 'christopher' }),
      predict: {
        kind: 'choice',
        question: 'A head gives its whole attention, share 1, to one letter. What does it take along?',
        options: [
          { text: 'The mean of all letters', reply: 'That is what equal shares would give.' },
          {
            text: 'That letter’s value, as it is',
            right: true,
            reply: 'Yes: one times its value, and zero of all others.',
          },
          { text: 'That letter’s key', reply: 'Keys only help to choose. What is taken along is the value.' },
        ],
      },
      achieve: {
        text: 'Look at the same letter through three heads. Each takes something else along.',
        when: (scene) => headsSeen(scene, 2, 4) >= 3,
        showMe: (scene) => tryEach(looks(scene, 3), () => headsSeen(scene, 2, 4) >= 3),
        done: 'Several heads side by side: several questions can be asked at once.',
      },
    },
    {
      id: 'stream',
      title: 'Layer upon layer',
      text: `
One letter’s way through the network, from above: its own numbers, its place in the name; then each block *adds*
something, first what attention found, then what a small network of neurons makes of it. Nothing is replaced.

On the right is what the network would say next if it ended there. Below, it has read the others; above, it knows only
itself.`,
      ...trained,
      stage: attentionStage({ stream: true }, { text: 'mich' }),
      predict: {
        kind: 'choice',
        question: 'At the very top, before any attention: what can the guess for the next letter depend on?',
        options: [
          {
            text: 'On the whole name so far',
            reply: 'Nobody has looked back yet: the letters before are not known there.',
          },
          {
            text: 'On this letter and its place alone',
            right: true,
            reply: 'Yes. All that is known of the other letters comes in through attention.',
          },
        ],
      },
      achieve: {
        text: 'Type the beginning of a name for which the first guess at the bottom is another than at the top, and likelier than 20 %.',
        when: (scene) => scene.fact('turned') === 1,
        showMe: (scene) => {
          const beginnings = ['mich', 'chris', 'eliz', 'ann', 'rich', 'cath', 'jos', 'will', 'mar', 'fran', 'al', 'th']
          const info = scene.lab.info.value
          const tries = beginnings.map((text) => () => {
            if (!info) return
            const { input, length } = typed(info, text)
            scene.lab.selection.input.value = input
            scene.lab.selection.time.value = length - 1
          })
          return tryEach(tries, () => scene.fact('turned') === 1)
        },
        done: 'The letters before made the difference. Read from above downwards where the guess turned.',
      },
    },
    {
      id: 'choose',
      title: 'Choosing the next letter',
      text: `
The network gives no letter, it gives chances. To write, one is drawn. The **temperature** divides the scores before
softmax: below 1 the likely becomes likelier, above 1 everything becomes possible. **Top k** and **top p** leave out the
unlikely altogether.

Draw letter by letter, or let it finish.`,
      ...trained,
      stage: tokensStage({ next: true, filters: true }, { text: 'mar' }),
      predict: {
        kind: 'choice',
        question: 'At temperature 0, how often does the same beginning end as another name?',
        options: [
          {
            text: 'Never',
            right: true,
            reply: 'Yes: the likeliest letter is taken each time, so it is always the same.',
          },
          {
            text: 'Now and then',
            reply: 'Nothing is left to chance at 0: always the likeliest letter, always the same name.',
          },
        ],
      },
      achieve: {
        text: 'Try both ends: a temperature of 0.3 or less, and one of 1.7 or more. Finish some names at each.',
        when: (scene) => scene.fact('cold') === 1 && scene.fact('hot') === 1,
        showMe: async () => {
          for (const temperature of [0.2, 1.8]) {
            slide('Temperature', temperature)
            await moment()
            press('Finish it')
            await moment()
          }
        },
        done: 'Cold is safe and dull, hot is lively and wrong. Between them lies what people call creative.',
      },
    },
    {
      id: 'invent',
      title: 'Invented, or remembered?',
      text: `
Twenty new names at once. Those that stand word for word in the training data are marked *learned*; those that are real,
but were never shown, are marked *real*. The others are its own.

This network has some 27,000 numbers and has read 3,600 names, for some seconds. It knows what names sound like. It does
not know what a name is.`,
      ...trained,
      stage: tokensStage({ names: true }, { covered: 'all' }),
      bar: ['train', 'reset'],
      predict: {
        kind: 'number',
        question: 'Of twenty names at temperature 1, how many will stand in the training data?',
        label: 'Learned, of 20',
        truth: (scene) => scene.fact('learned'),
        near: 2,
        reply: (_, truth) =>
          truth <= 5
            ? 'Most are its own: it has learned the sound, more than the names.'
            : 'A good part is known by heart: the longer it trains on few names, the more.',
      },
      achieve: {
        text: 'Invent twenty names of which at least ten are nobody’s. Then train on for a while, and invent again: what changes?',
        when: (scene) => (scene.fact('new') ?? 0) >= 10,
        showMe: () => press('Invent'),
        done: 'The larger models that people talk to do just this, with a hundred thousand different tokens in place of 27 letters.',
      },
    },
  ],
}
