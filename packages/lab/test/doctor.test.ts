/** The doctor, on real networks that have a disease, and on the presets, which have none but those named after one. */
import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { setBackend } from 'glissade'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { perceptron, planeSpec, presets } from '../src/spec/presets.ts'
import type { LabSpec, LayerSpec } from '../src/spec/spec.ts'
import { findBreakdown } from '../src/worker/breakdown.ts'
import type { LabData } from '../src/worker/data/data.ts'
import { loadData } from '../src/worker/data/index.ts'
import { Live } from '../src/worker/desk.ts'
import { examine } from '../src/worker/doctor.ts'
import type { Finding } from '../src/worker/protocol.ts'
import { Run } from '../src/worker/run.ts'
import { measure } from '../src/worker/trainer.ts'
import { vitalsOf } from '../src/worker/vitals.ts'
import { specOf } from './networks.ts'

const assets = new URL('../dist/data/', import.meta.url)
vi.mock('../src/worker/data/assets.ts', () => ({
  asset: async (name: string) => new Uint8Array(gunzipSync(readFileSync(new URL(`${name}.gz`, assets)))).buffer,
}))

beforeAll(async () => {
  await setBackend('wasm')
})

/** Trains as the trainer does, with scores now and then and one look of the doctor before the last step. */
async function train(spec: LabSpec, steps: number, change: (data: LabData) => LabData = (data) => data): Promise<Live> {
  const live = new Live(new Run(0, spec, change(await loadData(spec.data))))
  await measure(live)
  for (let i = 0; i < steps; i++) {
    if (i === steps - 1) await vitalsOf(live)
    const loss = await live.history.advance()
    live.record.addLoss(live.run.step - 1, loss)
    live.version++
    if (!Number.isFinite(loss)) {
      await findBreakdown(live)
      break
    }
    if (live.run.step % Math.ceil(steps / 30) === 0) await measure(live)
  }
  await measure(live)
  return live
}

const findingsOf = async (live: Live): Promise<readonly Finding[]> => examine(await vitalsOf(live)).findings
const names = (findings: readonly Finding[]): string[] => [...new Set(findings.map(({ name }) => name))]

const circle = (hidden: readonly number[], activation: string, change: Partial<LabSpec> = {}): LabSpec => ({
  ...planeSpec('circle', hidden),
  model: perceptron([2, ...hidden, 2], activation),
  ...change,
})
const sgd = (lr: number) => ({ optimizer: { kind: 'sgd', lr } })

