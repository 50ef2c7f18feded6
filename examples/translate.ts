/**
 * A transformer learns to translate German captions of pictures into English (Multi30k), and is scored by BLEU on the
 * official test sentences.
 *
 * Run it: node scripts/run.mjs examples/translate.ts
 * The sentences are read from the folder GLISSADE_DATA, or fetched once. Ctrl-C stops training after the running step.
 */
import { data, evaluate, fit, generate, loss, manualSeed, metrics, nn, optim, type Tensor, text } from 'glissade'

const limit = Number(process.env.STEPS ?? Number.POSITIVE_INFINITY)
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

const [padding, begin, end] = [0, 1, 2]
const epochs = Number(process.env.EPOCHS ?? 10)
const batchSize = 128
const longest = 64

manualSeed(0)
const set = await data.multi30k({ from: 'de', to: 'en', download: true })
const sentences = await set.train.all()
const tokenizer = text.trainBpe(
  sentences.flatMap(({ source, target }) => [source, target]).slice(0, limit < 100 ? 500 : undefined),
  { size: limit < 100 ? 500 : 4000, specialTokens: ['<pad>', '<begin>', '<end>'] },
)
const V = tokenizer.size
const model = nn.translationModel({
  sourceVocab: V,
  targetVocab: V,
  width: 128,
  heads: 4,
  encoderLayers: 3,
  decoderLayers: 3,
  feedForward: 384,
  dropout: 0.1,
  normFirst: true,
  context: longest,
  padding,
})
console.log(
  `${sentences.length} pairs, ${V} tokens, ${model.parameters().reduce((sum, { size }) => sum + size, 0)} parameters`,
)

/** The tokens of both sentences, filled up to one length, of which there are few: each is a program of its own. */
function encoded({ source, target }: data.Pair): { source: Int32Array; target: Int32Array; next: Int32Array } {
  const [from, to] = [source, target].map((line) => [...tokenizer.encode(line).ids.subarray(0, longest - 1)])
  const length = 8 * Math.ceil((Math.max(from.length, to.length) + 1) / 8)
  const filled = (ids: readonly number[]): Int32Array => {
    const row = new Int32Array(length).fill(padding)
    row.set(ids)
    return row
  }
  return { source: filled([...from, end]), target: filled([begin, ...to]), next: filled([...to, end]) }
}

const loaderOf = async (pairs: data.Samples<data.Pair>, shuffle: boolean) => {
  const rows = await pairs.map(encoded).all()
  return data.loader<(typeof rows)[number], Record<'source' | 'target' | 'next', Tensor>>(data.from(rows), {
    batchSize,
    shuffle,
    dropLast: shuffle,
    bucketBy: rows.map(({ source }) => source.length),
  })
}
const few = limit < 100 ? 4 * batchSize : undefined
const train = await loaderOf(few ? set.train.take(few) : set.train, true)
const validation = await loaderOf(few ? set.validation.take(batchSize) : set.validation, false)

const lossOf =
  (labelSmoothing: number) =>
  (translator: typeof model, { source, target, next }: Record<'source' | 'target' | 'next', Tensor>) => {
    const scores = translator.forward(source, target).reshape([-1, V])
    const value = loss.crossEntropy(scores, next.flatten(), { ignoreIndex: padding, labelSmoothing })
    return { loss: value, weight: next.ne(padding).cast('float32').sum() }
  }

const start = performance.now()
const seconds = (): string => ((performance.now() - start) / 1000).toFixed(0)
await fit(model, train, {
  step: lossOf(0.1),
  optimizer: optim.adamW({
    lr: optim.schedule.cosine(2e-3, epochs * train.length, { warmUp: few ? 4 : 400, minLr: 1e-5 }),
    betas: [0.9, 0.98],
    clipNorm: 1,
  }),
  epochs,
  signal: stop.signal,
  on: {
    step: ({ steps, eta, epochLoss }) => {
      if (steps >= limit) stop.abort()
      if (steps % 50 === 0) console.log(`  step ${steps}: loss ${epochLoss.toFixed(3)}, ${eta?.toFixed(0)} s left`)
    },
    epochEnd: async ({ epoch, train: score }) => {
      const held = await evaluate(model, validation, { step: lossOf(0) })
      console.log(`epoch ${epoch}: loss ${score.loss.toFixed(3)}, validation ${held.loss.toFixed(3)}; ${seconds()} s`)
    },
  },
})

const words = (line: string): string[] => line.match(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu) ?? []
const test = await (few ? set.test.take(4) : set.test).all()
const bleu = metrics.bleu()
for (let from = 0; from < test.length; from += 50) {
  const part = test.slice(from, from + 50)
  const prompts = part.map(({ source }) => [...tokenizer.encode(source).ids.subarray(0, longest - 1), end])
  const found = await generate(model, prompts, {
    startToken: begin,
    stopTokens: end,
    maxTokens: few ? 5 : 50,
    ...(few ? { temperature: 0 } : { beams: 4 }),
  })
  found.forEach(({ tokens }, i) => {
    const line = tokenizer.decode(tokens)
    bleu.add(words(line), words(part[i].target))
    if (from === 0 && i < 8) console.log(`${part[i].source}\n  ${line}\n  (${part[i].target})`)
  })
}
console.log(
  `BLEU ${bleu.compute().toFixed(2)} on ${test.length} test sentences (words and signs, case kept); ${seconds()} s in all`,
)
