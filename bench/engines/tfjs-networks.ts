/**
 * The networks in TensorFlow.js. Images are NHWC, the only layout that its convolutions take; weights are turned to it
 * once (`toWeight`). Loops over time are written out, since it has none.
 */
import type * as TF from '@tensorflow/tfjs-core'
import type { Input, Settings } from './engine.ts'

export type Tf = typeof TF
export type Weights = ReadonlyMap<string, TF.Tensor>
/** `statistics` takes the running ones that batch norms have moved. */
export type Network = (tf: Tf, p: Weights, x: TF.Tensor, statistics: Map<string, TF.Tensor>) => TF.Tensor

export function toTensor(tf: Tf, { data, shape }: Input): TF.Tensor {
  return tf.tensor(data, [...shape], data instanceof Int32Array ? 'int32' : 'float32')
}

/** [B, C, H, W] → [B, H, W, C] */
export function images(tf: Tf, input: Input): TF.Tensor {
  return tf.tidy(() => tf.transpose(toTensor(tf, input), [0, 2, 3, 1]))
}

/**
 * Linear and recurrent weights [out, in] → [in, out], convolutions [out, in, h, w] → [h, w, in, out], also backwards ones
 * [in, out, h, w]; tables as they are.
 */
export function toWeight(tf: Tf, name: string, input: Input): TF.Tensor {
  const tensor = toTensor(tf, input)
  if (input.shape.length === 4) return tf.transpose(tensor, [2, 3, 1, 0])
  return input.shape.length === 2 && !/^(embedding|positions)\./.test(name) ? tf.transpose(tensor) : tensor
}

const get = (p: Weights, name: string): TF.Tensor => {
  const found = p.get(name)
  if (!found) throw new Error(`no weights ${name}`)
  return found
}

/** x weight + bias; x: [...s, in] */
function linear(tf: Tf, p: Weights, name: string, x: TF.Tensor): TF.Tensor {
  return affine(tf, x, get(p, `${name}.weight`), get(p, `${name}.bias`))
}

function affine(tf: Tf, x: TF.Tensor, weight: TF.Tensor, bias?: TF.Tensor): TF.Tensor {
  const flat = tf.reshape(x, [-1, x.shape[x.rank - 1]])
  const sum = tf.matMul(flat, weight)
  return tf.reshape(bias ? tf.add(sum, bias) : sum, [...x.shape.slice(0, -1), weight.shape[1] ?? 0])
}

/** Scores for each row of the table: x tableᵀ */
function scoresOf(tf: Tf, x: TF.Tensor, table: TF.Tensor): TF.Tensor {
  const flat = tf.matMul(tf.reshape(x, [-1, x.shape[x.rank - 1]]), table, false, true)
  return tf.reshape(flat, [...x.shape.slice(0, -1), table.shape[0]])
}

function conv(
  tf: Tf,
  p: Weights,
  name: string,
  x: TF.Tensor,
  padding: number | 'valid' = 'valid',
  stride = 1,
): TF.Tensor {
  const y = tf.conv2d(x as TF.Tensor4D, get(p, `${name}.weight`) as TF.Tensor4D, stride, padding)
  const bias = p.get(`${name}.bias`)
  return bias ? tf.add(y, bias) : y
}

const maxPool = (tf: Tf, x: TF.Tensor): TF.Tensor => tf.maxPool(x as TF.Tensor4D, 2, 2, 'valid')

/** In the order of channels, rows, columns, as the weights of linear layers behind images expect. */
const flatten = (tf: Tf, x: TF.Tensor): TF.Tensor => tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [x.shape[0], -1])

const epsilon = 1e-5

function batchNorm(tf: Tf, p: Weights, name: string, x: TF.Tensor, statistics: Map<string, TF.Tensor>): TF.Tensor {
  const { mean, variance } = tf.moments(x, [0, 1, 2])
  const count = x.size / (x.shape[3] ?? 1)
  const move = (key: string, now: TF.Tensor): void => {
    statistics.set(`${name}.${key}`, tf.keep(tf.add(tf.mul(get(p, `${name}.${key}`), 0.9), tf.mul(now, 0.1))))
  }
  move('running_mean', mean)
  move('running_var', tf.mul(variance, count / (count - 1)))
  return normalized(tf, p, name, x, mean, variance)
}

