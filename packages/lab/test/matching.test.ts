/** A model from elsewhere finds data of the lab that it can read, or none. */
import { describe, expect, test } from 'vitest'
import type { DataFacts } from '../src/spec/facts.ts'
import { perceptron, presets } from '../src/spec/presets.ts'
import type { DataSpec, LabSpec } from '../src/spec/spec.ts'
import { specFor } from '../src/take/matching.ts'
import { factsOf } from '../src/worker/data/data.ts'
import { planeData } from '../src/worker/data/plane.ts'

/** What the worker says of data, where the page's files are not there. */
async function facts(data: DataSpec): Promise<DataFacts> {
  if (data.kind === 'plane') return factsOf(planeData(data))
  const shared = { features: [], trainCount: 90, testCount: 10 }
  if (data.kind === 'digits') {
    const labels = Array.from({ length: 10 }, (_, i) => String(i))
    return { task: 'class', inputShape: [1, 28, 28], outputShape: [10], letters: 0, labels, ...shared }
  }
  const { context, corpus } = data as Extract<DataSpec, { kind: 'text' }>
  const letters = corpus === 'names' ? 27 : 80
  const labels = Array.from({ length: letters }, (_, i) => String(i))
  return { task: 'token', inputShape: [context], outputShape: [context, letters], letters, labels, ...shared }
}

const modelOf = (id: string): LabSpec['model'] =>
  (presets.find((each) => each.id === id) as (typeof presets)[number]).spec.model

describe('data for a model', () => {
  test.each([
    ['digits', 'digits'],
    ['names-lstm', 'text'],
    ['names-transformer', 'text'],
    ['pinwheel', 'plane'],
    ['hills', 'plane'],
  ])('%s finds %s', async (id, kind) => {
    const spec = await specFor(modelOf(id), facts)
    expect(spec?.data.kind).toBe(kind)
    expect(spec?.model).toEqual(modelOf(id))
  })

  test('follows the context, the classes and the number of inputs', async () => {
    const gpt = { ...modelOf('names-transformer'), vocab: 80, context: 24 }
    expect((await specFor(gpt, facts))?.data).toMatchObject({ corpus: 'moby-dick', context: 24 })
    expect((await specFor(perceptron([4, 6, 3]), facts))?.data).toMatchObject({
      set: 'rings',
      features: ['x', 'y', 'x²', 'y²'],
    })
  })

  test('is not invented where nothing fits', async () => {
    expect(await specFor(perceptron([100, 6, 3]), facts)).toBeUndefined()
    expect(await specFor({ ...modelOf('names-transformer'), vocab: 50_257 }, facts)).toBeUndefined()
  })
})
