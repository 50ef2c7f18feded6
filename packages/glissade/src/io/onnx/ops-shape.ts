/** ONNX's operators that move elements, look them up or make them, opsets 7 to 23. */
import { arange, full } from '../../create.ts'
import { gather, scatterAdd, take, topK } from '../../ops/derived/indexing.ts'
import { concat } from '../../ops/derived/movement.ts'
import { sameShape, sizeOf, stridesOf } from '../../shape.ts'
import { fromArray, type Tensor } from '../../tensor.ts'
import { type Call, type Operator, wholes } from './call.ts'
import { dtypeOf } from './tensors.ts'

/** The axes of length 1 that `Squeeze` takes away. */
function squeeze(call: Call): Tensor {
  const x = call.tensor(0)
  return x.squeeze(call.axesList(1)?.map((axis) => call.axis(axis, x.rank)))
}

function unsqueeze(call: Call): Tensor {
  const x = call.tensor(0)
  const axes = call.axesList(1) ?? call.fail('axes', 'none', 'at least one')
  const added = call.axes(axes, x.rank + axes.length)
  const sizes = [...x.shape]
  return x.reshape(
    Array.from({ length: x.rank + axes.length }, (_, axis) => (added.includes(axis) ? 1 : (sizes.shift() as number))),
  )
}

function reshape(call: Call): Tensor {
  const x = call.tensor(0)
  const keepZero = call.int('allowzero', 0) === 1
  return x.reshape(
    call
      .host(1)
      .map((n, axis) =>
        n === 0 && !keepZero ? (x.shape[axis] ?? call.fail('shape', '0 beyond the input', 'a size')) : n,
      ),
  )
}

function split(call: Call): readonly Tensor[] {
  const x = call.tensor(0)
  const axis = call.axis(call.int('axis', 0), x.rank)
  const sizes = call.maybeHost(1) ?? call.ints('split')
  if (sizes) return x.split(sizes, axis)
  const parts = call.int('num_outputs', call.node.outputs.length)
  if (parts < 1) call.fail('num_outputs', String(parts), 'at least 1')
  return x.split(Math.max(1, Math.ceil(x.shape[axis] / parts)), axis)
}

function slice(call: Call): Tensor {
  const x = call.tensor(0)
  const inputs = call.opset >= 10
  const starts = (inputs ? call.maybeHost(1) : call.ints('starts')) ?? []
  const ends = (inputs ? call.maybeHost(2) : call.ints('ends')) ?? []
  const axes = (inputs ? call.maybeHost(3) : call.ints('axes')) ?? starts.map((_, i) => i)
  const steps = (inputs ? call.maybeHost(4) : undefined) ?? starts.map(() => 1)
  if ([ends, axes, steps].some((list) => list.length !== starts.length))
    call.fail('starts', `${starts.length}`, 'as many as ends, axes and steps')
  let y = x
  starts.forEach((start, i) => {
    const axis = call.axis(axes[i], x.rank)
    const n = y.shape[axis]
    const step = steps[i] || call.fail('steps', '0', 'another step')
    const from = start < 0 ? start + n : start
    const to = ends[i] < 0 ? ends[i] + n : ends[i]
    const only = (range: readonly [number, number, number]): Tensor =>
      y.slice(y.shape.map((_, a) => (a === axis ? range : undefined)))
    if (step > 0) y = only([Math.min(n, Math.max(0, from)), Math.min(n, Math.max(0, to)), step])
    else {
      // Backwards from `first` down to, not with, `last`: forwards in the flipped axis.
      const first = Math.min(n - 1, Math.max(-1, from))
      const last = Math.min(n - 1, Math.max(-1, to))
      y = y.flip(axis)
      y = only([n - 1 - first, n - 1 - last, -step])
    }
  })
  return y
}

function pad(call: Call): Tensor {
  const x = call.tensor(0)
  const inputs = call.opset >= 11
  const pads = (inputs ? call.host(1) : call.ints('pads')) ?? []
  const value = inputs ? (call.maybeHost(2)?.[0] ?? 0) : call.float('value', 0)
  const axes = call.axes(call.maybeHost(3) ?? x.shape.map((_, i) => i), x.rank)
  if (pads.length !== 2 * axes.length) call.fail('pads', `${pads.length} numbers`, `${2 * axes.length}`)
  const margins = x.shape.map(() => [0, 0] as [number, number])
  axes.forEach((axis, i) => (margins[axis] = [pads[i], pads[axes.length + i]]))
  const mode = call.text('mode', 'constant')
  if (mode === 'constant') return x.pad(margins, value)
  if (!['reflect', 'edge', 'wrap'].includes(mode)) call.fail('mode', mode, 'constant, reflect, edge or wrap')
  return margins.reduce(
    (y, [before, after], axis) => (before === 0 && after === 0 ? y : padAxis(call, y, axis, before, after, mode)),
    x,
  )
}

