/**
 * TensorFlow.js: its wasm backend, and its plain JavaScript one for training where wasm lacks gradients of
 * convolutions. Images are NHWC, the only layout that its convolutions take.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type * as TF from '@tensorflow/tfjs-core'
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

type Tf = typeof TF
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

const works: Record<string, (tf: Tf, inputs: Inputs, settings: Settings) => Promise<Session>> = {
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

  async digits(tf, inputs, settings) {
    const needed = 'Conv2DBackpropFilter'
    if (!tf.getKernel(needed, tf.getBackend())) throw new Unsupported(`its ${tf.getBackend()} backend lacks ${needed}`)
    const p = group(inputs, 'weights.')
    const variables = {
      conv1: tf.variable(convolutionWeight(tf, p['0.weight'])),
      bias1: variable(tf, p['0.bias']),
      conv2: tf.variable(convolutionWeight(tf, p['2.weight'])),
      bias2: variable(tf, p['2.bias']),
      linear1: tf.variable(afterImages(tf, p['6.weight'], p['2.weight'].shape[0])),
      bias3: variable(tf, p['6.bias']),
      linear2: tf.variable(linearWeight(tf, p['8.weight'])),
      bias4: variable(tf, p['8.bias']),
    }
    const forward = (x: TF.Tensor4D): TF.Tensor2D => {
      const v = variables
      let image = tf.relu(tf.add(tf.conv2d(x, v.conv1 as TF.Tensor4D, 1, 'valid'), v.bias1)) as TF.Tensor4D
      image = tf.relu(tf.add(tf.conv2d(image, v.conv2 as TF.Tensor4D, 1, 'valid'), v.bias2))
      image = tf.maxPool(image, 2, 2, 'valid')
      const flat = tf.reshape(image, [image.shape[0], -1])
      const hidden = tf.relu(tf.add(tf.matMul(flat, v.linear1), v.bias3))
      return tf.add(tf.matMul(hidden, v.linear2), v.bias4)
    }
    const classes = p['8.bias'].shape[0]
    const xs = parts(inputs.x).map(({ data, shape: [n, c, h, w] }) => tf.tensor4d(data, [n, h, w, c], 'float32'))
    const ys = parts(inputs.y).map((y) => tf.oneHot(tf.tensor1d(y.data, 'int32'), classes))
    const optimizer = tf.train.adam(settings.lr, 0.9, 0.999, 1e-8)
    const keep = 1 - settings.lr * settings.weightDecay
    const step = (i: number): TF.Scalar =>
      tf.tidy(() => {
        const { value, grads } = tf.variableGrads(
          () => tf.losses.softmaxCrossEntropy(ys[i], forward(xs[i])) as TF.Scalar,
        )
        // AdamW: tfjs has Adam only; the decay is apart from it
        for (const each of Object.values(variables)) each.assign(tf.mul(each, keep))
        optimizer.applyGradients(grads as Gradients)
        return value
      })
    return train(tf, xs.length, settings, step, [...Object.values(variables), ...xs, ...ys])
  },

  async tiny(tf, inputs, settings) {
    const p = group(inputs, 'weights.')
    const layers = ['0', '2', '4'].map((i) => ({
      weight: tf.variable(linearWeight(tf, p[`${i}.weight`])),
      bias: variable(tf, p[`${i}.bias`]),
    }))
    const forward = (x: TF.Tensor): TF.Tensor =>
      layers.reduce((y, { weight, bias }, i) => {
        const sum = tf.add(tf.matMul(y, weight), bias)
        return i < layers.length - 1 ? tf.tanh(sum) : sum
      }, x)
    const [x] = parts(inputs.x).map((input) => toTensor(tf, input))
    const [y] = parts(inputs.y).map((input) => toTensor(tf, input))
    const optimizer = tf.train.sgd(settings.lr)
    const step = (): TF.Scalar =>
      tf.tidy(() => {
        const { value, grads } = tf.variableGrads(() => tf.mean(tf.squaredDifference(forward(x), y)) as TF.Scalar)
        optimizer.applyGradients(grads as Gradients)
        return value
      })
    return train(tf, 1, settings, step, [...layers.flatMap(({ weight, bias }) => [weight, bias]), x, y])
  },
}

function train(
  tf: Tf,
  batches: number,
  { losses }: Settings,
  step: (i: number) => TF.Scalar,
  kept: TF.Tensor[],
): Session {
  const read = async (loss: TF.Scalar): Promise<number> => (await loss.data())[0]
  return {
    ...trainingSession({ batches, losses }, step, read, (loss) => loss.dispose()),
    close: () => tf.dispose(kept),
  }
}

function toTensor(tf: Tf, { data, shape }: Input): TF.Tensor {
  return tf.tensor(data, [...shape], data instanceof Int32Array ? 'int32' : 'float32')
}

function variable(tf: Tf, input: Input): TF.Variable {
  return tf.variable(toTensor(tf, input))
}

/** [out, in] → [in, out] */
function linearWeight(tf: Tf, weight: Input): TF.Tensor {
  return tf.transpose(toTensor(tf, weight))
}

/** [out, in, h, w] → [h, w, in, out] */
function convolutionWeight(tf: Tf, weight: Input): TF.Tensor {
  return tf.transpose(toTensor(tf, weight), [2, 3, 1, 0])
}

/** The weight of a linear layer that follows images: [out, c * h * w] → [h * w * c, out] */
function afterImages(tf: Tf, weight: Input, channels: number): TF.Tensor {
  const [outputs, features] = weight.shape
  const side = Math.sqrt(features / channels)
  const apart = tf.reshape(toTensor(tf, weight), [outputs, channels, side, side])
  return tf.reshape(tf.transpose(apart, [2, 3, 1, 0]), [features, outputs])
}
