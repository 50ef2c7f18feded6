/** ONNX's reductions, softmaxes and products, opsets 7 to 23. */
import { einsum } from '../../ops/derived/einsum.ts'
import { sizeOf } from '../../shape.ts'
import type { Axes, ReduceOptions, Tensor } from '../../tensor.ts'
import type { Call, Operator } from './call.ts'

type Fold = (x: Tensor, axes: Axes | undefined, options: ReduceOptions) => Tensor

const reduction =
  (fold: Fold): Operator =>
  (call) => {
    const x = call.tensor(0)
    const axes = call.axesList(1)
    if (axes === undefined || axes.length === 0) {
      if (call.int('noop_with_empty_axes', 0) === 1) return fold(x.unsqueeze(-1), -1, {})
      return fold(x, undefined, { keepDims: call.int('keepdims', 1) === 1 })
    }
    return fold(x, call.axes(axes, x.rank), { keepDims: call.int('keepdims', 1) === 1 })
  }

const argument =
  (largest: boolean): Operator =>
  (call) => {
    const x = call.tensor(0)
    const axis = call.axis(call.int('axis', 0), x.rank)
    const options = { keepDims: call.int('keepdims', 1) === 1 }
    const find = (y: Tensor): Tensor => (largest ? y.argMax(axis, options) : y.argMin(axis, options))
    if (call.int('select_last_index', 0) === 0) return find(x)
    return find(x.flip(axis))
      .neg()
      .add(x.shape[axis] - 1)
  }

/** Before opset 13 all axes from `axis` on were one. */
const softmax =
  (body: (x: Tensor, axis: number) => Tensor): Operator =>
  (call) => {
    const x = call.tensor(0)
    if (call.opset >= 13) return body(x, call.axis(call.int('axis', -1), x.rank))
    const axis = call.axis(call.int('axis', 1), x.rank)
    return body(x.reshape([sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]), 1).reshape(x.shape)
  }

function hardmax(x: Tensor, axis: number): Tensor {
  const largest = x.argMax(axis, { keepDims: true })
  return largest.oneHot(x.shape[axis]).transpose(axis, -1).squeeze(-1)
}

function gemm(call: Call): Tensor {
  const [a, b, c] = [call.tensor(0), call.tensor(1), call.maybe(2)]
  const left = call.int('transA', 0) === 1 ? a.transpose() : a
  const right = call.int('transB', 0) === 1 ? b.transpose() : b
  const [alpha, beta] = [call.float('alpha', 1), call.float('beta', 1)]
  const product = left.matmul(right)
  const scaled = alpha === 1 ? product : product.mul(alpha)
  return c && beta !== 0 ? scaled.add(beta === 1 ? c : c.mul(beta)) : scaled
}

function cumsum(call: Call): Tensor {
  const x = call.tensor(0)
  const axis = call.axis(call.host(1)[0], x.rank)
  const reverse = call.int('reverse', 0) === 1
  const from = reverse ? x.flip(axis) : x
  const sums = from.cumsum(axis)
  const kept = call.int('exclusive', 0) === 1 ? sums.sub(from) : sums
  return reverse ? kept.flip(axis) : kept
}

export const reducing: Readonly<Record<string, Operator>> = {
  ReduceSum: reduction((x, axes, options) => x.sum(axes, options)),
  ReduceMean: reduction((x, axes, options) => x.mean(axes, options)),
  ReduceMax: reduction((x, axes, options) => x.max(axes, options)),
  ReduceMin: reduction((x, axes, options) => x.min(axes, options)),
  ReduceProd: reduction((x, axes, options) => x.prod(axes, options)),
  ReduceL1: reduction((x, axes, options) => x.abs().sum(axes, options)),
  ReduceL2: reduction((x, axes, options) => x.square().sum(axes, options).sqrt()),
  ReduceSumSquare: reduction((x, axes, options) => x.square().sum(axes, options)),
  ReduceLogSum: reduction((x, axes, options) => x.sum(axes, options).log()),
  ReduceLogSumExp: reduction((x, axes, options) => x.logSumExp(axes, options)),
  ArgMax: argument(true),
  ArgMin: argument(false),
  CumSum: cumsum,
  Softmax: softmax((x, axis) => x.softmax(axis)),
  LogSoftmax: softmax((x, axis) => x.logSoftmax(axis)),
  Hardmax: softmax(hardmax),
  MatMul: (call) => call.tensor(0).matmul(call.tensor(1)),
  Gemm: gemm,
  Einsum: (call) => einsum(call.text('equation', ''), ...call.tensors()),
}
