/**
 * The training loop in the open: batches in, one compiled step each, a report out. It can start at any step and
 * stop after any, with the same numbers as if it had not: the order of the samples, the learning rate and the random
 * draws all follow from the position.
 */
import { compile, data, loss, type nn, optim, type Tensor, tensor } from 'glissade'
import { learningRate, type Settings, weightDecay } from './network.ts'

export type Samples = data.Dataset<{ x: Tensor; y: Tensor }>

/** How far a run is: whole epochs, and steps of the one after. */
export interface Position {
  readonly epoch: number
  readonly step: number
}

export interface StepReport extends Position {
  /** The mean loss of the batch before the step. */
  readonly loss: number
  readonly correct: number
  readonly count: number
}

export const newOptimizer = (model: nn.Module, { lr }: Settings): optim.Optimizer =>
  optim.adamW({ lr, weightDecay }).for(model)

export const stepsPerEpoch = (samples: Samples, { batch }: Settings): number => Math.ceil(samples.length / batch)

/** Trains until the epochs are over; the caller may stop after any report. */
export async function* train(
  model: nn.Sequential,
  optimizer: optim.Optimizer,
  samples: Samples,
  settings: Settings,
  from: Position = { epoch: 0, step: 0 },
): AsyncGenerator<StepReport> {
  const { epochs, batch, lr, seed } = settings
  const steps = stepsPerEpoch(samples, settings)
  model.train()
  const step = compile((x: Tensor, y: Tensor) => {
    const logits = model.forward(x)
    const l = loss.crossEntropy(logits, y)
    optimizer.minimize(l)
    return { loss: l, correct: logits.argMax(-1).eq(y).sum() }
  })
  for (let { epoch, step: done } = from; epoch < epochs; epoch++, done = 0) {
    const order = data.permutation(samples.length, seed, epoch)
    while (done < steps) {
      const { x, y } = await samples.batchAt(order.subarray(done * batch, (done + 1) * batch))
      const moved = await shifted(x, seed, epoch * steps + done)
      optimizer.lr = learningRate(epoch * steps + done, epochs * steps, lr)
      const result = await step(moved, y)
      done++
      yield {
        epoch,
        step: done,
        loss: await result.loss.item(),
        correct: await result.correct.item(),
        count: y.shape[0],
      }
    }
  }
}

/** How far a digit is moved at most, in pixels. */
const reach = 2

/**
 * Each picture moved a little, up to `reach` pixels along each axis: the network then learns digits rather than places,
 * and sees no picture twice. x: [B, 1, H, W] → [B, 1, H, W]
 */
async function shifted(x: Tensor, seed: number, draw: number): Promise<Tensor> {
  const [count, , height, width] = x.shape
  const from = await x.data()
  const to = new Float32Array(from.length)
  const ways = (2 * reach + 1) ** 2
  const order = data.permutation(ways, seed, draw)
  for (let i = 0; i < count; i++) {
    const way = order[i % ways]
    const [dx, dy] = [(way % (2 * reach + 1)) - reach, Math.floor(way / (2 * reach + 1)) - reach]
    const start = i * height * width
    for (let row = Math.max(0, dy); row < Math.min(height, height + dy); row++) {
      const source = start + (row - dy) * width
      // what moves over the rim is gone, what comes in is paper
      to.set(
        from.subarray(source + Math.max(0, -dx), source + Math.min(width, width - dx)),
        start + row * width + Math.max(0, dx),
      )
    }
  }
  return tensor(to, { shape: x.shape })
}

export interface Outcome {
  readonly accuracy: number
  /** counts[truth][answer] */
  readonly confusion: readonly (readonly number[])[]
  /** What it got wrong, the most confident first. */
  readonly mistakes: readonly Mistake[]
}

export interface Mistake {
  readonly pixels: ArrayLike<number>
  readonly truth: number
  readonly answer: number
  /** The probability that it gave to its answer. */
  readonly confidence: number
}

const testBatch = 250

/** What the model answers on samples it has not seen. */
export async function examine(model: nn.Sequential, samples: Samples, classes: number): Promise<Outcome> {
  model.eval()
  const ask = compile((x: Tensor) => model.forward(x).softmax(-1))
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  const mistakes: Mistake[] = []
  for await (const { x, y } of samples.batches(testBatch)) {
    const [shares, truths, pictures] = await Promise.all([(await ask(x)).data(), y.data(), x.data()])
    const size = pictures.length / truths.length
    for (const [i, truth] of truths.entries()) {
      const row = Array.from(shares.subarray(i * classes, (i + 1) * classes))
      const answer = row.indexOf(Math.max(...row))
      confusion[truth][answer]++
      if (answer === truth) continue
      mistakes.push({ pixels: pictures.subarray(i * size, (i + 1) * size), truth, answer, confidence: row[answer] })
    }
  }
  const right = confusion.reduce((sum, row, i) => sum + row[i], 0)
  mistakes.sort((a, b) => b.confidence - a.confidence)
  return { accuracy: right / samples.length, confusion, mistakes }
}
