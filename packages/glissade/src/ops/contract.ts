/**
 * The two products that deep learning is made of: the contraction (every matrix product and einsum) and the
 * general convolution. Both are closed under differentiation: a gradient is one of the same kind, with no
 * patches or transposes stored.
 *
 * matmul and einsum: derived/contract.ts. How they become loops: compile/.
 */
import { fail } from '../errors.ts'
import { type Shape, sizeOf, stridesOf } from '../shape.ts'
import { makeNode } from '../tensor.ts'
import type { ContractOp, LoopOp } from './op.ts'

/** One letter per axis; each letter stands in at least two of the three, once in each. */
export interface ContractAttrs extends Record<string, unknown> {
  readonly a: string
  readonly b: string
  readonly out: string
}

const floatOrInt: ContractOp['dtype'] = ([a, b]) => {
  if (a !== b || a === 'bool') {
    fail('dtype-mismatch', {
      op: 'contract',
      received: `${a} and ${b}`,
      expected: 'two of float32, or two of int32',
      fix: "Cast with .cast('float32').",
    })
  }
  return a
}

export const contract: ContractOp = {
  kind: 'contract',
  name: 'contract',
  doc: 'The sum, over the letters that are not in `out`, of products of elements of `a` and `b`.',
  dtype: floatOrInt,
  shape: ([aShape, bShape], attrs) => {
    const { a, b, out } = attrs as ContractAttrs
    const size = new Map<string, number>()
    const note = (letters: string, shape: Shape): void =>
      [...letters].forEach((letter, axis) => {
        const known = size.get(letter)
        if (known !== undefined && known !== shape[axis]) {
          fail('shape-mismatch', {
            op: `contract ${a},${b}->${out}`,
            received: `[${aShape.join(', ')}] and [${bShape.join(', ')}], where axis '${letter}' is ${known} and ${shape[axis]}`,
            expected: 'the same size for the same letter',
            fix: 'For a matrix product, the last axis of the left must equal the second last of the right.',
          })
        }
        size.set(letter, shape[axis])
      })
    note(a, aShape)
    note(b, bShape)
    return [...out].map((letter) => size.get(letter) as number)
  },
  gradient: (g, { inputs: [x, y], attrs }) => {
    const { a, b, out } = attrs as ContractAttrs
    return [makeNode(contract, [g, y], { a: out, b, out: a }), makeNode(contract, [g, x], { a: out, b: a, out: b })]
  },
  reference: ([x, y], attrs, shape) => {
    const { a, b, out } = attrs as ContractAttrs
    const summed = [...new Set(a + b)].filter((letter) => !out.includes(letter))
    const letters = [...out, ...summed]
    const sizes = letters.map((letter) =>
      a.includes(letter) ? x.shape[a.indexOf(letter)] : y.shape[b.indexOf(letter)],
    )
    const strides = (names: string, of: Shape): number[] => {
      const all = stridesOf(of)
      return letters.map((letter) => (names.includes(letter) ? all[names.indexOf(letter)] : 0))
    }
    const xs = strides(a, x.shape)
    const ys = strides(b, y.shape)
    const terms = sizeOf(sizes.slice(out.length))
    const result = new Float64Array(sizeOf(shape))
    const at = new Array<number>(letters.length).fill(0)
    for (let position = 0; position < result.length; position++) {
      let total = 0
      for (let term = 0; term < terms; term++) {
        let i = 0
        let j = 0
        for (let l = 0; l < at.length; l++) {
          i += at[l] * xs[l]
          j += at[l] * ys[l]
        }
        total += x.data[i] * y.data[j]
        for (let l = at.length - 1; l >= 0 && ++at[l] === sizes[l]; l--) at[l] = 0
      }
      result[position] = total
      if (terms === 0) for (let l = out.length - 1; l >= 0 && ++at[l] === sizes[l]; l--) at[l] = 0
    }
    return result
  },
}

/** All lists have one entry per spatial axis. */
export interface ConvAttrs extends Record<string, unknown> {
  readonly stride: readonly number[]
  /** Zeros before and after; negative numbers cut off. */
  readonly padding: readonly (readonly [before: number, after: number])[]
  /** Zeros between the elements of the input: inputDilation - 1. */
  readonly inputDilation: readonly number[]
  /** The distance of the kernel's elements. */
  readonly dilation: readonly number[]
  readonly groups: number
}

const dilated = (size: number, dilation: number): number => (size === 0 ? 0 : (size - 1) * dilation + 1)

/**
 * x: [B, G·C, ...I], w: [G·O, C, ...K] → [B, G·O, ...Out], with
 * Out = floor((dilated I + padding - dilated K) / stride) + 1. As everywhere in the field the kernel is not
 * mirrored (a cross-correlation).
 */
