/** Time travel: a step that is sought is the step that was, bit by bit; changes are done again; branches; bounds. */
import { setBackend } from 'glissade'
import { beforeAll, describe, expect, test } from 'vitest'
import type { LabSpec, LayerSpec } from '../src/spec/spec.ts'
import type { LabData } from '../src/worker/data/data.ts'
import { planeData } from '../src/worker/data/plane.ts'
import { textData } from '../src/worker/data/text.ts'
import { Desk, Live } from '../src/worker/desk.ts'
import { History } from '../src/worker/history.ts'
import { type Office, obeyers } from '../src/worker/orders.ts'
import { Run } from '../src/worker/run.ts'
import { Trainer } from '../src/worker/trainer.ts'
import { type Family, liveOf, specOf, squares } from './networks.ts'

beforeAll(async () => {
  await setBackend('wasm')
})

const withLayers = (family: Family, layers: readonly LayerSpec[], change: Partial<LabSpec> = {}): LabSpec => ({
  ...specOf(family),
  model: { kind: 'sequential', layers },
  ...change,
})

const dropout = withLayers('circle', [
  { kind: 'linear', in: 2, out: 8 },
  { kind: 'dropout', p: 0.3 },
  { kind: 'tanh' },
  { kind: 'linear', in: 8, out: 2 },
])
const norm = withLayers(
  'digits',
  [
    { kind: 'conv2d', in: 1, out: 4, size: 3, stride: 2 },
    { kind: 'batchNorm2d', features: 4 },
    { kind: 'relu' },
    { kind: 'flatten', from: 1, to: -1 },
    { kind: 'linear', in: 676, out: 10 },
  ],
  { batchSize: 4, schedule: { kind: 'cosine', epochs: 5 } },
)

async function open(spec: LabSpec, id = 0): Promise<Live> {
  const { data } = spec
  const samples: LabData =
    data.kind === 'text' ? await textData(data) : data.kind === 'plane' ? planeData(data) : squares(14)
  return new Live(new Run(id, spec, samples))
}

/** Every number that decides how a run goes on. */
async function stateOf({ run }: Live): Promise<unknown> {
  const named = [...run.model.namedVariables(), ...run.optimizer.namedState()]
  const numbers = await Promise.all(named.map(async ([name, variable]) => [name, [...(await variable.data())]]))
  const { tensors: _, ...rest } = run.optimizer.stateDict()
  return { step: run.step, draws: run.draws, rest, numbers, lr: run.optimizer.lr }
}

async function advance(live: Live, steps: number): Promise<number[]> {
  const losses: number[] = []
  for (let i = 0; i < steps; i++) losses.push(await live.history.advance())
  return losses
}

describe.each([
  { name: 'an MLP with dropout', spec: dropout },
  { name: 'a CNN with batch norm and a schedule', spec: norm },
  { name: 'an LSTM with AdamW', spec: { ...specOf('names-lstm'), batchSize: 4 } },
])('time travel, $name', ({ spec }) => {
  test('a sought step is that of a fresh run, bit by bit, and so is what follows', async () => {
    const live = await open(spec)
    const losses = await advance(live, 30)
    const end = await stateOf(live)
    for (const step of [17, 3, 29, 0, 16]) {
      await live.history.seek(step)
      const fresh = await open(spec)
      await advance(fresh, step)
      expect(await stateOf(live)).toEqual(await stateOf(fresh))
    }
    expect(await advance(live, 5)).toEqual(losses.slice(16, 21))
    await live.history.seek(30)
    expect(await stateOf(live)).toEqual(end)
  })
})

describe('changes on the way', () => {
  test('are made again, and taken back before their step', async () => {
    const live = await open(dropout)
    await advance(live, 10)
    const before = await stateOf(live)
    const { optimizer } = live.run.spec
    await live.history.record({ kind: 'adjust', change: { optimizer: { ...optimizer, lr: 0.001 } } })
    await live.history.record({ kind: 'overwrite', name: '0.weight', element: 3, value: 2 })
    await live.history.record({ kind: 'adjust', change: { optimizer: { ...optimizer, lr: 0.002, beta2: 0.9 } } })
    const after = await stateOf(live)
    await advance(live, 10)
    const hold = { kind: 'clamp', module: '2', side: 'output', units: [1], axis: 0, value: 0 } as const
    await live.history.record({ kind: 'hold', holds: [hold, { kind: 'freeze', module: '3' }] })
    await advance(live, 5)
    const end = await stateOf(live)
    await live.history.seek(9)
    await advance(live, 1)
    expect(await stateOf(live)).toEqual(after)
    await live.history.seek(2)
    expect(live.run.optimizer.lr).toBe(optimizer.lr)
    expect(live.holds.holds).toEqual([])
    await live.history.seek(25)
    expect(await stateOf(live)).toEqual(end)
    expect(live.holds.holds.length).toBe(2)
    expect(before).not.toEqual(after)
    live.release()
  })

  test('make another future: what came after is forgotten', async () => {
    const live = await open(dropout)
    await advance(live, 20)
    await live.history.seek(8)
    expect(live.history.end).toBe(20)
    await live.history.record({ kind: 'overwrite', name: '0.bias', element: 0, value: 1 })
    expect(live.history.end).toBe(8)
    expect(Math.max(...live.history.steps)).toBeLessThanOrEqual(8)
    await live.history.record({ kind: 'overwrite', name: '0.bias', element: 0, value: 3 })
    expect(live.history.events.length).toBe(1)
    await advance(live, 2)
    await live.history.seek(8)
    expect((await live.run.model.namedVariables().get('0.bias')?.data())?.[0]).toBe(3)
  })

  test('that cannot be made change nothing', async () => {
    const live = await open(dropout)
    await advance(live, 4)
    await live.history.seek(2)
    await expect(live.history.record({ kind: 'overwrite', name: '0.bias', element: 8, value: 1 })).rejects.toThrow(/8/)
    await expect(live.history.record({ kind: 'overwrite', name: 'x', element: 0, value: 1 })).rejects.toThrow(/x/)
    expect([live.history.end, live.history.events.length]).toEqual([4, 0])
  })
})

