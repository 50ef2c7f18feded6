/** What the doctor says; measured once for each state of a run, and every two seconds at most while it trains. */
import type { Live } from '../desk.ts'
import { examine } from '../doctor.ts'
import type { Diagnosis } from '../protocol.ts'
import { vitalsOf } from '../vitals.ts'
import type { Answerer } from './index.ts'

const every = 2000
const last = new WeakMap<Live, { readonly version: number; readonly at: number; readonly diagnosis: Diagnosis }>()

export const doctor: Answerer<'doctor'> = async (live) => {
  const known = last.get(live)
  const now = performance.now()
  if (known && (known.version === live.version || (live.running && now - known.at < every))) return known.diagnosis
  const diagnosis = examine(await vitalsOf(live))
  last.set(live, { version: live.version, at: now, diagnosis })
  return diagnosis
}
