/**
 * Modules that hold others: in a row (Sequential), in a list or under names (ModuleList, ModuleDict, ParameterList),
 * and the two that stand in for one (Lambda, Identity). Branches that meet again: combinators.ts.
 */
import { fail } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import { adopt, adoptAll } from './adopt.ts'
import { type Layer, type LayerConfig, Module, outputOf, Parameter, type Stage } from './module.ts'

/** Modules in a row, or an object of them, whose keys are then their names. */
export type Stages = readonly Stage[] | Readonly<Record<string, Stage>>

const memberOf = (owner: Module, name: string): unknown => (owner as unknown as Record<string, unknown>)[name]

/**
 * Layers one after the other, or a list of them, named by their place (`0.weight`, `2.bias`) or, from an object, by
 * its keys (`conv1.weight`), as in PyTorch. Of a layer with several results `{ output, … }` the next gets `output`.
 */
export class Sequential extends Module {
  /** Taken for layers of one result, which most are; cast one that has several. */
  readonly [place: number]: Layer
  readonly #names: string[]
  readonly #named: boolean

  constructor(...layers: Stage[] | [Stages]) {
    super()
    const [first] = layers
    const alone = layers.length === 1 && typeof first === 'object' && first !== null && !(first instanceof Module)
    const given = alone ? (first as Stages) : (layers as Stage[])
    this.#names = adoptAll(this, 'sequential', given)
    this.#named = !Array.isArray(given) && this.#names.length > 0
  }

  forward(x: Tensor): Tensor {
    return this.layers.reduce((value, layer: Stage) => outputOf(layer.forward(value)), x)
  }

