/**
 * A recurrent network (GRU) reads 32,000 first names character by character, and makes up new ones.
 *
 * Run it: node scripts/run.mjs examples/names.ts
 * The names are read from the folder GLISSADE_DATA, or fetched once. Ctrl-C stops after the running step.
 */
import { data, evaluate, fit, generate, loss, manualSeed, nn, optim, type Tensor, text, zeros } from 'glissade'

const limit = Number(process.env.STEPS ?? Number.POSITIVE_INFINITY)
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

/** Begins and ends each name; also stands behind short names, where nothing is to be learned. */
const end = 0
const hidden = 128
const longest = 16

class Namer extends nn.Module {
  readonly embedding: nn.Embedding
  readonly memory = nn.gru(32, hidden)
  readonly head: nn.Linear
  constructor(characters: number) {
    super()
    this.embedding = nn.embedding(characters, 32)
    this.head = nn.linear(hidden, characters)
  }
  forward(tokens: Tensor): Tensor {
    return this.head.forward(this.memory.forward(this.embedding.forward(tokens)).output)
  }
  /** One character of each name, for making names. */
  step(token: Tensor, state: Tensor): { logits: Tensor; state: Tensor } {
    const next = this.memory.forward(this.embedding.forward(token).unsqueeze(1), { state })
    return { logits: this.head.forward(next.output.squeeze(1)), state: next.state }
  }
}

manualSeed(0)
const { train, validation, all } = await data.names({ download: true })
const tokenizer = text.characterTokenizer(all, { specialTokens: ['.'] })
const coded = ({ length }: { length: number }, name: string): { x: Int32Array; y: Int32Array } => {
  const ids = tokenizer.encode(name).ids
  const [x, y] = [new Int32Array(length), new Int32Array(length).fill(-1)]
  x.set(ids, 1)
  y.set([...ids, end])
  return { x, y }
}
const [learned, heldOut] = [train, validation].map((set) => set.map((name) => coded({ length: longest }, name)))
const model = new Namer(tokenizer.size)
const nextCharacter = (scores: Tensor, y: Tensor): Tensor =>
  loss.crossEntropy(scores.reshape([-1, tokenizer.size]), y.flatten(), { ignoreIndex: -1 })

const start = performance.now()
await fit(model, learned, {
  loss: nextCharacter,
  optimizer: optim.adamW({ lr: optim.schedule.cosine(4e-3, 8 * Math.ceil(train.length / 64), { minLr: 2e-4 }) }),
  epochs: 8,
  batchSize: 64,
  signal: stop.signal,
  on: {
    step: ({ steps }) => {
      if (steps >= limit) stop.abort()
    },
    epochEnd: ({ epoch, train: score, seconds }) =>
      console.log(`epoch ${epoch}: loss ${score.loss.toFixed(3)} a character, ${seconds.toFixed(0)} s`),
  },
})
const small = limit < 100 ? heldOut.take(64) : heldOut
console.log(`validation loss ${(await evaluate(model, small, { loss: nextCharacter })).loss.toFixed(4)}`)
console.log(`${((performance.now() - start) / 1000).toFixed(0)} s in all`)

const made = await generate(
  {
    module: model,
    init: (rows: number) => zeros([1, rows, hidden]),
    step: (token: Tensor, state: Tensor) => model.step(token, state),
    stateAxis: 1,
  },
  Array.from({ length: 20 }, () => [end]),
  { stopTokens: end, maxTokens: longest, seed: 1 },
)
const known = new Set(all)
for (const { tokens } of made) {
  const name = tokenizer.decode(tokens)
  console.log(`${name}${known.has(name) ? '   (is in the list)' : ''}`)
}
