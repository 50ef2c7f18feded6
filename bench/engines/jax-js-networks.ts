/**
 * The networks in jax-js. What a function is given it uses up; `.ref` keeps it for another use. Each weight is taken
 * once out of `p`, and those that are needed twice with `.ref`. Loops over time are written out, since it has none.
 */
import { type Array as JaxArray, lax, nn, numpy as np } from '@jax-js/jax'
import type { Settings } from './engine.ts'

export type Arrays = Record<string, JaxArray>
/** `statistics` takes the running ones that batch norms have moved. */
export type Network = (p: Arrays, x: JaxArray, statistics: Arrays) => JaxArray

const linear = (p: Arrays, name: string, x: JaxArray): JaxArray =>
  np.add(np.matmul(x, np.transpose(p[`${name}.weight`])), p[`${name}.bias`])

function conv(p: Arrays, name: string, x: JaxArray, padding = 0, stride = 1): JaxArray {
  const margins: [number, number][] = [
    [padding, padding],
    [padding, padding],
  ]
  const y = lax.convGeneralDilated(x, p[`${name}.weight`], [stride, stride], margins)
  const bias = p[`${name}.bias`]
  return bias ? np.add(y, np.reshape(bias, [-1, 1, 1])) : y
}

const maxPool = (x: JaxArray): JaxArray => lax.reduceWindow(x, (window) => np.max(window), [2, 2], [2, 2])
const flatten = (x: JaxArray): JaxArray => np.reshape(x, [x.shape[0], -1])

const epsilon = 1e-5

function batchNorm(p: Arrays, name: string, x: JaxArray, statistics: Arrays): JaxArray {
  const count = x.size / x.shape[1]
  const mean = np.mean(x.ref, [0, 2, 3], { keepdims: true })
  const centred = np.subtract(x, mean.ref)
  const variance = np.mean(np.square(centred.ref), [0, 2, 3], { keepdims: true })
  const move = (key: string, now: JaxArray): void => {
    const flat = np.reshape(lax.stopGradient(now), [-1])
    statistics[`${name}.${key}`] = p[`${name}.${key}`].mul(0.9).add(flat.mul(0.1))
  }
  move('running_mean', mean)
  move('running_var', variance.ref.mul(count / (count - 1)))
  const y = np.divide(centred, np.sqrt(variance.add(epsilon)))
  const own = (key: string): JaxArray => np.reshape(p[`${name}.${key}`], [-1, 1, 1])
  return np.add(np.multiply(y, own('weight')), own('bias'))
}

function layerNorm(p: Arrays, name: string, x: JaxArray): JaxArray {
  const centred = np.subtract(x.ref, np.mean(x, -1, { keepdims: true }))
  const variance = np.mean(np.square(centred.ref), -1, { keepdims: true })
  const y = np.divide(centred, np.sqrt(variance.add(epsilon)))
  return np.add(np.multiply(y, p[`${name}.weight`]), p[`${name}.bias`])
}

/** A product with rows of ones and zeros. tokens: int32 [B, T] → [B, T, C] */
function embed(weight: JaxArray, tokens: JaxArray): JaxArray {
  return np.matmul(nn.oneHot(tokens, weight.shape[0]), weight)
}

/** Scores of what each token may look at: [T, T], true where it may. */
const causal = (steps: number): JaxArray =>
  np.array(Array.from({ length: steps }, (_, row) => Array.from({ length: steps }, (_, column) => column <= row)))

function attend(p: Arrays, name: string, x: JaxArray, heads: number): JaxArray {
  const [batch, steps, width] = x.shape
  const size = width / heads
  const all = np.add(np.matmul(x, np.transpose(p[`${name}.in_proj_weight`])), p[`${name}.in_proj_bias`])
  const apart = np.transpose(np.reshape(all, [batch, steps, 3, heads, size]), [2, 0, 3, 1, 4])
  const [q, k, v] = np.split(apart, 3, 0).map((part) => np.reshape(part, [batch, heads, steps, size]))
  const scores = np.matmul(q.mul(1 / Math.sqrt(size)), np.transpose(k, [0, 1, 3, 2]))
  const weights = nn.softmax(np.where(causal(steps), scores, -1e9), -1)
  const y = np.reshape(np.transpose(np.matmul(weights, v), [0, 2, 1, 3]), [batch, steps, width])
  return linear(p, `${name}.out_proj`, y)
}

function doubleConv(p: Arrays, name: string, x: JaxArray, statistics: Arrays): JaxArray {
  let y = x
  for (const place of [0, 3]) {
    y = nn.relu(batchNorm(p, `${name}.${place + 1}`, conv(p, `${name}.${place}`, y, 1), statistics))
  }
  return y
}

