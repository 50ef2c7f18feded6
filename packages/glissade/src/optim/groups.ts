/**
 * Parameter groups: which parameters have options of their own, such as another learning rate, or no weight decay.
 *
 * `optim.adamW({ lr: 1e-3, groups: [optim.noDecay(), { parameters: /^head\./, lr: 1e-2 }] })`. What is done with them:
 * optimizer.ts.
 */
import { fail } from '../errors.ts'
import { Module, Parameter } from '../nn/module.ts'
import type { Recipe } from './recipe.ts'
import type { SharedOptions } from './rule.ts'
import { parametersOf } from './state.ts'

/** What an optimizer works on: a model, or parameters (whose names are then their places in the list). */
export type Trainable = Module | readonly Parameter[]

/** Whether a parameter belongs to the group. `owner` is the module that holds it, where a model was given. */
export type Predicate = (name: string, parameter: Parameter, owner: Module | undefined) => boolean

/** Which parameters: by a pattern in their names, by names or by themselves, all of a module, or by a rule. */
export type Selection = RegExp | readonly (string | Parameter)[] | Module | Predicate

export type ParameterGroup<O> = {
  readonly parameters: Selection
  /** Another optimizer for them, such as optim.adamW({ lr: 3e-4 }), with its own options and learning rate. */
  readonly by?: Recipe
  /** Multiplies the learning rate, whether the group's own or the optimizer's. Default 1. */
  readonly lrScale?: number
} & Partial<Omit<O, keyof SharedOptions<unknown>>>

/**
 * The group of what is best left without weight decay: norms, biases, and all else that is no matrix.
 *
 * Without a model these are, in whatever the optimizer is bound to, the parameters of at most one axis, those called
 * bias, and those of modules whose kind ends in norm. With one, the same of this model only.
 */
export function noDecay(model?: Module): { readonly parameters: Selection; readonly weightDecay: 0 } {
  if (!model) return { parameters: decaysBadly, weightDecay: 0 }
  const owners = ownersOf(model)
  const found = [...model.namedParameters()].filter(([name, parameter]) =>
    decaysBadly(name, parameter, owners.get(parameter)),
  )
  return { parameters: found.map(([, parameter]) => parameter), weightDecay: 0 }
}

const decaysBadly: Predicate = (name, parameter, owner) => {
  const last = name.slice(name.lastIndexOf('.') + 1)
  return parameter.rank <= 1 || /(^|_)bias(_|$)/.test(last) || isNorm(owner)
}

function isNorm(owner: Module | undefined): boolean {
  return owner !== undefined && /norm(\dd)?$/i.test(owner.config()?.kind ?? owner.constructor.name)
}

/** For each group the parameters that belong to it, the rest last. Errors: value-invalid for a group of none. */
export function assignGroups(
  name: string,
  target: Trainable,
  selections: readonly Selection[],
): { parameters: ReadonlyMap<string, Parameter>; groupOf: Map<Parameter, number> } {
  const parameters = parametersOf(target)
  const owners = target instanceof Module ? ownersOf(target) : new Map<Parameter, Module>()
  const predicates = selections.map((selection) => predicateOf(name, selection, parameters))
  const groupOf = new Map<Parameter, number>()
  const wanted = predicates.map(() => false)
  for (const [at, parameter] of parameters) {
    predicates.forEach((belongs, i) => {
      if (!belongs(at, parameter, owners.get(parameter))) return
      wanted[i] = true
      if (!groupOf.has(parameter)) groupOf.set(parameter, i)
    })
    if (!groupOf.has(parameter)) groupOf.set(parameter, selections.length)
  }
  wanted.forEach((any, i) => {
    if (any || isEmptyList(selections[i])) return
    fail('value-invalid', {
      what: `${name}: groups[${i}].parameters`,
      received: selections[i] instanceof RegExp ? String(selections[i]) : 'a selection to which none belongs',
      expected: `at least one of ${listed([...parameters.keys()])}`,
      fix: 'Check the names; model.namedParameters() lists them.',
    })
  })
  return { parameters, groupOf }
}

/** A list may come out empty of a computation, and then means what it says. */
const isEmptyList = (selection: Selection): boolean => Array.isArray(selection) && selection.length === 0

const listed = (names: readonly string[]): string =>
  names.slice(0, 12).join(', ') + (names.length > 12 ? `, … (${names.length} in all)` : '')

function ownersOf(model: Module): Map<Parameter, Module> {
  const owners = new Map<Parameter, Module>()
  // Inner modules come after outer ones, and hold the parameter more closely.
  for (const module of model.namedModules().values()) {
    for (const parameter of module.parameters()) owners.set(parameter, module)
  }
  return owners
}

function predicateOf(name: string, selection: Selection, known: ReadonlyMap<string, Parameter>): Predicate {
  if (typeof selection === 'function') return selection
  // A pattern with the flag g remembers where it stopped; search() does not.
  if (selection instanceof RegExp) return (at) => at.search(selection) >= 0
  if (selection instanceof Module) {
    const inside = new Set(selection.parameters())
    return (_, parameter) => inside.has(parameter)
  }
  if (!Array.isArray(selection)) {
    return fail('value-invalid', {
      what: `${name}: groups: parameters`,
      received: selection === null ? 'null' : typeof selection,
      expected: 'a pattern, a list of names or parameters, a module, or a function (name, parameter) => boolean',
      fix: 'Say which parameters the group is for.',
    })
  }
  for (const each of selection) {
    if (each instanceof Parameter || known.has(each)) continue
    fail('module-name', { name: String(each), known: [...known.keys()] })
  }
  const members = new Set<string | Parameter>(selection)
  return (at, parameter) => members.has(at) || members.has(parameter)
}
