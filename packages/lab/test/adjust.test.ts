/** Changing training while it runs: weights, moments and the count of steps stay, and the next step takes what is new. */
import { setBackend } from 'glissade'
import { beforeAll, describe, expect, test } from 'vitest'
import { planeSpec } from '../src/spec/presets.ts'
import { adjustmentOf } from '../src/state/editor.ts'
import { loadData } from '../src/worker/data/index.ts'
import { Run } from '../src/worker/run.ts'

beforeAll(() => setBackend('wasm'))

const spec = planeSpec('circle', [4, 3])
const begun = async (): Promise<Run> => {
  const run = new Run(0, spec, await loadData(spec.data))
  for (let i = 0; i < 20; i++) await run.advance()
  return run
}
const losses = async (run: Run): Promise<number[]> => {
  const found: number[] = []
  for (let i = 0; i < 20; i++) found.push(await run.advance())
  return found
}

describe('changing training while it runs', () => {
  test('options that mean the same leave every number as it was', async () => {
    const [plain, changed] = [await begun(), await begun()]
    await changed.adjust({ optimizer: { ...spec.optimizer, eps: 1e-8 } })
    expect(changed.optimizer.steps).toBe(20)
    expect(await losses(changed)).toEqual(await losses(plain))
  })
  test('a learning rate holds from the next step on, by itself or with other options', async () => {
    const [plain, live, rebuilt] = [await begun(), await begun(), await begun()]
    await live.adjust({ optimizer: { ...spec.optimizer, lr: 0.001 } })
    await rebuilt.adjust({ optimizer: { ...spec.optimizer, lr: 0.001, eps: 1e-8 } })
    const [a, b, c] = [await losses(plain), await losses(live), await losses(rebuilt)]
    expect(b).toEqual(c)
    // The loss of a step is that before it.
    expect(b[0]).toBe(a[0])
    expect(b[1]).not.toBe(a[1])
    expect(live.spec.optimizer.lr).toBe(0.001)
  })
  test('momentum may begin later; another kind needs another run', async () => {
    const run = new Run(0, { ...spec, optimizer: { kind: 'sgd', lr: 0.1 } }, await loadData(spec.data))
    await run.advance()
    await run.adjust({ optimizer: { kind: 'sgd', lr: 0.1, momentum: 0.9 } })
    expect((await losses(run)).every(Number.isFinite)).toBe(true)
    await expect(run.adjust({ optimizer: { kind: 'lion', lr: 0.1 } })).rejects.toThrow(/keeps its optimizer, sgd/)
  })
  test('a schedule takes over where training stands', async () => {
    const run = await begun()
    await run.adjust({ schedule: { kind: 'linear', epochs: 10, startFactor: 1, endFactor: 0 } })
    expect(run.optimizer.lr).toBeCloseTo(0.03 * (1 - 20 / (10 * run.stepsPerEpoch)), 12)
  })
  test('what a run can take and what needs a new one', () => {
    expect(adjustmentOf(spec, { ...spec, stopAtEpoch: 5 })).toEqual({ stopAtEpoch: 5 })
    expect(adjustmentOf(spec, { ...spec, optimizer: { ...spec.optimizer, lr: 1 } })).toHaveProperty('optimizer.lr', 1)
    expect(adjustmentOf(spec, spec)).toEqual({})
    expect(adjustmentOf(spec, { ...spec, batchSize: 5 })).toBeUndefined()
    expect(adjustmentOf(spec, { ...spec, optimizer: { kind: 'sgd', lr: 0.03 } })).toBeUndefined()
  })
})
