/**
 * A spec from outside (a link, the browser's store, a file): checked, or refused with what was received, what was
 * expected, and the fix.
 *
 * Nothing of what came is kept: what passes is written anew, with known names only. Sizes have bounds, so that nothing
 * here or behind it allocates much. Whether the layers fit together is for shapes.ts to say, when the data are known.
 */
import type { Entry, OptionEntry } from './catalogue/entry.ts'
import { otherLayers } from './catalogue/layers.ts'
import { initializers, layerEntry, losses, optimizers, schedules } from './catalogue.ts'
import type { Choice, DataSpec, LabSpec, LayerSpec, PlaneFeature, PlaneSet } from './spec.ts'

export type Checked<T> = { readonly value: T; readonly problem?: undefined } | { readonly problem: string }

/** Bounds of what a page can hold. */
export const most = {
  samples: 20_000,
  points: 5000,
  letters: 2_000_000,
  columns: 200,
  layers: 64,
  depth: 6,
  weights: 8_000_000,
  batch: 2048,
  context: 256,
} as const

export const planeSets: readonly PlaneSet[] = [
  'circle',
  'xor',
  'gaussians',
  'spiral',
  'moons',
  'rings',
  'pinwheel',
  'slope',
  'hills',
]
export const planeFeatures: readonly PlaneFeature[] = ['x', 'y', 'x²', 'y²', 'xy', 'sin x', 'sin y']

class Wrong extends Error {}

/** The value as JSON would show it, cut off; never deeper than one level, so that hostile nesting costs nothing. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value)
  return text.length > 64 ? `${text.slice(0, 60)}…` : text
}

function wrong(where: string, received: unknown, expected: string, fix = 'Correct it, or begin with a preset.'): never {
  throw new Wrong(`${where}: received ${shown(received)}; expected ${expected}. ${fix}`)
}

type Plain = Readonly<Record<string, unknown>>

function record(where: string, value: unknown): Plain {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong(where, value, 'an object')
  return value as Plain
}
/** An own property only: what a prototype has does not count. */
const own = (from: Plain, name: string): unknown => (Object.hasOwn(from, name) ? from[name] : undefined)

function amount(where: string, value: unknown, min: number, max: number, whole = false): number {
  const fits = typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max
  if (!fits || (whole && !Number.isInteger(value)))
    return wrong(where, value, `a ${whole ? 'whole ' : ''}number from ${min} to ${max}`)
  return value
}
function text(where: string, value: unknown, max: number): string {
  if (typeof value !== 'string') return wrong(where, value, 'a text')
  if (value.length > max)
    return wrong(where, `a text of ${value.length} letters`, `at most ${max} letters`, 'Take a shorter one.')
  return value
}
function oneOf<T extends string>(where: string, value: unknown, known: readonly T[]): T {
  const found = known.find((each) => each === value)
  return found ?? wrong(where, value, `one of ${known.join(', ')}`)
}
function listOf<T>(
  where: string,
  value: unknown,
  max: number,
  each: (value: unknown, where: string) => T,
  min = 0,
): T[] {
  if (!Array.isArray(value) || value.length < min || value.length > max)
    return wrong(where, value, `a list of ${min} to ${max}`)
  return value.map((one, i) => each(one, `${where}[${i}]`))
}

