/**
 * Which part of the network's input a number looks at: its receptive field, followed back through the modules.
 *
 * What a single module multiplies for one number: the question `terms`.
 */
import type { ModuleInfo, RunInfo } from '../worker/protocol.ts'

/** Rows and columns, both ends included. They may reach beyond the picture, where its margin is. */
export interface Box {
  readonly top: number
  readonly left: number
  readonly bottom: number
  readonly right: number
}

const sliding = /^(conv|(max|avg)Pool)2d$/

/** Along rows (0) or columns (1): an option given once or for each axis. */
function along(option: unknown, axis: number, other: number): number {
  const own = Array.isArray(option) ? option[axis] : option
  return typeof own === 'number' ? own : other
}

/** Of a sliding window: size, stride, padding before, dilation; undefined for other kinds. */
export function slidingOf(
  { kind, options }: ModuleInfo,
  axis: number,
): readonly [number, number, number, number] | undefined {
  if (!sliding.test(kind)) return undefined
  const size = along(options.size, axis, 1)
  const dilation = along(options.dilation, axis, 1)
  const padding = options.padding === 'same' ? Math.floor((dilation * (size - 1)) / 2) : along(options.padding, axis, 0)
  return [size, along(options.stride, axis, kind === 'conv2d' ? 1 : size), padding, dilation]
}

/** The box of a module's input that a box of its output is made of. */
export function given(module: ModuleInfo, box: Box): Box {
  const [rows, columns] = [slidingOf(module, 0), slidingOf(module, 1)]
  if (rows && columns) {
    const back = (
      [size, stride, padding, dilation]: readonly [number, number, number, number],
      from: number,
      to: number,
    ) => [from * stride - padding, to * stride - padding + (size - 1) * dilation] as const
    const [top, bottom] = back(rows, box.top, box.bottom)
    const [left, right] = back(columns, box.left, box.right)
    return { top, left, bottom, right }
  }
  const { inputShape, outputShape, kind } = module
  const keeps = inputShape.length === 3 && inputShape.join() === outputShape.join()
  if (keeps && !/soft(max|min)|layerNorm|groupNorm|instanceNorm|attention/i.test(kind)) return box
  return { top: 0, left: 0, bottom: (inputShape.at(-2) ?? 1) - 1, right: (inputShape.at(-1) ?? 1) - 1 }
}

const around = (a: Box | undefined, b: Box): Box =>
  a
    ? {
        top: Math.min(a.top, b.top),
        left: Math.min(a.left, b.left),
        bottom: Math.max(a.bottom, b.bottom),
        right: Math.max(a.right, b.right),
      }
    : b

/** The box of the network's input that a place of a module's output depends on. */
export function fieldOf({ modules, inputShape }: RunInfo, path: string, [row, column]: readonly [number, number]): Box {
  const boxes = new Map<string, Box>([[path, { top: row, left: column, bottom: row, right: column }]])
  const order = modules.map((module) => module.path)
  let field: Box | undefined
  for (let at = order.indexOf(path); at >= 0; at--) {
    const module = modules[at]
    const box = boxes.get(module.path)
    if (!box || (module.composite && module.children.some((child) => boxes.has(child)))) continue
    const before = given(module, box)
    for (const from of module.from) {
      if (from === '' || !order.includes(from)) field = around(field, before)
      else boxes.set(from, around(boxes.get(from), before))
    }
  }
  return field ?? { top: 0, left: 0, bottom: (inputShape.at(-2) ?? 1) - 1, right: (inputShape.at(-1) ?? 1) - 1 }
}
