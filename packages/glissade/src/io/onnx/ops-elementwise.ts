/** ONNX's elementwise operators (onnx/docs/Operators.md), opsets 7 to 23. */
import { full } from '../../create.ts'
import type { DType } from '../../dtype.ts'
import { isFloat } from '../../dtype.ts'
import { maximum, minimum, where } from '../../ops/derived/elementwise.ts'
import type { Tensor } from '../../tensor.ts'
import type { Call, Operator } from './call.ts'
import { dtypeOf } from './tensors.ts'

const one =
  (body: (x: Tensor) => Tensor): Operator =>
  (call) =>
    body(call.tensor(0))
const two =
  (body: (a: Tensor, b: Tensor) => Tensor): Operator =>
  (call) =>
    body(call.tensor(0), call.tensor(1))
const many =
  (body: (a: Tensor, b: Tensor) => Tensor): Operator =>
  (call) =>
    call.tensors().reduce(body)

/** Towards zero, as C divides whole numbers. */
function divide(a: Tensor, b: Tensor): Tensor {
  if (isFloat(a.dtype) || isFloat(b.dtype)) return a.div(b)
  // One more than rounded down, where the signs differ and something is left. (No abs: -2^31 has no opposite.)
  const rounded = a.floorDiv(b)
  return rounded.add(a.lt(0).xor(b.lt(0)).and(a.mod(b).ne(0)).cast('int32'))
}

function modulo(call: Call): Tensor {
  const [a, b] = [call.tensor(0), call.tensor(1)]
  if (call.int('fmod', 0) === 0) return a.mod(b)
  // C's fmod has the sign of the dividend.
  const rest = a.abs().mod(b.abs())
  return a.lt(0).where(rest.neg(), rest)
}

function power(a: Tensor, b: Tensor): Tensor {
  const y = a.pow(b)
  return isFloat(a.dtype) ? y : y.cast(a.dtype)
}

/** x where it is above 0, else `below(x)`, which sees no positive number: it must not overflow in vain. */
const aboveZero = (x: Tensor, below: (x: Tensor) => Tensor, above: (x: Tensor) => Tensor = (y) => y): Tensor => {
  const positive = x.gt(0)
  return positive.where(above(x), below(positive.where(0, x)))
}

function clip(call: Call): Tensor {
  const x = call.tensor(0)
  const inputs = call.opset >= 11
  const low = inputs ? call.maybe(1) : call.float('min', Number.NEGATIVE_INFINITY)
  const high = inputs ? call.maybe(2) : call.float('max', Number.POSITIVE_INFINITY)
  const raised = low === undefined ? x : maximum(x, low)
  return high === undefined ? raised : minimum(raised, high)
}

function gelu(call: Call): Tensor {
  const x = call.tensor(0)
  if (call.text('approximate', 'none') === 'none') return x.mul(x.mul(Math.SQRT1_2).erf().add(1)).mul(0.5)
  const inner = x.add(x.mul(x).mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI))
  return x.mul(inner.tanh().add(1)).mul(0.5)
}

const softplus = (x: Tensor): Tensor => x.maximum(0).add(x.abs().neg().exp().log1p())
const hardSigmoid = (x: Tensor, alpha: number, beta: number): Tensor => x.mul(alpha).add(beta).clip(0, 1)

function castTo(call: Call, type: number): Tensor {
  const x = call.tensor(0)
  const dtype: DType =
    dtypeOf(type) ?? call.fail('to', `type ${type}`, 'a type of 32 bits or less, or 64 bits for whole numbers')
  // Small whole numbers wrap around.
  const mask = { 2: 0xff, 4: 0xffff }[type]
  return mask !== undefined ? x.cast('int32').and(mask) : x.cast(dtype)
}

function infinite(call: Call): Tensor {
  const x = call.tensor(0)
  const [up, down] = [call.int('detect_positive', 1), call.int('detect_negative', 1)]
  const none = full(x.shape, false)
  const above = up ? x.eq(Number.POSITIVE_INFINITY) : none
  return down ? above.or(x.eq(Number.NEGATIVE_INFINITY)) : above
}

/** A slope for each channel: [C, 1, 1], or [C] in old files. */
function prelu(call: Call): Tensor {
  const [x, slope] = [call.tensor(0), call.tensor(1)]
  const aligned =
    slope.rank === 1 && x.rank > 2 && slope.shape[0] === x.shape[1]
      ? slope.reshape([slope.shape[0], ...x.shape.slice(2).map(() => 1)])
      : slope
  return x.lt(0).where(x.mul(aligned), x)
}

/** ln of a sum of exponentials and the like, of functions that exist in ONNX as operators only. */
const atanh = (x: Tensor): Tensor => x.log1p().sub(x.neg().log1p()).mul(0.5)
const asinh = (x: Tensor): Tensor => {
  const a = x.abs()
  const y = a.add(a.mul(a).div(a.mul(a).add(1).sqrt().add(1))).log1p()
  return x.lt(0).where(y.neg(), y)
}
const acosh = (x: Tensor): Tensor => x.add(x.sub(1).sqrt().mul(x.add(1).sqrt())).log()

