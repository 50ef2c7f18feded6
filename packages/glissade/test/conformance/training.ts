/**
 * Whole training steps for the conformance suite: small networks of every family, trained for some steps with the
 * optimizers, random numbers and buffers that go with them.
 *
 * Each case gives all numbers that it ends with. What they must be is what the float64 reference gives from the same
 * seed, within what float32 loses in so many steps.
 */
import {
  avgPool2d,
  compile,
  concat,
  conv2d,
  loss,
  maxPool2d,
  nn,
  optim,
  random,
  scan,
  type Tensor,
  take,
  tensor,
  tril,
  Variable,
  where,
  zeros,
} from '../../src/index.ts'
import { fromArray } from '../../src/tensor.ts'
import { generator } from '../opinfo/common.ts'

export interface TrainingCase {
  readonly name: string
  /** Trains from the start and gives losses, results, parameters, buffers and the optimizer's state by name. */
  run(): Promise<Map<string, number[]>>
}

/** Steps multiply roundings of 2^-24 by what the network makes of them. */
export const afterTraining = { relative: 1e-3, absolute: 3e-4 }

const steps = 5

function numbers(shape: readonly number[], seed: number, scale = 1): Tensor {
  const next = generator(seed)
  const size = shape.reduce((a, b) => a * b, 1)
  return fromArray(
    Float32Array.from({ length: size }, () => Math.fround((2 * next() - 1) * scale)),
    shape,
  )
}
function classes(count: number, most: number, seed: number): Tensor {
  const next = generator(seed)
  return fromArray(
    Int32Array.from({ length: count }, () => Math.floor(next() * most)),
    [count],
  )
}
const weight = (shape: readonly number[], seed: number): nn.Parameter => new nn.Parameter(numbers(shape, seed, 0.5))
const list = async (t: Tensor): Promise<number[]> => Array.from(await t.data())

interface Setup {
  readonly variables: ReadonlyMap<string, Variable>
  readonly optimizer: { namedState(): Map<string, Variable> }
  /** One step on batch `i`: the loss, and whatever else is to be compared. */
  step(i: number): Promise<readonly Tensor[]>
}

function trainingCase(name: string, setup: () => Setup): TrainingCase {
  return {
    name,
    async run() {
      random.manualSeed(17)
      const { variables, optimizer, step } = setup()
      const found = new Map<string, number[]>()
      for (let i = 0; i < steps; i++) {
        for (const [k, result] of (await step(i)).entries()) found.set(`step ${i}: result ${k}`, await list(result))
      }
      for (const [key, variable] of [...variables, ...optimizer.namedState()]) found.set(key, await list(variable))
      return found
    },
  }
}

const named = (parameters: readonly Variable[]): Map<string, Variable> =>
  new Map(parameters.map((parameter, i) => [`parameter ${i}`, parameter]))

/** Adam divides by the root of what may be nearly 0; a large eps keeps that from multiplying roundings. */
const eps = 1e-3

