/** Experiments: what is switched off is out of every pass, what follows is measured, and everything can be taken back. */
import { setBackend, tensor } from 'glissade'
import { beforeAll, describe, expect, test } from 'vitest'
import { Desk } from '../src/worker/desk.ts'
import { type Office, obeyers } from '../src/worker/orders.ts'
import type { Trial } from '../src/worker/protocol.ts'
import { answerers } from '../src/worker/questions/index.ts'
import { scoreOf } from '../src/worker/scores.ts'
import { Trainer } from '../src/worker/trainer.ts'
import { type Family, liveOf } from './networks.ts'

beforeAll(async () => {
  await setBackend('wasm')
})

async function officeOf(family: Family, steps: number): Promise<Office> {
  const desk = new Desk()
  const refresh = async (): Promise<void> => {}
  desk.add(await liveOf(family))
  for (let i = 0; i < steps; i++) await desk.live(0).history.advance()
  return { desk, trainer: new Trainer(desk, { tell: () => {}, refresh }), refresh }
}

const off = (module: string, units: readonly number[], axis: number, side: 'output' | 'input' = 'output'): Trial => ({
  kind: 'clamp',
  module,
  side,
  units,
  axis,
  value: 0,
})

/** The test score with some columns of a weight set to 0: what comes from those units does not count. */
async function scoreWithout(family: Family, steps: number, name: string, columns: readonly number[]) {
  const { run, probe, history } = await liveOf(family)
  for (let i = 0; i < steps; i++) await history.advance()
  const weight = run.model.namedParameters().get(name)
  if (!weight) throw new Error(name)
  const values = await weight.data()
  const perUnit = weight.size / weight.shape[0]
  const size = weight.shape.slice(2).reduce((a, b) => a * b, 1)
  for (let row = 0; row < weight.shape[0]; row++)
    for (const column of columns) values.fill(0, row * perUnit + column * size, row * perUnit + (column + 1) * size)
  weight.assign(tensor(values, { shape: weight.shape }))
  return scoreOf(run, probe, 'test')
}

describe('a unit that is switched off', () => {
  test.each([
    { family: 'circle', trial: off('1', [2], 0), name: '2.weight', columns: [2], steps: 60 },
    { family: 'digits', trial: off('1', [0, 3], 0), name: '3.weight', columns: [0, 3], steps: 2 },
    { family: 'names-lstm', trial: off('1', [5], 1), name: '2.weight', columns: [5], steps: 2 },
    {
      family: 'names-transformer',
      trial: off(
        'transformer.layers.1.self_attn.out_proj',
        Array.from({ length: 16 }, (_, i) => 16 + i),
        1,
        'input',
      ),
      name: 'transformer.layers.1.self_attn.out_proj.weight',
      columns: Array.from({ length: 16 }, (_, i) => 16 + i),
      steps: 2,
    },
  ] as const)('scores as the network without it: $family', async ({ family, trial, name, columns, steps }) => {
    const office = await officeOf(family, steps)
    const live = office.desk.live(0)
    const before = await scoreOf(live.run, live.probe, 'test')
    const { consequence, id } = await obeyers.experiment(office, { run: 0, trial })
    expect(consequence.before).toEqual(before)
    expect(consequence.after.loss).toBeCloseTo((await scoreWithout(family, steps, name, columns)).loss, 5)
    expect(consequence.after.loss).not.toBe(before.loss)
    await obeyers.undoExperiment(office, { run: 0, id })
    expect(await scoreOf(live.run, live.probe, 'test')).toEqual(before)
  })

  test('stays off in training: the weights that lead to it get no gradient and do not move', async () => {
    const office = await officeOf('circle', 20)
    const live = office.desk.live(0)
    const weights = async () => [...((await live.run.model.namedVariables().get('0.weight')?.data()) ?? [])]
    const before = await weights()
    await obeyers.experiment(office, { run: 0, trial: off('1', [1], 0) })
    const { numbers } = await answerers.parameter(live, { run: 0, name: '0.weight', aspect: 'gradient' })
    expect([...numbers.values.slice(2, 4)]).toEqual([0, 0])
    expect(numbers.values[0]).not.toBe(0)
    const seen = await answerers.activation(live, {
      run: 0,
      module: '1',
      input: { part: 'test', index: 0 },
      aspect: 'value',
    })
    expect(seen.numbers.values[1]).toBe(0)
    // What its moments still push fades; the others learn on.
    for (let i = 0; i < 400; i++) await live.history.advance()
    const settled = await weights()
    for (let i = 0; i < 20; i++) await live.history.advance()
    const after = await weights()
    expect(after[2]).toBeCloseTo(settled[2], 5)
    expect(after[0]).not.toBe(before[0])
  })
})

test('an overwritten number, a unit held at a value, a frozen layer: listed, and taken back in any order', async () => {
  const office = await officeOf('circle', 30)
  const live = office.desk.live(0)
  const number = async (name: string, i: number) => (await live.run.model.namedVariables().get(name)?.data())?.[i]
  const old = await number('0.weight', 3)
  const give = (trial: Trial) => obeyers.experiment(office, { run: 0, trial })
  const overwrite = await give({ kind: 'overwrite', name: '0.weight', element: 3, value: 5 })
  expect(overwrite.old).toBe(old)
  expect(overwrite.consequence.changed).toBeGreaterThan(0)
  const { examples } = overwrite.consequence
  for (const { from, to } of examples) expect(from).not.toBe(to)
  const held = await give({ kind: 'clamp', module: '3', side: 'output', units: [0], axis: 0, value: 0.5 })
  const seen = await answerers.activation(live, {
    run: 0,
    module: '3',
    input: { part: 'test', index: 3 },
    aspect: 'value',
  })
  expect(seen.numbers.values[0]).toBe(0.5)
  await give({ kind: 'freeze', module: '0' })
  const list = async () => (await answerers.experiments(live, { run: 0 })).experiments
  expect((await list()).map(({ active }) => active)).toEqual([true, true, true])
  await live.history.advance()
  expect(await number('0.weight', 3)).toBe(5)
  await obeyers.undoExperiment(office, { run: 0, id: held.id })
  expect((await list()).map(({ active }) => active)).toEqual([true, false, true])
  await obeyers.undoExperiment(office, { run: 0, id: overwrite.id })
  expect(await number('0.weight', 3)).toBe(old)
  await obeyers.reset(office, { run: 0 })
  expect((await answerers.experiments(office.desk.live(0), { run: 0 })).experiments).toEqual([])
  await expect(obeyers.experiment(office, { run: 0, trial: { kind: 'freeze', module: '' } })).rejects.toThrow(
    /nothing could learn/,
  )
})

test('looking back before an experiment shows the network without it; the timeline names it', async () => {
  const office = await officeOf('circle', 30)
  await obeyers.experiment(office, { run: 0, trial: off('1', [1], 0) })
  const live = office.desk.live(0)
  for (let i = 0; i < 5; i++) await live.history.advance()
  expect((await answerers.timeline(live, { run: 0 })).events).toEqual([{ step: 30, text: 'unit 1 of 1 switched off' }])
  await obeyers.seek(office, { run: 0, step: 29 })
  const at = async () =>
    (await answerers.activation(live, { run: 0, module: '1', input: { part: 'test', index: 0 }, aspect: 'value' }))
      .numbers.values[1]
  expect(await at()).not.toBe(0)
  expect((await answerers.experiments(live, { run: 0 })).experiments).toEqual([])
  await obeyers.seek(office, { run: 0, step: 33 })
  expect(await at()).toBe(0)
})
