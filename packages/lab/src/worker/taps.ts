/**
 * What modules name within themselves (gates, queries, scores …), for one input; and the gradients that come to it.
 *
 * What modules give back is probe.ts's; who asks: questions/gates.ts, attention.ts, stream.ts.
 */
import { compile, observe, gradients as slopesOf, type Tensor } from 'glissade'
import type { Live } from './desk.ts'
import { inputOf } from './inputs.ts'
import type { Values } from './probe.ts'
import type { Input } from './protocol.ts'
import { remembered } from './questions/remembered.ts'
import { forwardOf } from './run.ts'

export interface Tapped {
  readonly output: Tensor
  /** By name: what modules gave back, and what they named. */
  readonly values: Values
  /** What modules were given. */
  readonly inputs: Values
  /** All names of `values`, in the order in which they came. */
  readonly order: readonly string[]
}

const orders = new WeakMap<Live, readonly string[]>()

/** One pass, as in use; several questions share it. */
export function tapped(live: Live, input: Input): Promise<Tapped> {
  return remembered(live, 'taps', input, async () => {
    const { run } = live
    const { model } = run
    const program = live.program('taps', () =>
      compile((x: Tensor) => {
        const { result, values, inputs, order } = observe(model, () => forwardOf(model, x), { taps: true })
        orders.set(live, [...order])
        return { output: result, values: { ...values }, inputs: { ...inputs } }
      }),
    )
    model.eval()
    const { output, values, inputs } = await program(await inputOf(run, input))
    return {
      output,
      values: new Map(Object.entries(values)),
      inputs: new Map(Object.entries(inputs)),
      order: orders.get(live) ?? [],
    }
  })
}

/** The loss of an input whose targets are `y`, and its gradients with respect to what modules gave back or named. */
export async function tappedSlopes(live: Live, input: Input, y: Tensor): Promise<{ loss: number; slopes: Values }> {
  const { run } = live
  const { model, loss } = run
  const program = live.program('tap slopes', () =>
    compile((x: Tensor, target: Tensor) => {
      const parameters = model.parameters().filter(({ trainable }) => trainable)
      const { result, gradients } = observe(
        model,
        () => {
          const found = loss(forwardOf(model, x), target)
          slopesOf(found, parameters)
          return found
        },
        { taps: true },
      )
      return { loss: result, slopes: { ...gradients } }
    }),
  )
  // As in use: dropout would make the gradient another at each look.
  model.eval()
  const seen = await program(await inputOf(run, input), y)
  return { loss: await seen.loss.item(), slopes: new Map(Object.entries(seen.slopes)) }
}
