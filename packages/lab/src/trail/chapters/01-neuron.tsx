/** Chapter 1: one neuron, by hand. */
import { planeSpec } from '../../spec/presets.ts'
import { surface } from '../../views/surface/surface.tsx'
import type { Chapter } from '../chapter.ts'
import { stageOf } from '../stages/views.tsx'

export const chapter: Chapter = {
  number: 1,
  id: 'neuron',
  title: 'The neuron',
  goal: 'Multiply, add, bend.',
  cards: [
    {
      id: 'sum',
      title: 'A sum',
      text: 'A [[neuron]] is a small sum, $\\sym{w1}{w_1} x_1 + w_2 x_2 + b$.',
      spec: planeSpec('gaussians', [4]),
      stage: stageOf(surface),
      bar: ['train', 'step', 'reset', 'speed'],
    },
  ],
}
