/** How fast does a convolutional network train on real handwritten digits? */
import { data } from 'glissade'
import { layer } from './inputs.ts'
import { batches, trainingWork } from './training.ts'
import { type Input, productFlops, trainingFlops, type Work } from './work.ts'

const batch = 64
const [side, channels, hidden, classes] = [28, [1, 32, 64], 128, 10] as const
const kernel = 3
/** Sides after the convolutions, without padding, and after the window of two. */
const [side1, side2, pooled] = [side - 2, side - 4, (side - 4) / 2]
const features = channels[2] * pooled * pooled

export function cnn(): Work {
  return trainingWork({
    name: 'cnn',
    kind: 'cnn',
    title: `a CNN on ${side}×${side} digits, ${channels.join('-')} channels, ${features}-${hidden}-${classes}, batch ${batch}`,
    flops: trainingFlops(
      productFlops(batch * side1 * side1, channels[1], channels[0] * kernel * kernel),
      productFlops(batch * side2 * side2, channels[2], channels[1] * kernel * kernel),
      productFlops(batch, hidden, features),
      productFlops(batch, classes, hidden),
    ),
    // layers by their place among all, as in PyTorch's Sequential
    starts: {
      ...layer('0', [channels[1], channels[0], kernel, kernel]),
      ...layer('2', [channels[2], channels[1], kernel, kernel]),
      ...layer('6', [hidden, features]),
      ...layer('8', [classes, hidden]),
    },
    data: () => digits(batches, batch),
  })
}

/** x: [batches, batch, 1, 28, 28], y: int32 [batches, batch] */
export async function digits(batches: number, batch: number): Promise<Record<'x' | 'y', Input>> {
  const { train } = await data.digits()
  const x = new Float32Array(batches * batch * side * side)
  const y = new Int32Array(batches * batch)
  let at = 0
  for await (const each of train.batches(batch, { shuffle: true, seed: 1 })) {
    x.set(await each.x.data(), at * batch * side * side)
    y.set(await each.y.data(), at * batch)
    if (++at === batches) break
  }
  return { x: { shape: [batches, batch, 1, side, side], data: x }, y: { shape: [batches, batch], data: y } }
}
