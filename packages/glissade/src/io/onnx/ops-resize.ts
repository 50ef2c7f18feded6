/** ONNX's Resize (opset 10 on) and Upsample: each axis is resized by itself, with weights worked out on the host. */
import { take } from '../../ops/derived/indexing.ts'
import { fromArray, type Tensor } from '../../tensor.ts'
import { type Call, type Operator, wholes } from './call.ts'

/** The place in the input of element `i` of the result, which need not be whole. */
type Placed = (i: number, size: number, length: number, scale: number) => number

const coordinates: Readonly<Record<string, Placed>> = {
  half_pixel: (i, _size, _length, scale) => (i + 0.5) / scale - 0.5,
  half_pixel_symmetric: (i, size, length, scale) => {
    const adjustment = length / (size * scale)
    const centre = size / 2
    return centre * (1 - adjustment) + (i + 0.5) / scale - 0.5
  },
  pytorch_half_pixel: (i, _size, length, scale) => (length > 1 ? (i + 0.5) / scale - 0.5 : 0),
  align_corners: (i, size, length) => (length > 1 ? (i * (size - 1)) / (length - 1) : 0),
  asymmetric: (i, _size, _length, scale) => i / scale,
}

const rounded: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
}

/** For each element of the result, some elements of the input and their weights. */
type Tap = { readonly index: number[]; readonly weight: number[] }

/** Keys' kernel at a distance (Keys 1981), with the coefficient `a`. */
function cubic(distance: number, a: number): number {
  const d = Math.abs(distance)
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0
}

/** An image axis of more elements is a damaged file. */
const longest = 2 ** 20

function taps(call: Call, mode: string, size: number, length: number, scale: number): Tap[] {
  const name = call.opset >= 11 ? call.text('coordinate_transformation_mode', 'half_pixel') : 'asymmetric'
  if (!Object.hasOwn(coordinates, name))
    call.fail('coordinate_transformation_mode', name, Object.keys(coordinates).join(', '))
  const nearest = call.opset >= 11 ? call.text('nearest_mode', 'round_prefer_floor') : 'floor'
  if (!Object.hasOwn(rounded, nearest)) call.fail('nearest_mode', nearest, Object.keys(rounded).join(', '))
  const a = call.float('cubic_coeff_a', -0.75)
  const outside = call.int('exclude_outside', 0) === 1
  const inside = (at: number): number => Math.min(size - 1, Math.max(0, at))
  const reach = { nearest: 1, linear: 2, cubic: 4 }[mode] ?? call.fail('mode', mode, 'nearest, linear or cubic')
  const list = Array.from({ length: reach }, (): Tap => ({ index: [], weight: [] }))
  for (let i = 0; i < length; i++) {
    const at = coordinates[name](i, size, length, scale)
    if (mode === 'nearest') {
      list[0].index.push(inside(rounded[nearest](at)))
      list[0].weight.push(1)
      continue
    }
    const first = Math.floor(at) - (reach / 2 - 1)
    const weights = list.map((_, k) =>
      mode === 'linear' ? 1 - Math.abs(at - (first + k)) : cubic(at - (first + k), a),
    )
    const kept = weights.map((w, k) => (outside && (first + k < 0 || first + k >= size) ? 0 : w))
    const total = kept.reduce((sum, w) => sum + w, 0)
    kept.forEach((w, k) => {
      list[k].index.push(inside(first + k))
      list[k].weight.push(w / total)
    })
  }
  return list
}

function resizeAxis(call: Call, x: Tensor, axis: number, length: number, scale: number, mode: string): Tensor {
  const parts = taps(call, mode, x.shape[axis], length, scale).map(({ index, weight }) => {
    const y = take(x, wholes(index), axis)
    if (weight.every((w) => w === 1)) return y
    return y.mul(
      fromArray(
        Float32Array.from(weight),
        x.shape.map((_, a) => (a === axis ? length : 1)),
      ),
    )
  })
  return parts.reduce((sum, part) => sum.add(part))
}

function resize(call: Call): Tensor {
  const x = call.tensor(0)
  if (call.int('antialias', 0) === 1) call.fail('antialias', '1', '0')
  const [scalesAt, sizesAt] = call.node.op === 'Upsample' || call.opset < 11 ? [1, -1] : [2, 3]
  const scales = call.node.op === 'Upsample' && !call.has(1) ? call.floats('scales') : call.maybeHost(scalesAt)
  const sizes = sizesAt < 0 ? undefined : call.maybeHost(sizesAt)
  const axes = call.axes(call.ints('axes') ?? x.shape.map((_, i) => i), x.rank)
  const given = sizes && sizes.length > 0 ? sizes : scales
  if (given?.length !== axes.length) return call.fail('scales', `${given?.length ?? 0} numbers`, `${axes.length}`)
  if (sizes && sizes.length > 0 && call.text('keep_aspect_ratio_policy', 'stretch') !== 'stretch')
    call.fail('keep_aspect_ratio_policy', call.text('keep_aspect_ratio_policy', ''), 'stretch')
  return axes.reduce((y, axis, i) => {
    const size = x.shape[axis]
    const byScale = given === scales
    const length = byScale ? Math.floor(size * given[i]) : given[i]
    if (!(length >= 1 && length <= longest) || size === 0) call.fail('sizes', `${size} to ${length}`, `1 to ${longest}`)
    if (length === size && (!byScale || given[i] === 1)) return y
    return resizeAxis(call, y, axis, length, byScale ? given[i] : length / size, call.text('mode', 'nearest'))
  }, x)
}

export const resizing: Readonly<Record<string, Operator>> = { Resize: resize, Upsample: resize }
