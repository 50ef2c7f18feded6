/** Who obeys which order. Each ends with the page being told what is now. */
import { io, type Tensor, tensor } from 'glissade'
import { factsOf } from './data/data.ts'
import { loadData } from './data/index.ts'
import { type Desk, Live } from './desk.ts'
import { infoOf } from './info.ts'
import { restore } from './keeping.ts'
import { takeObeyers } from './orders-take.ts'
import type { OrderName, Orders } from './protocol.ts'
import { Run } from './run.ts'
import { measure, type Trainer } from './trainer.ts'

export interface Office {
  readonly desk: Desk
  readonly trainer: Trainer
  /** Answers what is asked again and again. */
  refresh(live: Live): Promise<void>
}

export type Obeyer<O extends OrderName> = (office: Office, give: Orders[O]['give']) => Promise<Orders[O]['get']>

/** Tells the page about a run that changed by an order. */
async function show({ trainer, refresh }: Office, live: Live): Promise<void> {
  await measure(live)
  trainer.report(live)
  await refresh(live)
}

export const obeyers: { readonly [O in OrderName]: Obeyer<O> } = {
  open: async (office, { spec, weights }) => {
    const { desk } = office
    const data = await loadData(spec.data)
    const live = new Live(new Run(0, spec, data))
    if (weights) await restore(live.run, weights)
    const info = await infoOf(live)
    // Only now that everything fits is the old one given back.
    for (const id of [...desk.runs.keys()]) desk.close(id)
    desk.runs.set(0, live)
    await show(office, live)
    return info
  },
  train: async ({ desk, trainer }, { run, rate }) => {
    const live = desk.live(run)
    live.limit = rate
    live.left = Number.POSITIVE_INFINITY
    trainer.start(live)
  },
  pause: async (office, { run }) => {
    office.desk.live(run).running = false
  },
  advance: async ({ desk, trainer }, { run, steps }) => {
    const live = desk.live(run)
    live.limit = 0
    live.left = steps
    trainer.start(live)
  },
  reset: async (office, { run }) => {
    const { desk } = office
    const old = desk.live(run)
    const live = new Live(new Run(run, old.run.spec, old.run.data, old.run.from))
    desk.close(run)
    desk.runs.set(run, live)
    await show(office, live)
  },
  setParameter: async (office, { run, name, values }) => {
    const live = office.desk.live(run)
    const variable = live.run.model.namedVariables().get(name)
    if (!variable) throw new Error(`The model has no parameter ${name}.`)
    if (values.length !== variable.size)
      throw new Error(`${name} has ${variable.size} numbers; ${values.length} were given.`)
    variable.assign(tensor(values, { shape: variable.shape }))
    live.changed()
    await show(office, live)
  },
  adjust: async (office, { run, change }) => {
    const live = office.desk.live(run)
    await live.run.adjust(change)
    // Weights are as they were: nothing that is shown is to be measured again.
    office.trainer.report(live)
  },
  describe: async (_, { data }) => {
    const found = await loadData(data)
    const { points, targets } = found
    return { ...factsOf(found), ...(points && { points: points.slice(), targets: Float32Array.from(targets) }) }
  },
  samples: async (_, { data }) => {
    const { inputs, inputShape, targets, targetShape, trainCount, testCount } = await loadData(data)
    const of = (values: Float32Array | Int32Array, shape: readonly number[]): Tensor =>
      tensor(values, {
        shape: [trainCount + testCount, ...shape],
        dtype: values instanceof Int32Array ? 'int32' : 'float32',
      })
    return new Uint8Array(
      await io.formatSafetensors({ inputs: of(inputs, inputShape), targets: of(targets, targetShape) }),
    )
  },
  ...takeObeyers,
}