function layerNorm(tf: Tf, p: Weights, name: string, x: TF.Tensor): TF.Tensor {
  const { mean, variance } = tf.moments(x, -1, true)
  return normalized(tf, p, name, x, mean, variance)
}

function normalized(tf: Tf, p: Weights, name: string, x: TF.Tensor, mean: TF.Tensor, variance: TF.Tensor): TF.Tensor {
  const y = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)))
  return tf.add(tf.mul(y, get(p, `${name}.weight`)), get(p, `${name}.bias`))
}

/** A product with rows of ones and zeros: its gradient is there on every backend. tokens: int32 [B, T] → [B, T, C] */
function embed(tf: Tf, weight: TF.Tensor, tokens: TF.Tensor): TF.Tensor {
  const flat = tf.oneHot(tf.reshape(tokens, [-1]) as TF.Tensor1D, weight.shape[0])
  return tf.reshape(tf.matMul(tf.cast(flat, 'float32'), weight), [...tokens.shape, weight.shape[1] ?? 0])
}

/** x (1 + erf(x / sqrt(2))) / 2 */
const gelu = (tf: Tf, x: TF.Tensor): TF.Tensor => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1))

/** The steps of [B, T, C], each [B, C], in the order of time or backwards. */
function stepsOf(tf: Tf, x: TF.Tensor, backwards = false): TF.Tensor[] {
  const steps = tf.unstack(x, 1)
  return backwards ? steps.reverse() : steps
}

/** One direction of one layer; [B, T, C] → [B, T, H] */
function gruWay(tf: Tf, p: Weights, ending: string, x: TF.Tensor): TF.Tensor {
  const [ih, hh] = [get(p, `gru.weight_ih_${ending}`), get(p, `gru.weight_hh_${ending}`)]
  const inputs = affine(tf, x, ih, get(p, `gru.bias_ih_${ending}`))
  const backwards = ending.endsWith('reverse')
  let h: TF.Tensor = tf.zeros([x.shape[0], hh.shape[0]])
  const outputs = stepsOf(tf, inputs, backwards).map((sums) => {
    const [ir, iz, inew] = tf.split(sums, 3, 1)
    const [hr, hz, hnew] = tf.split(affine(tf, h, hh, get(p, `gru.bias_hh_${ending}`)), 3, 1)
    const [reset, update] = [tf.sigmoid(tf.add(ir, hr)), tf.sigmoid(tf.add(iz, hz))]
    const candidate = tf.tanh(tf.add(inew, tf.mul(reset, hnew)))
    h = tf.add(candidate, tf.mul(update, tf.sub(h, candidate)))
    return h
  })
  return tf.stack(backwards ? outputs.reverse() : outputs, 1)
}

/** q, k and v of a layer, each [B, H, T, D]. */
function projected(tf: Tf, p: Weights, name: string, x: TF.Tensor, heads: number): TF.Tensor[] {
  const [batch, steps, width] = x.shape
  const all = affine(tf, x, get(p, `${name}.in_proj_weight`), get(p, `${name}.in_proj_bias`))
  return tf
    .split(all, 3, 2)
    .map((part) => tf.transpose(tf.reshape(part, [batch, steps, heads, width / heads]), [0, 2, 1, 3]))
}

/** `mask` is added to the scores. */
function attend(tf: Tf, p: Weights, name: string, [q, k, v]: readonly TF.Tensor[], mask?: TF.Tensor): TF.Tensor {
  const [batch, heads, steps, size] = q.shape
  const scores = tf.matMul(tf.mul(q, 1 / Math.sqrt(size)), k, false, true)
  const y = tf.matMul(tf.softmax(mask ? tf.add(scores, mask) : scores), v)
  const joined = tf.reshape(tf.transpose(y, [0, 2, 1, 3]), [batch, steps, heads * size])
  return linear(tf, p, `${name}.out_proj`, joined)
}

