/**
 * Keras models as modules: Sequential and Functional models of a closed list of layers, with Keras's own numbers.
 *
 * Data keeps Keras's layout (channels last) from the inputs to the outputs; weights keep Keras's names and layouts.
 * Nothing of a file is executed: layers that carry code (Lambda) or are not on the list are refused by name.
 */
import { fail, GlissadeError } from '../../errors.ts'
import { Module, Parameter } from '../../nn/module.ts'
import { withPath } from '../../scope.ts'
import { sizeOf } from '../../shape.ts'
import { type Tensor, Variable } from '../../tensor.ts'
import { shorten, type Wrong } from '../source.ts'
import { activationOf } from './activations.ts'
import { Config, field, isObject, type Json, type JsonObject } from './config.ts'
import type { Flow, LayerKind, WeightSpec, Weights } from './layer.ts'
import { plainLayers } from './layers-plain.ts'
import { recurrentLayers } from './layers-recurrent.ts'
import { spaceLayers } from './layers-space.ts'
import type { Trail, WeightSource } from './weights.ts'

/** All layers that are read, beside models inside models, inputs and TimeDistributed. */
export const kinds: Readonly<Record<string, LayerKind>> = { ...plainLayers, ...spaceLayers, ...recurrentLayers }

const models = ['Sequential', 'Functional', 'Model']
const [mostLayers, deepest] = [5000, 16]
/** A tensor of more elements is the work of a damaged file. */
const largest = 2 ** 32

/** A layer or a model, ready to be called. */
interface Part {
  readonly inputs: number
  call(inputs: readonly Flow[], training: boolean): readonly Flow[]
}

/** Keras's snake case: Conv2D is conv2d, MaxPooling2D is max_pooling2d. */
function snakeCase(name: string): string {
  return name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
}

/** Builds the parts of a model, and collects its variables by name. */
export class Builder {
  readonly variables = new Map<string, Variable>()
  readonly #source: WeightSource
  readonly #version: number
  readonly #wrong: Wrong
  readonly #known = new Map<string, Part>()
  #layers = 0

  constructor(source: WeightSource, version: number, wrong: Wrong) {
    this.#source = source
    this.#version = version
    this.#wrong = wrong
  }

