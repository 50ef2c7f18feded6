/**
 * Whole networks against PyTorch, one of each family: a state dict loaded by name gives the same outputs, every
 * parameter's gradient, the first ten losses, and the buffers and outputs after them. The networks stand in
 * golden/architectures.ts, and again in golden/make_architectures.py.
 */
import { describe, expect, it } from 'vitest'
import { evaluate } from '../src/backends/reference/reference.ts'
import {
  type BackendName,
  compile,
  gradients,
  io,
  probeBackend,
  setBackend,
  type Tensor,
  tensor,
} from '../src/index.ts'
import { type Architecture, architectures, type Batch, type Built } from './golden/architectures.ts'
import { expectClose, type Golden, type Listed, readGolden, toFloat32 } from './golden/read.ts'

interface Case {
  readonly name: string
  readonly batch: Readonly<Record<string, Listed>>
  readonly state: Readonly<Record<string, Listed>>
  /** In evaluation, before any step and after ten. */
  readonly y: Listed
  readonly after: Listed
  readonly gradients: Readonly<Record<string, Listed>>
  readonly losses: readonly number[]
  readonly buffers: Readonly<Record<string, Listed>>
}

/** Nothing is rounded but the results, to 9 digits. */
const exact = { absolute: 1e-9, relative: 1e-8 }

/** The tables of rotary positions are float32 (6e-8). */
const tabled = { absolute: 1e-7, relative: 1e-7 }

/** The optimizer's numbers of each step, such as the learning rate, are float32 (6e-8); ten steps carry that on. */
const afterSteps = { absolute: 1e-6, relative: 1e-6 }

/**
 * Roundings of 6e-8, over some hundred sums and ten steps. Adam divides gradients by their own size, and so makes whole
 * steps of what is nearly 0 and rounded.
 */
const afterSteps32 = { absolute: 1e-4, relative: 1e-4 }

const cases = ['spaces', 'sequences', 'transformers'].flatMap(
  (family) => readGolden<Golden<Case>>(`architectures-${family}`).cases,
)
const titled = cases.map((each) => [each.name, each] as const)

/** The float32 numbers that were written, as float64. */
const toTensor = ({ shape, data, dtype }: Listed): Tensor =>
  dtype ? tensor(data, { shape, dtype }) : tensor(Float64Array.from(data, Math.fround), { shape, dtype: 'float64' })

const tensors = (listed: Readonly<Record<string, Listed>>, convert: (each: Listed) => Tensor): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(listed).map(([name, each]) => [name, convert(each)]))

const architectureOf = (name: string): Architecture =>
  architectures.find((each) => each.name === name) ?? expect.fail(`no architecture ${name}`)

async function load({ name, state }: Case): Promise<Built> {
  const built = architectureOf(name).build({ scale: 1, dropout: 0 })
  await built.model.loadStateDict(tensors(state, toTensor))
  return built
}

/** A step that the reference takes with all variables in float64, although the model's are float32. */
function trainer(
  built: Built,
  optimizer: ReturnType<ReturnType<Architecture['optimizer']>['for']>,
): {
  step(batch: Batch): { loss: number; slopes: readonly Float64Array[] }
  result(batch: Batch): Float64Array
  numbersOf(name: string): Float64Array
} {
  const { model } = built
  const variables = [...model.namedVariables().values(), ...optimizer.namedState().values()]
  let numbers: Float64Array[] = variables.map((variable) =>
    Float64Array.from(variable.value.storage?.read() ?? expect.fail('no numbers')),
  )
  const bindings = (): Map<Tensor, Float64Array> => new Map(variables.map(({ value }, i) => [value, numbers[i]]))
  return {
    step(batch) {
      const before = bindings()
      const value = built.loss(built.forward(batch), batch)
      const slopes = gradients(value, model.parameters()).map((slope) => slope ?? expect.fail('no gradient'))
      optimizer.minimize(value)
      const found = evaluate([value, ...slopes, ...variables], before).map(({ data }) => data)
      const [[loss]] = found
      numbers = found.slice(1 + slopes.length)
      // So that the graph does not grow from step to step.
      for (const [i, variable] of variables.entries()) variable.write(numbers[i])
      return { loss, slopes: found.slice(1, 1 + slopes.length) }
    },
    result: (batch) => evaluate([built.forward(batch)], bindings())[0].data,
    numbersOf: (name) => numbers[[...model.namedVariables().keys()].indexOf(name)],
  }
}