export function perceptron(between: (x: JaxArray) => JaxArray): Network {
  return (p, x) => linear(p, '4', between(linear(p, '2', between(linear(p, '0', x)))))
}

export const cnn: Network = (p, x) => {
  const image = maxPool(nn.relu(conv(p, '2', nn.relu(conv(p, '0', x)))))
  return linear(p, '8', nn.relu(linear(p, '6', flatten(image))))
}

export const digits: Network = (p, x) => {
  const image = maxPool(nn.relu(conv(p, '3', maxPool(nn.relu(conv(p, '0', x, 2))), 2)))
  return linear(p, '9', nn.relu(linear(p, '7', flatten(image))))
}

export const resnet: Network = (p, x, statistics) => {
  let y = nn.relu(batchNorm(p, 'bn1', conv(p, 'conv1', x, 1), statistics))
  for (let i = 0; `blocks.${i}.conv1.weight` in p; i++) {
    const name = `blocks.${i}`
    const more = p[`${name}.conv1.weight`].shape[0] - y.shape[1]
    const inner = nn.relu(batchNorm(p, `${name}.bn1`, conv(p, `${name}.conv1`, y.ref, 1, more ? 2 : 1), statistics))
    const second = batchNorm(p, `${name}.bn2`, conv(p, `${name}.conv2`, inner, 1), statistics)
    // every other pixel, by a window of one: there are no slices with steps
    const small = more ? lax.reduceWindow(y, (window) => np.max(window), [1, 1], [2, 2]) : y
    const margins = [
      [0, 0],
      [more / 2, more / 2],
      [0, 0],
      [0, 0],
    ] as [number, number][]
    y = nn.relu(np.add(second, more ? np.pad(small, margins) : small))
  }
  return linear(p, 'linear', np.mean(y, [2, 3]))
}

export const unet: Network = (p, x, statistics) => {
  const found = [doubleConv(p, 'down.0', x, statistics)]
  for (let i = 1; `down.${i}.0.weight` in p; i++) {
    found.push(doubleConv(p, `down.${i}`, maxPool(found[i - 1].ref), statistics))
  }
  let y = found[found.length - 1]
  for (let i = found.length - 2; i >= 0; i--) {
    const up = lax.convTranspose(y, p[`up.${i}.weight`], [2, 2], 'VALID', { transposeKernel: true })
    const wide = np.add(up, np.reshape(p[`up.${i}.bias`], [-1, 1, 1]))
    y = doubleConv(p, `join.${i}`, np.concatenate([wide, found[i]], 1), statistics)
  }
  return conv(p, 'head', y)
}

/** The steps of [B, T, C], each [B, C]. */
const stepsOf = (x: JaxArray): JaxArray[] => np.split(x, x.shape[1], 1).map((step) => np.squeeze(step, 1))

export const lstm: Network = (p, x) => {
  const bias = np.add(p['lstm.bias_ih_l0'], p['lstm.bias_hh_l0'])
  const embedded = embed(p['embedding.weight'], x)
  const inputs = np.add(np.matmul(embedded, np.transpose(p['lstm.weight_ih_l0'])), bias)
  const hh = np.transpose(p['lstm.weight_hh_l0'])
  const shape = [x.shape[0], hh.shape[0]]
  let [h, c] = [np.zeros(shape), np.zeros(shape)]
  const outputs = stepsOf(inputs).map((sums) => {
    const [i, f, g, o] = np.split(np.add(sums, np.matmul(h, hh.ref)), 4, 1)
    c = np.add(nn.sigmoid(f).mul(c), nn.sigmoid(i).mul(np.tanh(g)))
    h = nn.sigmoid(o).mul(np.tanh(c.ref))
    return h.ref
  })
  return linear(p, 'linear', np.stack(outputs, 1))
}

export function gpt({ layers, heads }: Settings): Network {
  return (p, x) => {
    const embedding = p['embedding.weight']
    let y = np.add(embed(embedding.ref, x), p['positions.weight'])
    for (let i = 0; i < layers; i++) {
      const name = `transformer.layers.${i}`
      y = np.add(y.ref, attend(p, `${name}.self_attn`, layerNorm(p, `${name}.norm1`, y), heads))
      const wide = nn.gelu(linear(p, `${name}.linear1`, layerNorm(p, `${name}.norm2`, y.ref)), { approximate: false })
      y = np.add(y, linear(p, `${name}.linear2`, wide))
    }
    return np.matmul(layerNorm(p, 'transformer.norm', y), np.transpose(embedding))
  }
}
