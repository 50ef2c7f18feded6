/**
 * Inside recurrent layers: gates and memory through a text, the sums behind one unit's gates, and how far an error
 * reaches back. All numbers are those that the library's layer names within itself.
 */
import { nn, type Tensor, tensor } from 'glissade'
import type { Live } from '../desk.ts'
import { targetOf } from '../inputs.ts'
import type { GateSum, Input, Numbers, Track } from '../protocol.ts'
import { largest } from '../tally.ts'
import { type Tapped, tapped, tappedSlopes } from '../taps.ts'
import { type Words, wordsOf } from '../words.ts'
import type { Answerer } from './index.ts'
import { remembered } from './remembered.ts'

/** In the order in which their sums lie in the weights, with what bends them. */
const gatesOf = {
  lstm: [
    ['i', 'sigmoid'],
    ['f', 'sigmoid'],
    ['g', 'tanh'],
    ['o', 'sigmoid'],
  ],
  gru: [
    ['r', 'sigmoid'],
    ['z', 'sigmoid'],
    ['n', 'tanh'],
  ],
  rnn: [['hidden', 'tanh']],
} as const
const memoryOf = { lstm: ['cell', 'hidden'], gru: ['hidden'], rnn: [] } as const
type Kind = keyof typeof gatesOf

type Recurrent = nn.RNN | nn.LSTM | nn.GRU

interface Inside {
  readonly layer: Recurrent
  readonly kind: Kind
  readonly prefix: string
  readonly seen: Tapped
  readonly words: Words
}

async function insideOf(live: Live, path: string, input: Input): Promise<Inside> {
  const layer = live.run.model.namedModules().get(path)
  const kind =
    layer instanceof nn.LSTM ? 'lstm' : layer instanceof nn.GRU ? 'gru' : layer instanceof nn.RNN ? 'rnn' : undefined
  if (!kind) throw new Error(`${path || 'The model'} is no recurrent layer.`)
  const found = layer as Recurrent
  if (!found.batchFirst)
    throw new Error('This layer takes samples for steps of time. Set its option batchFirst to see it through a text.')
  const seen = await tapped(live, input)
  return { layer: found, kind, prefix: path === '' ? '' : `${path}.`, seen, words: await wordsOf(live.run, input) }
}

function tracksOf({ layers, bidirectional }: Recurrent): { name: string; below: number; reverse: boolean }[] {
  return Array.from({ length: layers }, (_, below) =>
    (bidirectional ? [false, true] : [false]).map((reverse) => ({
      name: `l${below}${reverse ? '_reverse' : ''}`,
      below,
      reverse,
    })),
  ).flat()
}

/** A tap of one sample, [T, 1, H] → [steps, H]. */
async function throughTime({ seen, prefix, words }: Inside, track: string, part: string): Promise<Numbers> {
  const found = seen.values.get(`${prefix}${track}.${part}`)
  if (!found) throw new Error(`There is no ${part} in ${track}.`)
  return rows(found, words)
}

async function rows(found: Tensor, { tokens }: Words): Promise<Numbers> {
  const [all, , units] = found.shape
  const steps = tokens.length || all
  return { shape: [steps, units], values: Float32Array.from(await found.data()).slice(0, steps * units) }
}

export const gates: Answerer<'gates'> = async (live, { module, input }) => {
  const inside = await insideOf(live, module, input)
  const names = [...gatesOf[inside.kind].map(([name]) => name), ...memoryOf[inside.kind]]
  const tracks: Track[] = []
  for (const { name, reverse } of tracksOf(inside.layer)) {
    const parts = []
    for (const part of names) parts.push({ name: part, numbers: await throughTime(inside, name, part) })
    tracks.push({ name, reverse, parts })
  }
  return { stamp: live.run.stamp, kind: inside.kind, tokens: inside.words.tokens, tracks }
}

