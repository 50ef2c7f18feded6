/** Chapter 9: a network that reads handwritten digits, from the picture to the one sum of products under the pointer. */
import type { LabSpec } from '../../spec/spec.ts'
import { field } from '../../views/draw/pad.tsx'
import { prepare, type Stroke } from '../../views/draw/prepare.ts'
import type { Chapter, Scene } from '../chapter.ts'
import { accuracyOf } from '../scene.ts'
import { AllLayers, Detectors, Drawing, Learning, Mistakes, OneMap, Shared } from '../stages/pictures.tsx'

const spec: LabSpec = {
  version: 1,
  data: { kind: 'digits', samples: 4000, testShare: 0.2, seed: 1 },
  model: {
    kind: 'sequential',
    layers: [
      { kind: 'conv2d', in: 1, out: 6, size: 5 },
      { kind: 'relu' },
      { kind: 'maxPool2d', size: 2 },
      { kind: 'conv2d', in: 6, out: 12, size: 5 },
      { kind: 'relu' },
      { kind: 'maxPool2d', size: 2 },
      { kind: 'flatten', from: 1, to: -1 },
      { kind: 'linear', in: 192, out: 10 },
    ],
  },
  initializer: { kind: 'default' },
  loss: { kind: 'crossEntropy' },
  optimizer: { kind: 'adamW', lr: 0.003, weightDecay: 0 },
  schedule: { kind: 'constant' },
  batchSize: 32,
  seed: 1,
  stopAtEpoch: 0,
}

/** What is to be reached on digits that were never seen. */
const goal = 0.95

/** 5 of the first window, 1 of the pool, 4 × 2 of the second window, 2 of the last pool. */
const sightOfLastPool = 5 + 1 + 4 * 2 + 2

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Puts the window where the map that is shown has its largest number. */
async function findLargest({ lab }: Scene): Promise<void> {
  const { selection, info } = lab
  const shown = selection.shown.peek()
  const first = info.peek()?.modules.find(({ kind }) => kind === 'conv2d')
  const module = info.peek()?.modules.find(({ path }) => shown?.kind === 'unit' && path === shown.module) ?? first
  if (!module) return
  const unit = shown?.kind === 'unit' ? shown.unit : 0
  const { numbers } = await lab.client.ask('activation', {
    run: lab.current.peek(),
    module: module.path,
    input: selection.input.peek(),
    aspect: 'value',
  })
  const [, rows, columns] = numbers.shape
  const map = numbers.values.subarray(unit * rows * columns, (unit + 1) * rows * columns)
  const at = map.indexOf(Math.max(...map))
  selection.place.value = [Math.floor(at / columns), at % columns]
}

/** Lets the window slide along one row. */
async function slideOnce({ lab }: Scene): Promise<void> {
  for (let column = 0; column < 24; column++) {
    lab.selection.place.value = [12, column]
    await pause(90)
  }
  lab.selection.place.value = [10, 12]
}

async function lookAtThree({ lab }: Scene): Promise<void> {
  const layer = lab.info.peek()?.modules.find(({ kind }) => kind === 'conv2d')
  for (const unit of [0, 1, 2]) {
    if (layer) lab.selection.pinned.value = { kind: 'unit', module: layer.path, unit }
    await pause(600)
  }
}

async function chooseMistake({ lab }: Scene): Promise<void> {
  const { truth, said, sure } = await lab.client.ask('predictions', { run: lab.current.peek(), part: 'test' })
  const wrong = Array.from(truth.keys()).filter((i) => truth[i] !== said[i])
  wrong.sort((a, b) => sure[b] - sure[a])
  if (wrong.length > 0) lab.selection.input.value = { part: 'test', index: wrong[0] }
}

const ring: Stroke = Array.from({ length: 40 }, (_, i) => [
  140 + 62 * Math.cos((i / 39) * 2 * Math.PI),
  140 + 95 * Math.sin((i / 39) * 2 * Math.PI),
])
const examples: readonly (readonly Stroke[])[] = [
  [ring],
  [
    [
      [150, 40],
      [132, 240],
    ],
  ],
  [
    [
      [80, 60],
      [200, 60],
      [120, 240],
    ],
  ],
  [
    [
      [90, 60],
      [80, 150],
      [190, 150],
    ],
    [
      [175, 60],
      [160, 240],
    ],
  ],
]

async function drawSome({ lab }: Scene): Promise<void> {
  for (const strokes of examples) {
    lab.selection.input.value = { values: prepare(strokes, field) }
    await pause(900)
  }
}

