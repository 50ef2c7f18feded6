/**
 * Networks as data: a description that goes into a file, and the network built from it.
 *
 * A description is a layer's `kind` and options, with the modules inside it described in the same way. The list of
 * kinds is closed (architecture-kinds.ts) and every option is checked, so a file can build a network and nothing else.
 * What is not on the list (classes of the user's own, functions) has no description; its weights can still be saved
 * and loaded into a model built in code.
 */
import { fail, GlissadeError } from '../errors.ts'
import * as nn from '../nn/index.ts'
import { type Layer, type LayerConfig, Module } from '../nn/module.ts'
import { dirtyVariables } from '../tensor.ts'
import { kinds, parametrizations } from './architecture-kinds.ts'
import { type Option, whole } from './architecture-options.ts'

/** A layer's kind and options; modules inside it stand there as descriptions of their own. */
export type ModelDescription = LayerConfig

/** The library's own classes. */
const classes: ReadonlySet<unknown> = new Set(Object.values(nn))

/** Thrown inside describeModel when a part has no description. */
const undescribable = Symbol('undescribable')

/** The description of a model made of the library's layers, or undefined where a part is not on the list. */
export function describeModel(model: Module): ModelDescription | undefined {
  try {
    return describe(model)
  } catch (problem) {
    if (problem === undescribable) return undefined
    throw problem
  }
}

function describe(module: Module): ModelDescription {
  const config = module.config()
  // A class of the user's own may inherit a config and do something else.
  const own = !classes.has(module.constructor)
  if (own || !config || !Object.hasOwn(kinds, config.kind)) throw undescribable
  return asData(config) as ModelDescription
}

/** The value with modules described, options that are not set left out, and infinite numbers as text. */
function asData(value: unknown): unknown {
  if (value instanceof Module) return describe(value)
  if (Array.isArray(value)) return value.map(asData)
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  return Object.fromEntries(entries.map(([name, each]) => [name, asData(each)]))
}

/** The deepest nesting of modules that is built, and the most modules of a description, also those it only counts. */
const deepest = 32
const mostModules = 16_384
/** The most parametrizations of one layer. */
const mostParametrizations = 64

const infinite: Readonly<Record<string, number>> = {
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Builds the network of a description, with fresh parameters. `file` is named in errors. Errors: `file-format`.
 *
 * What comes back is taken for a Layer; say `buildModel<nn.LSTM>(…)` for a model that gives more than a tensor.
 */
export function buildModel<M extends Module = Layer>(description: unknown, file = 'The description'): M {
  let built = 0
  const model = build(description, 'model', 0)
  // Fresh parameters, also those that a model gave other values than its layers do, are computed when they are needed:
  // the sizes of a file that does not fit its weights must not be allocated.
  for (const variable of model.namedVariables().values()) dirtyVariables.delete(variable)
  return model as M

  function wrong(where: string, received: unknown, expected: string, cause?: unknown): never {
    const fix = 'The file was made by another version or is damaged; build the model in code and load its weights.'
    const text = JSON.stringify(received) ?? String(received)
    const short = text.length > 200 ? `${text.slice(0, 200)}…` : text
    return fail('file-format', { file, what: `architecture: ${where}`, received: short, expected, fix }, cause)
  }

  function count(more: number, where: string): void {
    built += more
    if (built > mostModules) wrong(where, '…', `at most ${mostModules} modules in all`)
  }

  /** Runs a maker, whose own refusals become those of the file. */
  function made<T>(where: string, received: unknown, make: () => T): T {
    try {
      return make()
    } catch (problem) {
      if (!(problem instanceof GlissadeError) || problem.code === 'file-format') throw problem
      return wrong(where, received, `options that fit together (${problem.message})`, problem)
    }
  }

  function build(part: unknown, where: string, depth: number): Module {
    if (depth > deepest) wrong(where, '…', `modules nested at most ${deepest} deep`)
    count(1, where)
    if (!isObject(part)) return wrong(where, part, 'a layer')
    const { kind, parametrizations: wraps, ...given } = part
    if (typeof kind !== 'string' || !Object.hasOwn(kinds, kind))
      return wrong(where, kind, `one of ${Object.keys(kinds).join(', ')}`)
    const { args, options = {}, least = Object.keys(args).length, make } = kinds[kind]
    const values = read(given, { ...args, ...options }, kind, where, depth)
    const names = Object.keys(args)
    const missing = names.slice(0, least).find((name) => !Object.hasOwn(values, name))
    if (missing !== undefined) wrong(where, part, `${missing} of ${kind}`)
    const list = names.map((name) => values[name])
    if (kinds[kind].options) list.push(pick(values, Object.keys(options)))
    const layer = made(where, part, () => make(...(list as never[])))
    return wraps === undefined ? layer : wrap(layer, wraps, where)
  }

  /** The given options as values, each checked. */
  function read(
    given: Readonly<Record<string, unknown>>,
    known: Readonly<Record<string, Option>>,
    kind: string,
    where: string,
    depth: number,
  ): Record<string, unknown> {
    const entries = Object.entries(given).filter(([, value]) => value !== undefined)
    return Object.fromEntries(
      entries.map(([name, value]) => {
        if (!Object.hasOwn(known, name)) return wrong(where, { [name]: value }, `an option that ${kind} takes`)
        const option = known[name]
        if (typeof option === 'function') {
          return option(value) ? [name, value] : wrong(where, { [name]: value }, `a value that ${kind} takes`)
        }
        return [name, readNested(option.nested, value, `${where}.${name}`, depth)]
      }),
    )
  }

  function readNested(form: string, value: unknown, where: string, depth: number): unknown {
    if (form === 'number') {
      if (typeof value === 'string' && Object.hasOwn(infinite, value)) return infinite[value]
      return typeof value === 'number' ? value : wrong(where, value, 'a number')
    }
    if (form === 'parts') {
      if (!whole(value)) return wrong(where, value, 'a number of layers')
      count(value as number, where)
      return value
    }
    if (form === 'module') return build(value, where, depth + 1)
    if (Array.isArray(value) && (form === 'list' || form === 'modules'))
      return value.map((each, i) => build(each, `${where}.${i}`, depth + 1))
    const named = isObject(value) ? Object.entries(value) : []
    if (isObject(value) && (form === 'names' || (form === 'modules' && named.length > 0)))
      return Object.fromEntries(named.map(([name, each]) => [name, build(each, `${where}.${name}`, depth + 1)]))
    return wrong(where, value, form === 'names' ? 'modules by name' : 'a list of modules')
  }

  function wrap(layer: Module, wraps: unknown, where: string): Module {
    if (!Array.isArray(wraps) || wraps.length > mostParametrizations)
      return wrong(where, wraps, 'a list of parametrizations')
    for (const each of wraps) {
      const known = isObject(each) && typeof each.kind === 'string' && Object.hasOwn(parametrizations, each.kind)
      if (!known) return wrong(where, each, `one of ${Object.keys(parametrizations).join(', ')}`)
      const { kind, ...given } = each as { kind: string }
      const options = read(given, parametrizations[kind].options, kind, where, 0)
      made(where, each, () => parametrizations[kind].wrap(layer, options))
    }
    return layer
  }
}

const pick = (values: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)))
