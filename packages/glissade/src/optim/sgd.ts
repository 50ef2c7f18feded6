/** Stochastic gradient descent, with momentum after Polyak (1964) and Nesterov as in PyTorch. */
import { checkOption, type OptimizerFactory, optimizerFactory, type Rule } from './optimizer.ts'

export interface SgdOptions {
  /** Learning rate. */
  readonly lr?: number
  /** How much of the velocity is kept from step to step. */
  readonly momentum?: number
  /** How much of each gradient does not enter the velocity. */
  readonly dampening?: number
  /** Step by where the velocity will have led, rather than by the velocity. Needs momentum, and no dampening. */
  readonly nesterov?: boolean
  /** Added to the gradient: this times the parameter (an L2 penalty of half of it). */
  readonly weightDecay?: number
}

/**
 * Stochastic gradient descent.
 *
 * ```
 * g = g + weightDecay * p
 * v = momentum * v + (1 - dampening) * g      // v = g at the first step
 * p = p - lr * (nesterov ? g + momentum * v : v)
 * ```
 */
export function sgd({
  lr = 1e-3,
  momentum = 0,
  dampening = 0,
  nesterov = false,
  weightDecay = 0,
}: SgdOptions = {}): OptimizerFactory {
  checkOption('sgd: momentum', momentum, momentum >= 0, 'a number of at least 0')
  checkOption('sgd: weightDecay', weightDecay, weightDecay >= 0, 'a number of at least 0')
  checkOption(
    'sgd: nesterov',
    nesterov,
    !nesterov || (momentum > 0 && dampening === 0),
    'momentum above 0 and dampening 0 with it',
  )
  const rule: Rule<'v', 'lr' | 'share'> = {
    slots: momentum === 0 ? [] : ['v'],
    scalars: (step, lr) => ({ lr, share: step === 1 ? 1 : 1 - dampening }),
    update: (p, g, state, { lr, share }) => {
      if (weightDecay !== 0) g = g.add(p.mul(weightDecay))
      if (momentum === 0) return { value: p.sub(g.mul(lr)), state }
      const v = state.v.mul(momentum).add(dampening === 0 ? g : g.mul(share))
      return { value: p.sub((nesterov ? g.add(v.mul(momentum)) : v).mul(lr)), state: { v } }
    },
  }
  return optimizerFactory('sgd', rule, lr)
}
