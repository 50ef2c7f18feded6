/**
 * The base of every layer and network: it finds its parameters, knows its name, and tells who is watching.
 *
 * A subclass keeps layers and parameters in fields (also in arrays and plain objects of them) and has a method
 * `forward`. Names follow the fields, as in PyTorch: `conv1.weight`, `blocks.0.attn.weight`. While a module's forward
 * runs, every tensor born in it carries its name. Layers: linear.ts, conv.ts …; files of weights: io/.
 */
import { fail } from '../errors.ts'
import { activeTrace, isInLoopBody } from '../graph/trace.ts'
import { currentScope, currentStep, modulePath, withScope } from '../scope.ts'
import { sameShape } from '../shape.ts'
import { Tensor, Variable } from '../tensor.ts'
import { changedInputs, changedOutput } from './intervene.ts'
import { newMark, turn } from './modes.ts'

/** A variable that training changes. */
export class Parameter extends Variable {
  readonly #mark = newMark()
  #trainable = true

  /** Whether optimizers change it; see `freeze`. */
  get trainable(): boolean {
    return this.#trainable
  }
  set trainable(value: boolean) {
    if (value !== this.#trainable) turn(this.#mark)
    this.#trainable = value
  }
}

/** How a layer can be built again: its kind in the list of io/architecture.ts, and its options. */
export interface LayerConfig {
  readonly kind: string
  readonly [option: string]: unknown
}

/** A module that turns one tensor into one. */
export interface Layer extends Module {
  forward(x: Tensor): Tensor
}

/** A module that turns one tensor into one, or into several results of which `output` is what goes on. */
export interface Stage extends Module {
  forward(x: Tensor): Tensor | { readonly output: Tensor }
}

/** What of a module's results goes on: the tensor itself, or the first of several, `output`. Errors: `value-invalid`. */
export function outputOf(result: unknown): Tensor {
  if (result instanceof Tensor) return result
  const output = (result as { output?: unknown } | null | undefined)?.output
  if (output instanceof Tensor) return output
  return fail('value-invalid', {
    what: 'output of a module',
    received: result === null || typeof result !== 'object' ? String(result) : `{ ${Object.keys(result).join(', ')} }`,
    expected: 'a tensor, or an object with one as `output`',
    fix: 'Return one from forward; in fit, { step: (model, batch) => ({ loss, prediction }) } may take others apart.',
  })
}

/** For modules whose variables have other names in older files: the name here, and the name there. */
const olderNames = new WeakMap<Module, Readonly<Record<string, string>>>()

/** State dicts may call the variables of `module` (names as in its own state dict) as files of old did. */
export function alsoNamed(module: Module, older: Readonly<Record<string, string>>): void {
  olderNames.set(module, { ...olderNames.get(module), ...older })
}

/** The absolute name of every module below the outermost one that runs. */
let running: ReadonlyMap<Module, string> | undefined

/** The module whose forward runs. */
let innermost: Module | undefined

export abstract class Module {
  readonly #mark = newMark()
  #training = true

  constructor() {
    const forward = this.forward
    const named = (...inputs: never[]): unknown => {
      const given = changedInputs(this, inputs)
      showInputs(this, given)
      return runNamed(this, () => changedOutput(this, forward.apply(this, given)))
    }
    Object.defineProperty(this, 'forward', { value: named, writable: true, configurable: true })
  }

  /** The output for given inputs. Must be a method (not a field), which is what gives its tensors their names. */
  abstract forward(...inputs: never[]): unknown

  /** The options that rebuild this layer, where it is one of the library's own. */
  config(): LayerConfig | undefined {
    return undefined
  }

  /** Whether layers that differ between training and use (such as dropout) are in training. */
  get training(): boolean {
    return this.#training
  }

