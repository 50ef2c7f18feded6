/** All views, in the order in which the studio offers them. */
import { attention } from './attention/attention.tsx'
import { curves } from './curves/curves.tsx'
import { gates } from './gates/gates.tsx'
import { surface } from './surface/surface.tsx'
import { tokens } from './tokens/tokens.tsx'
import type { View } from './view.ts'

export const views: readonly View[] = [surface, curves, gates, attention, tokens]
