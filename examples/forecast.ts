/**
 * How warm will the oil of a power transformer be, each hour of the coming day? A network reads the last four days
 * (ETTh1) and is held against the seasonal naive forecast: the same hour of the day before.
 *
 * Run it: node scripts/run.mjs examples/forecast.ts
 * The series is read from the folder GLISSADE_DATA, or fetched once. Ctrl-C stops after the running step.
 */
import { data, evaluate, fit, loss, manualSeed, nn, optim, type Tensor } from 'glissade'

const limit = Number(process.env.STEPS ?? Number.POSITIVE_INFINITY)
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

const [past, day] = [96, 24]
const features = 7

/**
 * Adds to the last day's mean what a recurrent network and a linear map of the past see coming. Levels drift over the
 * two years; what is learned relative to the recent past still holds.
 */
class Forecaster extends nn.Module {
  readonly memory = nn.gru(features, 48)
  readonly line = nn.linear(past, day)
  readonly head = nn.linear(48, day)
  readonly blur = nn.dropout(0.3)

  /** x: [B, past, features], the last of which is to be forecast → [B, day, 1] */
  forward(x: Tensor): Tensor {
    const level = x.slice([undefined, [past - day, past]]).mean(1, { keepDims: true })
    const relative = x.sub(level)
    const { state } = this.memory.forward(relative)
    const temperature = relative.slice([undefined, undefined, [features - 1, features]])
    const line = this.line.forward(temperature.squeeze(2))
    const seen = this.head.forward(this.blur.forward(state.squeeze(0)))
    return line
      .add(seen)
      .unsqueeze(2)
      .add(level.slice([undefined, undefined, [features - 1, features]]))
  }
}

manualSeed(0)
const set = await data.ettH1({ download: true })
const scaler = data.standardScaler()
scaler.fit(set.train.drop('date'))
const series = scaler.transform(set.whole.drop('date'))
const [validationStart, testStart] = set.borders
const windows = (from: number, to: number) =>
  data.slidingWindows(series, { input: past, horizon: day, target: 'OT', range: [from, to] })
const whole = [windows(0, validationStart), windows(validationStart, testStart), windows(testStart, series.length)]
const [train, validation, test] = limit < 100 ? whole.map((part) => part.take(256)) : whole
console.log(`${train.length} windows to learn from, ${validation.length} to choose by, ${test.length} to be tested on`)

const model = new Forecaster()
const start = performance.now()
await fit(model, train, {
  loss: loss.mse,
  optimizer: optim.adamW({ lr: optim.schedule.cosine(1e-3, 10 * Math.ceil(train.length / 64)), weightDecay: 0.05 }),
  epochs: 10,
  batchSize: 64,
  validate: validation,
  keepBest: true,
  signal: stop.signal,
  on: {
    step: ({ steps }) => {
      if (steps >= limit) stop.abort()
    },
    epochEnd: ({ epoch, train: score, validation: held, seconds }) => {
      const [a, b] = [score.loss, held?.loss ?? Number.NaN].map((value) => value.toFixed(4))
      console.log(`epoch ${epoch}: loss ${a}, validation ${b}, ${seconds.toFixed(0)} s`)
    },
  },
})

/** The same hour of the day before. */
class SeasonalNaive extends nn.Module {
  forward(x: Tensor): Tensor {
    return x.slice([undefined, [past - day, past], [features - 1, features]])
  }
}
const found = await evaluate(model, test, { loss: loss.mse })
const naive = await evaluate(new SeasonalNaive(), test, { loss: loss.mse })
console.log(
  `mean squared error on the test part (scaled): ${found.loss.toFixed(4)}, seasonal naive ${naive.loss.toFixed(4)}`,
)
console.log(
  `${(100 * (1 - found.loss / naive.loss)).toFixed(1)} % less; ${((performance.now() - start) / 1000).toFixed(0)} s in all`,
)