/** SELU's constants (Klambauer et al. 2017), as ONNX has them. */
const selu = { alpha: 1.6732631921768188, gamma: 1.0507010221481323 }

export const elementwise: Readonly<Record<string, Operator>> = {
  Add: two((a, b) => a.add(b)),
  Sub: two((a, b) => a.sub(b)),
  Mul: two((a, b) => a.mul(b)),
  Div: two(divide),
  Mod: modulo,
  Pow: two(power),
  Max: many(maximum),
  Min: many(minimum),
  Sum: many((a, b) => a.add(b)),
  Mean: (call) =>
    call
      .tensors()
      .reduce((a, b) => a.add(b))
      .div(call.inputs.length),
  Neg: one((x) => x.neg()),
  Abs: one((x) => x.abs()),
  Sign: one((x) => x.sign()),
  Reciprocal: one((x) => x.reciprocal()),
  Sqrt: one((x) => x.sqrt()),
  Exp: one((x) => x.exp()),
  Log: one((x) => x.log()),
  Sin: one((x) => x.sin()),
  Cos: one((x) => x.cos()),
  Tan: one((x) => x.tan()),
  Asin: one((x) => x.asin()),
  Acos: one((x) => x.acos()),
  Atan: one((x) => x.atan()),
  Sinh: one((x) => x.sinh()),
  Cosh: one((x) => x.cosh()),
  Asinh: one(asinh),
  Acosh: one(acosh),
  Atanh: one(atanh),
  Tanh: one((x) => x.tanh()),
  Erf: one((x) => x.erf()),
  Floor: one((x) => x.floor()),
  Ceil: one((x) => x.ceil()),
  Round: one((x) => x.round()),
  IsNaN: one((x) => x.isNaN()),
  IsInf: infinite,
  Relu: one((x) => x.relu()),
  LeakyRelu: (call) => {
    const x = call.tensor(0)
    return x.lt(0).where(x.mul(call.float('alpha', 0.01)), x)
  },
  PRelu: prelu,
  ThresholdedRelu: (call) => call.tensor(0).gt(call.float('alpha', 1)).where(call.tensor(0), 0),
  Elu: (call) => aboveZero(call.tensor(0), (x) => x.expm1().mul(call.float('alpha', 1))),
  Celu: (call) => {
    const alpha = call.float('alpha', 1)
    return aboveZero(call.tensor(0), (x) => x.div(alpha).expm1().mul(alpha))
  },
  Selu: (call) => {
    const gamma = call.float('gamma', selu.gamma)
    return aboveZero(
      call.tensor(0),
      (x) => x.expm1().mul(call.float('alpha', selu.alpha) * gamma),
      (x) => x.mul(gamma),
    )
  },
  Sigmoid: one((x) => x.sigmoid()),
  HardSigmoid: (call) => hardSigmoid(call.tensor(0), call.float('alpha', 0.2), call.float('beta', 0.5)),
  HardSwish: one((x) => x.mul(hardSigmoid(x, 1 / 6, 0.5))),
  Swish: (call) => call.tensor(0).mul(call.tensor(0).mul(call.float('alpha', 1)).sigmoid()),
  Softplus: one(softplus),
  Softsign: one((x) => x.div(x.abs().add(1))),
  Mish: one((x) => x.mul(softplus(x).tanh())),
  Gelu: gelu,
  Shrink: (call) => {
    const [x, lambda, bias] = [call.tensor(0), call.float('lambd', 0.5), call.float('bias', 0)]
    return x.lt(-lambda).where(x.add(bias), x.gt(lambda).where(x.sub(bias), 0))
  },
  Clip: clip,
  Cast: (call) => castTo(call, call.int('to', 1)),
  CastLike: (call) => call.tensor(0).cast(call.tensor(1).dtype),
  Less: two((a, b) => a.lt(b)),
  LessOrEqual: two((a, b) => a.le(b)),
  Greater: two((a, b) => a.gt(b)),
  GreaterOrEqual: two((a, b) => a.ge(b)),
  Equal: two((a, b) => a.eq(b)),
  Not: one((x) => x.not()),
  And: two((a, b) => a.and(b)),
  Or: two((a, b) => a.or(b)),
  Xor: two((a, b) => a.xor(b)),
  BitwiseAnd: two((a, b) => a.and(b)),
  BitwiseOr: two((a, b) => a.or(b)),
  BitwiseXor: two((a, b) => a.xor(b)),
  BitwiseNot: one((x) => x.xor(-1)),
  BitShift: (call) =>
    call.text('direction', 'LEFT') === 'LEFT'
      ? call.tensor(0).shiftLeft(call.tensor(1))
      : call.tensor(0).shiftRight(call.tensor(1)),
  Where: (call) => where(call.tensor(0), call.tensor(1), call.tensor(2)),
}
