/**
 * jax-js on its wasm backend (one thread in Node), each step compiled with its `jit`. Its networks: jax-js-networks.ts,
 * which also says what `.ref` is for.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import * as jax from '@jax-js/jax'
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
import { type Arrays, cnn, digits, gpt, lstm, type Network, perceptron, resnet, unet } from './jax-js-networks.ts'

const { numpy: np, nn } = jax

export async function start(backend: string, threads: number): Promise<Engine> {
  const known = await jax.init(backend as jax.Device)
  if (!known.includes(backend as jax.Device)) throw new Error(`jax-js has no backend ${backend} here`)
  jax.defaultDevice(backend as jax.Device)
  const main = createRequire(import.meta.url).resolve('@jax-js/jax')
  const { version } = JSON.parse(readFileSync(join(dirname(main), '../package.json'), 'utf8')) as { version: string }
  return { version, backend, threads, open: (work, inputs, settings) => openFrom(works, work)(inputs, settings) }
}

type Criterion = (output: jax.Array, y: jax.Array) => jax.Array

const squares: Criterion = (output, y) => np.mean(np.square(np.subtract(output, y)))

/** output: [...s, classes], y: int32 [...s] */
const classLoss: Criterion = (output, y) => {
  const classes = output.shape[output.shape.length - 1]
  return np.mean(np.sum(nn.logSoftmax(output).mul(nn.oneHot(y, classes)), -1)).neg()
}

/** max(s, 0) - s y + log(1 + exp(-|s|)) */
const pixelLoss: Criterion = (scores, y) => {
  const product = np.multiply(scores.ref, y)
  const rest = np.log1p(np.exp(np.abs(scores.ref).neg()))
  return np.mean(np.add(np.subtract(nn.relu(scores), product), rest))
}

const works: Record<string, (inputs: Inputs, settings: Settings) => Promise<Session>> = {
  async matmul({ a, b, positions }) {
    const [x, y] = [toArray(a), toArray(b)]
    const product = jax.jit((x: jax.Array, y: jax.Array) => np.matmul(x, y))
    let last: jax.Array | undefined
    return {
      async check() {
        const values = await product(x.ref, y.ref).data()
        return { values: Array.from(positions.data, (position) => values[position]) }
      },
      run() {
        last?.dispose()
        last = product(x.ref, y.ref)
        return jax.blockUntilReady(last)
      },
    }
  },
  tiny: async (inputs, settings) => trainPlain(inputs, settings, perceptron(np.tanh), squares),
  mlp: async (inputs, settings) => train(inputs, settings, perceptron(nn.relu), classLoss),
  cnn: async (inputs, settings) => train(inputs, settings, cnn, classLoss),
  resnet: async (inputs, settings) => train(inputs, settings, resnet, classLoss),
  unet: async (inputs, settings) => train(inputs, settings, unet, pixelLoss),
  lstm: async (inputs, settings) => train(inputs, settings, lstm, classLoss),
  async gru2() {
    throw new Unsupported('it has no loop over time, and 400 cells written out compile for too long')
  },
  gpt: async (inputs, settings) => train(inputs, settings, gpt(settings), classLoss),

  async 'digits-forward'(inputs) {
    const p = toArrays(group(inputs, 'weights.'))
    const [x] = parts(inputs.x).map(toArray)
    const forward = jax.jit((p: Arrays, x: jax.Array) => digits(p, x, {}))
    let last: jax.Array | undefined
    return {
      check: async () => ({ values: [...(await forward(refs(p), x.ref).data())] }),
      run() {
        last?.dispose()
        last = forward(refs(p), x.ref)
        return jax.blockUntilReady(last)
      },
    }
  },
}

