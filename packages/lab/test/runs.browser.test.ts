/** Runs that `fit` made in Node, in the page: their curves, and their models in the studio. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { data, fit, io, loss, manualSeed, nn, optim, setBackend, tensor } from 'glissade'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RunsFolder } from '../../cli/src/lab/runs.ts'
import { type LabServer, serveLab } from '../../cli/src/lab/server.ts'
import { readRecord } from '../src/take/node-runs/metrics.ts'
import { builtPage, closeLab, missing, openAt } from './page.ts'

const folder = mkdtempSync(join(tmpdir(), 'glissade-lab-runs-'))
let server: LabServer | undefined

/** A small network on the corners of a square, with everything that a run leaves on disk. */
async function trainOne(): Promise<void> {
  manualSeed(3)
  const model = nn.sequential(nn.linear(2, 6), nn.tanh(), nn.linear(6, 2))
  const points = Array.from({ length: 80 }, (_, i) => [Math.sin(i) * 5, Math.cos(3 * i) * 5])
  const samples = data.dataset({
    x: tensor(points),
    y: tensor(
      points.map(([x, y]) => Number(x * y > 0)),
      { dtype: 'int32' },
    ),
  })
  await fit(model, samples, {
    loss: (p, t) => loss.crossEntropy(p, t),
    optimizer: optim.adam({ lr: 0.02 }),
    batchSize: 10,
    epochs: 5,
    seed: 1,
    validate: samples,
    run: join(folder, 'square'),
    quiet: true,
  } as Parameters<typeof fit>[2])
}

beforeAll(async () => {
  if (missing) return
  await setBackend('wasm')
  await trainOne()
  server = await serveLab({ page: await builtPage(), runs: await RunsFolder.open(folder), port: 0 })
}, 120_000)
afterAll(async () => {
  await server?.close()
  await closeLab()
  rmSync(folder, { recursive: true, force: true })
})

describe.skipIf(missing)('runs from Node', () => {
  test('are listed with their curves, and their models open in the studio', async () => {
    const { address } = server as LabServer
    const { page, problems, close } = await openAt(address, '#/runs')
    await page.getByText('square: step 40, epoch 5').waitFor()
    await page.getByRole('heading', { name: 'Loss' }).waitFor()
    const record = readRecord(readFileSync(join(folder, 'square', 'metrics.jsonl'), 'utf8'))
    await page.getByText(`accuracy`).first().waitFor()
    expect(record.curves.count).toBe(40)
    expect(record.curves.scores).toHaveLength(5)
    await page.getByRole('button', { name: 'The last model' }).click()
    await page.waitForFunction(() => location.hash === '#/studio')
    await page.waitForFunction(() => globalThis.glissadeLab?.info.value?.parameterCount === 32)
    const shown = await page.evaluate(async () => {
      const answer = await globalThis.glissadeLab?.client.ask('parameter', {
        run: 0,
        name: '0.weight',
        aspect: 'value',
      })
      return [...(answer?.numbers.values ?? [])]
    })
    const { tensors } = await io.loadTensors(join(folder, 'square', 'model.safetensors'))
    expect(shown).toEqual([...(await tensors['0.weight'].data())])
    expect(problems).toEqual([])
    await close()
  })

  test('open from their checkpoints too', async () => {
    const { address } = server as LabServer
    const { page, problems, close } = await openAt(address, '#/runs')
    await page
      .getByRole('button', { name: /^Checkpoint after step/ })
      .first()
      .click()
    await page.waitForFunction(() => globalThis.glissadeLab?.info.value?.parameterCount === 32)
    expect(problems).toEqual([])
    await close()
  })
})

test('records that are damaged, or still being written, are read as far as they go', () => {
  const line = (value: object): string => JSON.stringify(value)
  const text = [
    line({ event: 'start', step: 0, samples: 30, epochs: 2 }),
    line({ event: 'step', step: 1, loss: 0.5, lr: 0.1 }),
    'no line at all',
    line({ event: 'step', step: 2, loss: 'NaN', lr: 0.1 }),
    line({ event: 'step', step: -3, loss: 1 }),
    line({ event: 'validation', step: 2, loss: 0.6, accuracy: 0.75 }),
    line({ event: 'epoch', step: 2, epoch: 1, loss: 0.55, accuracy: 0.5 }),
    '{"event":"step","st',
  ].join('\n')
  const { curves, step, epoch, stepsPerEpoch, last } = readRecord(text)
  expect([curves.count, step, epoch, stepsPerEpoch]).toEqual([2, 2, 1, 2])
  expect(curves.mean[1]).toBeNaN()
  expect(last).toEqual({ step: 2, train: { loss: 0.55, accuracy: 0.5 }, test: { loss: 0.6, accuracy: 0.75 } })
})
