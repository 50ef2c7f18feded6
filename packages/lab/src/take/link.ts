/**
 * The address that restores a session: `#/studio?v=1&…`. It stands after the hash, so it never leaves the browser.
 *
 * Simple networks are written in words (knobs.ts); everything else as packed JSON under `z`. On request `w` has the
 * weights with all that training goes on from, `pin` and `input` say what was looked at, and `hide` which panels are
 * not shown (for those who teach). Nothing of a link is believed: sizes have bounds, and a spec passes spec/check.ts or
 * is refused in words.
 */
import { checkSpec } from '../spec/check.ts'
import type { LabSpec } from '../spec/spec.ts'
import type { Chosen } from '../state/selection.ts'
import type { SampleRef } from '../worker/protocol.ts'
import { fromKnobs, knobs, toKnobs } from './knobs.ts'
import { fromLetters, pack, toLetters, UnreadableError, unpack } from './text.ts'

export interface Linked {
  readonly spec: LabSpec
  /** Weights, step and moments, as the worker exports a session. */
  readonly session?: Uint8Array
  readonly pinned?: Chosen
  readonly input?: SampleRef
  /** Titles of panels. */
  readonly hide?: readonly string[]
}

const version = '1'
/** Browsers take addresses of two million letters; what opens links often takes fewer. */
export const longest = 2_000_000
/** Bytes of an unpacked spec, and of unpacked weights. */
const mostSpec = 8_000_000
const mostSession = 100_000_000

/** The address after the hash. */
export function linkOf({ spec, session, pinned, input, hide = [] }: Linked): string {
  const said = toKnobs(spec)
  const query = new URLSearchParams({ v: version })
  if (said) for (const [knob, value] of said) query.set(knob, value)
  else query.set('z', toLetters(pack(new TextEncoder().encode(JSON.stringify(spec)))))
  if (pinned) query.set('pin', pinText(pinned))
  if (input && (input.part !== 'train' || input.index !== 0)) query.set('input', `${input.part}:${input.index}`)
  if (hide.length > 0) query.set('hide', hide.join(','))
  if (session) query.set('w', toLetters(pack(session)))
  // Commas and colons may stand in an address as they are, and are easier to read.
  return `#/studio?${query.toString().replaceAll('%2C', ',').replaceAll('%3A', ':')}`
}

/** What stands after the `?` of an address. Errors: UnreadableError. */
export function readLink(state: string): Linked {
  try {
    return read(state)
  } catch (problem) {
    if (!(problem instanceof UnreadableError)) throw problem
    throw new UnreadableError(
      `This link cannot be opened. ${problem.message} Ask for it again, or begin with a preset.`,
    )
  }
}

function read(state: string): Linked {
  if (state.length > longest) throw new UnreadableError(`It has ${state.length} letters; at most ${longest} are read.`)
  const query = new URLSearchParams(state)
  const given = query.get('v')
  if (given !== version)
    throw new UnreadableError(
      given === null
        ? 'It does not say its version.'
        : `It is of version ${given.slice(0, 20)}; this lab reads version ${version}.`,
    )
  const unknown = [...query.keys()].find(
    (name) => !['v', 'z', 'w', 'pin', 'input', 'hide'].includes(name) && !(knobs as readonly string[]).includes(name),
  )
  if (unknown !== undefined) throw new UnreadableError(`It says "${unknown.slice(0, 40)}", which is not known here.`)
  const packed = query.get('z')
  const checked = checkSpec(packed === null ? fromKnobs(new Map(query)) : parsed(unpack(fromLetters(packed), mostSpec)))
  if (checked.problem !== undefined) throw new UnreadableError(checked.problem)
  const weights = query.get('w')
  const pinned = pinOf(query.get('pin'))
  const input = inputOf(query.get('input'))
  const hide = (query.get('hide') ?? '').split(',').filter((title) => title !== '' && title.length < 80)
  return {
    spec: checked.value,
    ...(weights !== null && { session: unpack(fromLetters(weights), mostSession) }),
    ...(pinned && { pinned }),
    ...(input && { input }),
    ...(hide.length > 0 && { hide }),
  }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new UnreadableError('What it holds is no JSON.')
  }
}

// ---- what was looked at: `unit:layers.0:2`, `weight:0.weight:5`, `module:1`, `train:12` ----

const pinText = (chosen: Chosen): string =>
  chosen.kind === 'module'
    ? `module:${chosen.module}`
    : chosen.kind === 'unit'
      ? `unit:${chosen.module}:${chosen.unit}`
      : `weight:${chosen.name}:${chosen.element}`

function pinOf(text: string | null): Chosen | undefined {
  const [kind, name, place] = text?.split(':') ?? []
  const at = Number(place)
  if (name === undefined || name.length > 200) return undefined
  if (kind === 'module') return { kind, module: name }
  if (!Number.isSafeInteger(at) || at < 0) return undefined
  return kind === 'unit'
    ? { kind, module: name, unit: at }
    : kind === 'weight'
      ? { kind, name, element: at }
      : undefined
}

function inputOf(text: string | null): SampleRef | undefined {
  const [part, place] = text?.split(':') ?? []
  const index = Number(place)
  if (!(Number.isSafeInteger(index) && index >= 0)) return undefined
  return part === 'train' || part === 'test' ? { part, index } : undefined
}
