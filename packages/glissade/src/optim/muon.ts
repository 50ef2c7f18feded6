/**
 * Muon: momentum, made orthogonal, for the matrices of hidden layers (Keller Jordan 2024,
 * https://kellerjordan.github.io/posts/muon/). What is no matrix goes to AdamW.
 */
import { fail } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import { type AdamOptions, adamW, average } from './adam.ts'
import { type Recipe, recipe } from './recipe.ts'
import { checkDecay, checkEps, checkOption, checkShare, type Method, type Rule, type SharedOptions } from './rule.ts'
import type { Schedule } from './schedule.ts'

/**
 * How the step is scaled by the matrix's sizes [A, B]: 'original' by sqrt(max(1, A / B)), 'matchRmsAdamW' by
 * 0.2 sqrt(max(A, B)) so that AdamW's learning rates fit (Liu et al. 2025, arXiv 2502.16982), 'spectralUnclamped' by
 * sqrt(A / B).
 */
export type MuonAdjust = 'original' | 'matchRmsAdamW' | 'spectralUnclamped'

interface OwnOptions {
  /** Learning rate, or its schedule. Default 1e-3. */
  readonly lr?: number | Schedule
  /** Taken off the parameter, times lr. Default 0.1. */
  readonly weightDecay?: number
  /** How much of the average gradient is kept from step to step. Default 0.95. */
  readonly momentum?: number
  /** Step by where the average will have gone. Default true. */
  readonly nesterov?: boolean
  /** Of the polynomial a x + b x^3 + c x^5, which moves singular values towards 1. Default 3.4445, -4.775, 2.0315. */
  readonly nsCoefficients?: readonly [number, number, number]
  /** The least norm that is divided by. Default 1e-7. */
  readonly eps?: number
  /** How often the polynomial is applied. Default 5. */
  readonly nsSteps?: number
  /** Default 'original'. */
  readonly adjustLr?: MuonAdjust
}

export interface MuonOptions extends OwnOptions, SharedOptions<OwnOptions> {
  /** AdamW's options for all that is no matrix, such as biases; without it such parameters are refused. */
  readonly rest?: Omit<AdamOptions, keyof SharedOptions<unknown>>
}

/**
 * Muon, as torch.optim.Muon but in the parameters' own precision (there bfloat16).
 *
 * ```
 * m = momentum * m + (1 - momentum) * g
 * u = nesterov ? momentum * m + (1 - momentum) * g : m
 * p = p * (1 - lr * weightDecay) - lr * adjust * orthogonal(u)
 * ```
 *
 * Embeddings and the last layer are matrices too, but better trained by AdamW: give them a group
 * `{ parameters: /embed|head/, by: optim.adamW({ lr: 3e-4 }) }`. Errors: shape-mismatch for parameters that are no
 * matrices, without `rest`.
 */
export function muon({ rest, ...options }: MuonOptions = {}): Recipe {
  if (!rest) return recipe(method, options)
  const others = { parameters: isNoMatrix, by: adamW(rest) }
  return recipe(method, { ...options, groups: [...(options.groups ?? []), others] })
}

const isNoMatrix = (_: string, { rank }: { readonly rank: number }): boolean => rank !== 2

/** From Jordan's post: the slope at 0 is as steep as it goes while the iteration stays near 1. */
const coefficients = [3.4445, -4.775, 2.0315] as const
/** With so many the iteration is not worth its time; PyTorch's limit. */
const mostSteps = 100

const adjustments: Record<MuonAdjust, (rows: number, columns: number) => number> = {
  original: (rows, columns) => Math.sqrt(Math.max(1, rows / columns)),
  matchRmsAdamW: (rows, columns) => 0.2 * Math.sqrt(Math.max(rows, columns)),
  spectralUnclamped: (rows, columns) => Math.sqrt(rows / columns),
}

const method: Method<OwnOptions> = {
  name: 'muon',
  lr: 1e-3,
  momentum: true,
  rule: (options, cycled) => {
    const { weightDecay = 0.1, momentum = 0.95, nesterov = true, eps = 1e-7, nsSteps = 5 } = options
    const { nsCoefficients = coefficients, adjustLr = 'original' } = options
    checkDecay('muon', weightDecay)
    checkShare('muon: momentum', momentum)
    checkEps('muon', eps)
    checkOption(
      'muon: nsSteps',
      nsSteps,
      Number.isInteger(nsSteps) && nsSteps >= 0 && nsSteps < mostSteps,
      `a whole number below ${mostSteps}`,
    )
    checkOption('muon: nsCoefficients', nsCoefficients, nsCoefficients.length === 3, 'three numbers')
    const known = Object.keys(adjustments)
    checkOption('muon: adjustLr', adjustLr, known.includes(adjustLr), known.join(', '))
    const rule: Rule<'m', 'lr' | 'keep' | 'momentum'> = {
      slots: ['m'],
      scalars: (_, rates) => ({
        lr: rates.lr,
        keep: 1 - rates.lr * weightDecay,
        momentum: rates.momentum ?? momentum,
      }),
      update: (p, g, state, scalars) => {
        const kept = cycled ? scalars.momentum : momentum
        const m = average(state.m, g, kept)
        const direction = orthogonal(nesterov ? average(m, g, kept) : m, nsCoefficients, nsSteps, eps)
        const size = adjustments[adjustLr](p.shape[0], p.shape[1])
        return { value: p.mul(scalars.keep).sub(direction.mul(size).mul(scalars.lr)), state: { m } }
      },
      check: (name, { shape }) => {
        if (shape.length === 2) return
        fail('shape-mismatch', {
          op: 'muon',
          received: `the parameter ${name} of shape [${shape.join(', ')}]`,
          expected: 'a matrix',
          fix: 'Give what is no matrix to AdamW with the option { rest: { lr: 3e-4 } }.',
        })
      },
    }
    return rule
  },
}

/** Newton and Schulz's iteration: a matrix with the same singular vectors, and singular values near 1. */
function orthogonal(g: Tensor, [a, b, c]: readonly number[], steps: number, eps: number): Tensor {
  const tall = g.shape[0] > g.shape[1]
  let x = tall ? g.transpose() : g
  x = x.div(x.square().sum().sqrt().maximum(eps))
  for (let i = 0; i < steps; i++) {
    const gram = x.matmul(x.transpose())
    const update = gram.mul(b).add(gram.matmul(gram).mul(c))
    x = x.mul(a).add(update.matmul(x))
  }
  return tall ? x.transpose() : x
}
