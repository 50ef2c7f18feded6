/**
 * Specs of simple networks on the plane in words that people can read and change in the address:
 * `data=circle&net=4-3-2&lr=0.01`.
 *
 * What is not said has the first value below. These values are part of the format: old links depend on them, so they
 * never change, whatever the studio begins with. What cannot be said is not tried: `toKnobs` gives nothing then.
 */
import { perceptron } from '../spec/presets.ts'
import type { Choice, LabSpec, PlaneFeature } from '../spec/spec.ts'
import { UnreadableError } from './text.ts'

const first = {
  data: 'circle',
  samples: '300',
  noise: '0.03',
  features: 'x-y',
  test: '0.3',
  dataSeed: '1',
  net: '4-3-2',
  activation: 'tanh',
  init: 'default',
  loss: 'crossEntropy',
  optimizer: 'adamW,lr:0.03,weightDecay:0',
  schedule: 'constant',
  batch: '30',
  seed: '1',
  stop: '0',
} as const
type Knob = keyof typeof first
export const knobs = Object.keys(first) as readonly Knob[]

const featureNames: Readonly<Record<PlaneFeature, string>> = {
  x: 'x',
  y: 'y',
  'x²': 'xx',
  'y²': 'yy',
  xy: 'xy',
  'sin x': 'sinx',
  'sin y': 'siny',
}

const choiceText = ({ kind, ...options }: Choice): string =>
  [kind, ...Object.entries(options).map(([name, value]) => `${name}:${String(value)}`)].join(',')

function choiceOf(text: string): unknown {
  const [kind, ...options] = text.split(',')
  const entries = options.map((option) => {
    const [name, value = ''] = option.split(':')
    const read = value === 'true' ? true : value === 'false' ? false : value.trim() === '' ? value : Number(value)
    return [name, Number.isNaN(read) ? value : read]
  })
  return { ...Object.fromEntries(entries), kind }
}

/** The sizes of a perceptron and its activation. */
function sizesOf({ kind, layers }: LabSpec['model']): { sizes: number[]; activation: string } | undefined {
  if (kind !== 'sequential' || !Array.isArray(layers)) return undefined
  const sizes = layers.filter((layer) => layer.kind === 'linear').map((layer) => Number(layer.out))
  return { sizes, activation: String(layers.find((layer) => layer.kind !== 'linear')?.kind ?? first.activation) }
}

/** What differs from the first values; undefined if the spec has more to say than knobs can. */
export function toKnobs(spec: LabSpec): [Knob, string][] | undefined {
  const { data, model, seed } = spec
  const net = sizesOf(model)
  if (data.kind !== 'plane' || !net) return undefined
  const said: Readonly<Record<Knob, string>> = {
    data: data.set,
    samples: String(data.samples),
    noise: String(data.noise),
    features: data.features.map((name) => featureNames[name]).join('-'),
    test: String(data.testShare),
    dataSeed: String(data.seed),
    net: net.sizes.join('-'),
    activation: net.activation,
    init: choiceText(spec.initializer),
    loss: choiceText(spec.loss),
    optimizer: choiceText(spec.optimizer),
    schedule: choiceText(spec.schedule),
    batch: String(spec.batchSize),
    seed: String(seed),
    stop: String(spec.stopAtEpoch),
  }
  const found = knobs.filter((knob) => said[knob] !== first[knob]).map((knob): [Knob, string] => [knob, said[knob]])
  return canonical(fromKnobs(new Map(found))) === canonical(spec) ? found : undefined
}

/** A value of unknown worth, in the form of a spec; spec/check.ts says whether it is one. */
export function fromKnobs(given: ReadonlyMap<string, string>): unknown {
  const said = (knob: Knob): string => given.get(knob) ?? first[knob]
  const features = said('features')
    .split('-')
    .map((name) => Object.entries(featureNames).find(([, short]) => short === name)?.[0] ?? name)
  const sizes = said('net').split('-').map(Number)
  if (sizes.length > 64) throw new UnreadableError(`It asks for ${sizes.length} layers; at most 64 are possible.`)
  return {
    version: 1,
    data: {
      kind: 'plane',
      set: said('data'),
      samples: Number(said('samples')),
      noise: Number(said('noise')),
      features,
      testShare: Number(said('test')),
      seed: Number(said('dataSeed')),
    },
    model: perceptron([features.length, ...sizes], said('activation')),
    initializer: choiceOf(said('init')),
    loss: choiceOf(said('loss')),
    optimizer: choiceOf(said('optimizer')),
    schedule: choiceOf(said('schedule')),
    batchSize: Number(said('batch')),
    seed: Number(said('seed')),
    stopAtEpoch: Number(said('stop')),
  }
}

/** JSON that does not depend on the order of names. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, each) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  )
