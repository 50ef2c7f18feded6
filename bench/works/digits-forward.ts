/** How fast does a trained network answer? The network of `glissade run digits`, one digit or many. */
import { io, nn } from 'glissade'
import { digits } from './cnn.ts'
import { drawWeights, layer, parameterCount } from './inputs.ts'
import { judgeAlike } from './judge.ts'
import { forwardBytes, type Input, productFlops, type Work } from './work.ts'

const [side, channels, kernel, hidden, classes] = [28, [1, 16, 32], 5, 128, 10] as const
const features = channels[2] * (side / 4) ** 2

/** Sums of a thousand terms, in any order. */
const tolerance = 1e-4

// layers by their place among all
const starts = {
  ...layer('0', [channels[1], channels[0], kernel, kernel]),
  ...layer('3', [channels[2], channels[1], kernel, kernel]),
  ...layer('7', [hidden, features]),
  ...layer('9', [classes, hidden]),
}

/** Also what engines in TypeScript measure. */
export function digitsNetwork(): nn.Sequential {
  return nn.sequential(
    nn.conv2d(channels[0], channels[1], kernel, { padding: 2 }),
    nn.relu(),
    nn.maxPool2d(2),
    nn.conv2d(channels[1], channels[2], kernel, { padding: 2 }),
    nn.relu(),
    nn.maxPool2d(2),
    nn.flatten(),
    nn.linear(features, hidden),
    nn.relu(),
    nn.linear(hidden, classes),
  )
}

export function digitsForward(batch: number): Work {
  return {
    name: `digits-${batch}`,
    kind: 'digits-forward',
    title: `forward pass of the digits network (${channels.join('-')} channels of ${kernel}×${kernel}, ${features}-${hidden}-${classes}), batch ${batch}`,
    flops:
      productFlops(batch * side * side, channels[1], channels[0] * kernel * kernel) +
      productFlops((batch * side * side) / 4, channels[2], channels[1] * kernel * kernel) +
      productFlops(batch, hidden, features) +
      productFlops(batch, classes, hidden),
    bytes: forwardBytes(parameterCount(starts)),
    per: 'passes/s',
    settings: {},
    async inputs() {
      const weights = drawWeights(starts)
      const { x } = await digits(1, batch)
      return { ...weights, x, onnx: await onnxOf(weights, batch) }
    },
    judge: (answers) => judgeAlike(answers, tolerance),
  }
}

/** The network in a file, for engines that run no other. */
async function onnxOf(weights: Readonly<Record<string, Input>>, batch: number): Promise<Input> {
  const model = digitsNetwork()
  await loadWeights(model, weights)
  const bytes = await io.toOnnx(model, [[batch, channels[0], side, side]], { dynamicBatch: false })
  return { shape: [bytes.length], data: bytes }
}

/** Gives a model the inputs whose names begin with `weights.`: written at once, with no tensors between. */
export async function loadWeights(model: nn.Module, inputs: Readonly<Record<string, Input>>): Promise<void> {
  const missing: string[] = []
  for (const [name, variable] of Object.entries(model.stateDict())) {
    const given = inputs[`weights.${name}`]
    if (given) variable.write(given.data)
    // a count of batches is no number that an engine has to be given
    else if (!name.endsWith('num_batches_tracked')) missing.push(name)
  }
  if (missing.length > 0) throw new Error(`no weights for ${missing.join(', ')}`)
}
