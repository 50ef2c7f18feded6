/** Two small networks against PyTorch: every parameter's gradient by name, and the first ten losses. */
import { describe, expect, it } from 'vitest'
import { gradients } from '../src/autodiff/gradients.ts'
import { evaluate } from '../src/backends/reference/reference.ts'
import * as loss from '../src/loss/index.ts'
import * as optim from '../src/optim/index.ts'
import { Cnn, Mlp } from './golden/networks.ts'
import { expectClose, type Golden, type NetworkCase, readGolden, setWeights, single, toTensor } from './golden/read.ts'

/** Ten steps multiply small differences; the losses agree to about four digits more than they change. */
const afterSteps = { absolute: 2e-6, relative: 2e-5 }

describe('networks train as in PyTorch', () => {
  const { cases } = readGolden<Golden<NetworkCase>>('networks')
  it.each(cases.map((each) => [each.kind, each] as const))(
    '%s',
    (kind, { x, y, options, weights, gradients: expected, losses }) => {
      const model = kind === 'mlp' ? new Mlp() : new Cnn()
      setWeights(model, weights)
      const optimizer = (kind === 'mlp' ? optim.sgd(options) : optim.adamW(options)).for(model)
      const [input, target] = [toTensor(x), toTensor(y)]
      const named = [...model.namedParameters()]
      const first = gradients(
        loss.crossEntropy(model.forward(input), target),
        named.map(([, parameter]) => parameter),
      )
      const values = evaluate(first.map((gradient) => gradient ?? expect.fail('no gradient')))
      for (const [i, [name]] of named.entries()) {
        expectClose(`gradient of ${name}`, values[i].data, expected[name].data, single)
      }
      const found = losses.map(() => {
        const value = loss.crossEntropy(model.forward(input), target)
        optimizer.minimize(value)
        // The new values as numbers, so that the graph does not grow from step to step.
        const variables = [...model.namedVariables().values(), ...optimizer.namedState().values()]
        const [now, ...next] = evaluate([value, ...variables])
        for (const [i, variable] of variables.entries()) variable.write(next[i].data)
        return now.data[0]
      })
      expectClose('losses', found, losses, afterSteps)
    },
  )
})