export const chapter: Chapter = {
  number: 9,
  id: 'convolution',
  title: 'Convolution',
  goal: 'Train a network on handwritten digits, then follow it to one product-sum.',
  cards: [
    {
      id: 'window',
      title: 'A small window slides over a picture',
      text: `
        A digit is 28 × 28 numbers: 0 is paper, 1 is ink. A [[neuron]] could take all 784 at once. This one takes only
        what lies in a small window of 5 × 5 pixels, multiplies each by a [[weight]], and adds up.

        The 25 weights are its **kernel**. Move the window over the digit: on the right stands what it finds at each
        place. All these sums together are a **map**. Below are the very products of the place you are at.

        Nothing has been trained yet. These weights were drawn by chance.`,
      spec,
      stage: OneMap,
      predict: {
        kind: 'choice',
        question: 'The map has 24 × 24 numbers, not 28 × 28. Why?',
        options: [
          {
            text: 'The window must lie wholly within the picture',
            right: true,
            reply:
              'A window of 5 can begin at 24 places along a side of 28. With a margin of zeros around it there would be 28.',
          },
          {
            text: 'The edge pixels are thrown away first',
            reply:
              'They are used, but only by windows at the edge. What is missing are places where a window of 5 would stick out.',
          },
          {
            text: 'Four of the sums are too small to show',
            reply: 'All sums are shown, however small. A window of 5 has just 24 places along a side of 28.',
          },
        ],
      },
      achieve: {
        text: 'Find the place where the map has its largest number: move the window to the darkest blue.',
        when: (scene) => (scene.fact('share') ?? 0) >= 0.999,
        showMe: findLargest,
        done: 'Here the ink lies where the kernel has its large weights. The larger the sum, the more the patch looks like the kernel.',
      },
    },
    {
      id: 'sharing',
      title: 'The same weights everywhere',
      text: `
        The window moves, the kernel does not change. A stroke is a stroke, wherever it stands; so what finds it in one
        corner may as well look for it in the other. This is called **weight sharing**.

        This layer has six kernels and so makes six maps, each with a [[bias]] of its own.`,
      stage: Shared,
      predict: {
        kind: 'number',
        question: 'Six kernels of 5 × 5 and six biases: how many [[parameters|parameter]] does this layer learn?',
        label: 'parameters',
        near: 6,
        truth: ({ lab }) =>
          lab.info.value?.modules
            .find(({ kind }) => kind === 'conv2d')
            ?.parameters.reduce((sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1), 0),
        reply: () =>
          'Without sharing, each of the 3,456 numbers in the maps would need 784 weights of its own: the table under the map has the count.',
      },
      achieve: {
        text: 'Let the window visit at least 24 places: press *Slide*, or pull it along a row.',
        when: (scene) => (scene.fact('places') ?? 0) >= 24,
        showMe: slideOnce,
        done: 'Each place gave another sum, and none needed another weight.',
      },
    },
    {
      id: 'learning',
      title: 'Let it learn',
      text: `
        Nobody tells the kernels what to look for. They start as noise. Training moves every weight a little, again and
        again, so that the answer at the end becomes right more often.

        3,200 digits are for learning; 800 are kept away, to see what the network really knows. Each step looks at 32.`,
      stage: Learning,
      bar: ['train', 'epoch', 'reset'],
      predict: {
        kind: 'choice',
        question: 'After seeing each of the 3,200 digits once, how many new ones out of 100 will it read correctly?',
        options: [
          {
            text: 'About 10: as good as guessing',
            reply: 'More than that: one [[epoch]] is 100 steps, and each moves all weights.',
          },
          { text: 'About 50', reply: 'A good guess on the careful side; see for yourself with the button *epoch*.' },
          {
            text: 'More than 80',
            right: true,
            reply:
              'Digits are quite alike, and there are few parameters to find. See for yourself with the button *epoch*.',
          },
        ],
      },
      achieve: {
        text: 'Train until at least 95 % of the test digits are read correctly, and watch the kernels take shape.',
        when: (scene) => accuracyOf(scene, 'test') >= goal,
        showMe: ({ lab }) => lab.train(),
        done: 'It reads digits that it has never seen. The kernels are no longer noise: look at what each came to like.',
      },
    },
    {
      id: 'detectors',
      title: 'What filters came to detect',
      text: `
        Beside each kernel stand the parts of test digits to which it gives its largest numbers. That is the plainest
        answer to what a [[unit]] is for: look at what excites it.

        Choose a filter to see its maps below; choose a patch to see it in its digit. (Not trained yet? Press the round
        button first.)`,
      stage: Detectors,
      bar: ['train'],
      predict: {
        kind: 'choice',
        question: 'What do the filters of the *first* layer like best?',
        options: [
          {
            text: 'Whole digits: one for the 3, one for the 7',
            reply: 'A window of 5 × 5 is too small to hold a digit. Whole digits come together only at the end.',
          },
          {
            text: 'Pieces of strokes: an edge, a slope, an end',
            right: true,
            reply:
              'Look at their patches: most show one direction again and again. With such pieces the second layer can ask for corners and bows.',
          },
          {
            text: 'Single dark pixels',
            reply: 'One weight could do that. Twenty-five can ask for more: ink here, paper there.',
          },
        ],
      },
      achieve: {
        text: 'Choose three filters, one after the other, and look at their patches. Try the second layer too.',
        when: (scene) => (scene.fact('filters') ?? 0) >= 3,
        showMe: lookAtThree,
        done: 'In the second layer a filter has a kernel for each of the six maps before it: it looks for pieces in a certain order.',
      },
    },
    {
      id: 'pooling',
      title: 'Smaller, and looking further',
      text: `
        After each convolution [[ReLU]] sets negative sums to 0. Then **max pooling** keeps the largest of each 2 × 2
        numbers and forgets the other three. It learns nothing. It says: the stroke was about here, that will do.

        Maps get smaller this way, and each number sees more: it was made of several, each of which was made of a window
        of its own. Choose a map, and the frame in the picture shows all the pixels that one number of it depends on.`,
      stage: AllLayers,
      bar: ['train'],
      predict: {
        kind: 'number',
        question:
          'One number of the first convolution sees 5 pixels across. How many does one number of the *last* pool see?',
        label: 'pixels',
        near: 3,
        truth: () => sightOfLastPool,
        reply: () =>
          'Pooling adds 1, the second window reaches over 5 pooled places, that is 4 × 2 more, and the last pool adds 2.',
      },
      achieve: {
        text: 'Choose a map of the last max pool, so that the frame in the picture spans 16 pixels.',
        when: (scene) => scene.fact('wide') === sightOfLastPool,
        showMe: ({ lab }) => {
          const last = lab.info.peek()?.modules.findLast(({ kind }) => kind === 'maxPool2d')
          if (last) lab.selection.pinned.value = { kind: 'unit', module: last.path, unit: 0 }
        },
        done: 'A few layers of small windows see almost the whole digit, and still every one of their sums can be written down.',
      },
    },
    {
      id: 'mistakes',
      title: 'Where it is wrong',
      text: `
        At the end twelve maps of 4 × 4 are laid in a row, and ten last sums give each digit a score. [[softmax]] turns
        the scores into [[probabilities|probability]]; the largest is the answer.

        Good networks are wrong too, and it pays to look at where. Each row of the table is a digit, each column what it
        was taken for. What stands off the diagonal is a mistake.`,
      stage: Mistakes,
      bar: ['train'],
      predict: {
        kind: 'choice',
        question: 'Is the network unsure when it is wrong?',
        options: [
          {
            text: 'Yes: its probability is then near one half',
            reply: 'Often, but not always. The first mistakes in the list were made with great confidence.',
          },
          {
            text: 'Not always: some mistakes are made with great confidence',
            right: true,
            reply:
              'See the first in the list. A probability says how the scores compare, not whether the network knows.',
          },
        ],
      },
      achieve: {
        text: 'Choose a mistake from the list and follow it through the layers. Which digit would you have said?',
        when: (scene) => scene.fact('wrong') === 1,
        showMe: chooseMistake,
        done: 'Choose one of the last ten scores below, and you see which maps spoke for it, and which against.',
      },
    },
    {
      id: 'yours',
      title: 'Your own digit',
      text: `
        Draw with the pointer or a finger, or with the arrow keys and Enter. Your lines are scaled and moved to the middle
        as those of the data were: their longer side is 20 pixels, their weight lies in the centre. A network knows only
        what looks like what it has seen.

        Every number on the way is there to be looked at, down to the single products: all of the studio’s views follow
        your digit.`,
      stage: Drawing,
      bar: ['train'],
      predict: {
        kind: 'choice',
        question: 'What will it say of a scribble that is no digit at all?',
        options: [
          {
            text: 'That it does not know',
            reply: 'It has no way to say so: the ten probabilities always make 1. Try a spiral, or a house.',
          },
          {
            text: 'Some digit, perhaps with great confidence',
            right: true,
            reply: 'It must choose one of ten, and it was never shown anything else. Try a spiral, or a house.',
          },
          {
            text: 'Each digit with 10 %',
            reply: 'That would be honest, but nothing taught it to. Try a spiral, or a house.',
          },
        ],
      },
      achieve: {
        text: 'Draw until it has read three different digits, each with at least 90 %.',
        when: (scene) => (scene.fact('read') ?? 0) >= 3,
        showMe: drawSome,
        done: 'You have trained a network that reads your hand, and you can name every number in it.',
      },
    },
  ],
}
