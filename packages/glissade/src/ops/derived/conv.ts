/**
 * Convolutions and transposed convolutions in one, two and three dimensions, with PyTorch's meaning and layouts.
 *
 * As everywhere in the field the kernel is not mirrored. The general primitive with all its gradients: ops/contract.ts.
 */
import { fail } from '../../errors.ts'
import type { Tensor } from '../../tensor.ts'
import { makeNode } from '../../tensor.ts'
import { type ConvAttrs, conv as convOp } from '../contract.ts'
import { cast, checkWhole, commonType, reshapeTo } from './common.ts'
import { circularPad, type Margin, type PaddingMode, reflectionPad, replicationPad } from './margins.ts'
import { flip, permute } from './movement.ts'

/** One number for all axes in space, or one for each. */
export type PerAxis = number | readonly number[]

export interface ConvOptions {
  readonly stride?: PerAxis
  /** Zeros on both sides; [before, after] for each axis; 'same' keeps the sizes (stride 1 only, the odd zero after). */
  readonly padding?: PerAxis | readonly Margin[] | 'same' | 'valid'
  /** What stands in the padding; default 'zeros'. */
  readonly paddingMode?: PaddingMode
  readonly dilation?: PerAxis
  readonly groups?: number
}

export interface ConvTransposeOptions {
  readonly stride?: PerAxis
  /** How much the result is cut on both sides. */
  readonly padding?: PerAxis
  /** Added at the end of each axis, to choose among the sizes that a convolution brings to the same one. */
  readonly outputPadding?: PerAxis
  readonly dilation?: PerAxis
  readonly groups?: number
}

/** `value` once for each of `rank` axes. */
export function perAxis(what: string, value: PerAxis, rank: number, least: number): number[] {
  const list = typeof value === 'number' ? new Array<number>(rank).fill(value) : [...value]
  if (list.length !== rank) {
    fail('value-invalid', {
      what,
      received: `[${list.join(', ')}]`,
      expected: `one number, or ${rank}`,
      fix: 'Give one for each axis in space.',
    })
  }
  return list.map((n) => checkWhole(what, n, least))
}

function margins(
  op: string,
  rank: number,
  kernel: readonly number[],
  dilation: readonly number[],
  stride: readonly number[],
  padding: ConvOptions['padding'] = 0,
): Margin[] {
  if (padding === 'valid') return kernel.map(() => [0, 0])
  if (padding === 'same') {
    if (stride.some((step) => step !== 1)) {
      fail('value-invalid', {
        what: `${op}: padding`,
        received: `'same' with stride [${stride.join(', ')}]`,
        expected: "stride 1 with 'same'",
        fix: 'Give the padding in numbers.',
      })
    }
    return kernel.map((size, i) => {
      const total = Math.max(0, size - 1) * dilation[i]
      return [Math.floor(total / 2), total - Math.floor(total / 2)]
    })
  }
  if (typeof padding !== 'number' && padding.some((entry) => typeof entry !== 'number')) {
    const pairs = padding as readonly Margin[]
    if (pairs.length !== rank || pairs.some((pair) => !Array.isArray(pair) || pair.length !== 2)) {
      fail('value-invalid', {
        what: `${op}: padding`,
        received: JSON.stringify(padding),
        expected: `${rank} pairs [before, after]`,
        fix: 'Give one pair for each axis in space.',
      })
    }
    return pairs.map(([before, after]) => [
      checkWhole(`${op}: padding`, before, 0),
      checkWhole(`${op}: padding`, after, 0),
    ])
  }
  return perAxis(`${op}: padding`, padding as PerAxis, rank, 0).map((n) => [n, n])
}

/** Runs `body` on `x` with a batch axis, which comes off again where `x` had none. */
function batched(op: string, x: Tensor, rank: number, body: (x: Tensor) => Tensor): Tensor {
  if (x.rank === rank + 2) return body(x)
  if (x.rank !== rank + 1) {
    fail('shape-mismatch', {
      op,
      received: `an input of shape [${x.shape.join(', ')}]`,
      expected: `[batch, channels, ${rank} in space], or the same without batch`,
      fix: 'Add the missing axes with reshape.',
    })
  }
  const y = body(reshapeTo(x, [1, ...x.shape]))
  return reshapeTo(y, y.shape.slice(1))
}

const fillings = { reflect: reflectionPad, replicate: replicationPad, circular: circularPad }

/** `x` with margins that are filled from itself, which leaves none for the convolution; or both as they are. */
function filled(op: string, x: Tensor, rank: number, padding: Margin[], mode: PaddingMode): [Tensor, Margin[]] {
  if (mode === 'zeros') return [x, padding]
  if (!Object.hasOwn(fillings, mode)) {
    fail('value-invalid', {
      what: `${op}: paddingMode`,
      received: `'${String(mode)}'`,
      expected: "'zeros', 'reflect', 'replicate' or 'circular'",
      fix: 'Change the option.',
    })
  }
  return [fillings[mode](x, padding), new Array<Margin>(rank).fill([0, 0])]
}

function checkWeight(op: string, w: Tensor, rank: number): void {
  if (w.rank !== rank + 2) {
    fail('shape-mismatch', {
      op,
      received: `a weight of shape [${w.shape.join(', ')}]`,
      expected: `${rank + 2} axes`,
      fix: 'Check the layer.',
    })
  }
}