  /** Switches this module and all below it to training, or with false to evaluation. */
  train(training = true): this {
    for (const module of this.namedModules().values()) {
      if (module.#training !== training) turn(module.#mark)
      module.#training = training
    }
    return this
  }

  /** Switches to evaluation: `train(false)`. */
  eval(): this {
    return this.train(false)
  }

  /** Makes optimizers leave the parameters as they are. */
  freeze(): this {
    for (const parameter of this.parameters()) parameter.trainable = false
    return this
  }

  /** Undoes `freeze`. */
  unfreeze(): this {
    for (const parameter of this.parameters()) parameter.trainable = true
    return this
  }

  /** This module (under the name '') and all below it, each once, in the order of fields. */
  namedModules(): Map<string, Module> {
    const found = new Map<string, Module>()
    const seen = new Set<Module>()
    const visit = (module: Module, name: string): void => {
      if (seen.has(module)) return
      seen.add(module)
      found.set(name, module)
      for (const [key, member] of members(module)) if (member instanceof Module) visit(member, join(name, key))
    }
    visit(this, '')
    return found
  }

  /** This module and all below it, each once. */
  modules(): Module[] {
    return [...this.namedModules().values()]
  }

  /** All parameters by name, each once. */
  namedParameters(): Map<string, Parameter> {
    return new Map(
      [...this.namedVariables()].filter((entry): entry is [string, Parameter] => entry[1] instanceof Parameter),
    )
  }

  /** The variables that are kept with the weights but not trained, such as running statistics. */
  namedBuffers(): Map<string, Variable> {
    return new Map([...this.namedVariables()].filter(([, variable]) => !(variable instanceof Parameter)))
  }

  parameters(): Parameter[] {
    return [...this.namedParameters().values()]
  }

  buffers(): Variable[] {
    return [...this.namedBuffers().values()]
  }

  /** Parameters and buffers by name, each once. */
  namedVariables(): Map<string, Variable> {
    const found = new Map<string, Variable>()
    const seen = new Set<Variable>()
    for (const [name, module] of this.namedModules()) {
      for (const [key, member] of members(module)) {
        if (!(member instanceof Variable) || seen.has(member)) continue
        seen.add(member)
        if (member.path === '') setPath(member, join(name, key))
        found.set(join(name, key), member)
      }
    }
    return found
  }

  /** Parameters and buffers by name: the living variables, not copies. */
  stateDict(): Record<string, Variable> {
    return Object.fromEntries(this.namedVariables())
  }

  /**
   * Sets parameters and buffers from tensors of the same names and shapes. Nothing is changed unless everything fits.
   * Of tied weights one name is enough, and all may be there, as in PyTorch's dicts. With `strict: false` missing and
   * unknown names are passed over (wrong shapes never are). `source` is named in errors. Returns the names that were
   * passed over.
   */
  async loadStateDict(
    given: Readonly<Record<string, Tensor>>,
    { strict = true, source = 'The state dict' }: { strict?: boolean; source?: string } = {},
  ): Promise<{ missing: string[]; unexpected: string[] }> {
    const own = this.namedVariables()
    const dict = this.#withNewNames(given, own)
    const missing = [...own.keys()].filter((name) => !Object.hasOwn(dict, name))
    const unexpected = Object.keys(dict).filter((name) => !own.has(name))
    const fitting = [...own].filter(([name]) => Object.hasOwn(dict, name))
    const problems = fitting
      .filter(([name, variable]) => !sameShape(variable.shape, dict[name].shape))
      .map(([name, { shape }]) => `${name}: received [${dict[name].shape.join(', ')}], expected [${shape.join(', ')}]`)
    if (strict) {
      problems.push(...missing.map((name) => `${name}: missing; expected [${own.get(name)?.shape.join(', ')}]`))
      problems.push(...unexpected.map((name) => `${name}: not in the model`))
    }
    if (problems.length > 0) {
      const onlyNames = strict && problems.length === missing.length + unexpected.length
      const fix = onlyNames
        ? 'Build the model with the same layers, or pass { strict: false } to leave these out.'
        : 'Build the model with the sizes it was saved with.'
      fail('weights-mismatch', { file: source, problems, fix })
    }
    const values = await Promise.all(fitting.map(([name]) => dict[name].realized()))
    for (const [i, [, variable]] of fitting.entries()) variable.write(values[i].read())
    return { missing, unexpected }
  }

  /** The dict with the names that variables have here, where it has those of old, or others of tied weights. */
  #withNewNames(
    dict: Readonly<Record<string, Tensor>>,
    own: ReadonlyMap<string, Variable>,
  ): Readonly<Record<string, Tensor>> {
    const renamed = new Map(Object.entries(dict))
    for (const [path, module] of this.namedModules()) {
      for (const [name, older] of Object.entries(olderNames.get(module) ?? {})) {
        const [now, then] = [join(path, name), join(path, older)]
        const tensor = renamed.get(then)
        if (!tensor || renamed.has(now) || own.has(then) || !own.has(now)) continue
        renamed.delete(then)
        renamed.set(now, tensor)
      }
    }
    const strange = [...renamed.keys()].filter((name) => !own.has(name))
    const others = strange.length > 0 ? otherNames(this, own) : new Map<string, string>()
    for (const name of strange) {
      const first = others.get(name)
      const tensor = renamed.get(name)
      if (first === undefined || !tensor) continue
      renamed.delete(name)
      if (!renamed.has(first)) renamed.set(first, tensor)
    }
    return Object.fromEntries(renamed)
  }