  model(kind: string, raw: JsonObject, trail: Trail, trainable = true): Part {
    if (trail.names.length > deepest) this.#wrong('model', `models ${trail.names.length} deep`, `at most ${deepest}`)
    const config = new Config(kind, raw, this.#version, this.#wrong)
    // Before Keras 2.2 a Sequential's options were the list of its layers.
    const layers = Array.isArray(raw) ? raw : field(raw, 'layers')
    if (!Array.isArray(layers)) return config.fail('layers', layers, 'a list of layers')
    this.#layers += layers.length
    if (this.#layers > mostLayers) config.fail('layers', this.#layers, `at most ${mostLayers}`)
    const trains = trainable && field(raw, 'trainable') !== false
    return kind === 'Sequential'
      ? this.#sequential(layers as readonly Json[], trail, trains, config)
      : this.#functional(layers as readonly Json[], trail, trains, config)
  }

  /** The layers of a model, each with its place in files of Keras 3. */
  #parts(
    layers: readonly Json[],
    trail: Trail,
    trainable: boolean,
    config: Config,
  ): { name: string; layer: JsonObject; part: Part | undefined }[] {
    const used = new Map<string, number>()
    return layers.map((layer) => {
      const [kind, raw] = [field(layer, 'class_name'), field(layer, 'config')]
      if (!isObject(layer) || typeof kind !== 'string' || !isObject(raw))
        return config.fail('layers', JSON.stringify(layer)?.slice(0, 60), 'layers with class_name and config')
      const snake = snakeCase(kind)
      const count = used.get(snake) ?? 0
      used.set(snake, count + 1)
      const place = `${trail.place === '' ? '' : `${trail.place}/`}layers/${snake}${count === 0 ? '' : `_${count}`}`
      const name = field(raw, 'name') ?? field(layer, 'name')
      const own = typeof name === 'string' ? name : place
      if (kind === 'InputLayer') return { name: own, layer, part: undefined }
      return { name: own, layer, part: this.#part(kind, raw, { names: [...trail.names, own], place }, trainable) }
    })
  }

  #part(kind: string, raw: JsonObject, trail: Trail, trainable: boolean): Part {
    // A layer of several models has its weights at the first place only.
    const key = JSON.stringify([kind, raw], (name, value) => (name === 'shared_object_id' ? undefined : value))
    const shared = this.#known.get(key)
    if (shared && !this.#source.knows(trail)) return shared
    const part = this.#newPart(kind, raw, trail, trainable)
    this.#known.set(key, part)
    return part
  }

  #newPart(kind: string, raw: JsonObject, trail: Trail, trainable: boolean): Part {
    if (models.includes(kind)) return this.model(kind, raw, trail, trainable)
    const config = new Config(kind, raw, this.#version, this.#wrong)
    const { call, weights } = this.#layer(config, trail, trainable && field(raw, 'trainable') !== false)
    return {
      inputs: 1,
      call: (inputs, training) => [
        withPath(trail.names.join('.'), () => guarded(config, () => call(inputs, weights, config, training))),
      ],
    }
  }

  /** What a layer does, and its weights. */
  #layer(config: Config, trail: Trail, trainable: boolean): { call: LayerKind['call']; weights: Weights } {
    for (const key of ['activation', 'recurrent_activation']) if (config.has(key)) activationOf(config, key)
    if (config.kind === 'TimeDistributed') return this.#timeDistributed(config, trail, trainable)
    const kind = kindOf(config)
    return { call: kind.call, weights: this.#weights(kind.weights?.(config) ?? [], config, trail, trainable) }
  }

  /** One layer for every step: steps and batch are one axis while it works. */
  #timeDistributed(config: Config, trail: Trail, trainable: boolean): { call: LayerKind['call']; weights: Weights } {
    const { kind, config: raw } = config.inner('layer')
    const inner = new Config(kind, raw, this.#version, this.#wrong)
    const layer = kindOf(inner)
    const specs = (layer.weights?.(inner) ?? []).map((spec) => ({
      ...spec,
      owner: spec.owner === undefined ? 'layer' : `layer/${spec.owner}`,
    }))
    const weights = this.#weights(specs, config, trail, trainable)
    return {
      weights,
      call: ([{ tensor, mask }], own, _config, training) => {
        const [batch, steps, ...rest] = tensor.shape
        const made = layer.call([{ tensor: tensor.reshape([batch * steps, ...rest]) }], own, inner, training)
        const y = 'tensor' in made ? made.tensor : made
        return { tensor: y.reshape([batch, steps, ...y.shape.slice(1)]), mask }
      },
    }
  }

  #weights(specs: readonly WeightSpec[], config: Config, trail: Trail, trainable: boolean): Weights {
    const found = this.#source.find(trail, specs)
    return Object.fromEntries(
      specs.map((spec, i) => {
        const tensor =
          found[i] ??
          config.fail(
            `weight '${spec.name}'`,
            'nothing',
            'its numbers in the file',
            'The weights are of another model, or damaged.',
          )
        const fits =
          spec.shape === undefined ||
          (spec.shape.length === tensor.rank &&
            spec.shape.every((n, axis) => n === undefined || n === tensor.shape[axis]))
        if (!fits)
          config.fail(
            `weight '${spec.name}'`,
            `[${tensor.shape.join(', ')}]`,
            `[${spec.shape?.map((n) => n ?? '?').join(', ')}]`,
            'The weights are of another model, or damaged.',
          )
        return [
          spec.name,
          this.#variable(`${trail.names.join('.')}.${spec.name}`, tensor, spec.fixed === true, trainable),
        ]
      }),
    )
  }

  #variable(name: string, tensor: Tensor, fixed: boolean, trainable: boolean): Variable {
    const known = this.variables.get(name)
    if (known) return known
    const variable = fixed || tensor.dtype !== 'float32' ? new Variable(tensor) : new Parameter(tensor)
    if (variable instanceof Parameter && !trainable) variable.trainable = false
    this.variables.set(name, variable)
    return variable
  }

