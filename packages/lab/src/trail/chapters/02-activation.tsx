/** Chapter 2: why an activation. Linear layers in a row are one linear layer; a bend between them changes everything. */
import { perceptron, planeSpec } from '../../spec/presets.ts'
import type { LabSpec, LayerSpec } from '../../spec/spec.ts'
import type { Chapter, Scene } from '../chapter.ts'
import { accuracyOf } from '../scene.ts'
import { layersStage } from '../stages/layers.tsx'
import { OneLayer } from '../stages/one-layer.tsx'

const linear = (...sizes: number[]): LayerSpec => ({
  kind: 'sequential',
  layers: (perceptron(sizes).layers as LayerSpec[]).filter(({ kind }) => kind === 'linear'),
})
const ring = (hidden: number, activation?: string): LabSpec => ({
  ...planeSpec('circle', [], { samples: 200 }),
  model: activation ? perceptron([2, hidden, 2], activation) : linear(2, hidden, 2),
})
const steps = (scene: Scene): number => scene.lab.progress.value?.stamp.step ?? 0

export const chapter: Chapter = {
  number: 2,
  id: 'activation',
  title: 'Why an activation',
  goal: 'Layers of straight lines stay a straight line, until something bends.',
  cards: [
    {
      id: 'straight',
      title: 'Eight neurons, and no bend',
      text: `
One neuron draws one line. Here, the squares sit inside a ring of circles: no single line can part them. But surely eight
neurons can?

This network has eight of them side by side in a [[hidden layer]], and two more that look at those eight, one for each
[[class]]. All of them only multiply and add. There is no [[activation]] anywhere.`,
      spec: ring(8),
      stage: layersStage(),
      bar: ['train', 'reset'],
      predict: {
        kind: 'choice',
        question: 'When it has trained as well as it can, what will the boundary look like?',
        options: [
          {
            text: 'A closed ring',
            reply: 'That is what would be needed. Train it, and see what eight straight lines add up to.',
          },
          { text: 'A corner, or a zigzag', reply: 'One would think so: eight lines, eight edges. Train it, and look.' },
          {
            text: 'One straight line',
            right: true,
            reply: 'Yes, sadly. Train it: it can turn that line as it likes, and no more.',
          },
        ],
      },
      achieve: {
        text: 'Train it for at least 300 steps, and give it every chance.',
        when: (scene) => steps(scene) >= 300,
        showMe: (scene) => scene.lab.advance(300),
        done: 'One line, whatever it does, and an [[accuracy]] not far above that of a coin. Eight neurons were no better than one.',
      },
    },
    {
      id: 'one',
      title: 'Two layers are one layer',
      text: `
Here is why. The first layer computes $h = W_1 x + b_1$, the second $y = W_2 h + b_2$. Put one into the other:

$$y = W_2(W_1 x + b_1) + b_2 = (W_2 W_1)\\,x + (W_2 b_1 + b_2)$$

In the brackets stand fixed numbers. So the two layers are *one* layer, with the weights $W_2 W_1$. On the stage it is a
smaller network, with three hidden neurons, so that its numbers fit on the page.`,
      spec: ring(3),
      stage: OneLayer,
      predict: {
        kind: 'choice',
        question: 'How close will the one layer come to the two?',
        options: [
          {
            text: 'Close, but something is lost',
            reply: 'Nothing is lost: it is the same sum in another order. Compare the numbers.',
          },
          {
            text: 'Exactly the same, everywhere',
            right: true,
            reply: 'Yes. It is the same sum, written in another order.',
          },
          { text: 'The same only at this point', reply: 'Move the ring: the numbers stay equal at every place.' },
        ],
      },
      achieve: {
        text: 'Move the ring to three other places and compare the two rows of numbers.',
        when: (scene) => (scene.fact('moved') ?? 0) >= 3 && (scene.fact('apart') ?? 1) < 1e-4,
        showMe: (scene) => scene.notice('show'),
        done: 'Stack a hundred such layers: still one layer, still one line. Depth alone buys nothing.',
      },
    },
    {
      id: 'bend',
      title: 'A bend between them',
      text: `
Now the same network as in the beginning, with one change: each hidden neuron bends its sum before handing it on.
[[tanh]] squeezes it between −1 and 1; [[ReLU]] cuts off everything below 0.

After a bend, $W_2$ can no longer be multiplied into $W_1$. The layers cannot melt into one, and what they can draw
together is more than a line.`,
      spec: ring(8, 'tanh'),
      stage: layersStage({ activations: ['none', 'relu', 'tanh'] }),
      bar: ['train', 'reset'],
      achieve: {
        text: 'Train it, with an activation of your choice, until 98 % are right.',
        when: (scene) => accuracyOf(scene) >= 0.98,
        showMe: (scene) => scene.lab.advance(400),
        done: 'Same neurons, same data, same training. The only difference is the bend.',
      },
    },
    {
      id: 'how-many',
      title: 'How many bends for a ring?',
      text: `
Each hidden neuron brings one line, and one bend along it. The last layer adds them up. To close a ring around the
squares you need enough of them to go all the way round.

Try the sizes. A network that is too small fails for good, however long it trains: it is not a matter of patience.`,
      spec: ring(1, 'tanh'),
      stage: layersStage({ sizes: [1, 2, 3, 4, 8] }),
      bar: ['train', 'reset'],
      predict: {
        kind: 'choice',
        question: 'What is the smallest number of lines that can shut something in?',
        options: [
          { text: '2', reply: 'Two lines leave an open end: a strip or a corner. A third one shuts it.' },
          { text: '3', right: true, reply: 'Yes, a triangle, with its corners rounded by tanh.' },
          { text: '4', reply: 'Four can; but a triangle has three sides and is shut already.' },
          { text: '8', reply: 'Eight make a smooth ring. But a triangle is shut, too.' },
        ],
      },
      achieve: {
        text: 'Reach 97 % with as few hidden neurons as you can: three are enough.',
        when: (scene) => accuracyOf(scene) >= 0.97 && (scene.fact('units') ?? 9) <= 3,
        showMe: async (scene) => {
          await scene.lab.open(ring(3, 'tanh'))
          await scene.lab.advance(600)
        },
        done: 'Three lines, three bends, one closed shape. Go back to 2 and see where it stays open.',
      },
    },
  ],
}
