/**
 * Pass: plan memory. Where in the arena each temporary lies.
 *
 * Assumes the final order of the items. Guarantees: places that are needed at the same time do not overlap; a step's
 * outputs never share memory with its inputs; what a loop takes from turn to turn or finds or leaves outside has its
 * memory for as long as the loop runs, while what is used within a turn gives it back for the next. Large ones are
 * placed first, each at the lowest offset that is free while it is needed. It stands last, since only now is it known
 * when each value is needed.
 */
import { type Item, type Location, type Turns, type Whole, wholeOf } from './lowering.ts'

/** Vector loads and cache lines like this. */
const alignment = 64

export interface MemoryPlan {
  /** Bytes from the start of the arena. */
  readonly offsets: ReadonlyMap<Whole, number>
  readonly bytes: number
}

interface Life {
  first: number
  last: number
  readonly bytes: number
  offset: number
}

/** A loop and the places in the order between which it runs. */
interface Span {
  readonly turns: Turns
  readonly first: number
  readonly last: number
}

export function planMemory(items: readonly Item[]): MemoryPlan {
  const lives = livesOf(items)
  const placed: Life[] = []
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
  return { offsets: new Map([...lives].map(([place, life]) => [place, life.offset])), bytes: total }
}

/** From when to when each temporary is needed. */
function livesOf(items: readonly Item[]): Map<Whole, Life> {
  const lives = new Map<Whole, Life>()
  const spans: Span[] = []
  /** The loops in which a place moves: it holds something from turn to turn. */
  const movesIn = new Map<Whole, Set<Turns>>()
  let now = 0
  const use = (location: Location): void => {
    const place = wholeOf(location)
    if (place.kind !== 'temporary') return
    const life = lives.get(place)
    if (life) life.last = now
    else {
      const bytes = Math.max(alignment, Math.ceil((place.length * 4) / alignment) * alignment)
      lives.set(place, { first: now, last: now, bytes, offset: 0 })
    }
    if (location.kind !== 'part') return
    const known = movesIn.get(place) ?? new Set()
    movesIn.set(place, known)
    for (const { loop } of location.moves) known.add(loop)
  }
  const visit = (list: readonly Item[]): void => {
    for (const item of list) {
      if (item.kind !== 'turns') {
        item.locations.forEach(use)
        now++
        continue
      }
      const first = now
      visit(item.items)
      spans.push({ turns: item, first, last: now - 1 })
    }
  }
  visit(items)
  // Inner loops come first: what is stretched over one of them may then reach out of the next.
  for (const { turns, first, last } of spans) {
    for (const [place, life] of lives) {
      if (life.last < first || life.first > last) continue
      const within = life.first >= first && life.last <= last
      if (within && !movesIn.get(place)?.has(turns)) continue
      life.first = Math.min(life.first, first)
      life.last = Math.max(life.last, last)
    }
  }
  return lives
}
