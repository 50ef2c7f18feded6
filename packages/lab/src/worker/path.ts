/**
 * The way that a run's weights have taken: a bounded list of what they were, thinned when it is full.
 *
 * It is kept for networks of moderate size only; who draws it: questions/landscape.ts.
 */
import type { Run } from './run.ts'

/** The most points, and the most numbers of all points together (8 MB). */
const mostPoints = 240
const mostNumbers = 2_000_000
/** Fewer points would be no path. */
const fewestPoints = 24

export interface PathPoint {
  readonly step: number
  /** All trained parameters, one after the other. */
  readonly weights: Float32Array
}

export class WeightPath {
  points: PathPoint[] = []
  #stride = 1

  /** Whether the weights before this step should be kept. */
  isDue(step: number): boolean {
    return step % this.#stride === 0 || this.points.length === 0
  }

  /** Keeps the weights as they are now, before step number `run.step`. */
  async keep(run: Run): Promise<void> {
    // Time may have been turned back.
    while (this.points.length > 0 && this.points[this.points.length - 1].step >= run.step) this.points.pop()
    const size = run.model.parameters().reduce((sum, { size }) => sum + size, 0)
    const most = Math.min(mostPoints, Math.floor(mostNumbers / size))
    if (most < fewestPoints) {
      this.#stride = Number.POSITIVE_INFINITY
      return
    }
    if (this.points.length >= most) {
      this.points = this.points.filter((_, i) => i % 2 === 0)
      this.#stride *= 2
      if (run.step % this.#stride !== 0) return
    }
    this.points.push({ step: run.step, weights: await weightsOf(run) })
  }

  /** Begins anew: weights were changed by hand. */
  clear(): void {
    this.points = []
    this.#stride = 1
  }
}

/** All parameters in their order, one after the other. */
export async function weightsOf(run: Run): Promise<Float32Array> {
  const all = run.model.parameters()
  const weights = new Float32Array(all.reduce((sum, { size }) => sum + size, 0))
  let at = 0
  for (const parameter of all) {
    weights.set(await parameter.data(), at)
    at += parameter.size
  }
  return weights
}
