/**
 * Files that were made elsewhere: sessions of the lab, model files of the library, and weights alone for the network
 * that is open. Everything in them is checked before anything that is open is given up.
 */
import { checkModel, checkSpec } from '../spec/check.ts'
import type { LabSpec } from '../spec/spec.ts'
import { RefusedError } from '../state/client.ts'
import type { Lab } from '../state/lab.ts'
import { keptAs } from './keeper.ts'
import { canonical } from './knobs.ts'
import { specFor } from './matching.ts'

/** Beyond it a browser's page should not try. */
const largest = 200_000_000

export const isModelFile = ({ name }: { readonly name: string }): boolean => /\.(safetensors|glissade)$/i.test(name)

/** Opens a file; what does not fit is said, and nothing is lost. */
export async function openFile(lab: Lab, file: File): Promise<boolean> {
  if (file.size > largest)
    return refuse(
      lab,
      `${file.name} has ${Math.round(file.size / 1e6)} MB; the page opens at most ${largest / 1e6} MB.`,
    )
  return openModel(lab, file.name, new Uint8Array(await file.arrayBuffer()))
}

/** `described`: another file with the architecture, for bytes that hold weights alone. */
export async function openModel(lab: Lab, name: string, bytes: Uint8Array, described?: Uint8Array): Promise<boolean> {
  try {
    const file = await lab.client.order('inspect', { bytes, name })
    const { model = file.model } = described ? await lab.client.order('inspect', { bytes: described, name }) : file
    const found = file.spec === undefined ? await specOf(lab, name, model) : checkSpec(file.spec)
    if (found.problem !== undefined) return refuse(lab, `${name} cannot be opened. ${found.problem}`)
    if (!(await lab.open(found.value, file.weights))) return false
    keptAs.value = undefined
    return true
  } catch (problem) {
    if (!(problem instanceof RefusedError)) throw problem
    return refuse(lab, problem.message)
  }
}

/** What is to be set up for a model, or for weights alone. */
async function specOf(
  lab: Lab,
  name: string,
  model: unknown,
): Promise<{ readonly value: LabSpec; readonly problem?: undefined } | { readonly problem: string }> {
  const open = lab.spec.peek()
  if (model === undefined)
    return open
      ? { value: open }
      : { problem: `It holds weights alone. Set up the network that they belong to, then open ${name} again.` }
  const checked = checkModel(model)
  if (checked.problem !== undefined) return checked
  if (open && canonical(open.model) === canonical(checked.value)) return { value: open }
  const value = await specFor(checked.value, (data) => lab.client.order('describe', { data }))
  return value
    ? { value }
    : {
        problem:
          'No data of the lab fit its inputs and outputs. Set up your own data and this network in the studio, then open it again.',
      }
}

function refuse(lab: Lab, text: string): false {
  lab.notice.value = { kind: 'error', text }
  return false
}
