/**
 * TensorFlow.js: its wasm backend, and its plain JavaScript one for training where wasm lacks gradients of
 * convolutions. Its networks: tfjs-networks.ts.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type * as TF from '@tensorflow/tfjs-core'
import {
  type Engine,
  group,
  type Inputs,
  openFrom,
  parts,
  type Session,
  type Settings,
  trainingSession,
  Unsupported,
} from './engine.ts'
import { images, type Network, networks, type Tf, toTensor, toWeight, writer } from './tfjs-networks.ts'

/** What its optimizers say they take; tensors by name are what they use. */
type Gradients = Parameters<TF.AdamOptimizer['applyGradients']>[0]

export async function start(backend: string, threads: number): Promise<Engine> {
  const tf = plain<Tf>(await import('@tensorflow/tfjs-core'))
  if (backend === 'wasm') await import('@tensorflow/tfjs-backend-wasm')
  else await import('@tensorflow/tfjs-backend-cpu')
  await registerGradients()
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs has no backend ${backend} here`)
  return {
    version: tf.version_core,
    backend,
    threads,
    open: (work, inputs, settings) => openFrom(works, work)(tf, inputs, settings),
  }
}

/**
 * The gradients are not in the file that Node loads of tfjs-core, only among its separate modules; these find the same
 * registry, which is global.
 */
async function registerGradients(): Promise<void> {
  const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-core')
  await import(/* @vite-ignore */ join(dirname(main), 'register_all_gradients.js'))
}

/** The package is CommonJS: how its names arrive depends on who imports it. */
function plain<M extends object>(module: M | { default: M }): M {
  return 'default' in module ? module.default : module
}

type Criterion = (output: TF.Tensor, y: TF.Tensor) => TF.Scalar
type Work = (tf: Tf, inputs: Inputs, settings: Settings) => Promise<Session>

const works: Record<string, Work> = {
  async matmul(tf, { a, b, positions }) {
    const [x, y] = [toTensor(tf, a), toTensor(tf, b)]
    return {
      async check() {
        const product = tf.matMul(x, y)
        const values = await product.data()
        product.dispose()
        return { values: Array.from(positions.data, (position) => values[position]) }
      },
      run() {
        tf.matMul(x, y).dispose()
        return undefined
      },
      close: () => tf.dispose([x, y]),
    }
  },

  async tiny(tf, inputs, settings) {
    const optimizer = tf.train.sgd(settings.lr)
    const update: Update = (_, gradients) => optimizer.applyGradients(gradients)
    const criterion: Criterion = (output, y) => tf.mean(tf.squaredDifference(output, y))
    return train(tf, inputs, settings, networks.perceptron(tf.tanh), criterion, update)
  },

  mlp: async (tf, inputs, settings) =>
    train(tf, inputs, settings, networks.perceptron(tf.relu), classLoss(tf), adamW(tf, settings)),
  lstm: async (tf, inputs, settings) => train(tf, inputs, settings, networks.lstm, classLoss(tf), adamW(tf, settings)),
  gru2: async (tf, inputs, settings) => train(tf, inputs, settings, networks.gru2, classLoss(tf), adamW(tf, settings)),
  gpt: async (tf, inputs, settings) =>
    train(tf, inputs, settings, networks.gpt(settings), classLoss(tf), adamW(tf, settings)),
  cnn: convolutional(networks.cnn, classLoss),
  resnet: convolutional(networks.resnet, classLoss),
  unet: convolutional(networks.unet, (tf) => (scores, y) => tf.losses.sigmoidCrossEntropy(y, scores)),

  async 'digits-forward'(tf, inputs) {
    const p = weightsOf(tf, inputs)
    const x = images(tf, parts(inputs.x)[0])
    const forward = (): TF.Tensor => tf.tidy(() => networks.digits(tf, p, x, new Map()))
    return {
      async check() {
        const output = forward()
        const values = [...(await output.data())]
        output.dispose()
        return { values }
      },
      // asked for, since nothing else waits for it
      run: async () => {
        const output = forward()
        await output.data()
        output.dispose()
      },
      close: () => tf.dispose([x, ...p.values()]),
    }
  },

  async 'gpt-generate'(tf, inputs, settings) {
    const p = weightsOf(tf, inputs)
    const write = writer(tf, p, settings)
    return {
      check: async () => ({ values: write() }),
      run: async () => write(),
      close: () => tf.dispose([...p.values()]),
    }
  },
}

type Update = (variables: ReadonlyMap<string, TF.Variable>, gradients: Gradients) => void

/** AdamW: tfjs has Adam only; the decay is apart from it. */
function adamW(tf: Tf, { lr, weightDecay }: Settings): Update {
  const optimizer = tf.train.adam(lr, 0.9, 0.999, 1e-8)
  const keep = 1 - lr * weightDecay
  return (variables, gradients) => {
    for (const [name, each] of variables) if (name in gradients) each.assign(tf.mul(each, keep))
    optimizer.applyGradients(gradients)
  }
}

/** The mean over all classified things: output: [...s, classes], y: int32 [...s] */
function classLoss(tf: Tf): Criterion {
  return (output, y) => {
    const classes = output.shape[output.rank - 1]
    const scores = tf.reshape(output, [-1, classes])
    return tf.losses.softmaxCrossEntropy(tf.oneHot(tf.reshape(y, [-1]) as TF.Tensor1D, classes), scores)
  }
}

function convolutional(network: Network, criterion: (tf: Tf) => Criterion): Work {
  return async (tf, inputs, settings) => {
    const needed = 'Conv2DBackpropFilter'
    if (!tf.getKernel(needed, tf.getBackend())) throw new Unsupported(`its ${tf.getBackend()} backend lacks ${needed}`)
    return train(tf, inputs, settings, network, criterion(tf), adamW(tf, settings))
  }
}

function weightsOf(tf: Tf, inputs: Inputs): Map<string, TF.Variable> {
  const given = Object.entries(group(inputs, 'weights.'))
  return new Map(
    given.map(([name, input]) => [name, tf.variable(toWeight(tf, name, input), !/running_/.test(name), name)]),
  )
}

function train(
  tf: Tf,
  inputs: Inputs,
  { losses }: Settings,
  network: Network,
  criterion: Criterion,
  update: Update,
): Session {
  const variables = weightsOf(tf, inputs)
  const read = (input: Inputs[string]): TF.Tensor =>
    input.shape.length === 4 ? images(tf, input) : toTensor(tf, input)
  const xs = parts(inputs.x).map(read)
  const ys = parts(inputs.y).map(read)
  const step = (i: number): TF.Scalar =>
    tf.tidy(() => {
      const statistics = new Map<string, TF.Tensor>()
      const { value, grads } = tf.variableGrads(() => criterion(network(tf, variables, xs[i], statistics), ys[i]))
      update(variables, grads as Gradients)
      for (const [name, now] of statistics) variables.get(name)?.assign(now)
      return value
    })
  const first = async (loss: TF.Scalar): Promise<number> => (await loss.data())[0]
  return {
    ...trainingSession({ batches: xs.length, losses }, step, first, (loss) => loss.dispose()),
    close: () => tf.dispose([...variables.values(), ...xs, ...ys]),
  }
}
