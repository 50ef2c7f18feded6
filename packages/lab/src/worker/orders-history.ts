/** Orders about time and about several runs: back to a step, another future from there, away with a run. */
import type { LabSpec } from '../spec/spec.ts'
import { Live } from './desk.ts'
import { infoOf } from './info.ts'
import { type Obeyer, show } from './office.ts'
import { Run } from './run.ts'

/** So many runs may be open at once; each has a network, its history and its programs. */
const mostRuns = 8

/** It does not wait for its turn: a newer place in time overtakes the way to an older one. */
export const seek: Obeyer<'seek'> = async (office, { run, step }) => {
  const live = office.desk.live(run)
  live.running = false
  live.wanted = step
  const isOvertaken = (): boolean => live.wanted !== step
  await office.desk.inTurn(async () => {
    if (isOvertaken()) return
    await live.history.seek(step, isOvertaken)
    live.changed()
    if (!isOvertaken()) await show(office, live)
  })
}

export const branch: Obeyer<'branch'> = async (office, { run, step, change }) => {
  const { desk } = office
  const parent = desk.live(run)
  if (desk.runs.size >= mostRuns) throw new Error(`${mostRuns} runs are open. Close one, then branch again.`)
  if (!(step >= parent.history.begin && step <= parent.history.end))
    throw new Error(`Run ${run} has steps ${parent.history.begin} to ${parent.history.end}; there is no step ${step}.`)
  parent.running = false
  await parent.history.seek(step)
  parent.changed()
  const spec: LabSpec = { ...parent.run.spec, ...change }
  const made = new Run(Math.max(...desk.runs.keys()) + 1, spec, parent.run.data, parent.run.stamp)
  await made.model.loadStateDict(parent.run.model.stateDict(), { source: `Run ${run}` })
  // Batches of another size: the same place among the samples.
  made.step = Math.round((parent.run.step * made.stepsPerEpoch) / parent.run.stepsPerEpoch)
  if (spec.seed === parent.run.spec.seed) made.draws = parent.run.draws
  await inheritOptimizer(made, parent.run)
  const live = new Live(made)
  const modules = made.model.namedModules()
  const holds = parent.holds.holds.filter(({ module }) => modules.has(module))
  if (holds.length > 0) live.holds.set(holds)
  try {
    const info = await infoOf(live)
    desk.add(live)
    await show(office, live)
    await show(office, parent)
    return info
  } catch (problem) {
    if (desk.runs.get(made.id) !== live) live.release()
    throw problem
  }
}

/** An optimizer of the same kind goes on with its moments; another begins with its own. */
async function inheritOptimizer(made: Run, parent: Run): Promise<void> {
  if (made.spec.optimizer.kind !== parent.spec.optimizer.kind) return
  const [own, old] = [made.optimizer.stateDict(), parent.optimizer.stateDict()]
  const isSameRate =
    JSON.stringify([made.spec.optimizer.lr, made.spec.schedule]) ===
    JSON.stringify([parent.spec.optimizer.lr, parent.spec.schedule])
  const tensors = Object.fromEntries(
    Object.entries(own.tensors).map(([name, tensor]) => [name, old.tensors[name] ?? tensor]),
  )
  const steps = made.step === parent.step ? old.steps : made.step
  await made.optimizer.loadStateDict({ ...(isSameRate ? old : own), steps, tensors })
}

export const close: Obeyer<'close'> = async ({ desk }, { run }) => {
  if (desk.runs.size === 1) throw new Error('This is the only run. Open another network in its place.')
  desk.live(run)
  desk.close(run)
}
