/**
 * How each primitive of ops/table.ts is said in ONNX (opset 18): one entry a primitive.
 *
 * Every primitive is in this table or in `notExported`, with the reason; a test holds that. Movements: export-moves.ts,
 * loops over time: export-scan.ts.
 */
import { isFloat } from '../../dtype.ts'
import type { ContractAttrs, ConvAttrs } from '../../ops/contract.ts'
import { atEnd, type Emitted, type Emitter, sameDim, type Traced } from './emitter.ts'
import {
  diagonal,
  dilate,
  type Exporter,
  expand,
  flip,
  pad,
  slice,
  spread,
  undiagonal,
  unwindow,
  whole,
  window,
} from './export-moves.ts'
import { scan, scanOutput } from './export-scan.ts'
import type { Dim } from './write.ts'

/** Why a primitive cannot be exported. */
export const notExported: Readonly<Record<string, string>> = {
  randomBits: 'it draws random numbers; call model.eval() first, or leave it out',
  castToFloat64: 'float64 exists on the reference backend only',
  customGradient: 'it only says how gradients pass',
  checkpoint: 'it only says how gradients pass',
  stopGradient: 'it only says how gradients pass',
}

/** The shape in which loose values meet. */
function meet(values: readonly Emitted[]): Dim[] {
  const rank = Math.max(...values.map(({ shape }) => shape.length))
  return Array.from({ length: rank }, (_, i) => {
    const sizes = values.map(({ shape }) => shape[i - rank + shape.length] ?? 1)
    return sizes.find((n) => n !== 1) ?? 1
  })
}

/** Elementwise: inputs may repeat, and the result then repeats too. */
const map =
  (body: (e: Emitter, names: readonly string[], traced: Traced) => string): Exporter =>
  (e, traced, inputs) => {
    const values = inputs.map(({ node }) => e.loose(node))
    return {
      name: body(
        e,
        values.map(({ name }) => name),
        traced,
      ),
      shape: meet(values),
    }
  }

const same = (op: string): Exporter => map((e, names) => e.op(op, names))

/** Bools are compared as whole numbers. */
const compared = (op: string): Exporter =>
  map((e, names, { node }) =>
    e.op(op, node.inputs[0].dtype === 'bool' ? names.map((name) => e.cast(name, 'int32')) : names),
  )

/** One operator for bools, another for whole numbers. */
const logical = (bools: string, bits: string): Exporter =>
  map((e, names, { node }) => e.op(node.dtype === 'bool' ? bools : bits, names))

const cast = (to: 'float32' | 'int32' | 'bool'): Exporter => map((e, [x]) => e.cast(x, to))

/** ONNX knows shifts of numbers without sign only. Type 12 is uint32. */
const shift = (direction: string): Exporter =>
  map((e, names) => {
    const [x, bits] = names.map((name) => e.op('Cast', [name], { to: 12 }))
    return e.cast(e.op('BitShift', [x, bits], { direction }), 'int32')
  })

/** Division by 0 gives 0 for whole numbers, where ONNX has no meaning. */
function unlessZero(e: Emitter, divisor: string, body: (divisor: string) => string): string {
  const zero = e.scalar(0, 'int32')
  const none = e.op('Equal', [divisor, zero])
  return e.op('Where', [none, zero, body(e.op('Where', [none, e.scalar(1, 'int32'), divisor]))])
}

const floorDiv: Exporter = map((e, [a, b], { node }) => {
  if (isFloat(node.dtype)) return e.op('Floor', [e.op('Div', [a, b])])
  return unlessZero(e, b, (d) => {
    // The smallest number has no opposite: it wraps here, and is an error there.
    const minus = e.op('Equal', [d, e.scalar(-1, 'int32')])
    const safe = e.op('Where', [minus, e.scalar(1, 'int32'), d])
    // ONNX divides towards zero: one less, where the signs differ and something is left.
    const zero = e.scalar(0, 'int32')
    const left = e.op('Not', [e.op('Equal', [e.op('Mod', [a, safe]), zero])])
    const below = e.op('And', [left, e.op('Xor', [e.op('Less', [a, zero]), e.op('Less', [safe, zero])])])
    return e.op('Where', [minus, e.op('Neg', [a]), e.op('Sub', [e.op('Div', [a, safe]), e.cast(below, 'int32')])])
  })
})

