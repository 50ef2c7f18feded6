/** All views, in the order in which the studio offers them. */
import { convolution } from './convolution/convolution.tsx'
import { filters } from './convolution/filters.tsx'
import { curves } from './curves/curves.tsx'
import { draw } from './draw/draw.tsx'
import { predictions } from './predictions/predictions.tsx'
import { surface } from './surface/surface.tsx'
import type { View } from './view.ts'

export const views: readonly View[] = [surface, curves, predictions, draw, convolution, filters]