function padAxis(call: Call, x: Tensor, axis: number, before: number, after: number, mode: string): Tensor {
  const n = x.shape[axis]
  if (n === 0 || (mode === 'reflect' && n === 1))
    call.fail('pads', `[${before}, ${after}] on an axis of ${n}`, 'a longer axis')
  const length = before + n + after
  if (!(length >= 0 && length <= mostIndices)) call.fail('pads', String(length), `a length of at most ${mostIndices}`)
  const period = mode === 'reflect' ? 2 * (n - 1) : n
  const places = Array.from({ length }, (_, i) => {
    const at = i - before
    if (mode === 'edge') return Math.min(n - 1, Math.max(0, at))
    const turned = ((at % period) + period) % period
    return mode === 'reflect' && turned >= n ? period - turned : turned
  })
  return take(x, wholes(places), axis)
}

/** Index lists made on the host: longer ones are a damaged file. */
const mostIndices = 2 ** 24

/** Indices from the front: negative ones count from the end. */
function fromFront(call: Call, i: number, length: number): Tensor {
  const { tensor, host } = call.inputs[i] ?? call.fail(`input ${i}`, 'nothing', 'indices')
  if (host)
    return wholes(
      Array.from(host, (at) => (at < 0 ? at + length : at)),
      tensor.shape,
    )
  const indices = tensor.cast('int32')
  return indices.lt(0).where(indices.add(length), indices)
}

function gatherElements(call: Call): Tensor {
  const x = call.tensor(0)
  const axis = call.axis(call.int('axis', 0), x.rank)
  const indices = fromFront(call, 1, x.shape[axis])
  if (indices.rank !== x.rank) call.fail('indices', `${indices.rank} axes`, `${x.rank}`)
  const cut = x.slice(x.shape.map((_, a) => (a === axis ? undefined : [0, indices.shape[a]])))
  return gather(cut, indices, axis)
}

/** [..., k] coordinates in `sizes` as [...] positions, row-major. */
function positions(call: Call, coordinates: Tensor, sizes: readonly number[]): Tensor {
  const last = coordinates.rank - 1
  if (last < 0 || coordinates.shape[last] !== sizes.length)
    call.fail('indices', `[${coordinates.shape.join(', ')}]`, `${sizes.length} coordinates`)
  const lengths = wholes([...sizes])
  const places = coordinates.cast('int32')
  return places
    .lt(0)
    .where(places.add(lengths), places)
    .mul(wholes(stridesOf(sizes)))
    .sum(last)
}

function gatherND(call: Call): Tensor {
  const [x, indices] = [call.tensor(0), call.tensor(1)]
  const batch = call.int('batch_dims', 0)
  const k = indices.shape[indices.rank - 1] ?? 0
  if (batch < 0 || batch >= indices.rank || batch + k > x.rank)
    call.fail('indices', `[${indices.shape.join(', ')}]`, `coordinates in [${x.shape.join(', ')}]`)
  const lead = x.shape.slice(0, batch)
  const inner = x.shape.slice(batch, batch + k)
  const rest = x.shape.slice(batch + k)
  let flat = positions(call, indices, inner)
  if (batch > 0) {
    const own = arange(sizeOf(lead))
      .mul(sizeOf(inner))
      .reshape([...lead, ...flat.shape.slice(batch).map(() => 1)])
    flat = flat.add(own)
  }
  const table = x.reshape([sizeOf(lead) * sizeOf(inner), ...rest])
  return take(table, flat.reshape([flat.size]), 0).reshape([...flat.shape, ...rest])
}

/** `updates` written over (or added to) rows of `x: [N, ...]` along an axis. */
function scatter(call: Call, x: Tensor, indices: Tensor, updates: Tensor, axis: number): Tensor {
  const reduction = call.text('reduction', 'none')
  if (reduction === 'add') return scatterAdd(x, indices, updates, axis)
  if (reduction !== 'none') call.fail('reduction', reduction, 'none or add')
  const zeros = full(x.shape, 0, x.dtype === 'bool' ? 'int32' : x.dtype)
  const written = scatterAdd(full(x.shape, 0, 'int32'), indices, full(indices.shape, 1, 'int32'), axis).gt(0)
  const values = scatterAdd(zeros, indices, x.dtype === 'bool' ? updates.cast('int32') : updates, axis)
  return written.where(values.cast(x.dtype), x)
}

