/** Keras's recurrent layers, in both directions and with masks. Data is [B, T, C]. */
import { full } from '../../create.ts'
import { where } from '../../ops/derived/elementwise.ts'
import { concat } from '../../ops/derived/movement.ts'
import { scan } from '../../ops/derived/scan.ts'
import type { Tensor } from '../../tensor.ts'
import { activationOf } from './activations.ts'
import { Config } from './config.ts'
import type { Flow, LayerKind, WeightSpec, Weights } from './layer.ts'

type Step = (sums: Tensor, state: readonly Tensor[], weights: Weights, config: Config) => Tensor[]

interface Cell {
  readonly gates: number
  readonly states: number
  readonly step: Step
}

const part = (x: Tensor, i: number, units: number): Tensor => x.slice([undefined, [i * units, (i + 1) * units]])

const cells: Readonly<Record<string, Cell>> = {
  SimpleRNN: {
    gates: 1,
    states: 1,
    step: (sums, [h], { recurrent_kernel: r }, config) => [
      activationOf(config, 'activation', 'tanh')(sums.add(h.matmul(r))),
    ],
  },
  // Gates in Keras's order: i, f, c, o.
  LSTM: {
    gates: 4,
    states: 2,
    step: (sums, [h, c], { recurrent_kernel: r }, config) => {
      const units = h.shape[1]
      const [act, gate] = [
        activationOf(config, 'activation', 'tanh'),
        activationOf(config, 'recurrent_activation', 'sigmoid'),
      ]
      const z = sums.add(h.matmul(r))
      const cell = gate(part(z, 1, units))
        .mul(c)
        .add(gate(part(z, 0, units)).mul(act(part(z, 2, units))))
      return [gate(part(z, 3, units)).mul(act(cell)), cell]
    },
  },
  // Gates in Keras's order: z, r, h.
  GRU: {
    gates: 3,
    states: 1,
    step: (sums, [h], { recurrent_kernel: r, bias }, config) => {
      const units = h.shape[1]
      const [act, gate] = [
        activationOf(config, 'activation', 'tanh'),
        activationOf(config, 'recurrent_activation', 'sigmoid'),
      ]
      const after = config.flag('reset_after', true)
      const hidden = bias && after ? h.matmul(r).add(bias.slice([[1, 2]]).squeeze(0)) : h.matmul(r)
      const [update, reset] = [0, 1].map((i) => gate(part(sums, i, units).add(part(hidden, i, units))))
      const before = after ? part(hidden, 2, units).mul(reset) : h.mul(reset).matmul(part(r, 2, units))
      const candidate = act(part(sums, 2, units).add(before))
      return [update.mul(h).add(update.neg().add(1).mul(candidate))]
    },
  },
}

function weightsOf(kind: string, config: Config, owner: string): WeightSpec[] {
  const { gates } = cells[kind]
  const units = config.whole('units')
  const wide = gates * units
  const twice = kind === 'GRU' && config.flag('reset_after', true)
  return [
    { name: 'kernel', shape: [undefined, wide], owner },
    { name: 'recurrent_kernel', shape: [units, wide], owner },
    ...(config.flag('use_bias', true) ? [{ name: 'bias', shape: twice ? [2, wide] : [wide], owner }] : []),
  ]
}

