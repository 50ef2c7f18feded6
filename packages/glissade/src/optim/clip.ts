/** Gradients made smaller: all together by their norm, or element by element. Optimizers have these as options too. */
import { fail } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import { checkOption } from './rule.ts'

/** Gradients as `gradients()` gives them: undefined where there is none. */
type Gradients = readonly (Tensor | undefined)[]

/** Keeps the division finite where all gradients are 0; PyTorch's number. */
const normEps = 1e-6

export interface NormOptions {
  /** 2 by default; Infinity for the largest element. */
  readonly normType?: number
}

/** The norm of all gradients as if they were one long vector: [...s], [...t], … → [] */
export function gradNorm(gradients: Gradients, { normType = 2 }: NormOptions = {}): Tensor {
  checkOption('gradNorm: normType', normType, normType > 0, 'a number above 0, or Infinity')
  const given = gradients.filter((gradient) => gradient !== undefined)
  if (given.length === 0) {
    fail('value-invalid', {
      what: 'gradNorm',
      received: 'no gradients',
      expected: 'at least one',
      fix: 'Check that the loss depends on a parameter that is not frozen.',
    })
  }
  if (normType === Number.POSITIVE_INFINITY) {
    return given.map((gradient) => gradient.abs().max()).reduce((a, b) => a.maximum(b))
  }
  const powers = given.map((gradient) => (normType === 2 ? gradient.square() : gradient.abs().pow(normType)).sum())
  const total = powers.reduce((a, b) => a.add(b))
  return normType === 2 ? total.sqrt() : total.pow(1 / normType)
}

/**
 * The gradients, scaled down together where their norm is above `maxNorm`, and that norm (before scaling), as torch's
 * clip_grad_norm_ (Pascanu et al. 2013, arXiv 1211.5063). The norm costs nothing more: return it to watch it.
 */
export function clipGradNorm<G extends Tensor | undefined>(
  gradients: readonly G[],
  maxNorm: number,
  options: NormOptions = {},
): { readonly gradients: G[]; readonly norm: Tensor } {
  checkOption('clipGradNorm: maxNorm', maxNorm, maxNorm > 0, 'a number above 0')
  const norm = gradNorm(gradients, options)
  const scale = norm.add(normEps).reciprocal().mul(maxNorm).minimum(1)
  return { gradients: gradients.map((gradient) => gradient?.mul(scale) as G), norm }
}

/** The gradients, with each element brought into the range from -limit to limit, as torch's clip_grad_value_. */
export function clipGradValue<G extends Tensor | undefined>(gradients: readonly G[], limit: number): G[] {
  checkOption('clipGradValue: limit', limit, limit > 0, 'a number above 0')
  return gradients.map((gradient) => gradient?.clip(-limit, limit) as G)
}
