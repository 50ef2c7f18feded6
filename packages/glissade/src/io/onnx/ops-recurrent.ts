/**
 * ONNX's RNN, GRU and LSTM, opset 7 on: both directions, initial states, lengths, peepholes, any order of axes.
 *
 * Gates stand in ONNX's order (LSTM i, o, f, c; GRU z, r, h), which differs from PyTorch's.
 */
import { full } from '../../create.ts'
import { maximum, minimum, where } from '../../ops/derived/elementwise.ts'
import { stack } from '../../ops/derived/movement.ts'
import { scan } from '../../ops/derived/scan.ts'
import type { Tensor } from '../../tensor.ts'
import type { Call, Operator } from './call.ts'

type Activation = (x: Tensor) => Tensor

const activations: Readonly<Record<string, Activation>> = {
  relu: (x) => x.relu(),
  tanh: (x) => x.tanh(),
  sigmoid: (x) => x.sigmoid(),
  softsign: (x) => x.div(x.abs().add(1)),
  softplus: (x) => x.maximum(0).add(x.abs().neg().exp().log1p()),
}

/** What one direction works with; the axis of directions is gone. */
interface Direction {
  readonly w: Tensor
  readonly r: Tensor
  readonly inputBias: Tensor
  readonly hiddenBias: Tensor
  readonly peephole: Tensor | undefined
  readonly f: readonly Activation[]
  readonly clip: Activation
  readonly hidden: number
}

/** One step: the sums of the inputs of this step, and the state. */
type Step = (x: Tensor, state: readonly Tensor[], d: Direction, call: Call) => Tensor[]

const gate = (sums: Tensor, i: number, hidden: number): Tensor =>
  sums.slice([undefined, [i * hidden, (i + 1) * hidden]])
const part = (bias: Tensor, i: number, hidden: number): Tensor => bias.slice([[i * hidden, (i + 1) * hidden]])

const rnnStep: Step = (x, [h], { r, hiddenBias, f, clip }) => [
  f[0](clip(x.add(h.matmul(r.transpose())).add(hiddenBias))),
]

const gruStep: Step = (x, [h], { r, hiddenBias, f, clip, hidden }, call) => {
  const product = h.matmul(r.transpose())
  const gates = x.add(product).add(hiddenBias)
  const [z, reset] = [0, 1].map((i) => f[0](clip(gate(gates, i, hidden))))
  const bias = part(hiddenBias, 2, hidden)
  const before =
    call.int('linear_before_reset', 0) === 1
      ? gate(product, 2, hidden).add(bias).mul(reset)
      : h
          .mul(reset)
          .matmul(r.slice([[2 * hidden, 3 * hidden]]).transpose())
          .add(bias)
  const candidate = f[1](clip(gate(x, 2, hidden).add(before)))
  return [z.neg().add(1).mul(candidate).add(z.mul(h))]
}

const lstmStep: Step = (x, [h, c], { r, hiddenBias, peephole, f, clip, hidden }, call) => {
  const sums = x.add(h.matmul(r.transpose())).add(hiddenBias)
  const seen = (i: number, cell: Tensor, at: number): Tensor => {
    const sum = gate(sums, i, hidden)
    return peephole ? sum.add(cell.mul(part(peephole, at, hidden))) : sum
  }
  const input = f[0](clip(seen(0, c, 0)))
  const forget = call.int('input_forget', 0) === 1 ? input.neg().add(1) : f[0](clip(seen(2, c, 2)))
  const cell = forget.mul(c).add(input.mul(f[1](clip(gate(sums, 3, hidden)))))
  const output = f[0](clip(seen(1, cell, 1)))
  return [output.mul(f[2](cell)), cell]
}

function recurrent(call: Call, gates: number, usual: readonly string[], step: Step): Tensor[] {
  const batchFirst = call.int('layout', 0) === 1
  const x = batchFirst ? call.tensor(0).transpose(0, 1) : call.tensor(0)
  const [w, r] = [call.tensor(1), call.tensor(2)]
  if (x.rank !== 3 || w.rank !== 3 || r.rank !== 3) call.fail('input 0', `[${x.shape.join(', ')}]`, 'three axes')
  const [steps, batch] = x.shape
  const [directions, rows] = w.shape
  const hidden = r.shape[2]
  if (rows !== gates * hidden) call.fail('W', `[${w.shape.join(', ')}]`, `${gates * hidden} rows`)
  const names = call.texts('activations')
  const states = gates === 4 ? 2 : 1
  const initial = Array.from({ length: states }, (_, i) => {
    const given = call.maybe(5 + i)
    return given ? (batchFirst ? given.transpose(0, 1) : given) : full([directions, batch, hidden], 0)
  })
  const lengths = call.maybe(4)
  const bias = call.maybe(3) ?? full([directions, 2 * rows], 0)
  const limit = call.float('clip', 0)
  const results = Array.from({ length: directions }, (_, d) => {
    const at = (t: Tensor): Tensor => t.slice([[d, d + 1]]).squeeze(0)
    const peephole = gates === 4 ? call.maybe(7) : undefined
    const own: Direction = {
      w: at(w),
      r: at(r),
      inputBias: at(bias).slice([[0, rows]]),
      hiddenBias: at(bias).slice([[rows, 2 * rows]]),
      peephole: peephole && at(peephole),
      f: usual.map((name, i) => activationOf(call, names[d * usual.length + i] ?? name)),
      clip: limit > 0 ? (y) => maximum(minimum(y, limit), -limit) : (y) => y,
      hidden,
    }
    const reverse = call.text('direction', 'forward') === 'reverse' || d === 1
    return runDirection(call, own, x, initial.map(at), lengths, reverse, step)
  })
  const outputs = stack(
    results.map(({ ys }) => ys),
    1,
  )
  const last = Array.from({ length: states }, (_, i) =>
    stack(
      results.map(({ carry }) => carry[i]),
      0,
    ),
  )
  if (steps === 0) call.fail('input 0', 'a sequence of length 0', 'at least one step')
  return batchFirst ? [outputs.permute(2, 0, 1, 3), ...last.map((t) => t.transpose(0, 1))] : [outputs, ...last]
}

