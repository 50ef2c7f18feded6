/** The forward pass of one input, layer by layer, with the numbers that each worked on. */
import { io, type nn, type Tensor } from 'glissade'
import { inputOf, targetOf } from '../inputs.ts'
import { numbersOf, softmax } from '../numbers.ts'
import type { PassageLayer } from '../protocol.ts'
import type { Run } from '../run.ts'
import type { Answerer } from './index.ts'

const floats = async (x: Tensor): Promise<Float32Array> => Float32Array.from(await x.data())

/** Weight and bias of a module that is linear. */
function linearOf(run: Run, path: string): { weight: Tensor; bias: Tensor | undefined } | undefined {
  const module = run.model.namedModules().get(path)
  if (!module || io.describeModel(module)?.kind !== 'linear') return undefined
  const { weight, bias } = module as nn.Linear
  return { weight, bias }
}

export const passage: Answerer<'passage'> = async ({ run, probe }, { input }) => {
  const x = await inputOf(run, input)
  const seen = await probe.forward(x)
  const modules = run.model.namedModules()
  const layers: PassageLayer[] = []
  let given = x
  for (const [path, value] of seen.values) {
    const module = modules.get(path)
    if (!module || [...modules.keys()].some((other) => other !== path && isInside(other, path))) continue
    const linear = linearOf(run, path)
    layers.push({
      path,
      kind: io.describeModel(module)?.kind ?? module.constructor.name,
      given: await floats(given),
      values: await floats(value),
      ...(linear && {
        weight: await numbersOf(linear.weight),
        products: await numbersOf(linear.weight.mul(given)),
        ...(linear.bias && { bias: await floats(linear.bias) }),
      }),
    })
    given = value
  }
  const target = targetOf(run, input)
  const output = await floats(seen.output)
  return {
    stamp: run.stamp,
    input: await floats(x),
    layers,
    ...(run.data.task === 'class' && { probabilities: softmax(output, output.length) }),
    ...(target && {
      target: (await target.data())[0] as number,
      loss: (await probe.score(x, target)).loss,
    }),
  }
}

const isInside = (name: string, outer: string): boolean => outer === '' || name.startsWith(`${outer}.`)

export const composed: Answerer<'composed'> = async ({ run }, { modules, input }) => {
  const x = await inputOf(run, input)
  let together: { weight: Tensor; bias: Tensor } | undefined
  for (const path of modules) {
    const linear = linearOf(run, path)
    if (!linear) throw new Error(`${path} is no linear layer, so it is not one together with others.`)
    const { weight } = linear
    const bias = linear.bias ?? weight.sum(1).mul(0)
    // W₂ (W₁ x + b₁) + b₂ = (W₂ W₁) x + (W₂ b₁ + b₂)
    together = together
      ? { weight: weight.matmul(together.weight), bias: weight.matmul(together.bias).add(bias) }
      : { weight, bias }
  }
  if (!together) throw new Error('No layers were named.')
  const { weight, bias } = together
  const values = weight.mul(x).sum(1).add(bias)
  return { stamp: run.stamp, weight: await numbersOf(weight), bias: await floats(bias), values: await floats(values) }
}
