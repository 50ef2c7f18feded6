/**
 * Networks as data: a description that goes into a file, and the network built from it.
 *
 * The list of layers is closed and every option is checked, so a file can build a network and nothing else. What is
 * not on the list (classes of the user's own, functions) has no description; its weights can still be saved and
 * loaded into a model built in code. A new layer of the library gets one line here.
 */
import { fail } from '../errors.ts'
import * as nn from '../nn/index.ts'
import type { Layer, LayerConfig, Module } from '../nn/module.ts'

/** A layer's kind and options; a sequence has its `layers`. */
export type ModelDescription = LayerConfig

type Check = (value: unknown) => boolean

const whole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const anyWhole: Check = (value) => Number.isSafeInteger(value)
const number: Check = (value) => typeof value === 'number' && Number.isFinite(value)
const flag: Check = (value) => typeof value === 'boolean'
const perAxis: Check = (value) => whole(value) || (Array.isArray(value) && value.length <= 3 && value.every(whole))
const padding: Check = (value) =>
  value === 'same' ||
  value === 'valid' ||
  perAxis(value) ||
  (Array.isArray(value) && value.length <= 3 && value.every(perAxis))
const approximate: Check = (value) => value === 'none' || value === 'tanh'

interface Kind {
  /** Arguments in order, which must be there. */
  readonly needs: Readonly<Record<string, Check>>
  /** Options, which may be. */
  readonly takes: Readonly<Record<string, Check>>
  readonly make: (...args: never[]) => Layer
}

const conv = { in: whole, out: whole, size: perAxis }
const convOptions = { stride: perAxis, padding, dilation: perAxis, groups: whole, bias: flag }
const pool = { stride: perAxis, padding: perAxis }

/** Layers by kind. One-value layers take what they need as arguments, the others an object of options at the end. */
const kinds: Readonly<Record<string, Kind>> = {
  linear: { needs: { in: whole, out: whole }, takes: { bias: flag }, make: nn.linear },
  conv1d: { needs: conv, takes: convOptions, make: nn.conv1d },
  conv2d: { needs: conv, takes: convOptions, make: nn.conv2d },
  conv3d: { needs: conv, takes: convOptions, make: nn.conv3d },
  convTranspose2d: {
    needs: conv,
    takes: { ...convOptions, padding: perAxis, outputPadding: perAxis },
    make: nn.convTranspose2d,
  },
  maxPool1d: { needs: { size: perAxis }, takes: pool, make: nn.maxPool1d },
  maxPool2d: { needs: { size: perAxis }, takes: pool, make: nn.maxPool2d },
  maxPool3d: { needs: { size: perAxis }, takes: pool, make: nn.maxPool3d },
  avgPool1d: { needs: { size: perAxis }, takes: { ...pool, countIncludePad: flag }, make: nn.avgPool1d },
  avgPool2d: { needs: { size: perAxis }, takes: { ...pool, countIncludePad: flag }, make: nn.avgPool2d },
  avgPool3d: { needs: { size: perAxis }, takes: { ...pool, countIncludePad: flag }, make: nn.avgPool3d },
  flatten: { needs: { from: anyWhole, to: anyWhole }, takes: {}, make: nn.flatten },
  dropout: { needs: { p: number }, takes: {}, make: nn.dropout },
  identity: { needs: {}, takes: {}, make: nn.identity },
  relu: { needs: {}, takes: {}, make: nn.relu },
  leakyRelu: { needs: { slope: number }, takes: {}, make: nn.leakyRelu },
  tanh: { needs: {}, takes: {}, make: nn.tanh },
  sigmoid: { needs: {}, takes: {}, make: nn.sigmoid },
  gelu: { needs: { approximate }, takes: {}, make: nn.gelu },
  silu: { needs: {}, takes: {}, make: nn.silu },
  elu: { needs: { alpha: number }, takes: {}, make: nn.elu },
  softplus: { needs: { beta: number }, takes: {}, make: nn.softplus },
  softmax: { needs: { axis: anyWhole }, takes: {}, make: nn.softmax },
}

/** The description of a model made of the library's layers, or undefined where a part is not on the list. */
export function describeModel(model: Module): ModelDescription | undefined {
  const config = model.config()
  if (!config) return undefined
  if (!(model instanceof nn.Sequential)) return Object.hasOwn(kinds, config.kind) ? config : undefined
  const layers = model.layers.map(describeModel)
  return layers.every((layer) => layer !== undefined) ? { ...config, layers } : undefined
}

/** The deepest nesting of sequences that is built. */
const deepest = 32

/** Builds the network of a description, with fresh parameters. `file` is named in errors. Errors: `file-format`. */
export function buildModel(description: unknown, file = 'The description'): Layer {
  return build(description, 'model', 0)

  function build(part: unknown, where: string, depth: number): Layer {
    const wrong = (received: unknown, expected: string): never => {
      const fix = 'The file was made by another version or is damaged; build the model in code and load its weights.'
      return fail('file-format', {
        file,
        what: `architecture: ${where}`,
        received: String(JSON.stringify(received)),
        expected,
        fix,
      })
    }
    if (typeof part !== 'object' || part === null || depth > deepest)
      return wrong(part, `a layer, nested at most ${deepest} deep`)
    const { kind, ...options } = part as Record<string, unknown>
    if (kind === 'sequential') {
      if (!Array.isArray(options.layers)) return wrong(options.layers, 'a list of layers')
      return nn.sequential(...options.layers.map((layer, i) => build(layer, `${where}.${i}`, depth + 1)))
    }
    if (typeof kind !== 'string' || !Object.hasOwn(kinds, kind))
      return wrong(kind, `one of ${Object.keys(kinds).join(', ')}`)
    const { needs, takes, make } = kinds[kind]
    for (const [name, value] of Object.entries(options)) {
      const check = Object.hasOwn(needs, name) ? needs[name] : Object.hasOwn(takes, name) ? takes[name] : undefined
      if (!check?.(value)) wrong({ [name]: value }, `a value that ${kind} takes`)
    }
    const missing = Object.keys(needs).find((name) => !Object.hasOwn(options, name))
    if (missing !== undefined) wrong(part, `${missing} of ${kind}`)
    const optional = Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(takes, name)))
    const args = Object.keys(needs).map((name) => options[name])
    if (Object.keys(takes).length > 0) args.push(optional)
    return make(...(args as never[]))
  }
}
