/** The golden values of golden-losses in a compiled program, on every backend that works here. */
import { describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { tensor } from '../src/create.ts'
import * as loss from '../src/loss/index.ts'
import { type BackendName, probeBackend, setBackend } from '../src/run/backend.ts'
import { compile } from '../src/run/compile.ts'
import type { Tensor } from '../src/tensor.ts'
import { expectClose, type Golden, type Listed, probeOf, readGolden, toFloat32 } from './golden/read.ts'

interface Case {
  readonly kind: string
  readonly inputs: readonly Listed[]
  readonly options: Record<string, unknown>
  readonly tensors: Record<string, Listed>
  readonly y: Listed
  readonly gradients: Record<string, Listed>
}
const { cases } = readGolden<Golden<Case>>('losses-all')
const functions = loss as unknown as Record<string, (...args: unknown[]) => Tensor>

/** Inputs and results are rounded to 24 bits (6e-8), differences and divisions of such lose some more. */
const float32 = { absolute: 3e-5, relative: 3e-5 }

const missing = new Map<BackendName, string>()
for (const name of ['wasm', 'native'] as const) {
  const probe = await probeBackend(name)
  if ('reason' in probe) missing.set(name, probe.reason)
}

describe.each(['wasm', 'native'] as const)('on %s', (backend) => {
  const reason = missing.get(backend)
  const note = reason === undefined ? '' : ` (skipped: ${reason})`
  it.skipIf(reason !== undefined)(`all losses in one program${note}`, { timeout: 120_000 }, async () => {
    await setBackend(backend)
    const run = compile((given: { inputs: Tensor[]; weights: Record<string, Tensor> }[]) =>
      given.map(({ inputs, weights }, i) => {
        const { kind, options, gradients: expected } = cases[i]
        const [start, ...rest] = inputs
        const first = kind === 'ctc' ? start.logSoftmax(-1) : start
        const value = functions[kind](first, ...rest, { ...options, ...weights })
        const places = Object.keys(expected).map((place) => inputs[Number(place)])
        return { value, slopes: gradients(value.mul(probeOf(value)).sum(), places) as Tensor[] }
      }),
    )
    const results = await run(
      cases.map(({ inputs, tensors }) => ({
        inputs: inputs.map(toFloat32),
        weights: Object.fromEntries(Object.entries(tensors).map(([name, listed]) => [name, toFloat32(listed)])),
      })),
    )
    for (const [i, { kind, y, gradients: expected }] of cases.entries()) {
      expectClose(`${i} ${kind} value`, await results[i].value.data(), y.data, float32)
      for (const [at, place] of Object.keys(expected).entries()) {
        expectClose(`${i} ${kind} gradient`, await results[i].slopes[at].data(), expected[place].data, float32)
      }
    }
    expect(results.length).toBe(cases.length)
    run.release()
  })
})

/** Scores that overflow exponentials and squares of float32, and probabilities without doubt. */
const [large, ones] = [
  tensor([
    [1e4, -1e4, 0],
    [-1e4, 1e4, 1e4],
    [0, 0, 0],
  ]),
  tensor([
    [1, -1, 1],
    [1, -1, -1],
    [-1, 1, 1],
  ]),
]
const sure = tensor([
  [1, 0, 0],
  [0, 1, 1],
  [0, 0, 1],
])
const [labels, sign, same] = [tensor([1, 0, 2], { dtype: 'int32' }), tensor([1, -1, -1]), tensor([1, 0, 0])]
const lengths = tensor([3, 3, 1], { dtype: 'int32' })
const extremes: Record<string, (x: Tensor) => Tensor> = {
  crossEntropy: (x) => loss.crossEntropy(x, labels, { labelSmoothing: 0.1 }),
  nll: (x) => loss.nll(x.logSoftmax(-1), labels),
  focal: (x) => loss.focal(x, labels),
  'focal of a root': (x) => loss.focal(x, labels, { gamma: 0.5 }),
  sigmoidFocal: (x) => loss.sigmoidFocal(x, sure),
  'sigmoidFocal of a root': (x) => loss.sigmoidFocal(x, sure, { gamma: 0.5 }),
  bceWithLogits: (x) => loss.bceWithLogits(x, sure),
  'bce of sigmoid': (x) => loss.bce(x.sigmoid(), sure),
  multilabelSoftMargin: (x) => loss.multilabelSoftMargin(x, sure),
  softMargin: (x) => loss.softMargin(x, ones),
  klDivergence: (x) => loss.klDivergence(x.logSoftmax(-1), sure),
  'klDivergence of logarithms': (x) => loss.klDivergence(x.logSoftmax(-1), sure.log(), { logTarget: true }),
  mse: (x) => loss.mse(x, ones),
  l1: (x) => loss.l1(x, ones),
  smoothL1: (x) => loss.smoothL1(x.mul(1e30), ones),
  huber: (x) => loss.huber(x.mul(1e30), ones),
  quantile: (x) => loss.quantile(x, ones, { q: 0.1 }),
  gaussianNll: (x) => loss.gaussianNll(x, ones, x.relu()),
  'poissonNll of counts': (x) => loss.poissonNll(x.relu(), sure.mul(1e4), { logInput: false, full: true }),
  hinge: (x) => loss.hinge(x, ones),
  squaredHinge: (x) => loss.squaredHinge(x, ones),
  hingeEmbedding: (x) => loss.hingeEmbedding(x, ones),
  multiMargin: (x) => loss.multiMargin(x, labels, { p: 2 }),
  marginRanking: (x) => loss.marginRanking(x, ones, ones),
  cosineEmbedding: (x) => loss.cosineEmbedding(x.mul(1e6), x.mul(-1e6).add(1), sign),
  'cosineEmbedding of zeros': (x) => loss.cosineEmbedding(x.mul(0), x.mul(0), sign),
  tripletMargin: (x) => loss.tripletMargin(x, x, x.neg()),
  'tripletMargin of one point': (x) => loss.tripletMargin(x, x, x, { eps: 0 }),
  contrastive: (x) => loss.contrastive(x, x.neg(), same),
  'contrastive of one point': (x) => loss.contrastive(x, x.add(0), same),
  infoNce: (x) => loss.infoNce(x, x.flip(0), { temperature: 0.01 }),
  ntXent: (x) => loss.ntXent(x, x.flip(0), { temperature: 0.01 }),
  dice: (x) => loss.dice(x, labels),
  'dice of masks': (x) => loss.dice(x, sure, { smooth: 1 }),
  ctc: (x) =>
    loss.ctc(x.expand([3, 3, 3]).logSoftmax(-1), sure.cast('int32').add(1), lengths, lengths.minimum(2), {
      zeroInfinity: true,
    }),
}

it('losses and their gradients are finite for extreme inputs in float32', { timeout: 120_000 }, async () => {
  await setBackend('wasm')
  const run = compile((x: Tensor) =>
    Object.values(extremes).map((of) => {
      const value = of(x)
      return { value, slope: gradients(value, [x])[0] as Tensor }
    }),
  )
  const results = await run(large)
  for (const [i, name] of Object.keys(extremes).entries()) {
    const numbers = [...(await results[i].value.data()), ...(await results[i].slope.data())]
    expect(
      numbers.filter((value) => !Number.isFinite(value)),
      name,
    ).toEqual([])
  }
})
