/**
 * Weight normalization: a weight as a length times a direction (Salimans and Kingma 2016, arXiv 1602.07868).
 *
 * As PyTorch's nn.utils.parametrizations.weight_norm: the state dict has `parametrizations.weight.original0` (the
 * lengths g) and `original1` (the directions v) in place of `weight`; files with the older names `weight_g` and
 * `weight_v` load too.
 */
import { normalizeAxis } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { type LayerConfig, Module, Parameter } from './module.ts'
import { parameterOf, parametrize } from './parametrize.ts'

export interface WeightNormOptions {
  /** The parameter; default 'weight'. */
  readonly name?: string
  /** The axis whose slices have a length each, default 0 (the outputs); null: one length for all. */
  readonly axis?: number | null
}

/** The root of the sum of squares over all axes but one, which stays. */
function lengths(v: Tensor, axis: number | null): Tensor {
  if (axis === null) return v.square().sum().sqrt()
  const others = v.shape.map((_, each) => each).filter((each) => each !== axis)
  return v.square().sum(others, { keepDims: true }).sqrt()
}

class WeightNorm extends Module {
  readonly original0: Parameter
  readonly original1: Parameter
  readonly #name: string
  readonly #axis: number | null

  constructor(weight: Parameter, name: string, axis: number | null) {
    super()
    this.#name = name
    this.#axis = axis === null ? null : normalizeAxis('weightNorm', axis, weight.rank)
    this.original0 = new Parameter(lengths(weight, this.#axis))
    this.original1 = weight
  }

  forward(): Tensor {
    return this.original1.mul(this.original0.div(lengths(this.original1, this.#axis)))
  }

  override config(): LayerConfig {
    return { kind: 'weightNorm', name: this.#name, axis: this.#axis }
  }
}

/**
 * Makes the layer's weight g v / |v| with g and v to be trained, and returns the layer. The weight stays the same.
 *
 * `nn.weightNorm(nn.linear(20, 40))`. Errors: `module-name`, `axis-range`.
 */
export function weightNorm<M extends Module>(layer: M, { name = 'weight', axis = 0 }: WeightNormOptions = {}): M {
  const made = new WeightNorm(parameterOf(layer, name), name, axis)
  return parametrize(layer, name, made, { original0: `${name}_g`, original1: `${name}_v` })
}
