/**
 * Parameters that are computed from others: how weightNorm and spectralNorm (weight-norm.ts, spectral-norm.ts) put
 * themselves in the place of a layer's weight.
 *
 * As in PyTorch, `layer.weight` is from then on what the parametrization computes, and the state dict has
 * `parametrizations.weight.…` instead of `weight`. The layer itself does not notice.
 */
import { fail } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import { alsoNamed, type LayerConfig, type Module, Parameter } from './module.ts'

/** A module that computes a parameter. */
export interface Parametrization extends Module {
  forward(): Tensor
  /** Its kind and options, as they stand among the `parametrizations` of the layer's description. */
  config(): LayerConfig
}

interface Parametrized extends Module {
  readonly parametrizations?: Record<string, Parametrization>
}

/** The parameter `name` of the layer. Errors: `module-name`, also where it is computed already. */
export function parameterOf(layer: Module, name: string): Parameter {
  const found = (layer as unknown as Record<string, unknown>)[name]
  if (Object.hasOwn(layer, name) && found instanceof Parameter) return found
  const known = Object.entries(layer).flatMap(([key, value]) => (value instanceof Parameter ? [key] : []))
  return fail('module-name', { name, known })
}

/** From now on `layer[name]` is what `make` computes. `older` are the names of its variables in older files. */
export function parametrize<M extends Module>(
  layer: M,
  name: string,
  made: Parametrization,
  older: Readonly<Record<string, string>>,
): M {
  const all: Parametrized = layer
  if (!all.parametrizations) {
    // The layer describes itself as before, and what its parameters are made of.
    const describe = layer.config.bind(layer)
    const config = (): LayerConfig | undefined => {
      const own = describe()
      const parts = Object.values(all.parametrizations ?? {}).map((part) => part.config())
      return own && (parts.length > 0 ? { ...own, parametrizations: parts } : own)
    }
    Object.defineProperty(layer, 'config', { value: config, configurable: true })
    Object.defineProperty(layer, 'parametrizations', { value: {}, enumerable: true, configurable: true })
  }
  const parts = all.parametrizations as Record<string, Parametrization>
  parts[name] = made
  // Not enumerable: what is computed is no parameter.
  Object.defineProperty(layer, name, { get: () => made.forward(), enumerable: false, configurable: true })
  const place = `parametrizations.${name}.`
  alsoNamed(layer, Object.fromEntries(Object.entries(older).map(([now, then]) => [place + now, then])))
  return layer
}

/** Makes the computed parameter `name` an ordinary one with its present value. Returns the layer. */
export function removeParametrization<M extends Module>(layer: M, name = 'weight'): M {
  const parts = (layer as Parametrized).parametrizations ?? {}
  if (!Object.hasOwn(parts, name)) return fail('module-name', { name, known: Object.keys(parts) })
  const training = parts[name].training
  // In evaluation: looking at a value must not change it.
  const value = new Parameter(parts[name].eval().forward())
  parts[name].train(training)
  delete parts[name]
  Object.defineProperty(layer, name, { value, enumerable: true, writable: true, configurable: true })
  return layer
}
