/**
 * Which digit was spoken? Recordings become pictures (time across, pitch upwards), and a convolutional network reads
 * them. Six speakers; the makers' own test part.
 *
 * Run it: node scripts/run.mjs examples/spoken-digits.ts
 * The recordings are read from the folder GLISSADE_DATA, or fetched once. Ctrl-C stops after the running step.
 */
import { data, evaluate, fit, loss, manualSeed, metrics, nn, optim } from 'glissade'

const limit = Number(process.env.STEPS ?? Number.POSITIVE_INFINITY)
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

const bands = 40
const frames = 64
/** At 8,000 samples a second: 32 ms of sound in each frame, a new one every 12 ms; 64 of them are 0.8 s. */
const sound = { sampleRate: 8000, nFft: 256, hopLength: 96, nMels: bands, fMin: 60 }

manualSeed(0)
const set = await data.spokenDigits({ download: true })

/** Loudness by pitch and time, [1, bands, frames], with mean 0 and deviation 1; long recordings lose their end. */
function picture({ sound: samples, digit }: data.SpokenDigit): {
  x: { data: Float32Array; shape: number[] }
  y: number
} {
  const { data: found, shape } = data.logMelSpectrogram(samples, sound)
  const power = Float64Array.from(found)
  const length = shape[1]
  const x = new Float32Array(bands * frames)
  const mean = power.reduce((a, b) => a + b, 0) / power.length
  const deviation = Math.sqrt(power.reduce((a, b) => a + (b - mean) ** 2, 0) / power.length) || 1
  for (let band = 0; band < bands; band++)
    for (let t = 0; t < Math.min(frames, length); t++)
      x[band * frames + t] = (power[band * length + t] - mean) / deviation
  return { x: { data: x, shape: [1, bands, frames] }, y: digit }
}

/** Shifted in time and with some bands and moments silent (SpecAugment, arXiv 1904.08779), anew in each epoch. */
function varied({ x, y }: ReturnType<typeof picture>, draws: data.Draws): ReturnType<typeof picture> {
  const shift = draws.int(17) - 8
  const [band, moment] = [draws.int(bands - 6), draws.int(frames - 8)]
  const moved = new Float32Array(x.data.length)
  for (let b = 0; b < bands; b++) {
    if (b >= band && b < band + 6) continue
    for (let t = 0; t < frames; t++) {
      const from = t - shift
      const silent = t >= moment && t < moment + 8
      if (!silent && from >= 0 && from < frames) moved[b * frames + t] = x.data[b * frames + from]
    }
  }
  return { x: { data: moved, shape: x.shape }, y }
}

const small = limit < 100
const [known, unknown] = [set.train, set.test].map((part) => (small ? part.take(100) : part).map(picture))
const [train, test] = [data.from(await known.all()).map(varied), data.from(await unknown.all())]
console.log(`${train.length} recordings to learn from, ${test.length} to be tested on; ${set.speakers.join(', ')}`)

const block = (inputs: number, outputs: number): nn.Sequential =>
  nn.sequential(
    nn.conv2d(inputs, outputs, 3, { padding: 1, bias: false }),
    nn.batchNorm2d(outputs),
    nn.relu(),
    nn.maxPool2d(2),
  )
const model = nn.sequential(
  block(1, 16),
  block(16, 32),
  block(32, 64),
  nn.globalAvgPool2d(),
  nn.dropout(0.3),
  nn.linear(64, 10),
)
const epochs = 30
const batchSize = 32
const start = performance.now()
await fit(model, train, {
  loss: loss.crossEntropy,
  optimizer: optim.adamW({ lr: optim.schedule.oneCycle(5e-3, epochs * Math.ceil(train.length / batchSize)) }),
  epochs,
  batchSize,
  signal: stop.signal,
  on: {
    step: ({ steps }) => {
      if (steps >= limit) stop.abort()
    },
    epochEnd: ({ epoch, train: score, seconds }) => {
      if (epoch % 5 === 0)
        console.log(
          `epoch ${epoch}: loss ${score.loss.toFixed(4)}, ${(100 * (score.accuracy ?? 0)).toFixed(1)} % right, ${seconds.toFixed(0)} s`,
        )
    },
  },
})
const { accuracy = 0, metrics: found } = await evaluate(model, test, {
  loss: loss.crossEntropy,
  metrics: { f1: metrics.f1({ average: 'macro' }) },
})
console.log(`test accuracy ${(100 * accuracy).toFixed(2)} %, macro F1 ${Number(found?.f1).toFixed(4)}`)
console.log(`${((performance.now() - start) / 1000).toFixed(0)} s in all`)
