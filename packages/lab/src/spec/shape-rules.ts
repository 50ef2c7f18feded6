/** What comes out of each kind of layer, and the options that follow from what comes in. Who walks: shapes.ts. */
import type { LayerSpec } from './spec.ts'

/** Of one sample, without the batch axis. */
export type Dims = readonly number[]

/** What flows through a network: its shape, and of how many letters its numbers are; 0: they are numbers. */
export interface Flow {
  readonly dims: Dims
  readonly letters: number
}

/** Why something does not fit, in a person's words. */
export class ShapeProblem extends Error {}

type Rule = (
  layer: LayerSpec,
  flow: Flow,
) => { readonly out: Flow; readonly options?: Readonly<Record<string, unknown>> }

const numbers = (dims: Dims): Flow => ({ dims, letters: 0 })
const refuse = (message: string): never => {
  throw new ShapeProblem(message)
}

/** One number for all axes, or one for each. */
const along = (value: unknown, axis: number, initial: number): number => {
  if (Array.isArray(value)) return Number(value[Math.min(axis, value.length - 1)])
  return value === undefined || value === null ? initial : Number(value)
}

const same: Rule = (_, { dims }) => ({ out: numbers(dims) })
/** Features (channels) come first in a sample. */
const channels =
  (option: string): Rule =>
  (_, { dims }) => ({ out: numbers(dims), options: { [option]: dims[0] } })
/** Features come last in a sample. */
const features =
  (option: string): Rule =>
  (_, { dims }) => ({ out: numbers(dims), options: { [option]: dims[dims.length - 1] } })

const window: Rule = (layer, { dims }) => {
  const own = Number(layer.groups ?? 1)
  if (layer.out !== undefined && (dims[0] % own !== 0 || Number(layer.out) % own !== 0))
    refuse(
      `${own} groups must divide the ${dims[0]} channels that come in and the ${layer.out} that go out. Change the groups.`,
    )
  const space = dims.slice(1).map((n, axis) => {
    const size = along(layer.size, axis, 1)
    const dilation = along(layer.dilation, axis, 1)
    const reach = dilation * (size - 1) + 1
    const stride = along(layer.stride, axis, layer.out === undefined ? size : 1)
    if (layer.padding === 'same') return Math.ceil(n / stride)
    const pad = layer.padding === 'valid' ? 0 : along(layer.padding, axis, 0)
    if (layer.out === undefined && 2 * pad > size)
      refuse(`The padding ${pad} is more than half of the window ${size}. Take at most ${Math.floor(size / 2)}.`)
    const free = n + 2 * pad - reach
    if (free < 0)
      refuse(
        `${n} places come in, and the window reaches over ${reach}${pad ? ` (padding ${pad} on each side)` : ''}. Take a smaller window or more padding.`,
      )
    const rounded = layer.ceilMode === true ? Math.ceil(free / stride) : Math.floor(free / stride)
    // A window that would begin in the padding behind the end is left out.
    const last = layer.ceilMode === true && rounded * stride >= n + pad ? rounded - 1 : rounded
    return last + 1
  })
  return layer.out === undefined
    ? { out: numbers([dims[0], ...space]) }
    : { out: numbers([Number(layer.out), ...space]), options: { in: dims[0] } }
}

const transposed: Rule = (layer, { dims }) => {
  const own = Number(layer.groups ?? 1)
  if (dims[0] % own !== 0 || Number(layer.out) % own !== 0)
    refuse(
      `${own} groups must divide the ${dims[0]} channels that come in and the ${layer.out} that go out. Change the groups.`,
    )
  const space = dims.slice(1).map((n, axis) => {
    const [stride, dilation] = [along(layer.stride, axis, 1), along(layer.dilation, axis, 1)]
    const extra = along(layer.outputPadding, axis, 0)
    if (extra >= stride && extra >= dilation && extra > 0)
      refuse(`The output padding ${extra} must be less than the stride ${stride}. Take a larger stride.`)
    return (
      (n - 1) * stride - 2 * along(layer.padding, axis, 0) + dilation * (along(layer.size, axis, 1) - 1) + extra + 1
    )
  })
  return { out: numbers([Number(layer.out), ...space]), options: { in: dims[0] } }
}

const globally: Rule = (layer, { dims }) => ({
  out: numbers(layer.keepDims === true ? [dims[0], ...dims.slice(1).map(() => 1)] : [dims[0]]),
})
const adaptive: Rule = (layer, { dims }) => ({
  out: numbers([dims[0], ...dims.slice(1).map((n, axis) => (layer.size === null ? n : along(layer.size, axis, n)))]),
})

