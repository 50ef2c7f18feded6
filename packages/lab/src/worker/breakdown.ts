/**
 * Where a run broke: when a loss is no number any more, time is turned back until the gradients are finite, and the first
 * step is found at which they are not, with the module whose gradient broke first. Who tells it: doctor.ts.
 */
import type { Live } from './desk.ts'
import { leafOf, sumOfSquares } from './vitals.ts'

/** How far back is looked. */
const mostSteps = 12

/** Looks, remembers what it found, and leaves the run where it was. */
export async function findBreakdown(live: Live): Promise<void> {
  const { run, probe, history, record } = live
  const end = run.step
  const norms: { step: number; norm: number }[] = []
  record.breakdown = undefined
  for (let step = Math.max(history.begin, end - mostSteps); step < end; step++) {
    await history.seek(step)
    live.changed()
    const { parameters } = await probe.backward()
    let squares = 0
    const broken = new Set<string>()
    for (const [name, gradient] of parameters) {
      const sum = sumOfSquares(await gradient.data())
      squares += sum
      if (!Number.isFinite(sum)) broken.add(leafOf(run.model, name))
    }
    norms.push({ step, norm: Math.sqrt(squares) })
    if (broken.size === 0 && step < end - 1) continue
    const { lr } = run.optimizer
    // Gradients come from the loss: the module that ran last was reached first.
    const module = [...probe.order].reverse().find((path) => broken.has(path)) ?? [...broken].at(-1)
    record.breakdown = { step, lr, module, norms }
    break
  }
  await history.seek(end)
  live.changed()
}
