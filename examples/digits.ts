/**
 * Handwritten digits with `fit`: a convolutional network, trained and tested in twenty lines.
 * `glissade run digits` does the same with a progress display.
 *
 * Run it: node scripts/run.mjs examples/digits.ts
 */
import { data, evaluate, fit, loss, manualSeed, nn, optim } from 'glissade'

const samples = Number(process.env.STEPS ?? Number.POSITIVE_INFINITY) * 64

manualSeed(0)
const { train, test } = await data.digits()
const model = nn.sequential(
  nn.conv2d(1, 16, 5, { padding: 2 }),
  nn.relu(),
  nn.maxPool2d(2),
  nn.conv2d(16, 32, 5, { padding: 2 }),
  nn.relu(),
  nn.maxPool2d(2),
  nn.flatten(),
  nn.linear(32 * 7 * 7, 10),
)
console.log(String(model))

const part = train.take(samples)
await fit(model, part, { loss: loss.crossEntropy, optimizer: optim.adamW({ lr: 1e-3 }), epochs: 3, batchSize: 64 })
const { accuracy = 0 } = await evaluate(model, test, { loss: loss.crossEntropy })
console.log(`test accuracy ${(100 * accuracy).toFixed(2)} %`)
