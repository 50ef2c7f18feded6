/** How far a person has come: which cards are done, what was predicted. Kept in the browser, nowhere else. */
import { signal } from '@preact/signals'

interface ChapterProgress {
  /** Cards that are done, by id. */
  readonly done: readonly string[]
  /** The card that was open last. */
  readonly at?: string
  /** What was predicted, by card. */
  readonly given: Readonly<Record<string, unknown>>
  /** How many cards there are; known once the chapter was open. */
  readonly cards: number
}
export type Progress = Readonly<Record<string, ChapterProgress>>

const key = 'glissade-trail'
const none: ChapterProgress = { done: [], given: {}, cards: 0 }

/** What was kept; what does not look like it is forgotten. */
function kept(): Progress {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(key) ?? '{}')
    if (typeof found !== 'object' || found === null) return {}
    return Object.fromEntries(
      Object.entries(found).filter(
        ([, each]) => Array.isArray(each?.done) && typeof each.given === 'object' && typeof each.cards === 'number',
      ),
    )
  } catch {
    // A page may be forbidden to keep anything, and what it kept may be broken.
    return {}
  }
}

export const progress = signal<Progress>(kept())

function keep(next: Progress): void {
  progress.value = next
  try {
    localStorage.setItem(key, JSON.stringify(next))
  } catch {
    // Then it holds until the page is left.
  }
}

export const progressOf = (chapter: string): ChapterProgress => progress.value[chapter] ?? none

function change(chapter: string, what: (before: ChapterProgress) => Partial<ChapterProgress>): void {
  const before = progress.peek()[chapter] ?? none
  keep({ ...progress.peek(), [chapter]: { ...before, ...what(before) } })
}

export const openedCard = (chapter: string, card: string, cards: number): void =>
  change(chapter, () => ({ at: card, cards }))

export const completeCard = (chapter: string, card: string): void =>
  change(chapter, ({ done }) => ({ done: done.includes(card) ? done : [...done, card] }))

export const predicted = (chapter: string, card: string, given: unknown): void =>
  change(chapter, (before) => ({ given: { ...before.given, [card]: given } }))

/** Begins a chapter, or the whole trail, again. */
export function forget(chapter?: string): void {
  if (chapter === undefined) return keep({})
  const { [chapter]: _, ...rest } = progress.peek()
  keep(rest)
}
