/** All operators of ONNX that are read, by name. */
import type { Operator } from './call.ts'
import { elementwise } from './ops-elementwise.ts'
import { layers } from './ops-layers.ts'
import { recurrence } from './ops-recurrent.ts'
import { reducing } from './ops-reduce.ts'
import { resizing } from './ops-resize.ts'
import { shaping } from './ops-shape.ts'

export const operators: Readonly<Record<string, Operator>> = {
  ...elementwise,
  ...layers,
  ...recurrence,
  ...reducing,
  ...resizing,
  ...shaping,
}
