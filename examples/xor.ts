/**
 * The smallest network that needs a hidden layer: exclusive or. Four samples, two inputs, one compiled step.
 *
 * Run it: node scripts/run.mjs examples/xor.ts
 */
import { compile, loss, manualSeed, nn, optim, type Tensor, tensor } from 'glissade'

const steps = Number(process.env.STEPS ?? 500)

manualSeed(1)
const x = tensor([
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
])
const y = tensor([[0], [1], [1], [0]])

const model = nn.sequential(nn.linear(2, 8), nn.tanh(), nn.linear(8, 1))
const optimizer = optim.adam({ lr: 0.05 }).for(model)
const step = compile((x: Tensor, y: Tensor) => {
  const l = loss.bceWithLogits(model.forward(x), y)
  optimizer.minimize(l)
  return l
})

for (let i = 1; i <= steps; i++) {
  const value = await (await step(x, y)).item()
  if (i === 1 || i % 100 === 0) console.log(`step ${i}: loss ${value.toFixed(4)}`)
}

const answers = await model.forward(x).sigmoid().data()
for (const [i, [a, b]] of [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
].entries()) {
  console.log(`${a} xor ${b}: ${answers[i].toFixed(3)}`)
}
