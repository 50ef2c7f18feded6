/** How fast does a residual network with batch norms train? ResNet-20 for small images (He et al. 2016, section 4.2). */
import { batchNorm, classed, layer, type Starts } from './inputs.ts'
import { batches, trainingWork } from './training.ts'
import { productFlops, trainingFlops, type Work } from './work.ts'

const [batch, side, colours, classes] = [32, 32, 3, 10] as const
const widths = [16, 32, 64] as const
const blocksEach = 3

/** A convolution of 3 × 3 that keeps the size or halves it. */
interface Convolution {
  readonly in: number
  readonly out: number
  readonly sideAfter: number
}

/** The first convolution, then two for each block; the first of a wider block halves the sides. */
function convolutions(): Convolution[] {
  const found: Convolution[] = [{ in: colours, out: widths[0], sideAfter: side }]
  for (const [stage, out] of widths.entries()) {
    const sideAfter = side >> stage
    for (let block = 0; block < blocksEach; block++) {
      found.push({ in: found[found.length - 1].out, out, sideAfter }, { in: out, out, sideAfter })
    }
  }
  return found
}

function starts(): Starts {
  const [first, ...rest] = convolutions()
  const parts: Starts[] = [layer('conv1', [first.out, first.in, 3, 3], { bias: false }), batchNorm('bn1', first.out)]
  for (const [i, convolution] of rest.entries()) {
    const [block, place] = [i >> 1, (i % 2) + 1]
    parts.push(
      layer(`blocks.${block}.conv${place}`, [convolution.out, convolution.in, 3, 3], { bias: false }),
      batchNorm(`blocks.${block}.bn${place}`, convolution.out),
    )
  }
  return Object.assign({}, ...parts, layer('linear', [classes, widths[2]])) as Starts
}

export function resnet(): Work {
  const [first, ...rest] = convolutions().map((each) =>
    productFlops(batch * each.sideAfter ** 2, each.out, each.in * 3 * 3),
  )
  return trainingWork({
    name: 'resnet',
    kind: 'resnet',
    title: `ResNet-20 with batch norms on ${colours}×${side}×${side}, batch ${batch}`,
    flops: trainingFlops(first, ...rest, productFlops(batch, classes, widths[2])),
    starts: starts(),
    data: () => classed(batches, batch, [colours, side, side], classes),
  })
}