function option(where: string, value: unknown, entry: OptionEntry): OptionEntry['initial'] {
  const { type, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = entry
  if (type === 'flag') return typeof value === 'boolean' ? value : wrong(where, value, 'true or false')
  if (type === 'choice') return oneOf(where, value, entry.choices ?? [])
  if (type === 'whole' || type === 'number') {
    // One number for each axis in space is as good.
    if (Array.isArray(value) && type === 'whole')
      return listOf(where, value, 4, (one, at) => amount(at, one, min, max, true))
    return amount(where, value, min, max, type === 'whole')
  }
  return listOf(where, value, 16, (one, at) => amount(at, one, min, max, type === 'wholes'), 1)
}

function options(
  where: string,
  given: Plain,
  entries: readonly OptionEntry[],
  skip: readonly string[],
): Record<string, OptionEntry['initial']> {
  const names = Object.keys(given)
  if (names.length > 64) wrong(where, `${names.length} options`, 'at most 64')
  const found: Record<string, OptionEntry['initial']> = {}
  for (const name of names) {
    if (skip.includes(name)) continue
    const entry = entries.find((each) => each.name === name)
    if (!entry) {
      const known = entries.map((each) => each.name).join(', ')
      wrong(`${where}.${name.slice(0, 40)}`, given[name], known ? `one of the options ${known}` : 'no options')
    }
    found[name] = option(`${where}.${name}`, given[name], entry as OptionEntry)
  }
  for (const { name, initial, needed } of entries) if (needed && !Object.hasOwn(found, name)) found[name] = initial
  return found
}

function choice(where: string, value: unknown, entries: readonly Entry[]): Choice {
  const given = record(where, value)
  const kind = oneOf(
    `${where}.kind`,
    own(given, 'kind'),
    entries.map((entry) => entry.kind),
  )
  const entry = entries.find((each) => each.kind === kind) as Entry
  const rate = 'lr' in entry
  const found = options(where, given, entry.options, rate ? ['kind', 'lr'] : ['kind'])
  return { kind, ...(rate && { lr: amount(`${where}.lr`, own(given, 'lr'), 0, 1e6) }), ...found } as Choice
}

/** Layers counted so far, and weights that they would have. */
interface Count {
  layers: number
  weights: number
}

function layer(where: string, value: unknown, depth: number, count: Count): LayerSpec {
  if (depth > most.depth)
    wrong(where, 'deeper nesting', `at most ${most.depth} layers within each other`, 'Take fewer.')
  if (++count.layers > most.layers)
    wrong(where, 'one more layer', `at most ${most.layers} layers in all`, 'Take fewer.')
  const given = record(where, value)
  const kind = own(given, 'kind')
  const entry = typeof kind === 'string' ? layerEntry(kind) : undefined
  if (!entry) {
    const reason = typeof kind === 'string' && Object.hasOwn(otherLayers, kind) ? otherLayers[kind] : undefined
    return wrong(
      `${where}.kind`,
      kind,
      reason ? `a layer that fits the lab (${reason})` : 'a layer of the catalogue',
      'Choose one from the menu.',
    )
  }
  const inside = (name: string): LayerSpec => layer(`${where}.${name}`, own(given, name), depth + 1, count)
  const inner = (name: string): LayerSpec[] =>
    listOf(`${where}.${name}`, own(given, name), most.layers, (one, at) => layer(at, one, depth + 1, count), 1)
  const held = { sequential: ['layers'], residual: ['body', 'shortcut'], parallel: ['branches'] }[entry.kind] ?? []
  const found = options(where, given, entry.options, ['kind', ...held])
  count.weights += weightsOf(entry.kind, found)
  if (count.weights > most.weights)
    wrong(where, `a network of more than ${most.weights} weights`, `at most ${most.weights}`, 'Take fewer units.')
  const nested =
    entry.kind === 'sequential'
      ? { layers: inner('layers') }
      : entry.kind === 'parallel'
        ? { branches: inner('branches') }
        : entry.kind === 'residual'
          ? { body: inside('body'), ...(own(given, 'shortcut') !== undefined && { shortcut: inside('shortcut') }) }
          : {}
  return { kind: entry.kind, ...nested, ...found }
}

/** About how many weights a layer has, from its sizes alone; for a bound, not to be shown. */
export function weightsOf(kind: string, given: Plain): number {
  const n = (name: string): number => {
    const value = given[name]
    return Array.isArray(value) ? Math.max(...value.map(Number)) : Number(value ?? 1)
  }
  if (kind === 'linear') return n('in') * n('out')
  if (kind === 'embedding') return n('count') * n('size')
  if (/^conv/.test(kind)) return n('in') * n('out') * n('size') ** (kind.endsWith('1d') ? 1 : 2)
  if (kind === 'rnn' || kind === 'lstm' || kind === 'gru') {
    const gates = { rnn: 1, lstm: 4, gru: 3 }[kind]
    const ways = given.bidirectional === true ? 2 : 1
    return ways * gates * n('hidden') * (n('in') + n('hidden') * (2 * n('layers') - 1) * ways)
  }
  if (kind === 'multiHeadAttention') return 4 * n('width') ** 2
  if (kind.startsWith('transformer') || kind === 'languageModel') {
    const inner = given.feedForward === undefined ? 4 * n('width') : n('feedForward')
    const block = 4 * n('width') ** 2 + 3 * n('width') * inner
    return block * n('layers') + (n('vocab') + n('context')) * n('width')
  }
  if (kind.endsWith('Positions')) return n('length') * n('width')
  return 0
}

const testShare = (given: Plain): number => amount('data.testShare', own(given, 'testShare'), 0.05, 0.95)
const seedOf = (where: string, given: Plain): number => amount(where, own(given, 'seed'), 0, 2 ** 31 - 1, true)

function data(value: unknown): DataSpec {
  const given = record('data', value)
  const kinds = ['plane', 'points', 'digits', 'text', 'table'] as const
  const kind = oneOf('data.kind', own(given, 'kind'), kinds)
  const shared = { testShare: testShare(given), seed: seedOf('data.seed', given) }
  const samples = (max: number): number => amount('data.samples', own(given, 'samples'), 4, max, true)
  const features = (): PlaneFeature[] => {
    const found = listOf(
      'data.features',
      own(given, 'features'),
      planeFeatures.length,
      (one, at) => oneOf(at, one, planeFeatures),
      1,
    )
    if (new Set(found).size < found.length) wrong('data.features', 'the same one twice', 'each once', 'Leave one out.')
    return found
  }
  switch (kind) {
    case 'plane':
      return {
        kind,
        set: oneOf('data.set', own(given, 'set'), planeSets),
        samples: samples(5000),
        noise: amount('data.noise', own(given, 'noise'), 0, 0.5),
        features: features(),
        ...shared,
      }
    case 'points': {
      const coordinate = (one: unknown, at: string): number => amount(at, one, -6, 6)
      const points = listOf(
        'data.points',
        own(given, 'points'),
        most.points,
        (one, at) => {
          const [x, y, label] = listOf(at, one, 3, (each) => each, 3)
          return [coordinate(x, at), coordinate(y, at), amount(at, label, 0, 9, true)] as const
        },
        2,
      )
      return { kind, points, features: features(), ...shared }
    }
    case 'digits':
      return { kind, samples: samples(most.samples), ...shared }
    case 'text': {
      const corpus = oneOf('data.corpus', own(given, 'corpus'), ['names', 'moby-dick', 'own'] as const)
      const context = amount('data.context', own(given, 'context'), 2, most.context, true)
      const owned = corpus === 'own' ? { text: text('data.text', own(given, 'text'), most.letters) } : {}
      return { kind, corpus, ...owned, context, samples: samples(most.samples), ...shared }
    }
    case 'table': {
      const name = (one: unknown, at: string): string => text(at, one, 200)
      const inputs = listOf('data.inputs', own(given, 'inputs'), most.columns, name, 1)
      const target = name(own(given, 'target'), 'data.target')
      if (inputs.includes(target)) wrong('data.inputs', target, 'columns without the target', 'Leave it out.')
      const file = {
        name: text('data.name', own(given, 'name'), 200),
        text: text('data.text', own(given, 'text'), most.letters),
      }
      return { kind, ...file, inputs, target, ...shared }
    }
  }
}

function passed<T>(work: () => T): Checked<T> {
  try {
    return { value: work() }
  } catch (problem) {
    if (problem instanceof Wrong) return { problem: problem.message }
    throw problem
  }
}

/** The model of a description, of the catalogue's layers only and within bounds. */
export const checkModel = (value: unknown): Checked<LayerSpec> =>
  passed(() => layer('model', value, 0, { layers: 0, weights: 0 }))

export const checkSpec = (value: unknown): Checked<LabSpec> =>
  passed(() => {
    const given = record('The session', value)
    const version = own(given, 'version')
    if (version !== 1) wrong('version', version, '1', 'It was made by another version of the lab.')
    return {
      version: 1 as const,
      data: data(own(given, 'data')),
      model: layer('model', own(given, 'model'), 0, { layers: 0, weights: 0 }),
      initializer: choice('initializer', own(given, 'initializer'), initializers),
      loss: choice('loss', own(given, 'loss'), losses),
      optimizer: choice('optimizer', own(given, 'optimizer'), optimizers),
      schedule: choice('schedule', own(given, 'schedule'), schedules),
      batchSize: amount('batchSize', own(given, 'batchSize'), 1, most.batch, true),
      seed: seedOf('seed', given),
      stopAtEpoch: amount('stopAtEpoch', own(given, 'stopAtEpoch'), 0, 1_000_000, true),
    }
  })
