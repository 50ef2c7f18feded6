/** How holders of modules (container.ts, combinators.ts) take them in: as fields, under names that cannot mislead. */
import { fail } from '../errors.ts'
import { Module, Parameter } from './module.ts'

/** Puts `member` on `owner` as a field. Names with a dot, numbers as names, and names that are taken are refused. */
export function adopt(
  owner: Module,
  kind: string,
  name: string,
  member: Module | Parameter,
  what: 'place' | 'name',
): void {
  const refuse = (expected: string, fix: string): never =>
    fail('value-invalid', { what: `${kind}: name`, received: `'${name}'`, expected, fix })
  if (!(member instanceof Module || member instanceof Parameter)) {
    fail('value-invalid', {
      what: `${kind}: ${name}`,
      received: member === null ? 'null' : typeof member,
      expected: kind === 'parameterList' ? 'a parameter' : 'a module',
      fix: 'Make one of a function with nn.lambda(...), of a tensor with new nn.Parameter(...).',
    })
  }
  if (what === 'name') {
    if (name === '' || name.includes('.')) refuse('a name without dots', 'Dots part the names of nested modules.')
    // An object gives such keys back before all others, whatever their order was.
    if (/^\d+$/.test(name)) refuse('a name that is no number', 'Use a list for modules that are named by place.')
    if (name in owner) refuse('a name that is not taken', 'Choose another one.')
  }
  Object.defineProperty(owner, name, { value: member, writable: true, enumerable: true, configurable: true })
}

/** Puts the modules of a list (named by place) or of an object on `owner`; gives their names. */
export function adoptAll<M extends Module | Parameter>(
  owner: Module,
  kind: string,
  given: readonly M[] | Readonly<Record<string, M>>,
): string[] {
  const listed = Array.isArray(given)
  const entries = Object.entries(given as Readonly<Record<string, M>>)
  for (const [name, member] of entries) adopt(owner, kind, name, member, listed ? 'place' : 'name')
  return entries.map(([name]) => name)
}