function feed(tf: Tf, p: Weights, name: string, x: TF.Tensor): TF.Tensor {
  const wide = linear(tf, p, `${name}.linear1`, layerNorm(tf, p, `${name}.norm2`, x))
  return tf.add(x, linear(tf, p, `${name}.linear2`, gelu(tf, wide)))
}

/** 0 where a token may look, -infinity (nearly) behind it: [T, T] */
function causal(tf: Tf, steps: number): TF.Tensor {
  const values = Float32Array.from({ length: steps * steps }, (_, at) =>
    at % steps <= Math.floor(at / steps) ? 0 : -1e9,
  )
  return tf.tensor(values, [steps, steps])
}

function doubleConv(tf: Tf, p: Weights, name: string, x: TF.Tensor, statistics: Map<string, TF.Tensor>): TF.Tensor {
  let y = x
  for (const place of [0, 3]) {
    y = conv(tf, p, `${name}.${place}`, y, 1)
    y = tf.relu(batchNorm(tf, p, `${name}.${place + 1}`, y, statistics))
  }
  return y
}

type Plain = 'cnn' | 'digits' | 'resnet' | 'unet' | 'lstm' | 'gru2'

export const networks: Record<Plain, Network> & {
  perceptron(between: (x: TF.Tensor) => TF.Tensor): Network
  gpt(settings: Settings): Network
} = {
  perceptron:
    (between: (x: TF.Tensor) => TF.Tensor): Network =>
    (tf, p, x) =>
      linear(tf, p, '4', between(linear(tf, p, '2', between(linear(tf, p, '0', x))))),

  cnn(tf, p, x) {
    const image = maxPool(tf, tf.relu(conv(tf, p, '2', tf.relu(conv(tf, p, '0', x)))))
    return linear(tf, p, '8', tf.relu(linear(tf, p, '6', flatten(tf, image))))
  },

  digits(tf, p, x) {
    let image = maxPool(tf, tf.relu(conv(tf, p, '0', x, 2)))
    image = maxPool(tf, tf.relu(conv(tf, p, '3', image, 2)))
    return linear(tf, p, '9', tf.relu(linear(tf, p, '7', flatten(tf, image))))
  },

  resnet(tf, p, x, statistics) {
    let y: TF.Tensor = tf.relu(batchNorm(tf, p, 'bn1', conv(tf, p, 'conv1', x, 1), statistics))
    for (let i = 0; p.has(`blocks.${i}.conv1.weight`); i++) {
      const name = `blocks.${i}`
      const more = (get(p, `${name}.conv1.weight`).shape[3] ?? 0) - (y.shape[3] ?? 0)
      const first = conv(tf, p, `${name}.conv1`, y, 1, more ? 2 : 1)
      const inner = tf.relu(batchNorm(tf, p, `${name}.bn1`, first, statistics))
      const second = batchNorm(tf, p, `${name}.bn2`, conv(tf, p, `${name}.conv2`, inner, 1), statistics)
      // every other pixel, by a window of one: slices with steps have no gradient here
      const small = more ? tf.avgPool(y as TF.Tensor4D, 1, 2, 'valid') : y
      const wide = more
        ? tf.pad(small, [
            [0, 0],
            [0, 0],
            [0, 0],
            [more / 2, more / 2],
          ])
        : small
      y = tf.relu(tf.add(second, wide))
    }
    return linear(tf, p, 'linear', tf.mean(y, [1, 2]))
  },

  unet(tf, p, x, statistics) {
    const found = [doubleConv(tf, p, 'down.0', x, statistics)]
    for (let i = 1; p.has(`down.${i}.0.weight`); i++) {
      found.push(doubleConv(tf, p, `down.${i}`, maxPool(tf, found[i - 1]), statistics))
    }
    let y = found[found.length - 1]
    for (let i = found.length - 2; i >= 0; i--) {
      const [batch, height, width, channels] = found[i].shape
      const weight = get(p, `up.${i}.weight`) as TF.Tensor4D
      const shape: [number, number, number, number] = [batch, height, width, channels]
      const up = tf.add(tf.conv2dTranspose(y as TF.Tensor4D, weight, shape, 2, 'valid'), get(p, `up.${i}.bias`))
      y = doubleConv(tf, p, `join.${i}`, tf.concat([up, found[i]], 3), statistics)
    }
    return conv(tf, p, 'head', y)
  },

  lstm(tf, p, x) {
    const [ih, hh] = [get(p, 'lstm.weight_ih_l0'), get(p, 'lstm.weight_hh_l0')]
    const bias = tf.add(get(p, 'lstm.bias_ih_l0'), get(p, 'lstm.bias_hh_l0'))
    const inputs = affine(tf, embed(tf, get(p, 'embedding.weight'), x), ih, bias)
    let [h, c]: TF.Tensor[] = [tf.zeros([x.shape[0], hh.shape[0]]), tf.zeros([x.shape[0], hh.shape[0]])]
    const outputs = stepsOf(tf, inputs).map((sums) => {
      const [i, f, g, o] = tf.split(tf.add(sums, affine(tf, h, hh)), 4, 1)
      c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)))
      h = tf.mul(tf.sigmoid(o), tf.tanh(c))
      return h
    })
    return linear(tf, p, 'linear', tf.stack(outputs, 1))
  },

  gru2(tf, p, x) {
    let y = x
    for (const layer of ['l0', 'l1']) {
      y = tf.concat([gruWay(tf, p, layer, y), gruWay(tf, p, `${layer}_reverse`, y)], 2)
    }
    return linear(tf, p, 'linear', tf.mean(y, 1))
  },

  gpt:
    ({ layers, heads }: Settings): Network =>
    (tf, p, x) => {
      const embedding = get(p, 'embedding.weight')
      let y = tf.add(embed(tf, embedding, x), tf.slice(get(p, 'positions.weight'), [0, 0], [x.shape[1] ?? 0, -1]))
      const mask = causal(tf, x.shape[1] ?? 0)
      for (let i = 0; i < layers; i++) {
        const name = `transformer.layers.${i}`
        const own = projected(tf, p, `${name}.self_attn`, layerNorm(tf, p, `${name}.norm1`, y), heads)
        y = feed(tf, p, name, tf.add(y, attend(tf, p, `${name}.self_attn`, own, mask)))
      }
      return scoresOf(tf, layerNorm(tf, p, 'transformer.norm', y), embedding)
    },
}

