/**
 * A small transformer learns to write like Shakespeare, character by character, and writes a scene.
 *
 * Run it: node scripts/run.mjs examples/shakespeare.ts
 * The text is read from the folder GLISSADE_DATA, or fetched once. Ctrl-C stops after the running step.
 */
import { compile, data, generate, loss, manualSeed, nn, optim, random, type Tensor, tensor, text } from 'glissade'

const limit = Number(process.env.STEPS ?? 3000)
let stopped = false
process.once('SIGINT', () => {
  stopped = true
})

const context = 128
const batch = 16

manualSeed(0)
const set = await data.shakespeare({ download: true })
const tokenizer = text.characterTokenizer([set.text])
const [train, validation] = [set.train, set.validation].map((part) => tokenizer.encode(part).ids)
const model = nn.languageModel({ vocab: tokenizer.size, width: 128, layers: 4, heads: 4, context, dropout: 0.1 })
console.log(
  `${train.length} characters, ${tokenizer.size} different; ${model.parameters().reduce((sum, p) => sum + p.size, 0)} parameters`,
)

/** Stretches of the text that begin at `starts`, and the same one character further on. */
function stretches(tokens: Int32Array, starts: ArrayLike<number>): [x: Tensor, y: Tensor] {
  const at = (shift: number): Tensor => {
    const rows = Array.from(starts, (start) => [...tokens.subarray(start + shift, start + shift + context)])
    return tensor(rows, { dtype: 'int32' })
  }
  return [at(0), at(1)]
}

const lossOf = (x: Tensor, y: Tensor): Tensor =>
  loss.crossEntropy(model.forward(x).reshape([-1, tokenizer.size]), y.flatten())

const schedule = optim.schedule.cosine(2e-3, Math.max(limit, 200), { warmUp: 100, minLr: 1e-4 })
const optimizer = optim.adamW({ lr: schedule, betas: [0.9, 0.99], weightDecay: 0.1, clipNorm: 1 }).for(model)
const step = compile((x: Tensor, y: Tensor) => {
  const value = lossOf(x, y)
  optimizer.minimize(value)
  return value
})
const measure = compile(lossOf)

/** The mean loss over the validation text, all of it in stretches side by side. */
async function validate(): Promise<number> {
  model.eval()
  const starts = Array.from({ length: Math.floor((validation.length - 1) / context) }, (_, i) => i * context)
  const whole = starts.slice(0, starts.length - (starts.length % batch))
  let sum = 0
  for (let i = 0; i < whole.length; i += batch)
    sum += await (await measure(...stretches(validation, whole.slice(i, i + batch)))).item()
  model.train()
  return (sum * batch) / whole.length
}

const start = performance.now()
let mean = 0
for (let i = 1; i <= limit && !stopped; i++) {
  const starts = await random.randint(0, train.length - context, [batch]).data()
  const value = await (await step(...stretches(train, starts))).item()
  mean = i === 1 ? value : 0.98 * mean + 0.02 * value
  if (i % 250 > 0 && i !== limit) continue
  const seconds = (performance.now() - start) / 1000
  const left = (seconds / i) * (limit - i)
  console.log(
    `step ${i}: loss ${mean.toFixed(3)}; ${((1000 * seconds) / i).toFixed(0)} ms a step, ${left.toFixed(0)} s left`,
  )
}
if (limit > 100)
  console.log(
    `validation loss ${(await validate()).toFixed(4)} after ${((performance.now() - start) / 1000).toFixed(0)} s`,
  )

model.eval()
const { text: scene } = await generate(model, 'ROMEO:\n', {
  tokenizer: { encode: (given) => tokenizer.encode(given).ids, decode: (ids) => tokenizer.decode(ids) },
  temperature: 0.8,
  topK: 40,
  maxTokens: limit > 100 ? 500 : 20,
  overflow: 'slide',
})
console.log(`ROMEO:\n${scene}`)
