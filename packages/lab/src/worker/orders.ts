/** Who obeys which order. Each ends with the page being told what is now. */
import { io, type Tensor, tensor } from 'glissade'
import { factsOf } from './data/data.ts'
import { loadData } from './data/index.ts'
import { Live } from './desk.ts'
import { experiment, undo } from './experiments.ts'
import { infoOf } from './info.ts'
import { restore } from './keeping.ts'
import { type Obeyer, show } from './office.ts'
import { branch, close, seek } from './orders-history.ts'
import { takeObeyers } from './orders-take.ts'
import type { OrderName } from './protocol.ts'
import { Run } from './run.ts'

export type { Obeyer, Office } from './office.ts'

export const obeyers: { readonly [O in OrderName]: Obeyer<O> } = {
  open: async (office, { spec, weights }) => {
    const { desk } = office
    const data = await loadData(spec.data)
    const made = new Run(0, spec, data)
    if (weights) await restore(made, weights)
    const live = new Live(made)
    const info = await infoOf(live)
    // Only now that everything fits is the old one given back.
    for (const id of [...desk.runs.keys()]) desk.close(id)
    desk.add(live)
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
    if (old.run.from) {
      // A branch begins where it was branched off.
      await old.history.seek(old.history.begin)
      old.history.forget()
      old.changed()
      await show(office, old)
      return
    }
    const live = new Live(new Run(run, old.run.spec, old.run.data, old.run.from))
    desk.close(run)
    desk.add(live)
    await show(office, live)
  },
  setParameter: async (office, { run, name, values }) => {
    const live = office.desk.live(run)
    await live.history.record({ kind: 'write', name, values })
    live.changed()
    await show(office, live)
  },
  adjust: async (office, { run, change }) => {
    const live = office.desk.live(run)
    await live.history.record({ kind: 'adjust', change })
    // Weights are as they were: nothing that is shown is to be measured again.
    office.trainer.report(live)
  },
  seek,
  branch,
  close,
  experiment: async (office, { run, trial }) => {
    const live = office.desk.live(run)
    const report = await experiment(live, trial)
    await show(office, live)
    return report
  },
  undoExperiment: async (office, { run, id }) => {
    const live = office.desk.live(run)
    await undo(live, id)
    await show(office, live)
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