function scatterElements(call: Call): Tensor {
  const x = call.tensor(0)
  const axis = call.axis(call.int('axis', 0), x.rank)
  const indices = fromFront(call, 1, x.shape[axis])
  const updates = call.tensor(2)
  const inside = indices.shape.every((n, a) => a === axis || n <= x.shape[a])
  if (indices.rank !== x.rank || !inside)
    call.fail(
      'indices',
      `[${indices.shape.join(', ')}]`,
      `no more than [${x.shape.join(', ')}] on all axes but ${axis}`,
    )
  const sizes = x.shape.map((n, a) => (a === axis ? n : indices.shape[a]))
  if (sameShape(sizes, x.shape)) return scatter(call, x, indices, updates, axis)
  // The indices speak of a corner of x; the rest stays.
  const corner = scatter(call, x.slice(sizes.map((n) => [0, n])), indices, updates, axis)
  const margins = x.shape.map((n, a) => [0, n - sizes[a]] as const)
  return full(sizes, true).pad(margins).where(corner.pad(margins), x)
}

function scatterND(call: Call): Tensor {
  const [x, indices, updates] = [call.tensor(0), call.tensor(1), call.tensor(2)]
  const k = indices.shape[indices.rank - 1] ?? 0
  if (k > x.rank) call.fail('indices', `${k} coordinates`, `at most ${x.rank}`)
  const [inner, rest] = [x.shape.slice(0, k), x.shape.slice(k)]
  const flat = positions(call, indices, inner)
  const table = x.reshape([sizeOf(inner), sizeOf(rest)])
  const rows = flat.reshape([flat.size, 1]).expand([flat.size, sizeOf(rest)])
  return scatter(call, table, rows, updates.reshape([flat.size, sizeOf(rest)]), 0).reshape(x.shape)
}

function range(call: Call): Tensor {
  const [[start], [limit], [step]] = [call.host(0), call.host(1), call.host(2)]
  const length = Math.max(0, Math.ceil((limit - start) / step))
  if (!(length <= mostIndices)) call.fail('length', String(length), `at most ${mostIndices}`)
  const { dtype } = call.tensor(0)
  const data = Array.from({ length }, (_, i) => start + i * step)
  return dtype === 'float32' ? fromArray(Float32Array.from(data), [length]) : wholes(data)
}

function constant(call: Call): Tensor {
  const tensor = call.constants.get('value')
  if (tensor) return tensor
  const whole = call.maybeInt('value_int')
  if (whole !== undefined) return wholes([whole], [])
  const list = call.ints('value_ints')
  if (list) return wholes(list)
  const floats = call.floats('value_floats')
  if (floats) return fromArray(Float32Array.from(floats), [floats.length])
  const { attributes } = call.node
  if (attributes.has('value_float')) return fromArray(Float32Array.of(call.float('value_float', 0)), [])
  if (attributes.has('value_ints')) return wholes([])
  if (attributes.has('value_floats')) return fromArray(new Float32Array(), [0])
  return call.fail('value', [...attributes.keys()].join(', ') || 'nothing', 'numbers')
}

function oneHot(call: Call): Tensor {
  const [indices, values] = [call.tensor(0), call.tensor(2)]
  const [depth] = call.host(1)
  if (!(depth >= 0 && depth <= mostIndices)) call.fail('depth', String(depth), `0 to ${mostIndices}`)
  const axis = call.axis(call.int('axis', -1), indices.rank + 1)
  const at = indices.cast('int32')
  const places = at.lt(0).where(at.add(depth), at).unsqueeze(axis)
  const shape = [...indices.shape.slice(0, axis), depth, ...indices.shape.slice(axis)]
  const counted = arange(depth).reshape(shape.map((_, a) => (a === axis ? depth : 1)))
  const [off, on] = [values.slice([[0, 1]]), values.slice([[1, 2]])].map((v) => v.reshape([]))
  return places.eq(counted).expand(shape).where(on, off)
}