  /** The tree of layers with their options, as PyTorch prints it. */
  toString(): string {
    const { kind: _, ...options } = this.config() ?? { kind: '' }
    const head = Object.entries(options)
      .filter(([, value]) => !holdsModules(value))
      .map(([key, value]) => `${key}=${optionText(value)}`)
    const children = [...members(this)].filter((entry): entry is [string, Module] => entry[1] instanceof Module)
    if (children.length === 0) return `${this.constructor.name}(${head.join(', ')})`
    const lines = children.map(([key, child]) => `  (${key}): ${child.toString().replaceAll('\n', '\n  ')}\n`)
    return `${this.constructor.name}(\n${head.length > 0 ? `  ${head.join(', ')}\n` : ''}${lines.join('')})`
  }
}

/** Whether an option is a module, or a list or an object of them, which are printed as children. */
function holdsModules(value: unknown): boolean {
  return value instanceof Module || (isContainer(value) && Object.values(value).some(holdsModules))
}

function optionText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(optionText).join(', ')}]`
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}

/** The further names of variables that are reached in several ways, as tied weights are: to the name that counts. */
function otherNames(root: Module, own: ReadonlyMap<string, Variable>): Map<string, string> {
  const nameOf = new Map([...own].map(([name, variable]) => [variable, name]))
  const found = new Map<string, string>()
  const visit = (module: Module, at: string, around: ReadonlySet<Module>): void => {
    if (around.has(module)) return
    for (const [key, member] of members(module)) {
      const name = join(at, key)
      if (member instanceof Module) visit(member, name, new Set([...around, module]))
      else if (!own.has(name)) found.set(name, nameOf.get(member) as string)
    }
  }
  visit(root, '', new Set())
  return found
}

function join(parent: string, name: string): string {
  return parent === '' ? name : name === '' ? parent : `${parent}.${name}`
}

/** Variables and modules in the fields of `owner`, also inside arrays and plain objects, by dotted name. */
function* members(owner: object, prefix = '', seen = new Set<object>()): Generator<[name: string, Variable | Module]> {
  for (const [key, value] of Object.entries(owner)) {
    if (value instanceof Variable || value instanceof Module) yield [prefix + key, value]
    else if (isContainer(value) && !seen.has(value)) {
      seen.add(value)
      yield* members(value, `${prefix}${key}.`, seen)
    }
  }
}

function isContainer(value: unknown): value is object {
  // An array of numbers or texts holds no modules; it may be long, and this runs at every trace.
  if (Array.isArray(value)) return typeof value[0] === 'object'
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function setPath(variable: Variable, path: string): void {
  ;(variable as { path: string }).path = path
}

/** Runs `body` under the module's name, and shows its output to who is watching. */
function runNamed(module: Module, body: () => unknown): unknown {
  const before = { running, innermost }
  if (!running?.has(module)) running = nameAll(module, modulePath())
  const path = running.get(module) as string
  const step = currentStep()
  try {
    innermost = module
    const output = withScope({ path: join(path, step), pass: currentScope().pass }, body)
    const trace = activeTrace()
    if (trace && trace.watchers.length > 0) {
      for (const [key, tensor] of tensorsIn(output)) {
        for (const watch of trace.watchers)
          watch(join(join(path, key), step), tensor, { module, key, step, tap: false })
      }
    }
    return output
  } finally {
    running = before.running
    innermost = before.innermost
  }
}

/**
 * `x` itself, under a name within the module that runs: `capture` and `record` show it as `<module>.<name>`, with its
 * gradient. In the body of a `scan` it stands for all steps, stacked; in a loop that is written out (`unrolled`) each
 * step has its own, `<module>.<name>.t<step>`. Where nobody watches it costs nothing.
 *
 * ```ts
 * forward(x: Tensor): Tensor {
 *   const scores = tap('scores', this.query.forward(x).matmul(this.key.forward(x).transpose()))
 *   return scores.softmax()
 * }
 * ```
 */
export function tap(name: string, x: Tensor): Tensor {
  const trace = activeTrace()
  if (!trace || trace.watchers.length === 0) return x
  const step = currentStep()
  const path = join(join(modulePath(), name), step)
  for (const watch of trace.watchers) watch(path, x, { module: innermost, key: name, step, tap: true })
  return x
}

/** Shows what a module is given to who is watching. */
function showInputs(module: Module, inputs: readonly unknown[]): void {
  const watchers = activeTrace()?.inputWatchers ?? []
  if (watchers.length === 0 || isInLoopBody()) return
  const given = [...tensorsIn(inputs)].map(([key, tensor]) => ({ key, tensor: tensor.current() }))
  for (const watch of watchers) watch(module, given)
}

/** The names of a module and all below it, when the module itself is called `base`. */
function nameAll(root: Module, base: string): Map<Module, string> {
  for (const [name, variable] of root.namedVariables()) setPath(variable, join(base, name))
  return new Map([...root.namedModules()].map(([name, module]) => [module, join(base, name)]))
}

/** The tensors in what a module gave back: itself, or those in arrays and plain objects. */
function* tensorsIn(output: unknown, place = ''): Generator<[key: string, Tensor]> {
  if (output instanceof Tensor) yield [place, output]
  else if (isContainer(output))
    for (const [key, value] of Object.entries(output)) yield* tensorsIn(value, join(place, key))
}
