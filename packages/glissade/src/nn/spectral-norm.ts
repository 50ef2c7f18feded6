/**
 * Spectral normalization: a weight over its largest singular value, found by power iteration (Miyato et al. 2018,
 * arXiv 1802.05957).
 *
 * As PyTorch's nn.utils.parametrizations.spectral_norm: the state dict has `parametrizations.weight.original` in
 * place of `weight`, and the singular vectors `parametrizations.weight.0._u` and `_v`; files with the older names
 * `weight_orig`, `weight_u` and `weight_v` load too.
 */
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { normal } from '../random.ts'
import { normalizeAxis } from '../shape.ts'
import { type Tensor, Variable } from '../tensor.ts'
import { type LayerConfig, Module, type Parameter } from './module.ts'
import { checkEps } from './norm-common.ts'
import { parameterOf, parametrize } from './parametrize.ts'

export interface SpectralNormOptions {
  /** The parameter; default 'weight'. */
  readonly name?: string
  /** Steps of the power iteration for each use in training; default 1. */
  readonly iterations?: number
  /** The least length that is divided by; default 1e-12. */
  readonly eps?: number
  /** The axis of the outputs; default 0, for transposed convolutions 1. */
  readonly axis?: number
}

/** Steps of the power iteration at the start, as in PyTorch. */
const firstIterations = 15

/** The variables of the iteration, under the name that they have in PyTorch's list of parametrizations. */
class SingularVectors extends Module {
  readonly _u: Variable
  readonly _v: Variable
  constructor(u: Tensor, v: Tensor) {
    super()
    this._u = new Variable(u)
    this._v = new Variable(v)
  }
  forward(): [u: Tensor, v: Tensor] {
    return [this._u.current(), this._v.current()]
  }
}

class SpectralNorm extends Module {
  readonly original: Parameter
  /** Absent for a vector, whose largest singular value is its length. */
  readonly 0: SingularVectors | undefined
  readonly #options: Required<SpectralNormOptions>

  constructor(weight: Parameter, options: Required<SpectralNormOptions>) {
    super()
    this.original = weight
    this.#options = { ...options, axis: normalizeAxis('spectralNorm', options.axis, weight.rank) }
    if (weight.rank < 2) return
    const matrix = this.#matrix(weight)
    const [u, v] = matrix.shape.map((size) => this.#unit(normal([size])))
    this[0] = new SingularVectors(...this.#iterate(matrix, [u, v], firstIterations))
  }

  forward(): Tensor {
    const weight = this.original
    const vectors = this[0]
    if (!vectors) return this.#unit(weight)
    const matrix = this.#matrix(weight)
    let [u, v] = vectors.forward()
    if (this.training) {
      ;[u, v] = this.#iterate(matrix.stopGradient(), [u, v], this.#options.iterations)
      vectors._u.assign(u)
      vectors._v.assign(v)
    }
    return weight.div(u.mul(matrix.matmul(v.unsqueeze(1)).squeeze(1)).sum())
  }

  /** The outputs' axis first, all others as one. */
  #matrix(weight: Tensor): Tensor {
    const { axis } = this.#options
    const others = weight.shape.map((_, each) => each).filter((each) => each !== axis)
    return weight.permute(axis, ...others).flatten(1)
  }

  #unit(x: Tensor): Tensor {
    return x.div(x.square().sum().sqrt().maximum(this.#options.eps))
  }

  /** u ← W v, v ← Wᵀ u, of length 1, some times. */
  #iterate(matrix: Tensor, [, start]: readonly Tensor[], times: number): [u: Tensor, v: Tensor] {
    const step = (v: Tensor): [Tensor, Tensor] => {
      const u = this.#unit(matrix.matmul(v.unsqueeze(1)).squeeze(1))
      return [u, this.#unit(matrix.transpose().matmul(u.unsqueeze(1)).squeeze(1))]
    }
    let result = step(start)
    for (let i = 1; i < times; i++) result = step(result[1])
    return result
  }

  override config(): LayerConfig {
    return { kind: 'spectralNorm', ...this.#options }
  }
}

/**
 * Makes the layer's weight W / sigma, with sigma the largest singular value of W seen as a matrix, and returns the
 * layer. In training each use improves the estimate of sigma; evaluation leaves it as it is.
 *
 * `nn.spectralNorm(nn.conv2d(3, 64, 3))`. Errors: `module-name`, `axis-range`, `value-invalid`.
 */
export function spectralNorm<M extends Module>(
  layer: M,
  { name = 'weight', iterations = 1, eps = 1e-12, axis }: SpectralNormOptions = {},
): M {
  checkWhole('spectralNorm: iterations', iterations, 1)
  checkEps('spectralNorm', eps)
  const weight = parameterOf(layer, name)
  if (weight.rank === 0) {
    const received = `${name}, a single number`
    fail('value-invalid', { what: 'spectralNorm', received, expected: 'at least one axis', fix: 'Choose a weight.' })
  }
  // The weight of a transposed convolution is [in, out, …].
  const outputs = axis ?? (layer.config()?.kind.startsWith('convTranspose') ? 1 : 0)
  const made = new SpectralNorm(weight, { name, iterations, eps, axis: outputs })
  return parametrize(layer, name, made, { original: `${name}_orig`, '0._u': `${name}_u`, '0._v': `${name}_v` })
}
