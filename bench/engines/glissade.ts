/** Glissade itself, as users have it: native or wasm. Its networks: glissade-networks.ts. */
import { readFileSync } from 'node:fs'
import {
  type BackendName,
  type CompiledFunction,
  compile,
  generate,
  loss,
  nn,
  optim,
  setBackend,
  type Tensor,
  tensor,
} from 'glissade'
import { digitsNetwork, loadWeights } from '../works/digits-forward.ts'
import {
  type Engine,
  type Input,
  type Inputs,
  openFrom,
  parts,
  type Session,
  type Settings,
  trainingSession,
  Unsupported,
} from './engine.ts'
import { Classifier, ResNet20, TextModel, UNet } from './glissade-networks.ts'

export async function start(name: string, threads: number): Promise<Engine> {
  const packageFile = new URL('../../packages/glissade/package.json', import.meta.url)
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }
  return {
    version,
    backend: name,
    threads,
    async open(work, inputs, settings) {
      await setBackend(name as BackendName, { threads }).catch((error: Error) => {
        throw new Unsupported(error.message)
      })
      return openWork(work, inputs, settings)
    },
  }
}

/** On the backend in use. */
export function openWork(work: string, inputs: Inputs, settings: Settings): Promise<Session> {
  return openFrom(works, work)(inputs, settings)
}

type Criterion = (output: Tensor, y: Tensor) => Tensor

/** The scores of every token: [B, T, V] and [B, T]. */
const tokenLoss: Criterion = (scores, y) => loss.crossEntropy(scores.reshape([-1, scores.shape[2]]), y.flatten())
const pixelLoss: Criterion = (scores, y) => loss.bceWithLogits(scores, y)

const works: Record<string, (inputs: Inputs, settings: Settings) => Promise<Session>> = {
  async matmul({ a, b, positions }) {
    const [x, y] = [toTensor(a), toTensor(b)]
    const product = compile((x: Tensor, y: Tensor) => x.matmul(y))
    return {
      async check() {
        const values = await (await product(x, y)).data()
        return { values: Array.from(positions.data, (position) => values[position]) }
      },
      run: () => product(x, y),
      planned: () => plannedBytes(product, x, y),
      close: () => product.release(),
    }
  },

  async tiny(inputs, settings) {
    return train(linearLayers(inputs, ['0', '2', '4'], nn.tanh), loss.mse, optim.sgd(settings), inputs, settings)
  },

  async mlp(inputs, settings) {
    return train(
      linearLayers(inputs, ['0', '2', '4'], nn.relu),
      loss.crossEntropy,
      optim.adamW(settings),
      inputs,
      settings,
    )
  },

  async cnn(inputs, settings) {
    const model = nn.sequential(
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
    return train(model, loss.crossEntropy, optim.adamW(settings), inputs, settings)
  },

  resnet: async (inputs, settings) => train(new ResNet20(), loss.crossEntropy, optim.adamW(settings), inputs, settings),

  unet: async (inputs, settings) => train(new UNet(), pixelLoss, optim.adamW(settings), inputs, settings),

  lstm: async (inputs, settings) => train(new TextModel(), tokenLoss, optim.adamW(settings), inputs, settings),

  gru2: async (inputs, settings) => train(new Classifier(), loss.crossEntropy, optim.adamW(settings), inputs, settings),

  gpt: async (inputs, settings) => train(transformer(settings), tokenLoss, optim.adamW(settings), inputs, settings),

  async 'digits-forward'(inputs) {
    const model = digitsNetwork().eval()
    await loadWeights(model, inputs)
    const forward = compile((x: Tensor) => model.forward(x))
    const [x] = parts(inputs.x).map(toTensor)
    return {
      check: async () => ({ values: [...(await (await forward(x)).data())] }),
      run: () => forward(x),
      planned: () => plannedBytes(forward, x),
      close: () => forward.release(),
    }
  },

  async 'gpt-generate'(inputs, settings) {
    const model = transformer(settings)
    await loadWeights(model, inputs)
    const write = (): Promise<{ tokens: readonly number[] }> =>
      generate(model, [settings.prompt], { maxTokens: settings.count, temperature: 0 })
    return { check: async () => ({ values: (await write()).tokens }), run: write }
  },
}

function transformer({ vocab, width, layers, heads, context }: Settings): nn.LanguageModel {
  return nn.languageModel({ vocab, width, layers, heads, context })
}

/** Linear layers at these places of a Sequential, with a function between each two. */
function linearLayers(inputs: Inputs, places: readonly string[], between: () => nn.Layer): nn.Layer {
  const layers = places.map((place) => {
    const [outputs, width] = inputs[`weights.${place}.weight`].shape
    return nn.linear(width, outputs)
  })
  return nn.sequential(...layers.flatMap((layer, i) => (i === 0 ? [layer] : [between(), layer])))
}

async function train(
  model: nn.Module & { forward(x: Tensor): Tensor },
  criterion: Criterion,
  factory: optim.OptimizerFactory,
  inputs: Inputs,
  { losses }: Settings,
): Promise<Session> {
  await loadWeights(model, inputs)
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
    compile: () => step.program(xs[0], ys[0]),
    planned: () => plannedBytes(step, xs[0], ys[0]),
    close: () => step.release(),
  }
}

/** What the program's plan says: temporaries and arguments (parameters, moments, inputs). */
async function plannedBytes<A extends readonly unknown[]>(
  compiled: CompiledFunction<A, unknown>,
  ...args: A
): Promise<number> {
  const { arenaBytes, arguments: given } = (await compiled.program(...args)).plan
  return given.reduce((sum, { length }) => sum + 4 * length, arenaBytes)
}

function toTensor({ data, shape }: Input): Tensor {
  return tensor(data, { shape })
}