function activationOf(call: Call, name: string): Activation {
  const key = name.toLowerCase()
  return Object.hasOwn(activations, key)
    ? activations[key]
    : call.fail('activations', name, Object.keys(activations).join(', '))
}

/** All steps of one direction. Steps beyond a sequence's length change no state, and put out 0. */
function runDirection(
  call: Call,
  d: Direction,
  x: Tensor,
  initial: readonly Tensor[],
  lengths: Tensor | undefined,
  reverse: boolean,
  step: Step,
): { ys: Tensor; carry: readonly Tensor[] } {
  const sums = x.matmul(d.w.transpose()).add(d.inputBias)
  const [steps, batch] = x.shape
  const valid =
    lengths &&
    full([steps, batch, 1], 1, 'int32')
      .cumsum(0)
      .le(lengths.cast('int32').reshape([1, batch, 1]))
  const { carry, ys } = scan(
    (state: readonly Tensor[], at: { x: Tensor; valid: Tensor | undefined }) => {
      const next = step(at.x, state, d, call)
      const kept = next.map((value, i) => (at.valid ? where(at.valid, value, state[i]) : value))
      return { carry: kept, y: at.valid ? where(at.valid, next[0], 0) : next[0] }
    },
    initial,
    { x: sums, valid },
    { reverse },
  )
  return { ys, carry }
}

/** A loop over time whose step is a graph of the file's own, opset 9 on. */
function scanGraph(call: Call): readonly Tensor[] {
  const body = call.bodies.get('body') ?? call.fail('body', 'nothing', 'a graph')
  const slices = call.int('num_scan_inputs', 0)
  const carries = call.inputs.length - slices
  const outputs = call.node.outputs.length
  if (slices < 1 || carries < 0 || body.inputs !== call.inputs.length || outputs < carries)
    call.fail('num_scan_inputs', String(slices), `1 to ${call.inputs.length}, as the body has inputs and outputs`)
  const listOf = (name: string, count: number): number[] => {
    const list = call.ints(name) ?? new Array<number>(count).fill(0)
    return list.length === count ? list : call.fail(name, `[${list.join(', ')}]`, `${count} numbers`)
  }
  const inputs = call.tensors()
  const [axes, directions] = [listOf('scan_input_axes', slices), listOf('scan_input_directions', slices)]
  const [outAxes, outDirections] = [
    listOf('scan_output_axes', outputs - carries),
    listOf('scan_output_directions', outputs - carries),
  ]
  const sliced = inputs.slice(carries).map((x, i) => {
    const first = x.permute(...frontAxis(call.axis(axes[i], x.rank), x.rank))
    return directions[i] === 1 ? first.flip(0) : first
  })
  const { carry, ys } = scan(
    (state: readonly Tensor[], x: readonly Tensor[]) => {
      const made = body.run([...state, ...x])
      return { carry: made.slice(0, carries), y: made.slice(carries) }
    },
    inputs.slice(0, carries) as readonly Tensor[],
    sliced as readonly Tensor[],
  )
  const stacked = ys.map((y, i) => {
    const order = frontAxis(call.axis(outAxes[i], y.rank), y.rank)
    const turned = outDirections[i] === 1 ? y.flip(0) : y
    return turned.permute(...order.map((_, axis) => order.indexOf(axis)))
  })
  return [...carry, ...stacked]
}

/** The order of axes in which `axis` comes first. */
function frontAxis(axis: number, rank: number): number[] {
  return [axis, ...Array.from({ length: rank }, (_, a) => a).filter((a) => a !== axis)]
}

export const recurrence: Readonly<Record<string, Operator>> = {
  RNN: (call) => recurrent(call, 1, ['Tanh'], rnnStep),
  GRU: (call) => recurrent(call, 3, ['Sigmoid', 'Tanh'], gruStep),
  Scan: scanGraph,
  LSTM: (call) => recurrent(call, 4, ['Sigmoid', 'Tanh', 'Tanh'], lstmStep),
}
