/** Which views stand where: those of the output at the right, more of them below, as a person likes it. */
import { signal } from '@preact/signals'
import { views } from '../views/index.ts'
import type { View } from '../views/view.ts'
import type { RunInfo } from '../worker/protocol.ts'

const key = 'glissade-views'
/** Of these, the first that fits shows what comes out. */
const outputs = ['surface', 'tokens', 'prediction', 'predictions', 'confusion']

function remembered(): readonly string[] {
  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? '[]') as unknown
    return Array.isArray(kept) ? kept.filter((each): each is string => typeof each === 'string').slice(0, 50) : []
  } catch {
    // A page may be forbidden to keep anything, and what was kept may be broken.
    return []
  }
}

/** The views below, by name, in the order in which they were added. */
export const chosenViews = signal(remembered())

export function toggleView(id: string): void {
  const now = chosenViews.peek()
  chosenViews.value = now.includes(id) ? now.filter((each) => each !== id) : [...now, id]
  try {
    localStorage.setItem(key, JSON.stringify(chosenViews.peek()))
  } catch {
    // Then it holds until the page is left.
  }
}

export interface Layout {
  readonly right: readonly View[]
  /** What can stand below. */
  readonly others: readonly View[]
}

/** `network` stands in the middle, with the model. */
export function layoutOf(info: RunInfo): Layout {
  const fitting = views.filter((view) => view.fits(info) && view.id !== 'network')
  const output = outputs.map((id) => fitting.find((view) => view.id === id)).find(Boolean)
  const curves = fitting.find(({ id }) => id === 'curves')
  // A plane is looked at first; lists of predictions are long, and stand below the curves.
  const order = output?.id === 'surface' ? [output, curves] : [curves, output]
  const right = order.filter((view): view is View => view !== undefined)
  return { right, others: fitting.filter((view) => !right.includes(view)) }
}
