/** How fast does a convolutional network train on real handwritten digits? One whole step, with AdamW. */
import { data } from 'glissade'
import { judgeLosses } from './judge.ts'
import { type Input, layer, productFlops, type Work } from './work.ts'

const batchSize = 64
/** So many different batches, in turn. */
const batches = 16
const [side, channels, hidden, classes] = [28, [1, 32, 64], 128, 10] as const
const kernel = 3
/** Sides after the convolutions, without padding, and after the window of two. */
const [side1, side2, pooled] = [side - 2, side - 4, (side - 4) / 2]
const features = channels[2] * pooled * pooled

/** How far apart losses may be: engines sum in other orders, and Adam magnifies the smallest gradients. */
const tolerance = 5e-3

/** Forward, and the gradients to weights and inputs, each as much again; the images themselves need no gradient. */
function stepFlops(): number {
  const conv1 = productFlops(batchSize * side1 * side1, channels[1], channels[0] * kernel * kernel)
  const conv2 = productFlops(batchSize * side2 * side2, channels[2], channels[1] * kernel * kernel)
  const linear = productFlops(batchSize, hidden, features) + productFlops(batchSize, classes, hidden)
  return 2 * conv1 + 3 * (conv2 + linear)
}

/** The network as engines name it: layers by their place among all, as in PyTorch's Sequential. */
function weights(): Record<string, Input> {
  return {
    ...layer('weights.0', [channels[1], channels[0], kernel, kernel], 10),
    ...layer('weights.2', [channels[2], channels[1], kernel, kernel], 20),
    ...layer('weights.6', [hidden, features], 30),
    ...layer('weights.8', [classes, hidden], 40),
  }
}

async function samples(): Promise<Record<'x' | 'y', Input>> {
  const { train } = await data.digits()
  const x = new Float32Array(batches * batchSize * side * side)
  const y = new Int32Array(batches * batchSize)
  let batch = 0
  for await (const each of train.batches(batchSize, { shuffle: true, seed: 1 })) {
    x.set(await each.x.data(), batch * batchSize * side * side)
    y.set(await each.y.data(), batch * batchSize)
    if (++batch === batches) break
  }
  return { x: { shape: [batches, batchSize, 1, side, side], data: x }, y: { shape: [batches, batchSize], data: y } }
}

const network = `CNN ${side}×${side}, ${channels.join('-')} channels, ${features}-${hidden}-${classes}, batch ${batchSize}`

export function digits(): Work {
  return {
    name: 'digits',
    kind: 'digits',
    title: `training step of the digits network (${network}, AdamW)`,
    flops: stepFlops(),
    per: 'steps/s',
    settings: { losses: 3, lr: 1e-3, weightDecay: 0.01 },
    inputs: async () => ({ ...weights(), ...(await samples()) }),
    judge: (answers) => judgeLosses(answers, tolerance),
  }
}

/** How long is the wait for the first step: choosing the backend, tracing, compiling, drawing weights, one step. */
export function firstStep(first: 'cold' | 'warm'): Work {
  const cache = first === 'cold' ? 'empty' : 'filled by another process'
  return {
    name: `first-step-${first}`,
    kind: 'first-step',
    title: `first step of the digits network in a new process, cache on disk ${cache}`,
    first,
    settings: { lr: 1e-3, weightDecay: 0.01 },
    inputs: async () => ({ ...weights(), ...(await samples()) }),
    judge: () => new Map(),
  }
}