export const gateTerms: Answerer<'gateTerms'> = async (live, { module, input, track, time, unit }) => {
  const inside = await insideOf(live, module, input)
  const { layer, kind } = inside
  const own = tracksOf(layer).find(({ name }) => name === track)
  const hidden = await throughTime(inside, track, 'hidden')
  const [steps, units] = hidden.shape
  if (!own || !(time >= 0 && time < steps) || !(unit >= 0 && unit < units))
    throw new Error(`There is no unit ${unit} at step ${time} of ${track}.`)
  const before = own.reverse ? time + 1 : time - 1
  const rowOf = ({ values, shape: [count, width] }: Numbers, at: number): Float32Array =>
    at >= 0 && at < count ? values.slice(at * width, (at + 1) * width) : new Float32Array(width)
  const inputs = await givenAt(inside, own.below, time)
  const hiddens = rowOf(hidden, before)
  const parameters = layer as unknown as Record<string, Tensor | undefined>
  const [ih, hh, bih, bhh] = await Promise.all(
    ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].map((name) => parameters[`${name}_${track}`]?.data()),
  )
  const values: Record<string, number> = {}
  for (const name of [...gatesOf[kind].map(([gate]) => gate), ...memoryOf[kind]])
    values[name] = rowOf(await throughTime(inside, track, name), time)[unit]
  const bent = layer instanceof nn.RNN ? layer.nonlinearity : undefined
  const sums = gatesOf[kind].map(([gate, bend], i): GateSum => {
    const row = i * units + unit
    const weights = (all: ArrayLike<number> | undefined, width: number): Float32Array =>
      Float32Array.from({ length: width }, (_, k) => all?.[row * width + k] ?? 0)
    const [inputWeights, hiddenWeights] = [weights(ih, inputs.length), weights(hh, units)]
    const [inputBias, hiddenBias] = [bih?.[row] ?? 0, bhh?.[row] ?? 0]
    return {
      gate,
      bend: bent ?? bend,
      inputWeights,
      inputBias,
      hiddenWeights,
      hiddenBias,
      fromInput: product(inputs, inputWeights) + inputBias,
      fromHidden: product(hiddens, hiddenWeights) + hiddenBias,
      value: values[gate],
    }
  })
  const cellBefore = kind === 'lstm' ? rowOf(await throughTime(inside, track, 'cell'), before)[unit] : 0
  return { stamp: live.run.stamp, kind, time, unit, inputs, hiddens, cellBefore, sums, values }
}

/** What a layer within the module is given at a step: the module's input, or what the layer below put out. */
async function givenAt(inside: Inside, below: number, time: number): Promise<Float32Array> {
  const { layer, seen, prefix } = inside
  if (below === 0) {
    const given = seen.inputs.get(prefix.slice(0, -1)) as Tensor
    const width = given.shape[2]
    return Float32Array.from(await given.data()).slice(time * width, (time + 1) * width)
  }
  const sides: number[] = []
  for (const { name } of tracksOf(layer).filter((each) => each.below === below - 1)) {
    const { values, shape } = await throughTime(inside, name, 'hidden')
    sides.push(...values.slice(time * shape[1], (time + 1) * shape[1]))
  }
  return Float32Array.from(sides)
}

const product = (x: Float32Array, w: Float32Array): number => x.reduce((sum, each, i) => sum + each * w[i], 0)

export const reach: Answerer<'reach'> = async (live, { module, input, time }) => {
  const inside = await insideOf(live, module, input)
  const { words, layer, prefix } = inside
  const { loss, slopes } = await remembered(live, 'reach', [input, time], async () =>
    tappedSlopes(live, input, await oneTarget(live, input, inside, time)),
  )
  const tracks = []
  for (const { name } of tracksOf(layer)) {
    const norms = async (part: string): Promise<Float32Array> => {
      const found = slopes.get(`${prefix}${name}.${part}`)
      const { values, shape } = found
        ? await rows(found, words)
        : { values: new Float32Array(), shape: [(await throughTime(inside, name, 'hidden')).shape[0], 0] }
      return Float32Array.from({ length: shape[0] }, (_, t) =>
        Math.hypot(...values.slice(t * shape[1], (t + 1) * shape[1])),
      )
    }
    tracks.push({
      name,
      hidden: await norms('hidden'),
      ...(inside.kind === 'lstm' && { cell: await norms('cell') }),
    })
  }
  const ofOne = words.tokens.length > 0
  return { stamp: live.run.stamp, time: ofOne ? time : Number.NaN, loss, tracks }
}

/** Of a text only the letter after `time` counts: the one that does come, or else the likeliest. */
async function oneTarget(live: Live, input: Input, { words, seen }: Inside, time: number): Promise<Tensor> {
  const { data } = live.run
  if (words.tokens.length === 0) {
    const target = targetOf(live.run, input)
    if (!target) throw new Error('An input of your own has no target, so there is no loss and no gradient.')
    return target
  }
  if (!(time >= 0 && time < words.tokens.length)) throw new Error(`The text has no letter ${time}.`)
  const targets = new Int32Array(data.targetShape[0]).fill(-1)
  const width = seen.output.shape[2]
  targets[time] =
    words.targets[time] >= 0 ? words.targets[time] : largest(await seen.output.data(), time * width, width)
  return tensor(targets, { shape: [1, ...data.targetShape], dtype: 'int32' })
}