test('copies stay within their bounds over a long run, and every step can still be reached', async () => {
  const live = await liveOf('circle')
  const history = new History(live.run, live.holds, { most: 16, interval: 0, bytes: 40_000 })
  for (let i = 0; i < 3000; i++) await history.advance()
  expect(history.steps.length).toBeLessThanOrEqual(16)
  expect(history.steps[0]).toBe(0)
  expect(history.bytes).toBeLessThanOrEqual(40_000)
  await history.seek(1234)
  const fresh = await liveOf('circle')
  for (let i = 0; i < 1234; i++) await fresh.run.advance()
  expect(await stateOf(live)).toEqual(await stateOf(fresh))
  expect(history.bytes).toBeLessThanOrEqual(40_000)
})

/** A desk as the worker has it, with nobody who listens. */
async function officeOf(spec: LabSpec): Promise<Office> {
  const desk = new Desk()
  const refresh = async (): Promise<void> => {}
  const trainer = new Trainer(desk, { tell: () => {}, refresh })
  desk.add(await open(spec))
  return { desk, trainer, refresh }
}

describe('branches', () => {
  test('with nothing changed go on as the run itself; the run stays as it was', async () => {
    const office = await officeOf(dropout)
    const parent = office.desk.live(0)
    await advance(parent, 12)
    const info = await obeyers.branch(office, { run: 0, step: 7, change: {} })
    expect(info.run).toBe(1)
    expect(info.from).toEqual({ run: 0, step: 7, epoch: 1 })
    const own = office.desk.live(1)
    const losses = await advance(own, 5)
    expect(await advance(parent, 5)).toEqual(losses)
    const [a, b] = [await stateOf(own), await stateOf(parent)]
    expect(a).toEqual(b)
    await obeyers.reset(office, { run: 1 })
    expect([own.run.step, own.history.end]).toEqual([7, 7])
  })

  test.each([
    { what: 'another learning rate', change: { optimizer: { ...dropout.optimizer, lr: 0.5 } } },
    { what: 'another optimizer', change: { optimizer: { kind: 'sgd', lr: 0.1 } } },
    {
      what: 'another activation',
      change: {
        model: {
          ...dropout.model,
          layers: (dropout.model.layers as LayerSpec[]).map((layer) =>
            layer.kind === 'tanh' ? { kind: 'relu' } : layer,
          ),
        },
      },
    },
    { what: 'batches twice as large', change: { batchSize: 60 } },
  ])('begin with the same weights: $what', async ({ change }) => {
    const office = await officeOf(dropout)
    const parent = office.desk.live(0)
    await advance(parent, 14)
    await obeyers.branch(office, { run: 0, step: 14, change })
    const own = office.desk.live(1)
    const weights = async ({ run }: Live) => Promise.all(run.model.parameters().map(async (p) => [...(await p.data())]))
    expect(await weights(own)).toEqual(await weights(parent))
    expect(own.run.stamp.epoch).toBe(parent.run.stamp.epoch)
    await advance(own, 1)
    await advance(parent, 1)
    expect(await weights(own)).not.toEqual(await weights(parent))
  })

  test('with weights that do not fit are refused, and nothing stays open', async () => {
    const office = await officeOf(dropout)
    const model = { kind: 'sequential', layers: [{ kind: 'linear', in: 2, out: 2 }] }
    await expect(obeyers.branch(office, { run: 0, step: 0, change: { model } })).rejects.toThrow(/weights|0\.weight/)
    expect([...office.desk.runs.keys()]).toEqual([0])
    await expect(obeyers.close(office, { run: 0 })).rejects.toThrow(/only run/)
  })
})

test('a newer place in time overtakes an older one', async () => {
  const office = await officeOf(dropout)
  const live = office.desk.live(0)
  await advance(live, 40)
  await Promise.all([5, 30, 21].map((step) => obeyers.seek(office, { run: 0, step })))
  const fresh = await open(dropout)
  await advance(fresh, 21)
  expect(await stateOf(live)).toEqual(await stateOf(fresh))
})