/** Greedy generation: keys and values of each layer grow by one token a step. */
export function writer(tf: Tf, p: Weights, { layers, heads, count, prompt }: Settings): () => number[] {
  const embedding = get(p, 'embedding.weight')
  type Caches = readonly (readonly [keys: TF.Tensor, values: TF.Tensor])[]
  /** Scores, then keys and values of each layer. */
  const step = (token: number, place: number, caches: Caches): TF.Tensor[] => {
    const row = (table: TF.Tensor, at: number): TF.Tensor => tf.slice(table, [at, 0], [1, -1])
    let y = tf.expandDims(tf.add(row(embedding, token), row(get(p, 'positions.weight'), place)), 0)
    const next: [TF.Tensor, TF.Tensor][] = []
    for (let i = 0; i < layers; i++) {
      const name = `transformer.layers.${i}`
      const [q, k, v] = projected(tf, p, `${name}.self_attn`, layerNorm(tf, p, `${name}.norm1`, y), heads)
      const past = caches[i]
      next.push(past ? [tf.concat([past[0], k], 2), tf.concat([past[1], v], 2)] : [k, v])
      y = feed(tf, p, name, tf.add(y, attend(tf, p, `${name}.self_attn`, [q, ...next[i]])))
    }
    return [scoresOf(tf, layerNorm(tf, p, 'transformer.norm', y), embedding), ...next.flat()]
  }
  return () => {
    const found: number[] = []
    let caches: Caches = []
    for (let token = prompt, place = 0; place < count; place++) {
      const [scores, ...next] = tf.tidy(() => step(token, place, caches))
      const values = scores.dataSync()
      token = values.indexOf(Math.max(...values))
      found.push(token)
      tf.dispose([scores, ...caches.flat()])
      caches = Array.from({ length: layers }, (_, i) => [next[2 * i], next[2 * i + 1]])
    }
    tf.dispose(caches.flat())
    return found
  }
}
