/** The loop over time with every step written out: what `scan` must agree with. */
import { type ScanOptions, type ScanResult, type ScanStep, stack, type Tensor } from '../src/index.ts'
import { constant } from '../src/ops/derived/common.ts'
import { flattenTree } from '../src/ops/derived/tree.ts'

export function unrolled<C, X, Y = undefined>(
  body: (carry: C, x: X) => ScanStep<C, Y>,
  init: C,
  xs: X,
  options: ScanOptions = {},
): ScanResult<C, Y> {
  const inputs = flattenTree('unrolled', 'xs', xs)
  const length = options.length ?? inputs.tensors[0].shape[0]
  const sliceAt = (t: number): X =>
    inputs.rebuild(inputs.tensors.map((x) => x.slice([[t, t + 1]]).reshape(x.shape.slice(1)))) as X
  const none = inputs.rebuild(inputs.tensors.map((x) => constant(0, x.shape.slice(1), x.dtype))) as X
  let form = length === 0 ? flattenTree('unrolled', 'y', body(init, none).y) : undefined
  let carry = init
  const steps: (readonly Tensor[])[] = []
  for (let i = 0; i < length; i++) {
    const t = options.reverse ? length - 1 - i : i
    const made = body(carry, sliceAt(t))
    carry = made.carry
    form = flattenTree('unrolled', 'y', made.y)
    steps[t] = form.tensors
  }
  const ys = form?.tensors.map((y, k) =>
    length === 0 ? constant(0, [0, ...y.shape], y.dtype) : stack(steps.map((each) => each[k])),
  )
  return { carry, ys: form?.rebuild(ys ?? []) as Y }
}
