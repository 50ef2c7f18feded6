/**
 * How work comes into the studio: from the address, from the browser's store, or as the first preset. Nothing that comes
 * begins to train by itself.
 */
import { firstSpec } from '../spec/presets.ts'
import type { Lab } from '../state/lab.ts'
import { hiddenPanels } from '../ui/hidden.ts'
import { keptAs } from './keeper.ts'
import { restoreCurves } from './kept-curves.ts'
import { load } from './store.ts'

/** The state of an address that was opened already. */
let arrived: string | undefined

/** Opens what the address says, or the first network where nothing is open. */
export async function arrive(lab: Lab, state: string | undefined): Promise<void> {
  if (state !== undefined && state !== arrived) {
    arrived = state
    if (await openLink(lab, state)) return
  }
  if (lab.spec.peek()) return
  const notice = lab.notice.peek()
  await lab.open(firstSpec)
  if (notice) lab.notice.value = notice
}

async function openLink(lab: Lab, state: string): Promise<boolean> {
  const [{ readLink }, { UnreadableError }] = await Promise.all([import('./link.ts'), import('./text.ts')])
  try {
    const { spec, session, pinned, input, hide = [] } = readLink(state)
    if (!(await lab.open(spec, session))) return false
    keptAs.value = undefined
    hiddenPanels.value = new Set(hide)
    if (pinned) lab.selection.pinned.value = pinned
    if (input) lab.selection.input.value = input
    const info = lab.info.peek()
    if (info) lab.selection.fit(info)
    return true
  } catch (problem) {
    if (!(problem instanceof UnreadableError)) throw problem
    lab.notice.value = { kind: 'error', text: problem.message }
    return false
  }
}

/** Goes on with what was kept. Errors: StoreError. */
export async function goOn(lab: Lab, id: string): Promise<boolean> {
  const saved = await load(id)
  if (!saved) return false
  const { spec, session, curves, name } = saved
  if (!(await lab.open(spec, session))) return false
  keptAs.value = name === '' ? id : undefined
  const state = lab.run.peek()
  if (state) {
    restoreCurves(state.curves, curves)
    lab.runs.value = new Map(lab.runs.peek())
  }
  return true
}