const margin: Rule = (layer, { dims }) => {
  const rank = dims.length - 1
  const sides = (axis: number): readonly [number, number] => {
    if (!Array.isArray(layer.sides)) return [Number(layer.sides), Number(layer.sides)]
    const at = 2 * (rank - 1 - axis)
    return [Number(layer.sides[at]), Number(layer.sides[at + 1])]
  }
  const mirrored = layer.kind.startsWith('reflection')
  const turned = layer.kind.startsWith('circular')
  return {
    out: numbers([
      dims[0],
      ...dims.slice(1).map((n, axis) => {
        const [before, after] = sides(axis)
        if ((mirrored && Math.max(before, after) >= n) || (turned && Math.max(before, after) > n))
          refuse(
            `${n} places cannot be ${mirrored ? 'mirrored' : 'continued'} ${Math.max(before, after)} far. Take a smaller width.`,
          )
        return n + before + after
      }),
    ]),
  }
}

const halved: Rule = (layer, { dims }) => {
  const axis = Number(layer.axis ?? -1)
  const at = axis < 0 ? dims.length + axis : axis - 1
  if (at < 0 || at >= dims.length) refuse(`There is no axis ${axis} here. Take −1, the last.`)
  if (dims[at] % 2 !== 0) refuse(`${dims[at]} numbers cannot be halved. Let an even number come in.`)
  return { out: numbers(dims.map((n, i) => (i === at ? n / 2 : n))) }
}

const ofAxis: Rule = (layer, { dims }) => {
  const axis = Number(layer.axis ?? -1)
  if (axis === 0 || axis > dims.length || axis < -dims.length)
    refuse(`There is no axis ${axis} in a sample here. Take −1, the last.`)
  return { out: numbers(dims) }
}

const recurrent: Rule = (layer, { dims }) => ({
  out: numbers([dims[0], Number(layer.hidden) * (layer.bidirectional === true ? 2 : 1)]),
  options: { in: dims[1], batchFirst: true },
})

function headed(layer: LayerSpec, width: number): void {
  const heads = Number(layer.heads)
  if (width % heads !== 0)
    refuse(
      `${heads} heads do not divide the width ${width}. Take ${largestDivisor(width, heads)} heads, or another width.`,
    )
}
const largestDivisor = (width: number, most: number): number => {
  let best = 1
  for (let n = 1; n <= Math.min(most, width); n++) if (width % n === 0) best = n
  return best
}
const attending: Rule = (layer, { dims }) => {
  headed(layer, dims[1])
  return { out: numbers(dims), options: { width: dims[1] } }
}

function filled(sizes: Dims, whole: number): number[] {
  const known = sizes.filter((n) => n !== -1).reduce((product, n) => product * n, 1)
  const open = sizes.filter((n) => n === -1).length
  if (open > 1 || sizes.some((n) => n === 0 || n < -1))
    refuse('Sizes are whole numbers from 1 on, of which one may be −1.')
  if (open === 1 ? whole % known !== 0 : known !== whole)
    refuse(`${whole} numbers come in, which do not make ${sizes.join(' × ')}. Change the sizes.`)
  return sizes.map((n) => (n === -1 ? whole / known : n))
}
const product = (dims: Dims): number => dims.reduce((a, b) => a * b, 1)

const place = (axis: number, dims: Dims): number => {
  const at = axis < 0 ? dims.length + axis : axis - 1
  if (axis === 0 || at < 0 || at >= dims.length)
    refuse(`There is no axis ${axis} in a sample here: it has ${dims.length}, from 1 on; −1 is the last.`)
  return at
}