function topk(call: Call): readonly Tensor[] {
  const x = call.tensor(0)
  const axis = call.axis(call.int('axis', -1), x.rank)
  const k = call.opset >= 10 ? call.host(1)[0] : call.int('k', 1)
  if (call.int('largest', 1) === 1) {
    const { values, indices } = topK(x, k, axis)
    return [values, indices]
  }
  const first = x.shape.map((_, a) => (a === axis ? ([0, k] as const) : undefined))
  const indices = x.argSort(axis).slice(first)
  return [gather(x, indices, axis), indices]
}

function trilu(call: Call): Tensor {
  const x = call.tensor(0)
  const k = call.maybeHost(1)?.[0] ?? 0
  const [rows, columns] = x.shape.slice(-2)
  const [i, j] = [arange(rows).reshape([rows, 1]), arange(columns)]
  const kept = call.int('upper', 1) === 1 ? j.ge(i.add(k)) : j.le(i.add(k))
  return kept.where(x, full([], 0, x.dtype))
}

function depthToSpace(call: Call): Tensor {
  const x = call.tensor(0)
  const [b, c, h, w] = x.shape
  const n = call.int('blocksize', 1)
  const crd = call.text('mode', 'DCR') === 'CRD'
  const apart = crd
    ? x.reshape([b, c / n ** 2, n, n, h, w]).permute(0, 1, 4, 2, 5, 3)
    : x.reshape([b, n, n, c / n ** 2, h, w]).permute(0, 3, 4, 1, 5, 2)
  return apart.reshape([b, c / n ** 2, h * n, w * n])
}

function spaceToDepth(call: Call): Tensor {
  const x = call.tensor(0)
  const [b, c, h, w] = x.shape
  const n = call.int('blocksize', 1)
  return x
    .reshape([b, c, h / n, n, w / n, n])
    .permute(0, 3, 5, 1, 2, 4)
    .reshape([b, c * n ** 2, h / n, w / n])
}

export const shaping: Readonly<Record<string, Operator>> = {
  Identity: (call) => call.tensor(0),
  Dropout: (call) => [call.tensor(0), full(call.tensor(0).shape, true)],
  Constant: constant,
  ConstantOfShape: (call) => {
    const value = call.constants.get('value')
    const [number = 0] = value?.storage?.read() ?? []
    return full(call.host(0), number, value?.dtype ?? 'float32')
  },
  Shape: (call) => {
    const { shape } = call.tensor(0)
    const [start, end] = [call.int('start', 0), call.maybeInt('end') ?? shape.length]
    return wholes(shape.slice(start, end))
  },
  Size: (call) => wholes([call.tensor(0).size], []),
  Range: range,
  Reshape: reshape,
  Flatten: (call) => {
    const x = call.tensor(0)
    const axis = call.int('axis', 1)
    const at = axis === x.rank ? axis : call.axis(axis, x.rank)
    return x.reshape([sizeOf(x.shape.slice(0, at)), sizeOf(x.shape.slice(at))])
  },
  Transpose: (call) => {
    const x = call.tensor(0)
    return x.permute(...(call.ints('perm') ?? x.shape.map((_, axis) => x.rank - 1 - axis)))
  },
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Concat: (call) => concat(call.tensors(), call.int('axis', 1)),
  Split: split,
  Slice: slice,
  Pad: pad,
  Expand: (call) => {
    const [x, shape] = [call.tensor(0), call.host(1)]
    const rank = Math.max(x.rank, shape.length)
    const sizes = Array.from({ length: rank }, (_, i) => {
      const [own, wanted] = [x.shape[i - rank + x.rank] ?? 1, shape[i - rank + shape.length] ?? 1]
      return wanted === 1 ? own : wanted
    })
    return x.expand(sizes)
  },
  Tile: (call) => call.tensor(0).repeat(call.host(1)),
  Gather: (call) => {
    const x = call.tensor(0)
    const axis = call.axis(call.int('axis', 0), x.rank)
    return take(x, fromFront(call, 1, x.shape[axis]), axis)
  },
  GatherElements: gatherElements,
  GatherND: gatherND,
  ScatterElements: scatterElements,
  Scatter: scatterElements,
  ScatterND: scatterND,
  OneHot: oneHot,
  TopK: topk,
  Trilu: trilu,
  EyeLike: (call) => {
    const x = call.tensor(0)
    const [rows, columns] = x.shape
    const type = call.maybeInt('dtype')
    const eye = arange(columns).eq(arange(rows).reshape([rows, 1]).add(call.int('k', 0)))
    return eye.cast(type === undefined ? x.dtype : (dtypeOf(type) ?? 'float32'))
  },
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
}
