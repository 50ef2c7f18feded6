/** How fast does a network train that gives a picture for a picture? A small U-Net (Ronneberger et al. 2015). */
import { batchNorm, layer, type Starts, transposedLayer, uniform } from './inputs.ts'
import { batches, trainingWork } from './training.ts'
import { type Input, productFlops, trainingFlops, type Work } from './work.ts'

const [batch, side] = [4, 128] as const
/** Channels at each size; from one to the next the sides are halved. */
const widths = [16, 32, 64, 128] as const
const bottom = widths.length - 1

/** Two convolutions of 3 × 3, each with a batch norm, as one Sequential: places 0, 1, 3, 4. */
function doubleConv(name: string, inputs: number, out: number): Starts {
  return {
    ...layer(`${name}.0`, [out, inputs, 3, 3], { bias: false }),
    ...batchNorm(`${name}.1`, out),
    ...layer(`${name}.3`, [out, out, 3, 3], { bias: false }),
    ...batchNorm(`${name}.4`, out),
  }
}

function doubleConvFlops(level: number, inputs: number): number {
  const places = batch * (side >> level) ** 2
  return productFlops(places, widths[level], inputs * 9) + productFlops(places, widths[level], widths[level] * 9)
}

function starts(): Starts {
  const parts: Starts[] = widths.map((width, i) => doubleConv(`down.${i}`, i === 0 ? 1 : widths[i - 1], width))
  for (let i = bottom - 1; i >= 0; i--) {
    parts.push(transposedLayer(`up.${i}`, [widths[i + 1], widths[i], 2, 2]))
    parts.push(doubleConv(`join.${i}`, 2 * widths[i], widths[i]))
  }
  return Object.assign({}, ...parts, layer('head', [1, widths[0], 1, 1])) as Starts
}

function flops(): number {
  const first = productFlops(batch * side * side, widths[0], 9)
  const rest = [doubleConvFlops(0, 1) - first, productFlops(batch * side * side, 1, widths[0])]
  for (let i = 1; i <= bottom; i++) rest.push(doubleConvFlops(i, widths[i - 1]))
  for (let i = 0; i < bottom; i++) {
    // each place below gives a window of 2 × 2
    rest.push(productFlops(batch * (side >> (i + 1)) ** 2, 4 * widths[i], widths[i + 1]))
    rest.push(doubleConvFlops(i, 2 * widths[i]))
  }
  return trainingFlops(first, ...rest)
}

/** Noise, brighter where a disc lies; y: float32, 1 inside the disc. Both [batches, batch, 1, side, side] */
function discs(): Record<'x' | 'y', Input> {
  const shape = [batches, batch, 1, side, side]
  const count = batches * batch
  const places = uniform(5, 3 * count, 0.25, 0.75)
  const x = uniform(6, count * side * side, -0.5, 0.5)
  const y = new Float32Array(x.length)
  for (let at = 0; at < x.length; at++) {
    const sample = Math.floor(at / (side * side))
    const [row, column] = [Math.floor(at / side) % side, at % side]
    const [centreY, centreX, size] = places.subarray(3 * sample, 3 * sample + 3).map((share) => share * side)
    y[at] = Math.hypot(row - centreY, column - centreX) < size / 2 ? 1 : 0
    x[at] += y[at]
  }
  return { x: { shape, data: x }, y: { shape, data: y } }
}

export function unet(): Work {
  return trainingWork({
    name: 'unet',
    kind: 'unet',
    title: `a U-Net of ${widths.join('-')} channels with batch norms on 1×${side}×${side}, batch ${batch}`,
    flops: flops(),
    starts: starts(),
    data: discs,
  })
}