export const trainingCases: readonly TrainingCase[] = [
  trainingCase('a perceptron with dropout, AdamW', () => {
    const model = nn.sequential(nn.linear(11, 37), nn.relu(), nn.dropout(0.3), nn.linear(37, 5))
    const optimizer = optim.adamW({ lr: 0.01, eps }).for(model)
    const step = compile((x: Tensor, y: Tensor) => {
      const logits = model.forward(x)
      const value = loss.crossEntropy(logits, y)
      optimizer.minimize(value)
      return [value, logits]
    })
    return { variables: model.namedVariables(), optimizer, step: (i) => step(numbers([19, 11], i), classes(19, 5, i)) }
  }),

  trainingCase('convolutions with strides, padding and groups, pools, momentum', () => {
    const parameters = [weight([6, 2, 3, 3], 1), weight([6, 1, 1], 2), weight([8, 3, 3, 3], 3), weight([5, 32], 4)]
    const optimizer = optim.sgd({ lr: 0.05, momentum: 0.9, weightDecay: 0.01 }).for(parameters)
    const [w1, b1, w2, w3] = parameters
    const step = compile((x: Tensor, y: Tensor) => {
      const first = conv2d(x, w1, { padding: 1 }).add(b1).relu()
      const pooled = maxPool2d(first, 2)
      const second = conv2d(pooled, w2, { stride: 2, padding: 1, groups: 2 }).tanh()
      const features = avgPool2d(second, 2).flatten(1)
      const value = loss.crossEntropy(features.matmul(w3.transpose()), y)
      optimizer.minimize(value)
      return [value]
    })
    return { variables: named(parameters), optimizer, step: (i) => step(numbers([4, 2, 14, 14], i), classes(4, 5, i)) }
  }),

  trainingCase('a transformer block over embedded tokens, Adam', () => {
    const [V, T, D] = [13, 7, 12]
    const parameters = [
      weight([V, D], 1),
      weight([T, D], 2),
      weight([D, D], 3),
      weight([D, D], 4),
      weight([D, D], 5),
      weight([D, 2 * D], 6),
      weight([2 * D, D], 7),
      weight([D], 8),
    ]
    const [words, places, wq, wk, wv, w1, w2, gain] = parameters
    const optimizer = optim.adam({ lr: 0.01, eps }).for(parameters)
    const norm = (x: Tensor): Tensor => {
      const centred = x.sub(x.mean(-1, { keepDims: true }))
      return centred.mul(centred.square().mean(-1, { keepDims: true }).add(1e-3).rsqrt()).mul(gain)
    }
    const step = compile((tokens: Tensor, next: Tensor) => {
      const x = take(words, tokens).add(places)
      const h = norm(x)
      const scores = h
        .matmul(wq)
        .matmul(h.matmul(wk).transpose())
        .mul(D ** -0.5)
      const masked = where(
        tril(zeros([T, T]).add(1))
          .gt(0)
          .expand(scores.shape),
        scores,
        Number.NEGATIVE_INFINITY,
      )
      const y = x.add(masked.softmax().matmul(h.matmul(wv)))
      const z = y.add(norm(y).matmul(w1).relu().matmul(w2))
      const logits = z.matmul(words.transpose())
      const value = loss.crossEntropy(logits.reshape([-1, V]), next.reshape([-1]))
      optimizer.minimize(value)
      return [value, logits.argMax(-1)]
    })
    return {
      variables: named(parameters),
      optimizer,
      step: (i) => step(classes(3 * T, V, i).reshape([3, T]), classes(3 * T, V, i + 50).reshape([3, T])),
    }
  }),

  trainingCase('a recurrent cell through time, plain descent', () => {
    const [I, H, T] = [5, 9, 6]
    const parameters = [weight([I + H, 3 * H], 1), weight([3 * H], 2), weight([H, 2], 3)]
    const [w, b, out] = parameters
    const optimizer = optim.sgd({ lr: 0.1 }).for(parameters)
    const step = compile((x: Tensor, y: Tensor) => {
      let h = zeros([x.shape[0], H])
      for (let t = 0; t < T; t++) {
        const gates = concat([x.slice([undefined, [t, t + 1]]).squeeze(1), h], 1)
          .matmul(w)
          .add(b)
        const [z, r, n] = gates.split(H, 1)
        h = z
          .sigmoid()
          .mul(h)
          .add(z.neg().sigmoid().mul(n.mul(r.sigmoid()).tanh()))
      }
      const value = loss.mse(h.matmul(out), y)
      optimizer.minimize(value)
      return [value, h]
    })
    return { variables: named(parameters), optimizer, step: (i) => step(numbers([4, T, I], i), numbers([4, 2], i + 9)) }
  }),

  trainingCase('gates in a scan with dropout at each step, backwards too, AdamW', () => {
    const [I, H, T] = [5, 9, 11]
    const parameters = [weight([I, 4 * H], 1), weight([H, 4 * H], 2), weight([4 * H], 3), weight([2 * H, 3], 4)]
    const [wx, wh, b, out] = parameters
    const optimizer = optim.adamW({ lr: 0.01, eps }).for(parameters)
    const through = (xs: Tensor, reverse: boolean) =>
      scan(
        ({ h, c }: { h: Tensor; c: Tensor }, x: Tensor) => {
          const [i, f, g, o] = x.matmul(wx).add(h.matmul(wh)).add(b).split(H, 1)
          const kept = where(random.bernoulli([4, H], 0.8), g.tanh(), 0)
          const memory = f.sigmoid().mul(c).add(i.sigmoid().mul(kept))
          const next = o.sigmoid().mul(memory.tanh())
          return { carry: { h: next, c: memory }, y: next }
        },
        { h: zeros([4, H]), c: zeros([4, H]) },
        xs,
        { reverse },
      )
    const step = compile((x: Tensor, y: Tensor) => {
      const [forth, back] = [through(x, false), through(x, true)]
      const logits = concat([forth.carry.h, back.ys.mean(0)], 1).matmul(out)
      const value = loss.crossEntropy(logits, y)
      optimizer.minimize(value)
      return [value, forth.ys, back.carry.c]
    })
    return { variables: named(parameters), optimizer, step: (i) => step(numbers([T, 4, I], i), classes(4, 3, i)) }
  }),

  trainingCase('running statistics beside the parameters, and a count', () => {
    const parameters = [weight([6, 8], 1), weight([8, 1], 2)]
    const [w1, w2] = parameters
    const [mean, spread] = [new Variable(zeros([8])), new Variable(zeros([8]).add(1))]
    const count = new Variable(tensor(0, { dtype: 'int32' }))
    const optimizer = optim.sgd({ lr: 0.05, momentum: 0.9, nesterov: true }).for(parameters)
    const step = compile((x: Tensor, y: Tensor) => {
      const h = x.matmul(w1)
      const [now, deviation] = [h.mean(0), h.std(0)]
      const before = mean.current()
      mean.assign(mean.mul(0.9).add(now.mul(0.1)))
      spread.assign(spread.mul(0.9).add(deviation.mul(0.1)))
      count.assign(count.add(1))
      const value = loss.mse(h.sub(now).div(deviation.add(0.1)).tanh().matmul(w2), y)
      optimizer.minimize(value)
      return [value, before, mean.sub(before), count.mul(2), h.gt(0).sum(0)]
    })
    const variables = new Map([...named(parameters), ['mean', mean], ['spread', spread], ['count', count]])
    return { variables, optimizer, step: (i) => step(numbers([21, 6], i), numbers([21, 1], i + 9)) }
  }),
]
