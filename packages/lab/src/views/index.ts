/** All views, in the order in which the studio offers them. */

import { attention } from './attention/attention.tsx'
import { compare } from './compare/compare.tsx'
import { convolution } from './convolution/convolution.tsx'
import { filters } from './convolution/filters.tsx'
import { curves } from './curves/curves.tsx'
import { doctor } from './doctor/doctor.tsx'
import { draw } from './draw/draw.tsx'
import { experiments } from './experiments/experiments.tsx'
import { gates } from './gates/gates.tsx'
import { landscape } from './landscape/landscape.tsx'
import { microscope } from './microscope/microscope.tsx'
import { network } from './network/network.tsx'
import { operations } from './operations/operations.tsx'
import { predictions } from './predictions/predictions.tsx'
import { saliency } from './saliency/saliency.tsx'
import { sample } from './sample/sample.tsx'
import { slice } from './slice/slice.tsx'
import { surface } from './surface/surface.tsx'
import { tensors } from './tensors/tensors.tsx'
import { tokens } from './tokens/tokens.tsx'
import { unit } from './unit/unit.tsx'
import type { View } from './view.ts'

export const views: readonly View[] = [
  surface,
  slice,
  network,
  curves,
  predictions,
  unit,
  sample,
  tensors,
  experiments,
  doctor,
  compare,
  operations,
  microscope,
  landscape,
  draw,
  gates,
  attention,
  tokens,
  convolution,
  filters,
  saliency,
]
