/**
 * Is a sentence about a film kind or unkind? Words become vectors, a recurrent network (GRU) reads them in both
 * directions, and what it remembers decides (Stanford Sentiment Treebank, two classes).
 *
 * Run it: node scripts/run.mjs examples/sentiment.ts
 * The sentences are read from the folder GLISSADE_DATA, or fetched once. Ctrl-C stops after the running step.
 */
import { concat, data, evaluate, fit, loss, manualSeed, metrics, nn, optim, type Tensor, tensor, text } from 'glissade'

const limit = Number(process.env.STEPS ?? Number.POSITIVE_INFINITY)
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

const width = 64
type Batch = { x: Tensor; xLengths: Tensor; y: Tensor }

class Critic extends nn.Module {
  readonly embedding: nn.Embedding
  readonly blur = nn.dropout(0.5)
  readonly memory = nn.gru(width, width, { bidirectional: true })
  readonly head = nn.linear(4 * width, 1)
  constructor(words: number) {
    super()
    this.embedding = nn.embedding(words, width, { paddingIndex: 0 })
  }
  /** words: int32 [B, T], lengths: int32 [B] → [B] above 0 for kind */
  forward(words: Tensor, lengths: Tensor): Tensor {
    const { output } = this.memory.forward(this.blur.forward(this.embedding.forward(words)), { lengths })
    // Outputs behind the end are 0: they add nothing to the mean, and what is 0 is rarely the largest.
    const mean = output.sum(1).div(lengths.unsqueeze(1).cast('float32'))
    return this.head.forward(this.blur.forward(concat([mean, output.max(1)], 1))).squeeze(1)
  }
}

manualSeed(0)
const set = await data.sst2({ download: true })
const tokenizer = text.wordTokenizer(
  (await set.train.all()).map((sentence) => sentence.text),
  { specialTokens: ['<pad>', '<unknown>'], unknown: '<unknown>', minFrequency: 2 },
)
const batches = (part: data.Samples<data.Sentence>, shuffle = false) =>
  data.loader<{ x: Int32Array; y: number }, Batch>(
    part.map((sentence) => ({ x: tokenizer.encode(sentence.text, { maxLength: 48 }).ids, y: sentence.label })),
    { batchSize: 50, shuffle, dropLast: shuffle, padTo: 48, lengths: ['x'], dtypes: { y: 'float32' } },
  )
const small = limit < 100
const [train, validation, test] = [set.train, set.validation, set.test].map((part, i) =>
  batches(small ? part.take(200) : part, i === 0),
)
const model = new Critic(tokenizer.size)
console.log(`${train.samples} sentences to learn from, ${tokenizer.size} words`)

const step = (critic: Critic, { x, xLengths, y }: Batch) => {
  const prediction = critic.forward(x, xLengths)
  return { loss: loss.bceWithLogits(prediction, y), prediction, target: y.cast('int32') }
}
const start = performance.now()
await fit(model, train, {
  step,
  optimizer: optim.adamW({ lr: 1e-3, weightDecay: 0.1, clipNorm: 1 }),
  epochs: 12,
  validate: validation,
  metrics: { right: new metrics.Accuracy() },
  keepBest: { monitor: 'validation.right', mode: 'max' },
  earlyStopping: { monitor: 'validation.right', mode: 'max', patience: 4 },
  signal: stop.signal,
  on: {
    step: ({ steps }) => {
      if (steps >= limit) stop.abort()
    },
    epochEnd: ({ epoch, train: score, validation: held, seconds }) =>
      console.log(
        `epoch ${epoch}: loss ${score.loss.toFixed(3)}, validation ${held?.loss.toFixed(3)}, ` +
          `${(100 * Number(held?.metrics?.right)).toFixed(1)} % right, ${seconds.toFixed(0)} s`,
      ),
  },
})
const { metrics: found } = await evaluate(model, test, {
  step,
  metrics: { right: new metrics.Accuracy(), auc: metrics.rocAuc() },
})
console.log(
  `test: ${(100 * Number(found?.right)).toFixed(2)} % right, area under the curve ${Number(found?.auc).toFixed(3)}`,
)
console.log(`${((performance.now() - start) / 1000).toFixed(0)} s in all`)

model.eval()
for (const line of ['a wonderful, moving film', 'dull and far too long', 'not bad at all', 'it fails to be funny']) {
  const ids = tokenizer.encode(line).ids
  const score = model.forward(tensor([[...ids]], { dtype: 'int32' }), tensor([ids.length], { dtype: 'int32' }))
  console.log(`${(100 * (await score.sigmoid().data())[0]).toFixed(0).padStart(3)} % kind: ${line}`)
}
