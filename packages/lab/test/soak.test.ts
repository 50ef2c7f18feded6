/** What a long session costs: time of a step with its history beside it, and memory that must not grow. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { setBackend } from 'glissade'
import { beforeAll, expect, test } from 'vitest'
import { Desk } from '../src/worker/desk.ts'
import { type Office, obeyers } from '../src/worker/orders.ts'
import { answerers } from '../src/worker/questions/index.ts'
import { Trainer } from '../src/worker/trainer.ts'
import { liveOf } from './networks.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

beforeAll(async () => {
  await setBackend('wasm')
})

/** Bytes in use after everything that nobody needs was given back. */
async function inUse(): Promise<number> {
  // What is released when something else is collected comes a turn later.
  for (let i = 0; i < 4; i++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + external + arrayBuffers
}

async function officeOf(): Promise<Office> {
  const desk = new Desk()
  desk.add(await liveOf('circle'))
  const refresh = async (): Promise<void> => {}
  return { desk, trainer: new Trainer(desk, { tell: () => {}, refresh }), refresh }
}

test('a step with its history costs little more than the step (printed, not judged)', async () => {
  const costs: Record<string, number[]> = { step: [], 'step with history': [] }
  for (let round = 0; round < 3; round++) {
    for (const kind of Object.keys(costs)) {
      const live = await liveOf('circle')
      for (let i = 0; i < 1000; i++) await live.history.advance()
      const from = process.cpuUsage()
      for (let i = 0; i < 5000; i++) await (kind === 'step' ? live.run.advance() : live.history.advance())
      const { user, system } = process.cpuUsage(from)
      costs[kind].push((user + system) / 5000)
      live.release()
    }
  }
  for (const [kind, found] of Object.entries(costs))
    console.log(`${kind}: ${Math.min(...found).toFixed(1)} µs of processor time`)
})

test('memory stays flat: steps, questions, time travel, experiments, branches', async () => {
  const office = await officeOf()
  const session = async (): Promise<void> => {
    const live = office.desk.live(0)
    for (let i = 0; i < 2000; i++) {
      const loss = await live.history.advance()
      live.record.addLoss(live.run.step - 1, loss)
      live.version++
    }
    for (let i = 0; i < 10; i++) {
      live.changed()
      await answerers.responses(live, { run: 0, size: 50 })
      await answerers.parameter(live, { run: 0, name: '0.weight', aspect: 'gradient' })
      await answerers.doctor(live, { run: 0 })
      await obeyers.seek(office, { run: 0, step: live.history.end - 100 * i })
    }
    const { id } = await obeyers.experiment(office, {
      run: 0,
      trial: { kind: 'clamp', module: '1', side: 'output', units: [1], axis: 0, value: 0 },
    })
    await obeyers.undoExperiment(office, { run: 0, id })
    const { run } = await obeyers.branch(office, { run: 0, step: live.run.step, change: { batchSize: 20 } })
    for (let i = 0; i < 50; i++) await office.desk.live(run).history.advance()
    await obeyers.close(office, { run })
  }
  for (let i = 0; i < 4; i++) await session()
  const before = await inUse()
  const copies = office.desk.live(0).history.bytes
  for (let i = 0; i < 12; i++) await session()
  const after = await inUse()
  const grown = after - before - (office.desk.live(0).history.bytes - copies)
  console.log(`12 sessions of 2,000 steps: ${(grown / 12 / 1024).toFixed(0)} KiB each beside the copies`)
  expect(grown / 12).toBeLessThan(100 * 1024)
}, 120_000)