/** Plain gradient descent. */
function trainPlain(inputs: Inputs, { lr, losses }: Settings, network: Network, criterion: Criterion): Session {
  const error = (p: Arrays, x: jax.Array, y: jax.Array): jax.Array => criterion(network(p, x, {}), y)
  const update = jax.jit((p: Arrays, x: jax.Array, y: jax.Array): [jax.Array, Arrays] => {
    const [value, gradients] = jax.valueAndGrad(error)(refs(p), x, y)
    return [value, mapArrays(p, (each, name) => each.sub(gradients[name].mul(lr)))]
  })
  let state = toArrays(group(inputs, 'weights.'))
  const step = (x: jax.Array, y: jax.Array): jax.Array => {
    const [value, next] = update(state, x, y)
    state = next
    return value
  }
  return sessionOf(inputs, losses, step, () => state)
}

const isStatistic = (name: string): boolean => /\.running_(mean|var)$/.test(name)

/** AdamW. Averages are kept for every weight; the two powers of its coefficients come from the host. */
function train(inputs: Inputs, settings: Settings, network: Network, criterion: Criterion): Session {
  const { lr, weightDecay, losses } = settings
  const [b1, b2, eps] = [0.9, 0.999, 1e-8]
  const error = (p: Arrays, s: Arrays, x: jax.Array, y: jax.Array): [jax.Array, Arrays] => {
    const statistics: Arrays = {}
    const output = network({ ...p, ...s }, x, statistics)
    return [criterion(output, y), statistics]
  }
  const update = jax.jit(
    (
      p: Arrays,
      s: Arrays,
      m: Arrays,
      v: Arrays,
      size: jax.Array,
      correction: jax.Array,
      x: jax.Array,
      y: jax.Array,
    ) => {
      const [[value, nextS], g] = jax.valueAndGrad(error, { hasAux: true })(refs(p), s, x, y)
      const nextM = mapArrays(m, (each, name) => each.mul(b1).add(g[name].ref.mul(1 - b1)))
      const nextV = mapArrays(v, (each, name) => each.mul(b2).add(np.square(g[name]).mul(1 - b2)))
      const nextP = mapArrays(p, (each, name) => {
        const root = np.sqrt(nextV[name].ref).mul(correction.ref).add(eps)
        return each.mul(1 - lr * weightDecay).sub(nextM[name].ref.div(root).mul(size.ref))
      })
      size.dispose()
      correction.dispose()
      return [value, nextP, nextS, nextM, nextV] as [jax.Array, Arrays, Arrays, Arrays, Arrays]
    },
  )
  const given = Object.entries(group(inputs, 'weights.'))
  const pick = (statistic: boolean): Arrays =>
    toArrays(Object.fromEntries(given.filter(([name]) => isStatistic(name) === statistic)))
  let state = pick(false)
  let statistics = pick(true)
  let m = mapArrays(state, (each) => np.zeros(each.shape))
  let v = mapArrays(state, (each) => np.zeros(each.shape))
  let t = 0
  const step = (x: jax.Array, y: jax.Array): jax.Array => {
    t++
    const [size, correction] = [np.array(lr / (1 - b1 ** t)), np.array(1 / Math.sqrt(1 - b2 ** t))]
    const [value, ...next] = update(state, statistics, m, v, size, correction, x, y)
    ;[state, statistics, m, v] = next
    return value
  }
  return sessionOf(inputs, losses, step, () => state)
}

function sessionOf(
  inputs: Inputs,
  losses: number,
  step: (x: jax.Array, y: jax.Array) => jax.Array,
  state: () => Arrays,
): Session {
  const xs = parts(inputs.x).map(toArray)
  const ys = parts(inputs.y).map(toArray)
  const read = async (loss: jax.Array): Promise<number> => (await loss.ref.data())[0]
  const advance = (i: number): jax.Array => step(xs[i].ref, ys[i].ref)
  return {
    ...trainingSession({ batches: xs.length, losses }, advance, read, (loss) => loss.dispose()),
    finish: () => jax.blockUntilReady(state()),
  }
}

function toArray({ data, shape }: Input): jax.Array {
  return np.array(data as Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>, { shape: [...shape] })
}

function toArrays(inputs: Inputs): Arrays {
  return Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, toArray(input)]))
}

function mapArrays(arrays: Arrays, change: (array: jax.Array, name: string) => jax.Array): Arrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, change(array, name)]))
}

function refs(arrays: Arrays): Arrays {
  return mapArrays(arrays, (array) => array.ref)
}