/** Refuses a result without a place in space: the kernel reaches beyond the input on both sides. */
function checkPlaces(op: string, x: Tensor, w: Tensor, y: Tensor, rank: number): Tensor {
  if (y.shape.slice(-rank).every((n) => n > 0)) return y
  return fail('shape-mismatch', {
    op,
    received: `[${x.shape.join(', ')}]`,
    expected: `sizes that leave at least one place for a kernel of [${w.shape.slice(2).join(', ')}]`,
    fix: 'Check the padding, or use another kernel.',
  })
}

function convolve(op: string, rank: number, x: Tensor, w: Tensor, options: ConvOptions): Tensor {
  checkWeight(op, w, rank)
  const stride = perAxis(`${op}: stride`, options.stride ?? 1, rank, 1)
  const dilation = perAxis(`${op}: dilation`, options.dilation ?? 1, rank, 1)
  const around = margins(op, rank, w.shape.slice(2), dilation, stride, options.padding)
  const [whole, padding] = filled(op, x, rank, around, options.paddingMode ?? 'zeros')
  const attrs: ConvAttrs = {
    stride,
    dilation,
    padding,
    inputDilation: new Array<number>(rank).fill(1),
    groups: checkWhole(`${op}: groups`, options.groups ?? 1, 1),
  }
  const dtype = commonType([x, w])
  const y = batched(op, whole, rank, (input) => makeNode(convOp, [cast(input, dtype), cast(w, dtype)], attrs))
  return checkPlaces(op, x, w, y, rank)
}

/** The convolution from whose output sizes `x` is: each element of `x` spreads the kernel, at distances of `stride`. */
function convolveTransposed(op: string, rank: number, x: Tensor, w: Tensor, options: ConvTransposeOptions): Tensor {
  checkWeight(op, w, rank)
  const stride = perAxis(`${op}: stride`, options.stride ?? 1, rank, 1)
  const dilation = perAxis(`${op}: dilation`, options.dilation ?? 1, rank, 1)
  const padding = perAxis(`${op}: padding`, options.padding ?? 0, rank, 0)
  const added = perAxis(`${op}: outputPadding`, options.outputPadding ?? 0, rank, 0)
  const groups = checkWhole(`${op}: groups`, options.groups ?? 1, 1)
  added.forEach((n, i) => {
    const limit = Math.max(stride[i], dilation[i])
    if (n >= limit) {
      fail('value-invalid', {
        what: `${op}: outputPadding`,
        received: String(n),
        expected: `less than ${limit}, the larger of stride and dilation`,
        fix: 'Use a smaller one.',
      })
    }
  })
  const [channels, outPerGroup, ...kernel] = w.shape
  if (channels % groups !== 0) {
    fail('shape-mismatch', {
      op,
      received: `${channels} input channels in ${groups} groups`,
      expected: 'a multiple of groups',
      fix: 'Check the layer’s channels.',
    })
  }
  const axes = kernel.map((_, i) => i + 2)
  const grouped = permute(reshapeTo(w, [groups, channels / groups, outPerGroup, ...kernel]), [
    0,
    2,
    1,
    ...axes.map((axis) => axis + 1),
  ])
  const mirrored = flip(reshapeTo(grouped, [groups * outPerGroup, channels / groups, ...kernel]), axes)
  const attrs: ConvAttrs = {
    stride: new Array<number>(rank).fill(1),
    dilation,
    inputDilation: stride,
    padding: kernel.map((size, i) => {
      const reach = (size - 1) * dilation[i] - padding[i]
      return [reach, reach + added[i]]
    }),
    groups,
  }
  const dtype = commonType([x, w])
  const y = batched(op, x, rank, (input) => makeNode(convOp, [cast(input, dtype), cast(mirrored, dtype)], attrs))
  return checkPlaces(op, x, w, y, rank)
}

/** x: [B, C, I], w: [O, C / groups, K] → [B, O, (I + 2·padding - dilation·(K - 1) - 1) / stride + 1, rounded down]. */
export function conv1d(x: Tensor, w: Tensor, options: ConvOptions = {}): Tensor {
  return convolve('conv1d', 1, x, w, options)
}
/** x: [B, C, H, W], w: [O, C / groups, KH, KW] → [B, O, H', W'], with the sizes of conv1d on each axis. */
export function conv2d(x: Tensor, w: Tensor, options: ConvOptions = {}): Tensor {
  return convolve('conv2d', 2, x, w, options)
}
/** x: [B, C, D, H, W], w: [O, C / groups, KD, KH, KW] → [B, O, D', H', W'], with the sizes of conv1d on each axis. */
export function conv3d(x: Tensor, w: Tensor, options: ConvOptions = {}): Tensor {
  return convolve('conv3d', 3, x, w, options)
}
/** x: [B, C, I], w: [C, O / groups, K] → [B, O, (I - 1)·stride - 2·padding + dilation·(K - 1) + outputPadding + 1]. */
export function convTranspose1d(x: Tensor, w: Tensor, options: ConvTransposeOptions = {}): Tensor {
  return convolveTransposed('convTranspose1d', 1, x, w, options)
}
/** x: [B, C, H, W], w: [C, O / groups, KH, KW] → [B, O, H', W'], with the sizes of convTranspose1d on each axis. */
export function convTranspose2d(x: Tensor, w: Tensor, options: ConvTransposeOptions = {}): Tensor {
  return convolveTransposed('convTranspose2d', 2, x, w, options)
}
/** x: [B, C, D, H, W], w: [C, O / groups, KD, KH, KW] → [B, O, D', H', W'], with the sizes of convTranspose1d. */
export function convTranspose3d(x: Tensor, w: Tensor, options: ConvTransposeOptions = {}): Tensor {
  return convolveTransposed('convTranspose3d', 3, x, w, options)
}
