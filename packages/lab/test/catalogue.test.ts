/** The catalogue against the library: nothing is left out without a reason, and everything in it builds and trains. */
import { loss, nn, optim, setBackend } from 'glissade'
import { beforeAll, describe, expect, test } from 'vitest'
import { kinds } from '../../glissade/src/io/architecture-kinds.ts'
import type { Entry, Form } from '../src/spec/catalogue/entry.ts'
import { otherLayers } from '../src/spec/catalogue/layers.ts'
import { otherLosses } from '../src/spec/catalogue/losses.ts'
import { otherInitializers, otherSchedules } from '../src/spec/catalogue/training.ts'
import {
  allLayers,
  initializers,
  layerEntry,
  losses,
  newChoice,
  newLayer,
  optimizers,
  schedules,
} from '../src/spec/catalogue.ts'
import { planeSpec } from '../src/spec/presets.ts'
import { fit } from '../src/spec/shapes.ts'
import type { LabSpec, LayerSpec, Task } from '../src/spec/spec.ts'
import { factsOf, type LabData } from '../src/worker/data/data.ts'
import { Probe } from '../src/worker/probe.ts'
import { Run } from '../src/worker/run.ts'

beforeAll(() => setBackend('wasm'))

const shapes: Readonly<Record<Form, readonly number[]>> = { letters: [5], row: [8], rows: [4, 8], picture: [4, 6, 6] }

/** Eight samples of a form, with two classes, a number, or the next of five letters. */
function samples(form: Form, task: Task): LabData {
  const inputShape = shapes[form]
  const size = inputShape.reduce((a, b) => a * b, 1)
  const letters = form === 'letters'
  const values = Array.from({ length: 8 * size }, (_, i) => (letters ? (i * 7) % 5 : Math.sin(1 + i * 1.7)))
  const targets = task === 'token' ? 8 * size : 8
  return {
    task,
    inputs: letters ? Int32Array.from(values) : Float32Array.from(values),
    inputShape,
    targets:
      task === 'number'
        ? Float32Array.from({ length: 8 }, (_, i) => i % 3)
        : Int32Array.from({ length: targets }, (_, i) => i % 2),
    targetShape: task === 'number' ? [1] : task === 'token' ? inputShape : [],
    trainCount: 6,
    testCount: 2,
    labels: task === 'class' ? ['A', 'B'] : task === 'token' ? ['⏎', 'a', 'b', 'c', 'd'] : [],
    features: [],
  }
}

const spec = (model: LayerSpec, more: Partial<LabSpec> = {}): LabSpec => ({
  ...planeSpec('circle', []),
  model,
  batchSize: 3,
  optimizer: { kind: 'sgd', lr: 0.01 },
  ...more,
})

async function stepOf(asked: LabSpec, data: LabData): Promise<{ loss: number; run: Run }> {
  const { model, problems } = fit(asked.model, factsOf(data))
  expect(problems).toEqual([])
  const run = new Run(0, { ...asked, model }, data)
  return { loss: await run.advance(), run }
}

const held = (own: readonly Entry[], other: object, all: readonly string[]): void => {
  const known = [...own.map(({ kind }) => kind), ...Object.keys(other)]
  expect([...known].sort()).toEqual([...new Set([...all])].sort())
}
const functionsOf = (module: object): string[] =>
  Object.entries(module)
    .filter(([name, value]) => typeof value === 'function' && name[0] === name[0].toLowerCase())
    .map(([name]) => name)