  #sequential(layers: readonly Json[], trail: Trail, trainable: boolean, config: Config): Part {
    const parts = this.#parts(layers, trail, trainable, config).flatMap(({ part }) => (part ? [part] : []))
    return { inputs: 1, call: (inputs, training) => parts.reduce((flows, part) => part.call(flows, training), inputs) }
  }

  #functional(layers: readonly Json[], trail: Trail, trainable: boolean, config: Config): Part {
    const parts = this.#parts(layers, trail, trainable, config)
    const byName = new Map(parts.map((each) => [each.name, each]))
    if (byName.size !== parts.length) config.fail('layers', 'two of one name', 'each name once')
    const inputs = references(field(config.raw, 'input_layers'), config)
    const outputs = references(field(config.raw, 'output_layers'), config)
    const wired = parts.flatMap(({ name, layer, part }) => {
      const nodes = field(layer, 'inbound_nodes') ?? []
      if (!Array.isArray(nodes)) return config.fail(`inbound_nodes of '${shorten(name)}'`, nodes, 'a list')
      return part
        ? (nodes as readonly Json[]).map((node, i) => ({ key: keyOf(name, i), from: sourcesOf(node, config), part }))
        : []
    })
    const ordered = inOrder(
      wired,
      inputs.map(({ layer, node }) => keyOf(layer, node)),
      outputs,
      config,
    )
    return {
      inputs: inputs.length,
      call: (given, training) => {
        if (given.length !== inputs.length)
          config.fail('inputs', `${given.length}`, `${inputs.length}`, 'Pass one tensor for each.')
        const values = new Map<string, readonly Flow[]>(
          inputs.map(({ layer, node }, i) => [keyOf(layer, node), [given[i]]]),
        )
        const value = ({ layer, node, tensor }: Reference): Flow =>
          values.get(keyOf(layer, node))?.[tensor] ??
          config.fail('inbound_nodes', `output ${tensor} of '${layer}'`, 'an output that it has')
        for (const { key, from, part } of ordered) values.set(key, part.call(from.map(value), training))
        return outputs.map(value)
      },
    }
  }
}

function kindOf(config: Config): LayerKind {
  if (Object.hasOwn(kinds, config.kind)) return kinds[config.kind]
  const code = config.kind === 'Lambda' ? ', which carries code of the file: it is never executed' : ''
  return config.fail(
    'layer',
    `${config.kind}${code}`,
    'a layer of the list',
    `Build the model in code and load its weights. Read are: ${Object.keys(kinds).join(', ')}, TimeDistributed, and models in models.`,
  )
}

/** Errors that are not of the catalogue come from options that do not fit the data. */
function guarded(config: Config, body: () => Tensor | Flow): Flow {
  let made: Tensor | Flow
  try {
    made = body()
  } catch (cause) {
    if (cause instanceof GlissadeError) throw cause
    return config.fail(
      'options',
      shorten((cause as Error).message),
      'options that fit the input',
      'The file is damaged.',
    )
  }
  const flow = 'tensor' in made ? made : { tensor: made }
  if (!(sizeOf(flow.tensor.shape) <= largest))
    config.fail('output', `[${flow.tensor.shape.join(', ')}]`, `at most ${largest} elements`)
  return flow
}

/** An output of a call of a layer. */
interface Reference {
  readonly layer: string
  readonly node: number
  readonly tensor: number
}

interface Wired {
  readonly key: string
  readonly from: readonly Reference[]
  readonly part: Part
}

const keyOf = (layer: string, node: number): string => `${node} ${layer}`

function referenceOf(value: unknown): Reference | undefined {
  if (!Array.isArray(value)) return undefined
  const [layer, node, tensor] = value
  return typeof layer === 'string' && Number.isSafeInteger(node) && Number.isSafeInteger(tensor)
    ? { layer, node, tensor }
    : undefined
}

