/**
 * What of a picture a score depends on: its gradient, and what covering parts does to it.
 *
 * A gradient picture may look convincing and say nothing of what was learned (Adebayo and others 2018, “Sanity checks
 * for saliency maps”); so the same is computed for weights that were newly drawn.
 */
import { compile, gradients, manualSeed, type nn, type Tensor, tensor } from 'glissade'
import { buildModel } from '../build.ts'
import type { Live } from '../desk.ts'
import { inputOf } from '../inputs.ts'
import { numbersOf } from '../numbers.ts'
import { forwardOf, type Run } from '../run.ts'
import type { Answerer } from './index.ts'

/** Networks with other first weights, for the runs that they belong to. */
const drawn = new WeakMap<Live, nn.Module>()

/** The program that gives a model's score and its gradient. */
function slopes(model: nn.Module) {
  return compile((x: Tensor, pick: Tensor) => {
    const score = forwardOf(model, x).mul(pick).sum()
    return { score, gradient: gradients(score, [x])[0] as Tensor }
  })
}

/** The same network with other first weights: those of the next seed. */
function drawnAgain(run: Run): Promise<nn.Module> {
  return run.withDraws(async () => {
    manualSeed(run.spec.seed + 1)
    return buildModel(run.spec)
  })
}

function checkOutput({ run }: Live, shape: readonly number[], unit: number): number {
  const outputs = shape[shape.length - 1]
  if (run.data.inputs instanceof Int32Array)
    throw new Error('Tokens cannot grow a little, so there is no such picture.')
  if (!(Number.isInteger(unit) && unit >= 0 && unit < outputs))
    throw new Error(`There is no output ${unit} among the ${outputs}.`)
  return outputs
}

export const saliency: Answerer<'saliency'> = async (live, { input, unit, weights }) => {
  const { run, probe } = live
  const x = await inputOf(run, input)
  const outputs = checkOutput(live, (await probe.forward(x)).output.shape, unit)
  const model = weights === 'own' ? run.model : (drawn.get(live) ?? (await drawnAgain(run)))
  if (weights === 'drawn') drawn.set(live, model)
  model.eval()
  const pick = tensor(
    Float32Array.from({ length: outputs }, (_, k) => Number(k === unit)),
    { shape: [1, outputs] },
  )
  const { score, gradient } = await live.program(`saliency ${weights}`, () => slopes(model))(x, pick)
  return { stamp: run.stamp, score: await score.item(), gradient: await numbersOf(gradient, true) }
}

export const occlusion: Answerer<'occlusion'> = async (live, { input, unit, size }) => {
  const { run, probe } = live
  const x = await inputOf(run, input)
  const { output } = await probe.forward(x)
  const outputs = checkOutput(live, output.shape, unit)
  if (x.rank !== 4) throw new Error('Only pictures can be covered in parts.')
  const [, channels, rows, columns] = x.shape
  const stride = Math.max(1, Math.floor(size / 2))
  const [down, across] = [Math.ceil(rows / stride), Math.ceil(columns / stride)]
  const values = Float32Array.from(await x.data())
  const covered = new Float32Array(down * across * values.length)
  for (let square = 0; square < down * across; square++) {
    const at = square * values.length
    covered.set(values, at)
    // Squares are centred, so that those at the edge reach beyond it.
    const top = Math.floor(square / across) * stride + (stride >> 1) - (size >> 1)
    const left = (square % across) * stride + (stride >> 1) - (size >> 1)
    for (let channel = 0; channel < channels; channel++)
      for (let row = Math.max(0, top); row < Math.min(rows, top + size); row++)
        for (let column = Math.max(0, left); column < Math.min(columns, left + size); column++)
          covered[at + (channel * rows + row) * columns + column] = 0
  }
  const seen = await probe.forward(tensor(covered, { shape: [down * across, channels, rows, columns] }))
  const [before, after] = [await output.data(), await seen.output.data()]
  const score = before[unit]
  return {
    stamp: run.stamp,
    score,
    falls: {
      shape: [down, across],
      values: Float32Array.from({ length: down * across }, (_, i) => score - after[i * outputs + unit]),
    },
    stride,
  }
}
