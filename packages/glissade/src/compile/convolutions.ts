/**
 * Convolutions as the templates take them: without padding and zeros between places, and in parts where a sum over the
 * batch leaves too few tasks. Part of the pass in decompose.ts.
 */
import type { Node } from '../graph/graph.ts'
import type { ConvAttrs } from '../ops/contract.ts'
import { dilate, flip, pad, permute, reshape, slice } from '../ops/move.ts'
import type { LoopOp } from '../ops/op.ts'
import { sum } from '../ops/reduce.ts'
import { sizeOf } from '../shape.ts'
import type { Rewriter } from './rewrite.ts'

export function plainConvolution(node: Node, inputs: readonly Node[], rewriter: Rewriter): Node | undefined {
  const attrs = node.attrs as unknown as ConvAttrs
  const { padding, inputDilation } = attrs
  if (padding.every(([before, after]) => before === 0 && after === 0) && inputDilation.every((step) => step === 1))
    return undefined
  const inPhases = inputDilation.every((step, i) => step === 1 || (attrs.stride[i] === 1 && attrs.dilation[i] === 1))
  return inPhases && inputDilation.some((step) => step !== 1)
    ? convolutionInPhases(node, inputs, rewriter)
    : withMargins(node.op, inputs, attrs, rewriter)
}

/**
 * Where D - 1 zeros stand between the input's places, results D apart meet the same part of the kernel, every D-th
 * element of it. Each of these D parts becomes an output channel of a convolution of the input as it is, and the
 * results are put in turn.
 *
 * Along one axis: y[D q + r] = sum over u of w[b - r + D u] · x[q + u], with b zeros before the input.
 */
function convolutionInPhases(node: Node, [x, w]: readonly Node[], rewriter: Rewriter): Node {
  const { make } = rewriter
  const attrs = node.attrs as unknown as ConvAttrs
  const { inputDilation, padding } = attrs
  const out = node.shape.slice(2)
  const axes = inputDilation.map((step, i) => {
    const kernel = w.shape[i + 2]
    const before = padding[i][0]
    const first = Math.ceil(-before / step)
    const last = Math.floor((kernel - 1 - before + step - 1) / step)
    const length = last - first + 1
    const start = before + step * first - step + 1
    const count = Math.ceil(out[i] / step)
    return {
      step,
      length,
      count,
      margins: [-start, start + length * step - kernel] as const,
      padding: [-first, count + length - 1 - x.shape[i + 2] + first] as const,
    }
  })
  const steps = axes.map(({ step }) => step)
  const rank = axes.length
  const each = axes.map((_, i) => i)
  const [channels, inner] = w.shape
  const long = make(pad, [w], { margins: [[0, 0], [0, 0], ...axes.map(({ margins }) => margins)], value: 0 })
  const cut = make(reshape, [long], { shape: [channels, inner, ...axes.flatMap(({ length, step }) => [length, step])] })
  const turned = make(flip, [cut], { axes: each.map((i) => 3 + 2 * i) })
  const parts = make(permute, [turned], {
    order: [0, ...each.map((i) => 3 + 2 * i), 1, ...each.map((i) => 2 + 2 * i)],
  })
  const kernels = make(reshape, [parts], {
    shape: [channels * sizeOf(steps), inner, ...axes.map(({ length }) => length)],
  })
  const phases = withMargins(
    node.op,
    [x, kernels],
    { ...attrs, inputDilation: steps.map(() => 1), padding: axes.map(({ padding }) => padding) },
    rewriter,
  )
  const apart = make(reshape, [phases], { shape: [x.shape[0], channels, ...steps, ...axes.map(({ count }) => count)] })
  const inTurn = make(permute, [apart], {
    order: [0, 1, ...each.flatMap((i) => [2 + rank + i, 2 + i])],
  })
  const whole = make(reshape, [inTurn], {
    shape: [x.shape[0], channels, ...axes.map(({ count, step }) => count * step)],
  })
  return make(slice, [whole], { ranges: node.shape.map((size) => [0, size, 1]) })
}

