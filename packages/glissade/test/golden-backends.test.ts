/**
 * The golden values on every backend that works here, through `compile`: all layers and activations in one program,
 * all losses in one, all optimizers in one, and the training of the two small networks.
 */
import { describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import * as loss from '../src/loss/index.ts'
import * as nn from '../src/nn/index.ts'
import type { Layer } from '../src/nn/module.ts'
import * as optim from '../src/optim/index.ts'
import { type BackendName, probeBackend, setBackend } from '../src/run/backend.ts'
import { compile } from '../src/run/compile.ts'
import type { Tensor } from '../src/tensor.ts'
import { Cnn, Mlp } from './golden/networks.ts'
import {
  expectClose,
  type Golden,
  type LayerCase,
  type LossCase,
  type NetworkCase,
  type OptimizerCases,
  probeOf,
  readGolden,
  setWeights,
  toFloat32,
} from './golden/read.ts'

/** Inputs and results are rounded to 24 bits (6e-8), sums of some hundred terms and values near 1000 add to that. */
const float32 = { absolute: 3e-5, relative: 3e-5 }

/** Twenty steps of an optimizer, or ten of a network, carry rounding on. */
const afterSteps = { absolute: 2e-4, relative: 2e-4 }

const optimizers = { sgd: optim.sgd, adam: optim.adam, adamW: optim.adamW }

const probed = (value: Tensor): Tensor => value.mul(probeOf(value)).sum()
const numbers = async (t: Tensor): Promise<ArrayLike<number>> => t.data()

const names: readonly BackendName[] = ['interpreter', 'wasm', 'native']
const missing = new Map<BackendName, string>()
for (const name of names) {
  const probe = await probeBackend(name)
  if ('reason' in probe) missing.set(name, probe.reason)
}

describe.each(names)('on %s', (backend) => {
  const reason = missing.get(backend)
  const test = (title: string, body: () => Promise<void>): void => {
    it.skipIf(reason !== undefined)(
      reason === undefined ? title : `${title} (skipped: ${reason})`,
      { timeout: 120_000 },
      async () => {
        await setBackend(backend)
        await body()
      },
    )
  }

  test('layers and activations give PyTorch’s numbers', async () => {
    const cases = [
      ...readGolden<Golden<LayerCase>>('layers').cases,
      ...readGolden<Golden<LayerCase>>('activations').cases,
    ]
    const make = nn as unknown as Record<string, (...args: unknown[]) => Layer>
    const layers = cases.map(({ kind, args, options, weights }) => {
      const layer = make[kind](...args, ...(options && Object.keys(options).length > 0 ? [options] : []))
      setWeights(layer, weights)
      return layer
    })
    const run = compile((inputs: Tensor[]) =>
      inputs.map((input, i) => {
        const y = layers[i].forward(input)
        const parameters = layers[i].namedParameters()
        const [dx, ...rest] = gradients(probed(y), [input, ...parameters.values()]) as Tensor[]
        return { y, dx, gradients: Object.fromEntries([...parameters.keys()].map((name, at) => [name, rest[at]])) }
      }),
    )
    const results = await run(cases.map(({ x }) => toFloat32(x)))
    for (const [i, { kind, y, dx, gradients: expected }] of cases.entries()) {
      expectClose(`${i} ${kind} output`, await numbers(results[i].y), y.data, float32)
      expectClose(`${i} ${kind} input gradient`, await numbers(results[i].dx), dx.data, float32)
      for (const [name, values] of Object.entries(expected)) {
        expectClose(`${i} ${kind} gradient of ${name}`, await numbers(results[i].gradients[name]), values.data, float32)
      }
    }
  })

  test('losses give PyTorch’s numbers', async () => {
    const { cases } = readGolden<Golden<LossCase>>('losses')
    const functions = loss as unknown as Record<string, (x: Tensor, target: Tensor, options: object) => Tensor>
    const run = compile((inputs: { x: Tensor; target: Tensor; weights: Record<string, Tensor> }[]) =>
      inputs.map(({ x, target, weights }, i) => {
        const value = functions[cases[i].kind](x, target, { ...cases[i].options, ...weights })
        return { value, slope: gradients(probed(value), [x])[0] as Tensor }
      }),
    )
    const results = await run(
      cases.map(({ x, target, tensors }) => ({
        x: toFloat32(x),
        target: toFloat32(target),
        weights: Object.fromEntries(Object.entries(tensors).map(([name, listed]) => [name, toFloat32(listed)])),
      })),
    )
    for (const [i, { kind, y, dx }] of cases.entries()) {
      expectClose(`${i} ${kind} value`, await numbers(results[i].value), y.data, float32)
      expectClose(`${i} ${kind} gradient`, await numbers(results[i].slope), dx.data, float32)
    }
  })

  test('optimizers take PyTorch’s steps, and count them', async () => {
    const { cases, a, b, c, start } = readGolden<OptimizerCases>('optimizers')
    const [quartic, quadratic, linear] = [a, b, c].map(toFloat32)
    const bound = cases.map(({ kind, options }) => {
      const p = new nn.Parameter(toFloat32(start))
      return { p, optimizer: optimizers[kind](options).for([p]) }
    })
    const step = compile(() =>
      bound.map(({ p, optimizer }) => {
        optimizer.minimize(quartic.mul(p.pow(4)).div(4).add(quadratic.mul(p.square()).div(2)).add(linear.mul(p)).sum())
        return p.add(0)
      }),
    )
    const found = cases.map((): number[] => [])
    for (let i = 0; i < 20; i++) {
      if (i === 10) for (const { optimizer } of bound) optimizer.lr *= 0.5
      for (const [at, values] of (await step()).entries()) found[at].push(...Array.from(await numbers(values)))
    }
    for (const [i, { kind, path }] of cases.entries()) {
      expect(bound[i].optimizer.steps).toBe(20)
      expectClose(`${i} ${kind}`, found[i], path.data, afterSteps)
    }
  })

  test('networks train as in PyTorch', async () => {
    for (const { kind, x, y, options, weights, gradients: expected, losses } of readGolden<Golden<NetworkCase>>(
      'networks',
    ).cases) {
      const model = kind === 'mlp' ? new Mlp() : new Cnn()
      setWeights(model, weights)
      const optimizer = (kind === 'mlp' ? optim.sgd(options) : optim.adamW(options)).for(model)
      const step = compile((input: Tensor, target: Tensor) => {
        const value = loss.crossEntropy(model.forward(input), target)
        const slopes = gradients(value, model.parameters())
        optimizer.minimize(value)
        return { value, slopes }
      })
      const [input, target] = [toFloat32(x), toFloat32(y)]
      const found: number[] = []
      for (let i = 0; i < losses.length; i++) {
        const { value, slopes } = await step(input, target)
        if (i === 0) {
          for (const [at, name] of [...model.namedParameters().keys()].entries()) {
            expectClose(
              `${kind} gradient of ${name}`,
              await numbers(slopes[at] as Tensor),
              expected[name].data,
              float32,
            )
          }
        }
        found.push(await value.item())
      }
      expectClose(`${kind} losses`, found, losses, afterSteps)
    }
  })
})