it('every network stands in both lists', () => {
  expect(cases.map(({ name }) => name)).toEqual(architectures.map(({ name }) => name))
})

describe('networks train as in PyTorch, to the digits of the files', () => {
  it.each(titled)('%s', async (name, each) => {
    const built = await load(each)
    const { model } = built
    expect(Object.keys(each.state).sort()).toEqual(Object.keys(model.stateDict()).sort())
    expect(Object.keys(each.gradients).sort()).toEqual([...model.namedParameters().keys()].sort())
    expect(Object.keys(each.buffers).sort()).toEqual([...model.namedBuffers().keys()].sort())
    const batch = tensors(each.batch, toTensor)
    const close = name === 'llama' ? tabled : exact
    const training = trainer(built, architectureOf(name).optimizer().for(model))

    model.eval()
    expect(built.forward(batch).shape).toEqual(each.y.shape)
    expectClose('output', training.result(batch), each.y.data, close)

    model.train()
    const steps = each.losses.map(() => training.step(batch))
    for (const [i, parameter] of [...model.namedParameters().keys()].entries()) {
      expectClose(`gradient of ${parameter}`, steps[0].slopes[i], each.gradients[parameter].data, close)
    }
    expectClose('loss', [steps[0].loss], each.losses.slice(0, 1), close)
    const losses = steps.map(({ loss }) => loss)
    expectClose('losses', losses, each.losses, afterSteps)
    for (const [buffer, { data }] of Object.entries(each.buffers)) {
      expectClose(buffer, training.numbersOf(buffer), data, afterSteps)
    }

    model.eval()
    expectClose('output after ten steps', training.result(batch), each.after.data, afterSteps)
  })
})

const backends: readonly BackendName[] = ['wasm', 'native']
const missing = new Map<BackendName, string>()
for (const name of backends) {
  const probe = await probeBackend(name)
  if ('reason' in probe) missing.set(name, probe.reason)
  else await probe.backend.dispose()
}

describe.each(backends)('compiled, on %s', (backend) => {
  const reason = missing.get(backend)
  describe.skipIf(reason)(reason === undefined ? 'all' : `all (skipped: ${reason})`, () => {
    it.each(titled)('%s', async (name, each) => {
      await setBackend(backend)
      const built = await load(each)
      const { model } = built
      const optimizer = architectureOf(name).optimizer().for(model)
      const step = compile((batch: Batch) => {
        const value = built.loss(built.forward(batch), batch)
        optimizer.minimize(value)
        return value
      })
      const predict = compile((batch: Batch) => built.forward(batch))
      const batch = tensors(each.batch, toFloat32)
      const losses: number[] = []
      for (let i = 0; i < each.losses.length; i++) losses.push(await (await step(batch)).item())
      expectClose('losses', losses, each.losses, afterSteps32)
      for (const [buffer, { data }] of Object.entries(each.buffers)) {
        expectClose(buffer, await model.stateDict()[buffer].data(), data, afterSteps32)
      }
      model.eval()
      expectClose('output after ten steps', await (await predict(batch)).data(), each.after.data, afterSteps32)
      step.release()
      predict.release()
    })
  })
})

describe('state dicts in files that PyTorch wrote', () => {
  it.each(['residual', 'lstm'])('%s as safetensors and as .pt', async (name) => {
    const each = cases.find((found) => found.name === name) ?? expect.fail('no case')
    const file = (ending: string): string =>
      decodeURIComponent(new URL(`./fixtures/architectures/${name}.${ending}`, import.meta.url).pathname)
    const { tensors: stored } = await io.loadTensors(file('safetensors'))
    for (const dict of [stored, await io.loadStateDict(file('pt'))]) {
      expect(Object.keys(dict).sort()).toEqual(Object.keys(each.state).sort())
      const built = architectureOf(name).build({ scale: 1, dropout: 0 })
      expect(await built.model.loadStateDict(dict)).toEqual({ missing: [], unexpected: [] })
      built.model.eval()
      const batch = tensors(each.batch, toTensor)
      expectClose('output', evaluate([built.forward(batch)])[0].data, each.y.data, exact)
    }
    const built = architectureOf(name).build({ scale: 1, dropout: 0 })
    await io.loadWeights(built.model, file('safetensors'))
    built.model.eval()
    const [{ data }] = evaluate([built.forward(tensors(each.batch, toTensor))])
    expectClose('output', data, each.y.data, exact)
  })
})
