/** Chapter 3: layers. What units respond to, what the next layer makes of it, and what happens when one is missing. */
import { planeSpec } from '../../spec/presets.ts'
import type { Chapter, Scene } from '../chapter.ts'
import { accuracyOf } from '../scene.ts'
import { layersStage } from '../stages/layers.tsx'

const ring = planeSpec('circle', [4], { samples: 200 })
const deep = planeSpec('spiral', [8, 6], { optimizer: { kind: 'adamW', lr: 0.02, weightDecay: 0 } })

/** Trains if nobody has, then silences one unit after the other, and brings each back. */
async function silenceEach(scene: Scene): Promise<void> {
  const { lab } = scene
  if (accuracyOf(scene) < 0.98) {
    await lab.advance(400)
    while (lab.running.peek() || (lab.progress.peek()?.stamp.step ?? 0) < 400) await pause(100)
  }
  const { numbers } = await lab.client.ask('parameter', { run: lab.current.peek(), name: '2.weight', aspect: 'value' })
  for (let unit = 0; unit < 4; unit++) {
    await scene.set(
      '2.weight',
      numbers.values.map((value, i) => (i % 4 === unit ? 0 : value)),
    )
    scene.notice('least', Math.min(scene.fact('least') ?? 1, accuracyOf(scene)))
    scene.notice('switched')
    await pause(700)
  }
  await scene.set('2.weight', numbers.values)
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

export const chapter: Chapter = {
  number: 3,
  id: 'layers',
  title: 'Layers',
  goal: 'See what each unit responds to, and how the next layer makes a shape of it.',
  cards: [
    {
      id: 'side-by-side',
      title: 'Input, hidden, output',
      text: `
From left to right: two **inputs**, the coordinates of a point. A [[hidden layer]] of four neurons, also called
[[units|unit]]; each looks at both inputs. And the **output**: one unit for each class, which look at the four hidden ones.

The little tiles show the plane as each unit sees it: blue where it says something positive, orange where negative. Nobody
has trained this network yet. Its weights are random, and so are its lines.`,
      spec: ring,
      stage: layersStage(),
      achieve: {
        text: 'Look at each of the four hidden units: point at its tile, or go there with the Tab key.',
        when: (scene) => (scene.fact('looked 1') ?? 0) >= 4,
        showMe: async (scene) => {
          for (let unit = 0; unit < 4; unit++) {
            scene.lab.selection.hovered.value = { kind: 'unit', module: '1', unit }
            await new Promise((resolve) => setTimeout(resolve, 500))
          }
          scene.lab.selection.hovered.value = undefined
        },
        done: 'Four units, four straight lines. That is all that a first layer can see: which side of its line a point is on.',
      },
    },
    {
      id: 'together',
      title: 'The output adds them up',
      text: `
Train it, and watch the tiles. The hidden units turn their lines until each guards one side of the squares. Then the output
adds the four together, with a weight for each: *inside* means on the right side of all of them.

Nobody told unit 2 to watch its side. The only thing the network is told is how wrong its answer was.`,
      spec: ring,
      stage: layersStage(),
      bar: ['train', 'step', 'reset', 'speed'],
      speed: 60,
      predict: {
        kind: 'choice',
        question: 'After training, what will a *hidden* unit’s own tile show?',
        options: [
          {
            text: 'A ring',
            reply: 'The ring appears in the output only. A single hidden unit still has one straight line.',
          },
          {
            text: 'Still a straight line',
            right: true,
            reply: 'Yes. Only the line’s place is learned; the ring is made by the next layer.',
          },
          {
            text: 'The points that it got wrong',
            reply: 'A unit has no idea of points: it has three numbers, and they make a line.',
          },
        ],
      },
      achieve: {
        text: 'Train until 98 % are right, then pin a hidden unit by clicking it.',
        when: (scene) => accuracyOf(scene) >= 0.98 && scene.lab.selection.pinned.value?.kind === 'unit',
        showMe: async (scene) => {
          await scene.lab.advance(400)
          if (!scene.lab.selection.pinned.peek()) scene.lab.selection.pin({ kind: 'unit', module: '1', unit: 0 })
        },
        done: 'Lines in the first layer, a shape in the second. (Click the unit again, or press Esc, to let it go.)',
      },
    },
    {
      id: 'switch-off',
      title: 'Who does what? Switch one off',
      text: `
How do you find out what a part does? Take it out, and see what breaks. The switches silence a hidden unit: the weights
that lead from it become 0, so that nobody hears it. Switch it on again, and they come back.

If you skipped the training, train now. Then try each unit by itself.`,
      spec: ring,
      stage: layersStage({ switches: true }),
      bar: ['train', 'reset'],
      achieve: {
        text: 'Find a unit without which fewer than 80 % are right.',
        when: (scene) => (scene.fact('least') ?? 1) < 0.8 && (scene.fact('switched') ?? 0) > 0,
        showMe: silenceEach,
        done: 'Without its guard, one side of the ring stands open. The work is shared out, and here no unit can stand in for another.',
      },
    },
    {
      id: 'deeper',
      title: 'A second hidden layer',
      text: `
Two arms of a spiral: a hard one. This network has two hidden layers. The units of the second do not see the plane any
more; they see what the first layer’s units say. So each can make a *shape* of their lines, and the output can make a
shape of those shapes.

That is the idea of deep learning: each layer builds with what the one before it found.`,
      spec: deep,
      stage: layersStage(),
      bar: ['train', 'reset'],
      predict: {
        kind: 'choice',
        question: 'What will the units of the second hidden layer respond to?',
        options: [
          {
            text: 'Straight sides again',
            reply: 'Those are in the first layer. Point at the second: its edges are bent.',
          },
          { text: 'Bent and broken shapes', right: true, reply: 'Yes: sums of many bent lines.' },
          { text: 'The whole spiral', reply: 'Parts of it, at most. The whole spiral is put together by the output.' },
        ],
      },
      achieve: {
        text: 'Train until 95 % are right. It takes a few seconds; look at the second layer while it does.',
        when: (scene) => accuracyOf(scene) >= 0.95,
        showMe: (scene) => scene.lab.train(),
        done: 'Lines, then bands and corners, then a spiral: three layers, each made of the one before.',
      },
    },
  ],
}