/** One reference, or a list of them. */
function references(value: Json | undefined, config: Config): Reference[] {
  const one = referenceOf(value)
  const list = one ? [one] : Array.isArray(value) ? value.map(referenceOf) : []
  const found = list.flatMap((each) => (each ? [each] : []))
  return found.length > 0 && found.length === list.length
    ? found
    : config.fail('input_layers and output_layers', value, 'lists of [layer, node, tensor]')
}

/** What a call of a layer takes: of Keras 2 a list of references, of Keras 3 arguments with tensors among them. */
function sourcesOf(node: Json, config: Config): Reference[] {
  if (Array.isArray(node)) return references(node, config)
  const found: Reference[] = []
  const visit = (value: unknown, depth: number): void => {
    if (depth > deepest) config.fail('inbound_nodes', 'a deep nesting', 'arguments')
    if (Array.isArray(value)) for (const each of value) visit(each, depth + 1)
    else if (field(value, 'class_name') === '__keras_tensor__') {
      const history = referenceOf(field(field(value, 'config'), 'keras_history'))
      found.push(history ?? config.fail('inbound_nodes', value, 'the history of a tensor'))
    }
  }
  visit(field(node, 'args'), 0)
  const named = field(node, 'kwargs')
  const extra = isObject(named)
    ? Object.entries(named).filter(([, value]) => field(value, 'class_name') === '__keras_tensor__')
    : []
  if (extra.length > 0) config.fail('inbound_nodes', `the argument ${extra[0][0]}`, 'inputs without names')
  return found.length > 0 ? found : config.fail('inbound_nodes', node, 'tensors')
}

/** Calls so that inputs come first, and only what the outputs need. */
function inOrder(
  wired: readonly Wired[],
  start: readonly string[],
  outputs: readonly Reference[],
  config: Config,
): Wired[] {
  const byKey = new Map(wired.map((each) => [each.key, each]))
  const needed = new Set<string>()
  const pending = outputs.map(({ layer, node }) => keyOf(layer, node))
  for (let key = pending.pop(); key !== undefined; key = pending.pop()) {
    if (needed.has(key) || start.includes(key)) continue
    needed.add(key)
    const { from } = byKey.get(key) ?? config.fail('inbound_nodes', `'${shorten(key)}'`, 'a layer of the model')
    for (const { layer, node } of from) pending.push(keyOf(layer, node))
  }
  const done = new Set(start)
  const ordered: Wired[] = []
  let left = wired.filter(({ key }) => needed.has(key))
  while (left.length > 0) {
    const ready = left.filter(({ from }) => from.every(({ layer, node }) => done.has(keyOf(layer, node))))
    if (ready.length === 0) config.fail('inbound_nodes', 'a circle', 'layers that follow each other')
    for (const each of ready) done.add(each.key)
    ordered.push(...ready)
    left = left.filter(({ key }) => !done.has(key))
  }
  return ordered
}

/**
 * A network read from Keras or tfjs. Inputs and outputs are in Keras's layout: images [B, H, W, C], sequences [B, T, C].
 * Weights have Keras's names, `conv2d.kernel`; batch normalization uses its moving statistics, also in training.
 */
export class KerasModel extends Module {
  readonly #part: Part

  constructor(part: Part, variables: ReadonlyMap<string, Variable>) {
    super()
    this.#part = part
    for (const [name, variable] of variables) {
      const own = name in this ? `layer.${name}` : name
      Object.defineProperty(this, own, { value: variable, enumerable: true, configurable: true })
    }
  }

  /** The first output, for the inputs in their order. */
  forward(...inputs: readonly Tensor[]): Tensor {
    return this.run(...inputs)[0]
  }

  /** All outputs, in their order. Errors: `value-invalid`, `file-format` and those of operations. */
  run(...inputs: readonly Tensor[]): Tensor[] {
    if (inputs.length !== this.#part.inputs)
      fail('value-invalid', {
        what: 'KerasModel',
        received: `${inputs.length} inputs`,
        expected: String(this.#part.inputs),
        fix: 'Pass one tensor for each.',
      })
    return this.#part
      .call(
        inputs.map((tensor) => ({ tensor })),
        this.training,
      )
      .map(({ tensor }) => tensor)
  }
}
