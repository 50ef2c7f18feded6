/**
 * How movements are said in ONNX. Those that it does not have (windows, dilation, diagonals) are said by looking up with
 * constant indices. The other primitives: exporters.ts.
 */
import { sizeOf } from '../../shape.ts'
import { atEnd, type Emitted, type Emitter, type Traced } from './emitter.ts'
import type { Dim } from './write.ts'

export type Exporter = (e: Emitter, traced: Traced, inputs: readonly Traced[]) => Emitted

/** Needs all elements of its inputs. */
export const whole =
  (body: (e: Emitter, names: readonly string[], traced: Traced, inputs: readonly Traced[]) => string): Exporter =>
  (e, traced, inputs) => ({
    name: body(
      e,
      inputs.map((input) => e.whole(input)),
      traced,
      inputs,
    ),
    shape: e.shapeOf(traced),
  })

export const expand: Exporter = (e, _traced, [input]) => e.loose(input.node)

export const pad: Exporter = whole((e, [x], traced) => {
  const { node, other } = traced
  const [margins, others] = [node.attrs.margins as number[][], other?.attrs.margins as number[][] | undefined]
  const at = (side: 0 | 1): Dim[] => margins.map((margin, axis) => e.dim(traced, margin[side], others?.[axis][side]))
  return e.op('Pad', [x, e.sizes([...at(0), ...at(1)]), e.scalar(node.attrs.value as number, node.dtype)])
})

type Range = readonly [start: number, stop: number, step: number]

export const slice: Exporter = whole((e, [x], traced, [input]) => {
  const { node, other } = traced
  const [ranges, others] = [node.attrs.ranges as Range[], other?.attrs.ranges as Range[] | undefined]
  const [from, to] = [input.node.shape, input.other?.shape]
  const cut = ranges.flatMap(([start, stop, step], axis) => {
    const end = (range: Range | undefined, n: number | undefined): boolean => range === undefined || range[1] === n
    const toEnd = stop === from[axis] && end(others?.[axis], to?.[axis])
    if (start === 0 && toEnd && step === 1 && (others?.[axis][0] ?? 0) === 0) return []
    return [
      {
        axis,
        start: e.dim(traced, start, others?.[axis][0]),
        stop: toEnd ? atEnd : e.dim(traced, stop, others?.[axis][1]),
        step,
      },
    ]
  })
  if (cut.length === 0) return e.op('Identity', [x])
  const [starts, ends] = [cut.map(({ start }) => start), cut.map(({ stop }) => stop)]
  return e.op('Slice', [
    x,
    e.sizes(starts),
    e.sizes(ends),
    e.ints(cut.map(({ axis }) => axis)),
    e.ints(cut.map(({ step }) => step)),
  ])
})

/** Zeros between elements: after each, on one more axis that is then merged; those after the last are cut off. */
export function spread(e: Emitter, x: string, input: Traced, steps: readonly number[]): string {
  let y = x
  let sizes = e.shapeOf(input)
  steps.forEach((step, axis) => {
    if (step === 1) return
    const n = e.fixed(input, input.node.shape[axis], input.other?.shape[axis])
    const apart = e.op('Unsqueeze', [y, e.ints([axis + 1])])
    const padded = e.op('Pad', [apart, e.ints([0, step - 1]), e.scalar(0, 'float32'), e.ints([axis + 1])])
    const merged = e.reshape(
      padded,
      sizes.map((size, a) => (a === axis ? n * step : size)),
    )
    y = e.op('Slice', [merged, e.ints([0]), e.ints([1 - step]), e.ints([axis])])
    sizes = sizes.map((size, a) => (a === axis ? Math.max(0, (n - 1) * step + 1) : size))
  })
  return y
}

export const dilate: Exporter = whole((e, [x], { node }, [input]) => {
  const steps = node.attrs.steps as number[]
  if (node.dtype === 'float32') return spread(e, x, input, steps)
  return e.cast(spread(e, e.cast(x, 'float32'), input, steps), node.dtype)
})

export const flip: Exporter = whole((e, [x], { node }) => {
  const axes = node.attrs.axes as number[]
  const each = (n: number): string => e.ints(axes.map(() => n))
  return e.op('Slice', [x, each(-1), each(-atEnd), e.ints(axes), each(-1)])
})

interface Window {
  readonly axis: number
  readonly size: number
  readonly stride: number
  readonly dilation: number
  readonly length: number
}

export const window: Exporter = whole((e, [x], traced) => {
  const { axis, size, stride, dilation } = traced.node.attrs as unknown as Window
  const count = e.fixed(traced, traced.node.shape[axis], traced.other?.shape[axis])
  const places = Array.from({ length: count * size }, (_, i) => Math.floor(i / size) * stride + (i % size) * dilation)
  return e.op('Gather', [x, e.indices(places, [count, size])], { axis })
})

/** Two axes as one, with a zero after the last element, from which `places` are looked up. */
function lookUp(
  e: Emitter,
  x: string,
  shape: readonly Dim[],
  axis: number,
  places: readonly number[],
  into: readonly number[],
  dtype: string,
): string {
  const merged = sizeOf(shape.slice(axis, axis + 2) as number[])
  const flat = e.reshape(x, [...shape.slice(0, axis), merged, ...shape.slice(axis + 2)])
  const floats = dtype === 'bool' ? e.cast(flat, 'int32') : flat
  const zero = e.scalar(0, dtype === 'float32' ? 'float32' : 'int32')
  const padded = e.op('Pad', [floats, e.ints([0, 1]), zero, e.ints([axis])])
  const found = e.op(
    'Gather',
    [
      padded,
      e.indices(
        places.map((at) => (at < 0 ? merged : at)),
        into,
      ),
    ],
    { axis },
  )
  return dtype === 'bool' ? e.cast(found, 'bool') : found
}

export const unwindow: Exporter = whole((e, [x], traced, [input]) => {
  const { axis, size, stride, dilation, length } = traced.node.attrs as unknown as Window
  const count = e.fixed(input, input.node.shape[axis], input.other?.shape[axis])
  const places = Array.from({ length: length * size }, (_, i) => {
    const from = Math.floor(i / size) - (i % size) * dilation
    return from >= 0 && from % stride === 0 && from / stride < count ? (from / stride) * size + (i % size) : -1
  })
  return lookUp(e, x, e.shapeOf(input), axis, places, [length, size], traced.node.dtype)
})

export const diagonal: Exporter = whole((e, [x], traced, [input]) => {
  const axis = traced.node.attrs.axis as number
  const n = e.fixed(traced, traced.node.shape[axis], traced.other?.shape[axis])
  const places = Array.from({ length: n }, (_, i) => i * (n + 1))
  return lookUp(e, x, e.shapeOf(input), axis, places, [n], traced.node.dtype)
})

export const undiagonal: Exporter = whole((e, [x], traced, [input]) => {
  const axis = traced.node.attrs.axis as number
  const n = e.fixed(input, input.node.shape[axis], input.other?.shape[axis])
  const places = Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? i / (n + 1) : -1))
  const shape = e.shapeOf(input)
  // One element more on a new axis of size 1, so that the axis and it are two.
  const two: Dim[] = [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)]
  return lookUp(e, e.reshape(x, two), two, axis, places, [n, n], traced.node.dtype)
})
