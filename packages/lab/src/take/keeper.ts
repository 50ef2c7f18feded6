/**
 * Keeps the work of the studio in the browser by itself: a moment after training pauses or something is changed, now and
 * then while it trains, and when the page is put away. What cannot be kept is said once.
 */
import { effect, signal } from '@preact/signals'
import type { Lab } from '../state/lab.ts'
import { keptOf } from './kept-curves.ts'
import { keep, StoreError } from './store.ts'
import { aboutOf } from './words.ts'

/** Milliseconds after the last change, and between two saves of a run that trains. */
const soon = 1500
const often = 15_000

/** Under which name the work that is open is kept; a new one for each visit, until older work is gone on with. */
export const keptAs = signal<string | undefined>(undefined)

/** Keeps what is open under an id and a name. Errors: StoreError. */
export async function keepNow(lab: Lab, id: string, name: string): Promise<void> {
  const state = lab.run.peek()
  if (!state) return
  const session = await lab.client.order('export', { run: state.info.run, format: 'session' })
  const { info, progress, curves } = lab.runs.peek().get(state.info.run) ?? state
  const { step, epoch } = progress.stamp
  await keep({
    id,
    name,
    about: aboutOf(info.spec),
    at: Date.now(),
    stamp: { step, epoch },
    spec: info.spec,
    session,
    curves: keptOf(curves),
  })
}

/** Begins to keep; gives the function that ends it. */
export function startKeeping(lab: Lab): () => void {
  let [timer, kept, said]: [ReturnType<typeof setTimeout> | undefined, string, boolean] = [undefined, '', false]
  const opened = lab.info.peek()?.spec
  const placeOf = (): string => {
    const state = lab.run.peek()
    return state ? `${state.progress.stamp.step} ${JSON.stringify(state.info.spec)}` : ''
  }
  /** What nobody has touched is not worth a place. */
  const isTouched = (): boolean => {
    const state = lab.run.peek()
    return (
      state !== undefined && (state.progress.stamp.step > 0 || (opened !== undefined && state.info.spec !== opened))
    )
  }
  const save = async (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    const place = placeOf()
    if (place === kept || !isTouched() || lab.current.peek() !== 0) return
    kept = place
    keptAs.value ??= `by itself ${Date.now()}`
    try {
      await keepNow(lab, keptAs.value, '')
    } catch (problem) {
      if (!(problem instanceof StoreError)) return
      if (!said) lab.notice.value = { kind: 'note', text: problem.message }
      said = true
    }
  }
  const stop = effect(() => {
    const running = lab.running.value
    if (lab.progress.value === undefined) return
    if (running && timer !== undefined) return
    clearTimeout(timer)
    timer = setTimeout(() => void save(), running ? often : soon)
  })
  const hidden = (): void => {
    if (document.visibilityState === 'hidden') void save()
  }
  const left = (): void => void save()
  document.addEventListener('visibilitychange', hidden)
  addEventListener('pagehide', left)
  return () => {
    stop()
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', hidden)
    removeEventListener('pagehide', left)
    void save()
  }
}
