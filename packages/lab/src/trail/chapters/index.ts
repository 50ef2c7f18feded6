/**
 * All chapters of the trail, in their order. Each is a file of its own here, `export const chapter: Chapter`, and is
 * loaded when it is opened; a chapter whose file is not there is not offered.
 */
import type { Chapter } from '../chapter.ts'

export interface ChapterEntry extends Omit<Chapter, 'cards'> {
  load(): Promise<Chapter>
}

const titles: readonly (readonly [file: string, title: string, goal: string])[] = [
  ['01-neuron', 'The neuron', 'Multiply, add, bend: set three numbers by hand, and one neuron tells two groups apart.'],
  ['02-activation', 'Why an activation', 'Layers of straight lines stay a straight line, until something bends.'],
  ['03-layers', 'Layers', 'See what each unit responds to, and how the next layer makes a shape of it.'],
  ['04-forward', 'The forward pass', 'Follow one point through the network, one operation at a time.'],
  ['05-loss', 'How wrong', 'One number says how wrong a network is: squared error and cross-entropy, felt by hand.'],
  ['06-downhill', 'Downhill', 'Walk the real loss surface: the learning rate too large, too small, and momentum.'],
  [
    '07-backpropagation',
    'Backpropagation',
    'Follow the chain rule from the loss back to one weight, with its numbers.',
  ],
  ['08-epochs', 'Epochs', 'Learned, or only by heart? Training and test curves, overfitting, and what helps.'],
  ['09-convolution', 'Convolution', 'Train a network on handwritten digits, then follow it to one product-sum.'],
  ['10-memory', 'Memory', 'RNN, LSTM and GRU learn names letter by letter; look at gates and state.'],
  ['11-attention', 'Attention', 'A small transformer trained in the page: who looks at whom, and why.'],
]

const files = import.meta.glob<{ chapter: Chapter }>('./[0-9]*.tsx')

export const chapters: readonly ChapterEntry[] = titles.flatMap(([file, title, goal], i) => {
  const load = files[`./${file}.tsx`]
  if (!load) return []
  return [{ number: i + 1, id: file.slice(3), title, goal, load: async () => (await load()).chapter }]
})