export const conv: LoopOp = {
  kind: 'conv',
  name: 'conv',
  doc: 'The general convolution in any number of dimensions: stride, padding, both dilations, groups.',
  dtype: floatOrInt,
  shape: ([x, w], attrs) => {
    const { stride, padding, inputDilation, dilation, groups } = attrs as unknown as ConvAttrs
    const wrong = (received: string, expected: string, fix: string): never =>
      fail('shape-mismatch', { op: 'conv', received, expected, fix })
    const rank = stride.length
    if (x.length !== rank + 2 || w.length !== rank + 2) {
      wrong(
        `an input of ${x.length} axes and a weight of ${w.length}`,
        `${rank + 2} axes each: batch, channels and ${rank} in space`,
        'Add the missing axes with reshape.',
      )
    }
    if (x[1] !== w[1] * groups || w[0] % groups !== 0) {
      wrong(
        `an input with ${x[1]} channels and a weight [${w.join(', ')}] in ${groups} group(s)`,
        'input channels = weight channels x groups, and output channels divisible by groups',
        'Check the layer’s input channels.',
      )
    }
    const space = stride.map((step, i) => {
      const room = dilated(x[i + 2], inputDilation[i]) + padding[i][0] + padding[i][1] - dilated(w[i + 2], dilation[i])
      return Math.max(0, Math.floor(room / step) + 1)
    })
    return [x[0], w[0], ...space]
  },
  gradient: (g, { inputs: [x, w], attrs }) => {
    const { stride, padding, inputDilation, dilation, groups } = attrs as unknown as ConvAttrs
    const [input, kernel, out] = [x, w, g].map((t) => t.shape.slice(2))
    const axes = kernel.map((_, i) => i + 2)
    // dx[i] = sum over k of w[k] · dilated g[i·inputDilation + before - k·dilation]: a convolution with the
    // mirrored kernel, in which stride and inputDilation change places.
    const before = kernel.map((k, i) => (k - 1) * dilation[i] - padding[i][0])
    const mirrored = w
      .reshape([groups, w.shape[0] / groups, w.shape[1], ...kernel])
      .permute(0, 2, 1, ...axes.map((a) => a + 1))
      .reshape([groups * w.shape[1], w.shape[0] / groups, ...kernel])
      .flip(axes)
    const dx = makeNode(conv, [g, mirrored], {
      stride: inputDilation,
      inputDilation: stride,
      dilation,
      groups,
      padding: before.map((b, i) => [
        b,
        dilated(input[i], inputDilation[i]) + (kernel[i] - 1) * dilation[i] - dilated(out[i], stride[i]) - b,
      ]),
    })
    // dw[k] = sum over batch and o of g[o] · dilated x[o·stride + k·dilation - before]: a convolution of x with g
    // as its kernel, in which stride and dilation, batch and channels change places.
    // The margin is that of the convolution itself, so that both read the same copy; what is too much is cut off.
    const shares = inputDilation.every((step) => step === 1)
    const margins = padding.map((sides) => sides.map((side) => (shares ? Math.max(0, side) : 0)) as [number, number])
    const [batch, channels] = x.shape
    const withMargins = margins.some(([before, after]) => before + after > 0) ? x.pad([[0, 0], [0, 0], ...margins]) : x
    const picture = withMargins.shape.slice(2)
    const asBatch = withMargins
      .reshape([batch, groups, channels / groups, ...picture])
      .permute(2, 1, 0, ...axes.map((a) => a + 1))
      .reshape([channels / groups, groups * batch, ...picture])
    const dw = makeNode(conv, [asBatch, g.permute(1, 0, ...axes)], {
      stride: dilation,
      inputDilation,
      dilation: stride,
      groups,
      padding: padding.map(([b], i) => [
        b - margins[i][0],
        (kernel[i] - 1) * dilation[i] +
          dilated(out[i], stride[i]) -
          dilated(input[i], inputDilation[i]) -
          b -
          margins[i][1],
      ]),
    })
    return [dx, dw.permute(1, 0, ...axes)]
  },
  reference: ([x, w], attrs, shape) => {
    const { stride, padding, inputDilation, dilation, groups } = attrs as unknown as ConvAttrs
    const [xs, ws, os] = [x.shape, w.shape, shape].map(stridesOf)
    const kernelSize = sizeOf(w.shape.slice(2))
    const outSize = sizeOf(shape.slice(2))
    const outPerGroup = w.shape[0] / groups
    const result = new Float64Array(sizeOf(shape))
    for (let o = 0; o < outSize; o++) {
      for (let k = 0; k < kernelSize; k++) {
        let at = 0
        let inside = true
        for (let d = 0; d < stride.length && inside; d++) {
          const from =
            (Math.floor(o / os[d + 2]) % shape[d + 2]) * stride[d] +
            (Math.floor(k / ws[d + 2]) % w.shape[d + 2]) * dilation[d] -
            padding[d][0]
          inside = from >= 0 && from % inputDilation[d] === 0 && from / inputDilation[d] < x.shape[d + 2]
          at += (from / inputDilation[d]) * xs[d + 2]
        }
        if (!inside) continue
        for (let n = 0; n < shape[0]; n++) {
          for (let channel = 0; channel < w.shape[0]; channel++) {
            const group = Math.floor(channel / outPerGroup)
            let total = 0
            for (let c = 0; c < w.shape[1]; c++) {
              total +=
                x.data[n * xs[0] + (group * w.shape[1] + c) * xs[1] + at] * w.data[channel * ws[0] + c * ws[1] + k]
            }
            result[n * os[0] + channel * os[1] + o] += total
          }
        }
      }
    }
    return result
  },
}
