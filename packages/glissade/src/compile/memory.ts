/**
 * Pass: plan memory. Where in the arena each temporary lies.
 *
 * Assumes the final order of the steps. Guarantees: places that are needed at the same time do not overlap; a step's
 * outputs never share memory with its inputs. Large ones are placed first, each at the lowest offset that is free
 * while it is needed. It stands last, since only now is it known when each value is needed.
 */
import type { Location, Step } from './lowering.ts'

/** Vector loads and cache lines like this. */
const alignment = 64

export interface MemoryPlan {
  /** Bytes from the start of the arena. */
  readonly offsets: ReadonlyMap<Location, number>
  readonly bytes: number
}

export function planMemory(steps: readonly Step[]): MemoryPlan {
  const lives = new Map<Location, { first: number; last: number; bytes: number; offset: number }>()
  steps.forEach(({ locations }, i) => {
    for (const location of locations) {
      if (location.kind !== 'temporary') continue
      const life = lives.get(location)
      if (life) life.last = i
      else
        lives.set(location, {
          first: i,
          last: i,
          bytes: Math.max(alignment, Math.ceil((location.length * 4) / alignment) * alignment),
          offset: 0,
        })
    }
  })
  const placed: { first: number; last: number; bytes: number; offset: number }[] = []
  let total = 0
  for (const life of [...lives.values()].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    const meets = placed
      .filter((other) => other.first <= life.last && life.first <= other.last)
      .sort((a, b) => a.offset - b.offset)
    let offset = 0
    for (const other of meets) {
      if (offset + life.bytes <= other.offset) break
      offset = Math.max(offset, other.offset + other.bytes)
    }
    life.offset = offset
    placed.push(life)
    total = Math.max(total, offset + life.bytes)
  }
  return { offsets: new Map([...lives].map(([location, life]) => [location, life.offset])), bytes: total }
}
