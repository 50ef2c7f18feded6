/**
 * Adam (Kingma and Ba 2015, arXiv 1412.6980) and AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101), which differ in
 * where the weight decay goes.
 */
import { checkOption, type OptimizerFactory, optimizerFactory, type Rule } from './optimizer.ts'

export interface AdamOptions {
  /** Learning rate. */
  readonly lr?: number
  /** How much of the averages of the gradient and of its square is kept from step to step. */
  readonly betas?: readonly [number, number]
  /** Added to the root, so that nothing is divided by 0. */
  readonly eps?: number
  /** Adam: added to the gradient, times the parameter. AdamW: taken off the parameter, times lr. */
  readonly weightDecay?: number
}

/**
 * Adam: steps of a size that does not depend on the gradient's.
 *
 * ```
 * g = g + weightDecay * p
 * m = b1 * m + (1 - b1) * g
 * v = b2 * v + (1 - b2) * g * g
 * p = p - lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)      // t = 1 at the first step
 * ```
 */
export function adam(options: AdamOptions = {}): OptimizerFactory {
  return adamFamily('adam', options, 0, false)
}

/**
 * AdamW: Adam with the weight decay apart from the gradient, by default 0.01.
 *
 * ```
 * p = p * (1 - lr * weightDecay)
 * m = b1 * m + (1 - b1) * g
 * v = b2 * v + (1 - b2) * g * g
 * p = p - lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
 * ```
 */
export function adamW(options: AdamOptions = {}): OptimizerFactory {
  return adamFamily('adamW', options, 0.01, true)
}

function adamFamily(name: string, options: AdamOptions, defaultDecay: number, decoupled: boolean): OptimizerFactory {
  const { lr = 1e-3, betas: [b1, b2] = [0.9, 0.999], eps = 1e-8, weightDecay = defaultDecay } = options
  for (const beta of [b1, b2])
    checkOption(`${name}: betas`, beta, beta >= 0 && beta < 1, 'numbers of at least 0 and below 1')
  checkOption(`${name}: eps`, eps, eps >= 0, 'a number of at least 0')
  checkOption(`${name}: weightDecay`, weightDecay, weightDecay >= 0, 'a number of at least 0')
  const rule: Rule<'m' | 'v', 'stepSize' | 'correction' | 'keep'> = {
    slots: ['m', 'v'],
    scalars: (step, lr) => ({
      stepSize: lr / (1 - b1 ** step),
      correction: 1 / Math.sqrt(1 - b2 ** step),
      keep: 1 - lr * weightDecay,
    }),
    update: (p, g, state, { stepSize, correction, keep }) => {
      if (weightDecay !== 0) {
        if (decoupled) p = p.mul(keep)
        else g = g.add(p.mul(weightDecay))
      }
      const m = state.m.mul(b1).add(g.mul(1 - b1))
      const v = state.v.mul(b2).add(g.square().mul(1 - b2))
      return { value: p.sub(m.div(v.sqrt().mul(correction).add(eps)).mul(stepSize)), state: { m, v } }
    },
  }
  return optimizerFactory(name, rule, lr)
}