describe('a disease is named', () => {
  test('divergence: the step, the layer and the rate at which numbers broke', async () => {
    const spec: LabSpec = {
      ...planeSpec('hills', [8, 8], { classes: 1, loss: { kind: 'mse' } }),
      model: {
        kind: 'sequential',
        layers: [
          { kind: 'linear', in: 2, out: 8 },
          { kind: 'linear', in: 8, out: 1 },
        ],
      },
      ...sgd(3),
    }
    const live = await train(spec, 200)
    const [finding, ...others] = await findingsOf(live)
    expect([finding.name, finding.severity, others]).toEqual(['divergence', 'serious', []])
    const { breakdown } = live.record
    // Done once more: until that step all gradients are numbers, at it not all.
    const fresh = new Live(new Run(0, spec, await loadData(spec.data)))
    const broken = async () => {
      const { parameters } = await fresh.probe.backward()
      const sums = await Promise.all(
        [...parameters].map(async ([name, g]) => [name, await g.square().sum().item()] as const),
      )
      return sums.filter(([, sum]) => !Number.isFinite(sum)).map(([name]) => name.split('.')[0])
    }
    const at = breakdown?.step ?? -1
    for (let i = 0; i < at - 1; i++) await fresh.run.advance()
    expect(await broken()).toEqual([])
    await fresh.run.advance()
    expect(await broken()).toContain(breakdown?.module)
    expect(finding.text).toContain(`step ${at}`)
    expect(finding.remedies[0].change).toEqual({ optimizer: { kind: 'sgd', lr: 1 } })
    // The run stands where it stood.
    expect(live.run.step).toBe(live.history.end)
  })

  test('a rate that is too large, without a NaN', async () => {
    const spec = presets.find(({ id }) => id === 'too-fast')?.spec as LabSpec
    for (const steps of [30, 100, 400]) {
      const [{ name, severity, remedies }] = await findingsOf(await train(spec, steps))
      expect(['divergence', 'rate-large']).toContain(name)
      expect(severity).toBe('serious')
      expect(remedies[0].change).toEqual({ optimizer: { kind: 'sgd', lr: 10 } })
    }
  })

  test('dead units, and the one answer that is left', async () => {
    const live = await train(circle([16, 8], 'relu', sgd(3)), 200)
    const findings = await findingsOf(live)
    expect(names(findings)).toContain('dead')
    expect(names(findings)).not.toContain('rate-small')
    const dead = findings.find(({ name }) => name === 'dead')
    const path = dead?.module as string
    const outputs = await (await live.probe.forward(live.run.inputs.slice([[0, 200]]))).values.get(path)?.data()
    const width = path === '1' ? 16 : 8
    const silent = Array.from({ length: width }, (_, unit) =>
      outputs?.every((value, i) => i % width !== unit || value === 0),
    )
    expect(silent.filter(Boolean).length).toBeGreaterThanOrEqual(Number.parseInt(dead?.title ?? '', 10))
    expect(JSON.stringify(dead?.remedies[0].change)).toContain('leakyRelu')
  })

  test.each<{ what: string; spec: LabSpec; steps: number; found: string }>([
    {
      what: 'saturated units',
      spec: circle([8, 8], 'tanh', { initializer: { kind: 'normal', std: 8 }, ...sgd(0.001) }),
      steps: 20,
      found: 'saturation',
    },
    {
      what: 'a vanishing gradient',
      spec: circle([8, 8, 8, 8, 8, 8, 8], 'sigmoid', sgd(0.1)),
      steps: 100,
      found: 'vanishing',
    },
    {
      what: 'exploding gradients',
      spec: circle([32, 32, 32, 32], 'relu', { initializer: { kind: 'normal', std: 1 }, ...sgd(1e-6) }),
      steps: 5,
      found: 'exploding',
    },
    {
      what: 'learning by heart',
      spec: presets.find(({ id }) => id === 'overfit')?.spec as LabSpec,
      steps: 6000,
      found: 'overfitting',
    },
    { what: 'a plateau', spec: { ...planeSpec('xor', []), model: perceptron([2, 2]) }, steps: 400, found: 'plateau' },
    { what: 'a rate that is too small', spec: circle([8], 'tanh', sgd(1e-6)), steps: 100, found: 'rate-small' },
  ])('$what', async ({ spec, steps, found }) => {
    const findings = await findingsOf(await train(spec, steps))
    expect(names(findings)).toContain(found)
    const finding = findings.find(({ name }) => name === found)
    expect(finding?.evidence[0].rows.length).toBeGreaterThan(0)
    expect(finding?.remedies.length).toBeGreaterThan(0)
  })

  test('one answer for everything', async () => {
    const spec = circle([8], 'tanh', { ...sgd(0.1) })
    const live = await train(spec, 90)
    const bias = live.run.model.namedVariables().get('2.bias')
    bias?.write([0, 40])
    live.changed()
    const finding = (await findingsOf(live)).find(({ name }) => name === 'collapse')
    expect(finding?.evidence[0].rows[1]).toMatchObject({ value: 1, mark: true })
  })

  test('attention that looks everywhere alike', async () => {
    const spec: LabSpec = { ...specOf('names-transformer'), optimizer: { kind: 'adamW', lr: 1e-6 }, batchSize: 4 }
    expect(names(await findingsOf(await train(spec, 620)))).toContain('attention')
  })

  test('inputs that are of another size than the first weights are made for', async () => {
    const scaled = (data: LabData): LabData => ({
      ...data,
      inputs: Float32Array.from(data.inputs, (x, i) => (i % 2 ? x : 300 * x)),
    })
    const findings = await findingsOf(await train(circle([8], 'tanh'), 5, scaled))
    expect(names(findings)).toContain('inputs')
    const remedy = findings.find(({ name }) => name === 'inputs')?.remedies[0]
    expect((remedy?.change.model?.layers as LayerSpec[] | undefined)?.[0]).toEqual({ kind: 'batchNorm1d', features: 2 })
  })
})

const sick: Readonly<Record<string, readonly string[]>> = { overfit: ['overfitting'], 'too-fast': ['divergence'] }

describe('no false alarm', () => {
  test.skipIf(!existsSync(assets)).each(presets.filter(({ id }) => !sick[id]))('$id', async ({ id, spec }) => {
    const isLarge = spec.data.kind === 'digits' || spec.data.kind === 'text'
    for (const steps of isLarge ? [30, 110] : [1, 30, 120, 600, 2500]) {
      const findings = await findingsOf(await train(spec, steps))
      expect(findings.map(({ title }) => `${id} at ${steps}: ${title}`)).toEqual([])
    }
  })

  test('on a rectifier network that learns', async () => {
    for (const steps of [50, 500, 2000])
      expect(
        (await findingsOf(await train(circle([8, 8], 'relu'), steps))).filter(({ severity }) => severity !== 'note'),
      ).toEqual([])
  })
})
