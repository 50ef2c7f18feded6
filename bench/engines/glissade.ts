/** Glissade itself, as users have it: native or wasm. */
import { readFileSync } from 'node:fs'
import { type BackendName, compile, loss, nn, optim, setBackend, type Tensor, tensor } from 'glissade'
import {
  type Engine,
  group,
  type Input,
  type Inputs,
  openFrom,
  parts,
  type Session,
  type Settings,
  trainingSession,
  Unsupported,
} from './engine.ts'

type Choose = () => Promise<unknown>

export async function start(name: string, threads: number): Promise<Engine> {
  const packageFile = new URL('../../packages/glissade/package.json', import.meta.url)
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }
  let ready: Promise<unknown> | undefined
  const choose: Choose = () => {
    ready ??= setBackend(name as BackendName, { threads }).catch((error: Error) => {
      throw new Unsupported(error.message)
    })
    return ready
  }
  return {
    version,
    backend: name,
    threads,
    open: (work, inputs, settings) => openFrom(works, work)(inputs, settings, choose),
  }
}

const works: Record<string, (inputs: Inputs, settings: Settings, choose: Choose) => Promise<Session>> = {
  async matmul({ a, b, positions }, _, choose) {
    await choose()
    const [x, y] = [toTensor(a), toTensor(b)]
    const product = compile((x: Tensor, y: Tensor) => x.matmul(y))
    return {
      async check() {
        const values = await (await product(x, y)).data()
        return { values: Array.from(positions.data, (position) => values[position]) }
      },
      run: () => product(x, y),
      close: () => product.release(),
    }
  },

  async digits(inputs, settings, choose) {
    await choose()
    const model = digitsNetwork()
    await model.loadStateDict(toTensors(group(inputs, 'weights.')))
    return train(model, loss.crossEntropy, optim.adamW(settings), inputs, settings)
  },

  async tiny(inputs, settings, choose) {
    await choose()
    const linear = ({ shape: [outputs, width] }: Input): nn.Layer => nn.linear(width, outputs)
    const [a, b, c] = [inputs['weights.0.weight'], inputs['weights.2.weight'], inputs['weights.4.weight']]
    const model = nn.sequential(linear(a), nn.tanh(), linear(b), nn.tanh(), linear(c))
    await model.loadStateDict(toTensors(group(inputs, 'weights.')))
    return train(model, loss.mse, optim.sgd(settings), inputs, settings)
  },

  async 'first-step'(inputs, settings, choose) {
    const [x] = parts(inputs.x)
    const [y] = parts(inputs.y)
    return {
      check: async () => ({ values: [] }),
      async run() {
        await choose()
        const model = digitsNetwork()
        const optimizer = optim.adamW(settings).for(model)
        const step = compile((x: Tensor, y: Tensor) => {
          const l = loss.crossEntropy(model.forward(x), y)
          optimizer.minimize(l)
          return l
        })
        await step(toTensor(x), toTensor(y))
      },
    }
  },
}

function digitsNetwork(): nn.Layer {
  return nn.sequential(
    nn.conv2d(1, 32, 3),
    nn.relu(),
    nn.conv2d(32, 64, 3),
    nn.relu(),
    nn.maxPool2d(2),
    nn.flatten(),
    nn.linear(9216, 128),
    nn.relu(),
    nn.linear(128, 10),
  )
}

function train(
  model: nn.Layer,
  criterion: (output: Tensor, y: Tensor) => Tensor,
  factory: optim.OptimizerFactory,
  inputs: Inputs,
  { losses }: Settings,
): Session {
  const optimizer = factory.for(model)
  const step = compile((x: Tensor, y: Tensor) => {
    const l = criterion(model.forward(x), y)
    optimizer.minimize(l)
    return l
  })
  const xs = parts(inputs.x).map(toTensor)
  const ys = parts(inputs.y).map(toTensor)
  return {
    ...trainingSession(
      { batches: xs.length, losses },
      (i) => step(xs[i], ys[i]),
      (l) => l.item(),
    ),
    close: () => step.release(),
  }
}

function toTensor({ data, shape }: Input): Tensor {
  return tensor(data, { shape })
}

function toTensors(inputs: Inputs): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, toTensor(input)]))
}
