/**
 * Handwritten digits, all of MNIST: 60,000 to learn from, 10,000 to be tested on. A small convolutional network with
 * batch norm and dropout; the learning rate rises and falls once (one-cycle). About 99.5 % of the test digits right.
 *
 * Run it: node scripts/run.mjs examples/mnist.ts
 * The data is read from the folder GLISSADE_DATA, or fetched once. Ctrl-C stops after the running step.
 */
import { data, evaluate, fit, loss, manualSeed, metrics, nn, optim } from 'glissade'

const limit = Number(process.env.STEPS ?? Number.POSITIVE_INFINITY)
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

const epochs = 8
const batchSize = 100

manualSeed(0)
const { train, test, licence } = await data.mnist({ download: true })
console.log(`MNIST, ${train.length} + ${test.length} digits; ${licence}`)

const block = (inputs: number, outputs: number): nn.Sequential =>
  nn.sequential(
    nn.conv2d(inputs, outputs, 5, { padding: 2, bias: false }),
    nn.batchNorm2d(outputs),
    nn.relu(),
    nn.maxPool2d(2),
  )
const model = nn.sequential(
  block(1, 24),
  block(24, 48),
  nn.flatten(),
  nn.dropout(0.4),
  nn.linear(48 * 7 * 7, 128),
  nn.relu(),
  nn.dropout(0.4),
  nn.linear(128, 10),
)

const steps = epochs * Math.ceil(train.length / batchSize)
const start = performance.now()
await fit(model, train, {
  loss: (scores, labels) => loss.crossEntropy(scores, labels, { labelSmoothing: 0.05 }),
  optimizer: optim.adamW({ lr: optim.schedule.oneCycle(4e-3, steps), weightDecay: 0.02 }),
  epochs,
  batchSize,
  signal: stop.signal,
  on: {
    step: ({ steps: done }) => {
      if (done >= limit) stop.abort()
    },
    epochEnd: ({ epoch, train: score, seconds }) => {
      const share = (100 * (score.accuracy ?? 0)).toFixed(2)
      console.log(
        `epoch ${epoch}: loss ${score.loss.toFixed(4)}, ${share} % right in training, ${seconds.toFixed(0)} s`,
      )
    },
  },
})
const seen = limit < steps ? test.take(500) : test
const result = await evaluate(model, seen, {
  loss: loss.crossEntropy,
  metrics: { top2: metrics.topK(2) },
})
const right = (100 * (result.accuracy ?? 0)).toFixed(2)
console.log(`test accuracy ${right} %, top two ${(100 * Number(result.metrics?.top2)).toFixed(2)} %`)
console.log(`${((performance.now() - start) / 1000).toFixed(0)} s in all`)