const mod: Exporter = map((e, [a, b], { node }) => {
  if (isFloat(node.dtype)) return e.op('Sub', [a, e.op('Mul', [b, e.op('Floor', [e.op('Div', [a, b])])])])
  return unlessZero(e, b, (d) => e.op('Mod', [a, d]))
})

const where: Exporter = (e, traced, inputs) => {
  const [condition, a, b] = inputs.map(({ node }) => node)
  const isZero = ({ op, attrs }: typeof a): boolean => op.name === 'constant' && attrs.value === 0
  // x where it is above 0, else 0, as ops/derived writes relu.
  if (
    condition.op.name === 'le' &&
    condition.inputs[0] === b &&
    isZero(condition.inputs[1]) &&
    isZero(a) &&
    traced.node.dtype === 'float32'
  ) {
    const x = e.loose(b)
    return { name: e.op('Relu', [x.name]), shape: x.shape }
  }
  return chosen(e, traced, inputs)
}

const chosen = map((e, [condition, a, b], { node }) => {
  if (node.dtype !== 'bool') return e.op('Where', [condition, a, b])
  return e.op('Or', [e.op('And', [condition, a]), e.op('And', [e.op('Not', [condition]), b])])
})

const reduction = (op: string): Exporter =>
  whole((e, [x], { node }) => e.op(op, [x, e.ints(node.attrs.axes as number[])], { keepdims: 0 }))

// ---- where values come from ----

const constant: Exporter = (e, traced) => {
  const [a, b] = [traced.node.attrs.value as number, traced.other?.attrs.value as number | undefined]
  return {
    name: e.scalar(b === undefined || Object.is(a, b) ? a : e.fixed(traced, a, b), traced.node.dtype),
    shape: [],
  }
}

const iota: Exporter = (e, traced) => {
  const axis = traced.node.attrs.axis as number
  const shape = e.shapeOf(traced)
  const after = shape.slice(axis + 1).map(() => 1)
  const length = shape[axis]
  if (typeof length === 'number') {
    const places = Array.from({ length }, (_, i) => i)
    return { name: e.indices(places, [length, ...after]), shape: [length, ...after] }
  }
  const [zero, one] = [0, 1].map((n) => e.op('Squeeze', [e.ints([n])]))
  const places = e.cast(e.op('Range', [zero, e.op('Squeeze', [e.sizes([length])]), one]), 'int32')
  return { name: e.reshape(places, [length, ...after]), shape: [length, ...after] }
}

// ---- products ----

/** A matrix product where the letters are those of one, else the sum that the letters say. */
const contract: Exporter = whole((e, [x, y], { node }) => {
  const { a, b, out } = node.attrs as ContractAttrs
  const batch = a.slice(0, -2)
  const plain =
    a.length >= 2 &&
    (b === `${batch}${a[a.length - 1]}${b[b.length - 1]}` || (b.length === 2 && b[0] === a[a.length - 1]))
  const column = b[b.length - 1]
  if (plain && b.length >= 2 && out === `${a.slice(0, -1)}${column}` && !a.includes(column))
    return e.op('MatMul', [x, y])
  return e.op('Einsum', [x, y], { equation: `${a},${b}->${out}` })
})

const conv: Exporter = whole((e, [x, w], traced, [input]) => {
  const { node } = traced
  const { stride, padding, inputDilation, dilation, groups } = node.attrs as ConvAttrs
  const spreadOut = inputDilation.some((n) => n > 1) ? spread(e, x, input, [1, 1, ...inputDilation]) : x
  const axes = padding.map((_, i) => i + 2)
  // Negative padding cuts off before the convolution.
  const cut = padding.some(([before, after]) => before < 0 || after < 0)
  const from = cut
    ? e.op('Slice', [
        spreadOut,
        e.ints(padding.map(([before]) => Math.max(0, -before))),
        e.ints(padding.map(([, after]) => (after < 0 ? after : atEnd))),
        e.ints(axes),
      ])
    : spreadOut
  return e.op('Conv', [from, w], {
    kernel_shape: node.inputs[1].shape.slice(2),
    strides: stride,
    dilations: dilation,
    group: groups,
    pads: [0, 1].flatMap((side) => padding.map((pair) => Math.max(0, pair[side]))),
  })
})

