/** All views, in the order in which the studio offers them. */
import { convolution } from './convolution/convolution.tsx'
import { filters } from './convolution/filters.tsx'
import { curves } from './curves/curves.tsx'
import { draw } from './draw/draw.tsx'
import { network } from './network/network.tsx'
import { predictions } from './predictions/predictions.tsx'
import { saliency } from './saliency/saliency.tsx'
import { sample } from './sample/sample.tsx'
import { surface } from './surface/surface.tsx'
import { tensors } from './tensors/tensors.tsx'
import { unit } from './unit/unit.tsx'
import type { View } from './view.ts'

export const views: readonly View[] = [
  surface,
  network,
  curves,
  predictions,
  unit,
  sample,
  tensors,
  draw,
  convolution,
  filters,
  saliency,
]
