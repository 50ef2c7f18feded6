/** Which operations of a step a person walks through, and what each is called. Pure; shown by operations.tsx. */
import type { StepOperation } from '../../worker/protocol.ts'

/** What is given and not computed. */
const given: ReadonlySet<string> = new Set(['data', 'variable', 'constant', 'random'])
/** What changes places of numbers, or nothing. */
const quiet: ReadonlySet<string> = new Set(['movement', 'same'])

export const isGiven = ({ kind }: StepOperation): boolean => given.has(kind)

/** Those that compute; with `all` also those that only move numbers. */
export function walked(operations: readonly StepOperation[], all: boolean): StepOperation[] {
  return operations.filter((each) => !isGiven(each) && (all || !quiet.has(each.kind) || each.name !== ''))
}

const passes = { forward: 'Forward pass', backward: 'Backward pass', update: 'Update' } as const
export type PassName = StepOperation['pass']
export const passName = (pass: PassName): string => passes[pass]

/** What stands for an operation in a line: its name, or what it does where. */
export function called({ id, op, name, path, kind }: StepOperation): string {
  if (name !== '') return name
  if (kind === 'data') return 'data'
  return path === '' ? `${op} (${id})` : `${op} in ${path} (${id})`
}

/** The first input that is no constant and not merely moved: where the numbers come from, for people. */
export function origin(operations: readonly StepOperation[], id: number): StepOperation {
  let at = operations[id]
  while (quiet.has(at.kind) && at.name === '' && at.inputs.length === 1) at = operations[at.inputs[0]]
  return at
}

/** The first of each pass in the list, to jump to. */
export function beginnings(
  list: readonly StepOperation[],
): readonly { readonly pass: PassName; readonly at: number }[] {
  return (['forward', 'backward', 'update'] as const)
    .map((pass) => ({ pass, at: list.findIndex((each) => each.pass === pass) }))
    .filter(({ at }) => at >= 0)
}