/** A convolution without input dilation, of an input that has its margins. */
function withMargins(op: Node['op'], [x, w]: readonly Node[], attrs: ConvAttrs, { make }: Rewriter): Node {
  const { padding, inputDilation, ...others } = attrs
  let input = x
  if (inputDilation.some((step) => step !== 1)) input = make(dilate, [input], { steps: [1, 1, ...inputDilation] })
  const margins = [[0, 0], [0, 0], ...padding].map(([before, after]) => [Math.max(0, before), Math.max(0, after)])
  if (margins.some(([before, after]) => before + after > 0)) input = make(pad, [input], { margins, value: 0 })
  // Negative padding cuts off.
  const cuts = [[0, 0], [0, 0], ...padding].map(([before, after]) => [Math.max(0, -before), Math.max(0, -after)])
  if (cuts.some(([before, after]) => before + after > 0)) {
    input = make(slice, [input], {
      ranges: cuts.map(([before, after], axis) => [before, input.shape[axis] - after, 1]),
    })
  }
  return make(op, [input, w], {
    ...others,
    padding: padding.map(() => [0, 0]),
    inputDilation: inputDilation.map(() => 1),
  })
}

/** A sum over samples with few results is done in parts, until there are about this many tasks, … */
const wantedTasks = 16
/** … each of this many multiply-adds at least, … */
const leastWork = 1 << 20
/** … and the parts' results have this many elements at most. */
const mostPartial = 1 << 18
/** Channels in and out that one task does, about (places-tiling.ts). */
const channelsPerTask = [32, 64] as const

/**
 * The gradient of a convolution's weights sums over the batch, which is its channels: groups of them are added up apart,
 * so that there is work to share out, and then together.
 */
export function sumOverSamplesInParts(node: Node, [x, w]: readonly Node[], rewriter: Rewriter): Node | undefined {
  const { make } = rewriter
  const attrs = node.attrs as unknown as ConvAttrs
  const { groups } = attrs
  const samples = w.shape[1]
  const [taps, places] = [node, w].map((each) => sizeOf(each.shape.slice(2)))
  const rows = w.shape[0] / groups
  if (node.dtype !== 'float32' || places <= taps || sizeOf(node.shape) === 0) return undefined
  if (attrs.inputDilation.some((step) => step !== 1)) return undefined
  const work = sizeOf(node.shape) * samples * places
  const tasks = groups * Math.ceil(node.shape[0] / channelsPerTask[0]) * Math.ceil(rows / channelsPerTask[1])
  const wanted = Math.min(Math.ceil(wantedTasks / tasks), Math.floor(work / leastWork))
  const divisors = Array.from({ length: samples }, (_, i) => i + 1).filter(
    (count) => samples % count === 0 && count * sizeOf(node.shape) <= mostPartial,
  )
  const count = divisors.find((each) => each >= wanted) ?? divisors[divisors.length - 1]
  if (wanted < 2 || count === undefined || count === 1) return undefined
  const space = w.shape.slice(2)
  const axes = space.map((_, i) => i)
  const cut = make(reshape, [w], { shape: [groups, rows, count, samples / count, ...space] })
  const parts = make(permute, [cut], { order: [0, 2, 1, 3, ...axes.map((i) => i + 4)] })
  const kernels = make(reshape, [parts], { shape: [groups * count * rows, samples / count, ...space] })
  const { shape } = node.op as LoopOp
  const order = [1, 0, ...axes.map((i) => i + 2)]
  // The result's channels come first, so that the parts lie one after the other.
  const inOrder: LoopOp = {
    ...(node.op as LoopOp),
    shape: (shapes, of) => order.map((axis) => shape(shapes, of)[axis]),
  }
  const partial = withMargins(inOrder, [x, kernels], { ...attrs, order, groups: groups * count }, rewriter)
  const results = node.shape.slice(2)
  const apart = make(reshape, [partial], { shape: [groups, count, rows, node.shape[0], ...results] })
  const added = make(sum, [apart], { axes: [1] })
  const whole = make(reshape, [added], { shape: [groups * rows, node.shape[0], ...results] })
  return make(permute, [whole], { order })
}
