/** All views, in the order in which the studio offers them. */
import { compare } from './compare/compare.tsx'
import { curves } from './curves/curves.tsx'
import { doctor } from './doctor/doctor.tsx'
import { experiments } from './experiments/experiments.tsx'
import { network } from './network/network.tsx'
import { sample } from './sample/sample.tsx'
import { surface } from './surface/surface.tsx'
import { tensors } from './tensors/tensors.tsx'
import { unit } from './unit/unit.tsx'
import type { View } from './view.ts'

export const views: readonly View[] = [surface, network, curves, unit, sample, tensors, experiments, doctor, compare]
