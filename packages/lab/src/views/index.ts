/** All views, in the order in which the studio offers them. */
import { curves } from './curves/curves.tsx'
import { landscape } from './landscape/landscape.tsx'
import { microscope } from './microscope/microscope.tsx'
import { surface } from './surface/surface.tsx'
import type { View } from './view.ts'

export const views: readonly View[] = [surface, curves, landscape, microscope]