describe('the catalogue', () => {
  test('has every layer of the library, or says why not', () => held(allLayers, otherLayers, Object.keys(kinds)))
  test('has every loss', () => held(losses, otherLosses, functionsOf(loss)))
  test('has every optimizer', () => {
    const helpers = ['clipGradNorm', 'clipGradValue', 'gradNorm', 'ema', 'noDecay', 'recipe']
    held(optimizers, Object.fromEntries(helpers.map((name) => [name, ''])), functionsOf(optim))
  })
  test('has every schedule', () => held(schedules, otherSchedules, functionsOf(optim.schedule)))
  test('has every initializer', () => {
    held(
      initializers.filter(({ kind }) => kind !== 'default'),
      otherInitializers,
      functionsOf(nn.init),
    )
  })
  test.each(allLayers.map((entry) => [entry.kind, entry] as const))('names options that %s has', (kind, entry) => {
    const { args, options = {} } = kinds[kind]
    const known = [...Object.keys(args), ...Object.keys(options)]
    for (const { name } of entry.options) expect(known).toContain(name)
    const needed = Object.keys(args).slice(0, kinds[kind].least ?? Object.keys(args).length)
    const given = Object.keys(newLayer(kind))
    for (const name of needed) expect(given).toContain(name)
    for (const { about, title } of [entry, ...entry.options]) {
      expect(title).not.toBe('')
      expect(about).toMatch(/^[A-Z0-9−].*[.]$/s)
    }
  })
  test.each(allLayers.flatMap((entry) => entry.takes.map((form) => [entry.kind, form] as const)))(
    'builds %s for %s, with the sizes that shapes.ts says, and trains a step',
    async (kind, form) => {
      const task: Task = form === 'letters' ? 'token' : 'class'
      const data = samples(form, task)
      const options = kind === 'reshape' ? { shape: [-1] } : kind === 'unflatten' ? { sizes: [-1, 2] } : {}
      const layer = { ...newLayer(kind), ...options, ...(kind === 'conv2d' && { padding: 1 }) }
      const linear = { kind: 'linear', in: 1, out: 1 }
      const rest =
        kind === 'languageModel' ? [] : task === 'token' ? [linear] : [{ kind: 'flatten', from: 1, to: -1 }, linear]
      const head = [{ kind: 'prelu', count: 1 }].filter(() => task === 'class')
      const model = { kind: 'sequential', layers: [...head, layer, ...rest] }
      const { loss, run } = await stepOf(spec(model), data)
      expect(Number.isFinite(loss)).toBe(true)
      const fitted = fit(model, factsOf(data))
      const path = `${head.length}`
      const seen = await new Probe(run).forward(run.inputs.slice([[0, 2]]))
      const value = seen.values.get(path) ?? seen.values.get(`${path}.output`)
      expect(value?.shape.slice(1)).toEqual(fitted.shapes.get(path)?.out)
      expect(layerEntry(kind)?.takes).toContain(form)
    },
  )
  test.each(losses.flatMap(({ kind, fits }) => Object.keys(fits).map((task) => [kind, task as Task] as const)))(
    'trains a step with the loss %s where a %s is asked for',
    async (kind, task) => {
      const data = samples(task === 'token' ? 'letters' : 'row', task)
      const end = kind === 'bce' ? [{ kind: 'sigmoid' }] : []
      const first = task === 'token' ? [{ kind: 'embedding', count: 1, size: 4 }] : []
      const layers = [...first, { kind: 'linear', in: 1, out: 1 }, ...end]
      const { loss } = await stepOf(spec({ kind: 'sequential', layers }, { loss: newChoice(losses, kind) }), data)
      expect(Number.isFinite(loss)).toBe(true)
    },
  )
  const small = {
    kind: 'sequential',
    layers: [{ kind: 'linear', in: 1, out: 4 }, { kind: 'tanh' }, { kind: 'linear', in: 1, out: 1 }],
  }
  test.each(optimizers.map(({ kind }) => kind))('trains with the optimizer %s, with all its options', async (kind) => {
    const entry = optimizers.find((each) => each.kind === kind)
    const all = Object.fromEntries((entry?.options ?? []).map(({ name, initial }) => [name, initial]))
    const { run } = await stepOf(spec(small, { optimizer: { lr: 0.01, ...all, kind } }), samples('row', 'class'))
    expect(Number.isFinite(await run.advance())).toBe(true)
  })
  test.each(schedules.map(({ kind }) => kind))('trains with the schedule %s', async (kind) => {
    const { run } = await stepOf(spec(small, { schedule: newChoice(schedules, kind) }), samples('row', 'class'))
    expect(run.optimizer.lr).toBeGreaterThanOrEqual(0)
    expect(Number.isFinite(await run.advance())).toBe(true)
  })
  test.each(initializers.map(({ kind }) => kind))('begins with the initializer %s', async (kind) => {
    const { loss } = await stepOf(spec(small, { initializer: newChoice(initializers, kind) }), samples('row', 'class'))
    expect(Number.isFinite(loss)).toBe(true)
  })
})