// ---- loops ----

/** Indices that are the same along all other axes look up whole slices. */
const gather: Exporter = (e, traced, inputs) => {
  const axis = traced.node.attrs.axis as number
  const [x, index] = inputs
  const loose = e.loose(index.node)
  const rank = traced.node.shape.length
  const aligned = [...new Array<Dim>(rank - loose.shape.length).fill(1), ...loose.shape]
  const shape = e.shapeOf(traced)
  const own = e.shapeOf(x)
  const along =
    aligned.every((n, a) => (a === axis ? sameDim(n, shape[a]) : n === 1)) &&
    shape.every((n, a) => a === axis || sameDim(n, own[a]))
  if (!along) return { name: e.op('GatherElements', [e.whole(x), e.whole(index)], { axis }), shape }
  return { name: e.op('Gather', [e.whole(x), e.reshape(loose.name, [shape[axis]])], { axis }), shape }
}

const scatterAdd: Exporter = whole((e, [updates, index], traced) => {
  const zeros = e.op('Expand', [e.scalar(0, traced.node.dtype), e.sizes(e.shapeOf(traced))])
  return e.op('ScatterElements', [zeros, index, updates], { axis: traced.node.attrs.axis as number, reduction: 'add' })
})

const argSort: Exporter = whole((e, [x], traced) => {
  const shape = e.shapeOf(traced)
  if (shape.length === 0) return e.scalar(0, 'int32')
  const numbers = traced.node.inputs[0].dtype === 'bool' ? e.cast(x, 'int32') : x
  const [, order] = e.multiple('TopK', [numbers, e.sizes(shape.slice(-1))], { axis: -1, largest: 0, sorted: 1 }, 2)
  return e.cast(order, 'int32')
})

export const exporters: Readonly<Record<string, Exporter>> = {
  constant,
  iota,
  neg: same('Neg'),
  abs: same('Abs'),
  sign: same('Sign'),
  floor: same('Floor'),
  round: same('Round'),
  sqrt: same('Sqrt'),
  exp: same('Exp'),
  log: same('Log'),
  sin: same('Sin'),
  cos: same('Cos'),
  atan: same('Atan'),
  tanh: same('Tanh'),
  erf: same('Erf'),
  not: same('Not'),
  add: same('Add'),
  sub: same('Sub'),
  mul: same('Mul'),
  div: same('Div'),
  floorDiv,
  mod,
  pow: same('Pow'),
  maximum: same('Max'),
  minimum: same('Min'),
  and: logical('And', 'BitwiseAnd'),
  or: logical('Or', 'BitwiseOr'),
  xor: logical('Xor', 'BitwiseXor'),
  shiftLeft: shift('LEFT'),
  shiftRight: shift('RIGHT'),
  lt: compared('Less'),
  le: compared('LessOrEqual'),
  eq: compared('Equal'),
  where,
  castToFloat32: cast('float32'),
  castToInt32: cast('int32'),
  castToBool: cast('bool'),
  sum: reduction('ReduceSum'),
  prod: reduction('ReduceProd'),
  max: reduction('ReduceMax'),
  min: reduction('ReduceMin'),
  reshape: whole((e, [x], traced) => e.reshape(x, e.shapeOf(traced))),
  permute: whole((e, [x], { node }) => e.op('Transpose', [x], { perm: node.attrs.order as number[] })),
  expand,
  pad,
  slice,
  dilate,
  flip,
  concat: whole((e, names, { node }) => e.op('Concat', names, { axis: node.attrs.axis as number })),
  window,
  unwindow,
  diagonal,
  undiagonal,
  contract,
  conv,
  gather,
  scatterAdd,
  cumsum: whole((e, [x], { node }) => e.op('CumSum', [x, e.indices([node.attrs.axis as number], [])])),
  argSort,
  barrier: (e, _traced, [input]) => e.loose(input.node),
  scan,
  scanOutput,
}
