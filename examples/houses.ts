/**
 * What does a house cost? A small network learns it from a census of California: incomes, ages, rooms, places.
 * Missing numbers are filled in, columns scaled and words turned into columns, all as the training part says.
 *
 * Run it: node scripts/run.mjs examples/houses.ts
 * The table is read from the folder GLISSADE_DATA, or fetched once. Ctrl-C stops after the running step.
 */
import { data, evaluate, fit, loss, manualSeed, metrics, nn, optim, type Tensor } from 'glissade'

const limit = Number(process.env.STEPS ?? Number.POSITIVE_INFINITY)
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

/** Prices are learned in units of so many dollars. */
const unit = 100_000
const counts = ['total_rooms', 'total_bedrooms', 'population', 'households']

/** Columns in which a network finds it easier to see something: shares, and logarithms of counts. */
function prepared(table: data.Table): data.Table {
  const [rooms, bedrooms, people, households] = counts.map((name) => table.numbers(name))
  const ratio = (a: Float64Array, b: Float64Array): Float64Array => a.map((value, i) => value / b[i])
  const logs = counts.map((name) => [name, table.numbers(name).map(Math.log1p)] as const)
  return table.with({
    ...Object.fromEntries(logs),
    rooms_each: ratio(rooms, households).map(Math.log1p),
    people_each: ratio(people, households).map(Math.log1p),
    bedroom_share: ratio(bedrooms, rooms),
    price: table.numbers('median_house_value').map((value) => value / unit),
  })
}

manualSeed(0)
const set = await data.houses({ download: true })
const imputer = data.imputer({ strategy: 'median', columns: counts })
const fitted = imputer.fitTransform(set.train)
const pipeline = data.tablePipeline([data.standardScaler(), data.oneHotEncoder()])
const features = (table: data.Table): data.Table => prepared(table).drop('price', 'median_house_value')
pipeline.fit(features(fitted))
const numbers = (table: data.Table): data.Dataset<{ x: Tensor; y: Tensor }> =>
  pipeline
    .transform(features(table))
    .with({ price: prepared(table).numbers('price') })
    .dataset('price', undefined, { yType: 'float32' })

const [train, validation] = await numbers(fitted).split(0.9, { seed: 1 })
const test = numbers(imputer.transform(set.test))
const inputs = train.columns.x.shape[1]
console.log(`${train.length} districts to learn from, ${test.length} to be tested on, ${inputs} columns`)

const model = nn.sequential(
  nn.linear(inputs, 128),
  nn.silu(),
  nn.residual(nn.sequential(nn.linear(128, 128), nn.silu(), nn.dropout(0.1))),
  nn.residual(nn.sequential(nn.linear(128, 128), nn.silu(), nn.dropout(0.1))),
  nn.linear(128, 1),
  nn.select(1, 0),
)
const start = performance.now()
const epochs = 60
const { best } = await fit(model, train, {
  loss: loss.huber,
  optimizer: optim.adamW({
    lr: optim.schedule.oneCycle(4e-3, epochs * Math.ceil(train.length / 128)),
    weightDecay: 0.02,
  }),
  epochs,
  batchSize: 128,
  validate: validation,
  metrics: { r2: metrics.r2() },
  keepBest: { monitor: 'validation.r2', mode: 'max' },
  signal: stop.signal,
  on: {
    step: ({ steps }) => {
      if (steps >= limit) stop.abort()
    },
    epochEnd: ({ epoch, train: score, validation: held }) => {
      if (epoch % 10 === 0)
        console.log(`epoch ${epoch}: loss ${score.loss.toFixed(4)}, R² ${Number(held?.metrics?.r2).toFixed(4)}`)
    },
  },
})
console.log(`best R² on the validation part: ${best?.value.toFixed(4) ?? 'none'}`)
const result = await evaluate(model, test, { loss: loss.mse, metrics: { r2: metrics.r2(), mae: metrics.mae() } })
const dollars = (unit * Number(result.metrics?.mae)).toFixed(0)
console.log(`held-out R² ${Number(result.metrics?.r2).toFixed(4)}, off by ${dollars} dollars on average`)
console.log(`${((performance.now() - start) / 1000).toFixed(0)} s in all`)