  get length(): number {
    return this.#names.length
  }
  get layers(): Layer[] {
    return this.#names.map((name) => memberOf(this, name) as Layer)
  }
  /** The layer's names, in order. */
  get names(): readonly string[] {
    return this.#names
  }
  /** The layer at a place, from the end for a negative one, or of a name. */
  at(place: number | string): Layer | undefined {
    return typeof place === 'number' ? this.layers.at(place) : this.layers[this.#names.indexOf(place)]
  }
  /** Adds a layer at the end, named by its place. Not for layers under names. */
  append(layer: Stage): this {
    const name = String(this.length)
    adopt(this, 'sequential', name, layer, this.#named ? 'name' : 'place')
    this.#names.push(name)
    return this
  }
  /** Puts a layer in the place of another, such as a new head. Errors: `module-name`. */
  set(place: number | string, layer: Stage): this {
    const name = typeof place === 'number' ? this.#names.at(place) : place
    if (name === undefined || !this.#names.includes(name)) {
      return fail('module-name', { name: String(place), known: this.#names })
    }
    adopt(this, 'sequential', name, layer, 'place')
    return this
  }
  [Symbol.iterator](): Iterator<Layer> {
    return this.layers[Symbol.iterator]()
  }

  override config(): LayerConfig {
    const { layers } = this
    return {
      kind: 'sequential',
      layers: this.#named ? Object.fromEntries(this.#names.map((name, i) => [name, layers[i]])) : layers,
    }
  }
}

/** The error of holders that are no layers themselves. */
function noForward(kind: string): never {
  return fail('value-invalid', {
    what: kind,
    received: 'a call of forward',
    expected: 'calls of what it holds',
    fix: 'Call its members in the forward of the module that has it, or use sequential.',
  })
}

/** A list of modules, named by place, for a forward of one's own: `blocks.0.weight`. It has no forward itself. */
export class ModuleList<M extends Module = Module> extends Module {
  readonly [place: number]: M
  #length: number

  constructor(modules: readonly M[] = []) {
    super()
    this.#length = adoptAll(this, 'moduleList', modules).length
  }

  forward(): never {
    return noForward('moduleList')
  }

  get length(): number {
    return this.#length
  }
  /** The module at a place, from the end for a negative one. */
  at(place: number): M | undefined {
    return [...this].at(place)
  }
  /** Adds a module at the end. */
  append(module: M): this {
    adopt(this, 'moduleList', String(this.#length), module, 'place')
    this.#length++
    return this
  }
  map<T>(change: (module: M, place: number) => T): T[] {
    return [...this].map(change)
  }
  *[Symbol.iterator](): Generator<M> {
    for (let place = 0; place < this.#length; place++) yield this[place]
  }

  override config(): LayerConfig {
    return { kind: 'moduleList', modules: [...this] }
  }
}

/** Modules under names, for a forward of one's own: `heads.start.weight`. It has no forward itself. */
export class ModuleDict<M extends Module = Module> extends Module {
  readonly #names: string[]

  constructor(modules: Readonly<Record<string, M>> = {}) {
    super()
    this.#names = adoptAll(this, 'moduleDict', modules)
  }

  forward(): never {
    return noForward('moduleDict')
  }

  get size(): number {
    return this.#names.length
  }
  has(name: string): boolean {
    return this.#names.includes(name)
  }
  /** The module of that name. Errors: `module-name`. */
  get(name: string): M {
    return this.has(name) ? (memberOf(this, name) as M) : fail('module-name', { name, known: this.#names })
  }
  /** Adds a module, or puts it in the place of the one of that name. */
  set(name: string, module: M): this {
    if (this.has(name)) adopt(this, 'moduleDict', name, module, 'place')
    else {
      adopt(this, 'moduleDict', name, module, 'name')
      this.#names.push(name)
    }
    return this
  }
  keys(): string[] {
    return [...this.#names]
  }
  values(): M[] {
    return this.#names.map((name) => this.get(name))
  }
  entries(): [name: string, module: M][] {
    return this.#names.map((name) => [name, this.get(name)])
  }
  [Symbol.iterator](): Iterator<[name: string, module: M]> {
    return this.entries()[Symbol.iterator]()
  }

  override config(): LayerConfig {
    return { kind: 'moduleDict', modules: Object.fromEntries(this.entries()) }
  }
}

/** A list of parameters, named by place. Tensors among them become parameters. It has no forward. */
export class ParameterList extends Module {
  readonly [place: number]: Parameter
  #length = 0

  constructor(parameters: readonly Tensor[] = []) {
    super()
    for (const parameter of parameters) this.append(parameter)
  }

  forward(): never {
    return noForward('parameterList')
  }

  get length(): number {
    return this.#length
  }
  /** The parameter at a place, from the end for a negative one. */
  at(place: number): Parameter | undefined {
    return [...this].at(place)
  }
  /** Adds a parameter at the end. */
  append(value: Tensor): this {
    const parameter = value instanceof Parameter ? value : new Parameter(value)
    adopt(this, 'parameterList', String(this.#length), parameter, 'place')
    this.#length++
    return this
  }
  *[Symbol.iterator](): Generator<Parameter> {
    for (let place = 0; place < this.#length; place++) yield this[place]
  }
}

/** A function as a layer. It cannot be rebuilt from a file, and does not find the parameters of modules it uses. */
export class Lambda extends Module {
  readonly #body: (x: Tensor) => Tensor
  constructor(body: (x: Tensor) => Tensor) {
    super()
    if (typeof body !== 'function') {
      fail('value-invalid', {
        what: 'lambda',
        received: (body as unknown) instanceof Module ? 'a module' : typeof body,
        expected: 'a function of a tensor',
        fix: 'Pass (x) => …; a module is a layer as it is.',
      })
    }
    this.#body = body
  }
  forward(x: Tensor): Tensor {
    return this.#body(x)
  }
}

/** What comes in. */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x
  }
  override config(): LayerConfig {
    return { kind: 'identity' }
  }
}

export const sequential = (...layers: Stage[] | [Stages]): Sequential => new Sequential(...layers)
export const moduleList = <M extends Module>(modules?: readonly M[]): ModuleList<M> => new ModuleList(modules)
export const moduleDict = <M extends Module>(modules?: Readonly<Record<string, M>>): ModuleDict<M> =>
  new ModuleDict(modules)
export const parameterList = (parameters?: readonly Tensor[]): ParameterList => new ParameterList(parameters)
export const lambda = (body: (x: Tensor) => Tensor): Lambda => new Lambda(body)
export const identity = (): Identity => new Identity()
