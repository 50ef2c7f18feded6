/**
 * jax-js on its wasm backend (one thread in Node), each step compiled with its `jit`. Arguments of its functions are
 * consumed; `.ref` keeps one for another use.
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
} from './engine.ts'

const { numpy: np, nn, lax } = jax
type Arrays = Record<string, jax.Array>

export async function start(backend: string, threads: number): Promise<Engine> {
  const known = await jax.init(backend as jax.Device)
  if (!known.includes(backend as jax.Device)) throw new Error(`jax-js has no backend ${backend} here`)
  jax.defaultDevice(backend as jax.Device)
  const main = createRequire(import.meta.url).resolve('@jax-js/jax')
  const { version } = JSON.parse(readFileSync(join(dirname(main), '../package.json'), 'utf8')) as { version: string }
  return { version, backend, threads, open: (work, inputs, settings) => openFrom(works, work)(inputs, settings) }
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
  digits: async (inputs, settings) => trainDigits(inputs, settings),
  async 'first-step'(inputs, settings) {
    return {
      check: async () => ({ values: [] }),
      async run() {
        const { run, finish } = trainDigits(inputs, { ...settings, losses: 0 })
        await run()
        await finish?.()
      },
    }
  },

  async tiny(inputs, { lr, losses }) {
    const error = (p: Arrays, x: jax.Array, y: jax.Array): jax.Array => {
      let h = np.tanh(np.add(np.matmul(x, np.transpose(p['0.weight'])), p['0.bias']))
      h = np.tanh(np.add(np.matmul(h, np.transpose(p['2.weight'])), p['2.bias']))
      return np.mean(np.square(np.subtract(np.add(np.matmul(h, np.transpose(p['4.weight'])), p['4.bias']), y)))
    }
    const update = jax.jit((p: Arrays, x: jax.Array, y: jax.Array): [jax.Array, Arrays] => {
      const [value, gradients] = jax.valueAndGrad(error)(refs(p), x, y)
      return [value, mapArrays(p, (each, name) => each.sub(gradients[name].mul(lr)))]
    })
    let state = toArrays(group(inputs, 'weights.'))
    const [x] = parts(inputs.x).map(toArray)
    const [y] = parts(inputs.y).map(toArray)
    const step = (): jax.Array => {
      const [value, next] = update(state, x.ref, y.ref)
      state = next
      return value
    }
    return train({ batches: 1, losses }, step, () => state)
  },
}

/** Adam's averages are kept for every weight; the two powers of its coefficients come from the host. */
function trainDigits(inputs: Inputs, { lr, weightDecay, losses }: Settings): Session {
  const [b1, b2, eps] = [0.9, 0.999, 1e-8]
  const classes = inputs['weights.8.bias'].shape[0]
  const error = (p: Arrays, x: jax.Array, y: jax.Array): jax.Array => {
    let image = nn.relu(np.add(lax.conv(x, p['0.weight'], [1, 1], 'VALID'), np.reshape(p['0.bias'], [-1, 1, 1])))
    image = nn.relu(np.add(lax.conv(image, p['2.weight'], [1, 1], 'VALID'), np.reshape(p['2.bias'], [-1, 1, 1])))
    image = lax.reduceWindow(image, (window) => np.max(window), [2, 2], [2, 2])
    const flat = np.reshape(image, [image.shape[0], -1])
    const hidden = nn.relu(np.add(np.matmul(flat, np.transpose(p['6.weight'])), p['6.bias']))
    const logits = np.add(np.matmul(hidden, np.transpose(p['8.weight'])), p['8.bias'])
    const own = np.sum(nn.logSoftmax(logits).mul(nn.oneHot(y, classes)), -1)
    return np.mean(own).neg()
  }
  const update = jax.jit(
    (p: Arrays, m: Arrays, v: Arrays, size: jax.Array, correction: jax.Array, x: jax.Array, y: jax.Array) => {
      const [value, g] = jax.valueAndGrad(error)(refs(p), x, y)
      const nextM = mapArrays(m, (each, name) => each.mul(b1).add(g[name].ref.mul(1 - b1)))
      const nextV = mapArrays(v, (each, name) => each.mul(b2).add(np.square(g[name]).mul(1 - b2)))
      const nextP = mapArrays(p, (each, name) => {
        const root = np.sqrt(nextV[name].ref).mul(correction.ref).add(eps)
        return each.mul(1 - lr * weightDecay).sub(nextM[name].ref.div(root).mul(size.ref))
      })
      size.dispose()
      correction.dispose()
      return [value, nextP, nextM, nextV] as [jax.Array, Arrays, Arrays, Arrays]
    },
  )
  let state = toArrays(group(inputs, 'weights.'))
  let m = mapArrays(state, (each) => np.zeros(each.shape))
  let v = mapArrays(state, (each) => np.zeros(each.shape))
  let t = 0
  const xs = parts(inputs.x).map(toArray)
  const ys = parts(inputs.y).map(toArray)
  const step = (i: number): jax.Array => {
    t++
    const [size, correction] = [np.array(lr / (1 - b1 ** t)), np.array(1 / Math.sqrt(1 - b2 ** t))]
    const [value, ...next] = update(state, m, v, size, correction, xs[i].ref, ys[i].ref)
    ;[state, m, v] = next
    return value
  }
  return train({ batches: xs.length, losses }, step, () => state)
}

function train(
  options: { batches: number; losses: number },
  step: (batch: number) => jax.Array,
  state: () => Arrays,
): Session {
  const read = async (loss: jax.Array): Promise<number> => (await loss.ref.data())[0]
  return {
    ...trainingSession(options, step, read, (loss) => loss.dispose()),
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
