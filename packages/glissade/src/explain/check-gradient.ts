/**
 * One element of a gradient beside what finite differences say of it: what a "check" button calls.
 *
 * Both are computed in float64 by the reference, which walks the same graph: random draws stay the same. Checks of
 * whole functions in random directions: autodiff/grad-check.ts.
 */
import { gradients } from '../autodiff/gradients.ts'
import { evaluate } from '../backends/reference/reference.ts'
import { realize } from '../run/realize.ts'
import type { Tensor } from '../tensor.ts'
import { type Element, flatElement } from './elements.ts'
import { Recording, recorded } from './record.ts'

export interface GradientCheckOptions {
  /** How far the element is moved to both sides; default 6e-6 times the larger of 1 and the element. */
  readonly step?: number
}

export interface GradientCheck {
  /** The library's gradient, on the backend in use. */
  readonly gradient: number
  /** The same formula in float64. */
  readonly exact: number
  /** (loss(x + step) - loss(x - step)) / 2 step, in float64. */
  readonly measured: number
  /** The difference of `exact` and `measured`, relative to the larger of the two (and at least 1e-6 of the loss). */
  readonly error: number
  readonly step: number
  /** The losses at x - step, x and x + step. */
  readonly losses: readonly [number, number, number]
  /** The slopes to both sides differ: the element stands at a kink, as relu has one at 0, where a gradient is a choice. */
  readonly kink: boolean
}

/** The cube root of float64's precision: there rounding and curvature weigh the same in a central difference. */
const bestStep = 6e-6
/** Smaller gradients than this share of the loss are rounding in the difference. */
const smallest = 1e-6
/** One-sided slopes of a smooth function differ by step times curvature, which is far less than this share. */
const kinkFrom = 1e-2

/** What a check is made of: the graph of the loss and of its gradient by `target`, and the numbers of what is given. */
export interface Checked {
  readonly loss: Tensor
  readonly target: Tensor
  /** Undefined where the loss does not depend on the target. */
  readonly gradient: Tensor | undefined
  readonly given: ReadonlyMap<Tensor, Float64Array>
}

/** The check of element `element` (row-major) of `target`, whose gradient on the backend in use is `received`. */
export function checkElement(
  { loss, target, gradient, given }: Checked,
  element: number,
  received: number,
  options: GradientCheckOptions = {},
): GradientCheck {
  const start = given.get(target) ?? evaluate([target], given)[0].data
  const step = options.step ?? bestStep * Math.max(1, Math.abs(start[element]))
  const at = (distance: number): number => {
    const moved = start.slice()
    moved[element] += distance
    return evaluate([loss], new Map([...given, [target, moved]]))[0].data[0]
  }
  const losses = [at(-step), at(0), at(step)] as const
  const measured = (losses[2] - losses[0]) / (2 * step)
  const exact = gradient ? evaluate([gradient], given)[0].data[element] : 0
  const [left, right] = [(losses[1] - losses[0]) / step, (losses[2] - losses[1]) / step]
  const floor = smallest * Math.max(Math.abs(losses[1]), smallest)
  const larger = Math.max(Math.abs(exact), Math.abs(measured), floor)
  const kink = Math.abs(right - left) > kinkFrom * Math.max(Math.abs(left), Math.abs(right), floor)
  return { gradient: received, exact, measured, error: Math.abs(exact - measured) / larger, step, losses, kink }
}

/**
 * The gradient of the loss that `body` computes by one element of `of`, a parameter or any tensor that the loss is made
 * of, beside what finite differences in float64 say. Variables keep their values. Errors: grad-scalar, index-range,
 * module-name if the loss is not made of `of`.
 *
 * ```ts
 * const { gradient, measured, error } = await checkGradient(
 *   () => loss.crossEntropy(model.forward(x), y),
 *   model.head.weight,
 *   [3, 0],
 * )
 * ```
 */
export async function checkGradient(
  body: () => Tensor,
  of: Tensor,
  element: Element,
  options?: GradientCheckOptions,
): Promise<GradientCheck> {
  let gradient: Tensor | undefined
  const recording = await recorded(
    () => {
      const loss = body().current()
      gradient = gradients(loss, [of])[0]
      return loss
    },
    (content) => new OneCheck(content),
  )
  return recording.check(of, gradient, element, options)
}

class OneCheck extends Recording {
  async check(
    of: Tensor,
    gradient: Tensor | undefined,
    element: Element,
    options?: GradientCheckOptions,
  ): Promise<GradientCheck> {
    const target = this.tensors[this.find(of)]
    const at = flatElement(element, target.shape)
    await this.realizeGiven()
    if (gradient) await realize(gradient)
    const received = gradient?.storage?.read()[at] ?? 0
    return checkElement(
      { loss: this.tensors[this.outputs[0]], target, gradient, given: this.given() },
      at,
      received,
      options,
    )
  }
}