/** All steps: the outputs [B, T, units], as Keras orders them, and the last states. */
function run(
  kind: string,
  { tensor: x, mask }: Flow,
  weights: Weights,
  config: Config,
): { outputs: Tensor; last: readonly Tensor[] } {
  const { states, step } = cells[kind]
  if (x.rank !== 3 || x.shape[1] === 0)
    config.fail('input', x.shape as number[], 'sequences [B, T, C] of at least one step')
  const units = config.whole('units')
  const bias = weights.bias && weights.bias.rank === 2 ? weights.bias.slice([[0, 1]]).squeeze(0) : weights.bias
  const product = x.matmul(weights.kernel)
  const sums = (bias ? product.add(bias) : product).transpose(0, 1)
  const valid = mask?.transpose(0, 1).unsqueeze(-1)
  const zeros = full([x.shape[0], units], 0)
  // A step that does not count repeats the output before it.
  const start = { state: Array.from({ length: states }, () => zeros), output: zeros }
  const { carry, ys } = scan(
    (before: { state: readonly Tensor[]; output: Tensor }, at: { sums: Tensor; valid: Tensor | undefined }) => {
      const next = step(at.sums, before.state, weights, config)
      const counts = at.valid
      const state = counts ? next.map((value, i) => where(counts, value, before.state[i])) : next
      const output = counts ? where(counts, next[0], before.output) : next[0]
      const zeroed = counts && config.flag('zero_output_for_mask', false) ? where(counts, next[0], 0) : output
      return { carry: { state, output }, y: zeroed }
    },
    start,
    { sums, valid },
    { reverse: config.flag('go_backwards', false) },
  )
  const inOrder = config.flag('go_backwards', false) ? ys.flip(0) : ys
  return { outputs: inOrder.transpose(0, 1), last: carry.state }
}

const recurrent = (kind: string): LayerKind => ({
  weights: (config) => weightsOf(kind, config, 'cell'),
  call: ([flow], weights, config) => {
    refuseUnusual(config)
    const { outputs, last } = run(kind, flow, weights, config)
    return config.flag('return_sequences', false) ? { tensor: outputs, mask: flow.mask } : last[0]
  },
})

function refuseUnusual(config: Config): void {
  for (const key of ['return_state', 'stateful', 'time_major'])
    if (config.flag(key, false)) config.fail(key, true, 'false')
}

function innerOf(config: Config, key: string): Config {
  const { kind, config: raw } = config.inner(key)
  if (!Object.hasOwn(cells, kind)) config.fail(key, kind, Object.keys(cells).join(', '))
  return new Config(kind, raw, config.version, (what, received, expected, fix) =>
    config.fail(what, received, expected, fix),
  )
}

/** The two directions; older files describe the first only. */
function directions(config: Config): [Config, Config] {
  const forward = innerOf(config, 'layer')
  if (config.has('backward_layer')) return [forward, innerOf(config, 'backward_layer')]
  const raw = { ...forward.raw, go_backwards: !forward.flag('go_backwards', false) }
  return [
    forward,
    new Config(forward.kind, raw, config.version, (what, received, expected, fix) =>
      config.fail(what, received, expected, fix),
    ),
  ]
}

const sides = ['forward', 'backward']

const bidirectional: LayerKind = {
  weights: (config) =>
    directions(config).flatMap((inner, i) =>
      weightsOf(inner.kind, inner, `${sides[i]}_layer/cell`).map((spec) => ({
        ...spec,
        name: `${sides[i]}_${spec.name}`,
      })),
    ),
  call: ([flow], weights, config) => {
    const [a, b] = directions(config).map((inner, i) => {
      refuseUnusual(inner)
      const prefix = `${sides[i]}_`
      const own = Object.fromEntries(
        Object.entries(weights).flatMap(([name, value]) =>
          name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
        ),
      )
      const { outputs, last } = run(inner.kind, flow, own, inner)
      if (!inner.flag('return_sequences', false)) return last[0]
      return i === 0 ? outputs : outputs.flip(1)
    })
    const mode = config.word('merge_mode', ['concat', 'sum', 'mul', 'ave'], 'concat')
    const merged = {
      concat: () => concat([a, b], -1),
      sum: () => a.add(b),
      mul: () => a.mul(b),
      ave: () => a.add(b).div(2),
    }[mode]()
    return { tensor: merged, mask: merged.rank === 3 ? flow.mask : undefined }
  },
}

export const recurrentLayers: Readonly<Record<string, LayerKind>> = {
  ...Object.fromEntries(Object.keys(cells).map((kind) => [kind, recurrent(kind)])),
  Bidirectional: bidirectional,
}