const rules: Readonly<Record<string, Rule>> = {
  linear: (layer, { dims }) => ({
    out: numbers([...dims.slice(0, -1), Number(layer.out)]),
    options: { in: dims[dims.length - 1] },
  }),
  embedding: (layer, { dims, letters }) => ({
    out: numbers([...dims, Number(layer.size)]),
    options: { count: letters },
  }),
  flatten: (layer, { dims }) => {
    const from = place(Number(layer.from ?? 1), dims)
    const to = place(Number(layer.to ?? -1), dims)
    if (to < from) refuse('The last axis that is laid together stands before the first. Take 1 and −1.')
    return {
      out: numbers([...dims.slice(0, from), product(dims.slice(from, to + 1)), ...dims.slice(to + 1)]),
      options: { from: layer.from ?? 1, to: layer.to ?? -1 },
    }
  },
  unflatten: (layer, { dims }) => {
    const at = place(Number(layer.axis), dims)
    return { out: numbers([...dims.slice(0, at), ...filled(layer.sizes as Dims, dims[at]), ...dims.slice(at + 1)]) }
  },
  reshape: (layer, { dims }) => ({ out: numbers(filled(layer.shape as Dims, product(dims))) }),
  select: (layer, { dims }) => {
    const at = place(Number(layer.axis), dims)
    const index = Number(layer.index)
    if (index >= dims[at] || index < -dims[at])
      refuse(`There is no place ${index} among ${dims[at]}. Take −1, the last.`)
    return { out: numbers(dims.filter((_, i) => i !== at)) }
  },
  upsample: (layer, { dims }) => {
    const mode = String(layer.mode ?? 'nearest')
    const rank = dims.length - 1
    if ((mode === 'linear' && rank !== 1) || (mode.startsWith('bi') && rank !== 2))
      refuse(
        `"${mode}" does not fit ${rank === 1 ? 'a line' : 'a picture'}. Take "nearest" or "${rank === 1 ? 'linear' : 'bilinear'}".`,
      )
    const space = dims
      .slice(1)
      .map((n, axis) =>
        layer.size === undefined ? Math.floor(n * along(layer.scaleFactor, axis, 1)) : along(layer.size, axis, n),
      )
    return { out: numbers([dims[0], ...space]) }
  },
  pixelShuffle: (layer, { dims }) => {
    const r = Number(layer.factor)
    if (dims[0] % (r * r) !== 0)
      refuse(`${dims[0]} channels do not make ${r} × ${r} pixels. Let a multiple of ${r * r} come in.`)
    return { out: numbers([dims[0] / (r * r), dims[1] * r, dims[2] * r]) }
  },
  pixelUnshuffle: (layer, { dims }) => {
    const r = Number(layer.factor)
    if (dims[1] % r !== 0 || dims[2] % r !== 0) refuse(`${dims[1]} × ${dims[2]} places cannot be cut into ${r} × ${r}.`)
    return { out: numbers([dims[0] * r * r, dims[1] / r, dims[2] / r]) }
  },
  groupNorm: (layer, { dims }) => {
    if (dims[0] % Number(layer.groups) !== 0)
      refuse(`${layer.groups} groups do not divide ${dims[0]} channels. Change the groups.`)
    return { out: numbers(dims), options: { channels: dims[0] } }
  },
  layerNorm: features('normalizedShape'),
  rmsNorm: features('normalizedShape'),
  prelu: (layer, { dims }) => {
    const count = Number(layer.count ?? 1)
    if (count !== 1 && count !== dims[0])
      refuse(`PReLU has ${count} slopes; take 1 for all, or ${dims[0]}, one for each channel.`)
    return { out: numbers(dims) }
  },
  softmax: ofAxis,
  logSoftmax: ofAxis,
  softmin: ofAxis,
  glu: halved,
  reglu: halved,
  geglu: halved,
  swiglu: halved,
  rnn: recurrent,
  lstm: recurrent,
  gru: recurrent,
  multiHeadAttention: attending,
  transformerEncoderLayer: attending,
  transformerEncoder: attending,
  learnedPositions: (_, { dims }) => ({ out: numbers(dims), options: { length: dims[0], width: dims[1] } }),
  sinusoidalPositions: (_, { dims }) => {
    if (dims[1] % 2 !== 0) refuse(`Waves come in pairs; the width ${dims[1]} is odd. Take an even one.`)
    return { out: numbers(dims), options: { length: dims[0], width: dims[1] } }
  },
  languageModel: (layer, { dims, letters }) => {
    headed(layer, Number(layer.width))
    if (layer.positions === 'rotary' && (Number(layer.width) / Number(layer.heads)) % 2 !== 0)
      refuse('Rotary positions need an even number for each head. Take another width.')
    return { out: numbers([dims[0], letters]), options: { vocab: letters, context: dims[0] } }
  },
}

export function ruleOf(kind: string): Rule {
  if (Object.hasOwn(rules, kind)) return rules[kind]
  if (/^conv[12]d$/.test(kind) || /^(max|avg)Pool/.test(kind)) return window
  if (kind.startsWith('convTranspose')) return transposed
  if (kind.startsWith('global')) return globally
  if (kind.startsWith('adaptive')) return adaptive
  if (/Pad[12]d$/.test(kind)) return margin
  if (/^(batch|instance)Norm/.test(kind)) return channels('features')
  return same
}
