/** Every optimizer against PyTorch: the path of 20 steps, with a learning rate that changes on the way. */
import { describe, expect, it } from 'vitest'
import { evaluate } from '../src/backends/reference/reference.ts'
import { Parameter } from '../src/nn/module.ts'
import { adam, adamW, sgd } from '../src/optim/index.ts'
import { expectClose, type OptimizerCases, readGolden, single, toTensor } from './golden/read.ts'

const optimizers = { sgd, adam, adamW }

const steps = 20
/** At this step make_first.py halves the learning rate. */
const halved = 10

describe('optimizers take PyTorch’s steps', () => {
  const { cases, a, b, c, start } = readGolden<OptimizerCases>('optimizers')
  it.each(cases.map((each) => [`${each.kind} ${JSON.stringify(each.options)}`, each] as const))(
    '%s',
    (_, { kind, options, path }) => {
      const p = new Parameter(toTensor(start))
      const optimizer = optimizers[kind](options).for([p])
      const found: number[] = []
      for (let step = 0; step < steps; step++) {
        if (step === halved) optimizer.lr *= 0.5
        const value = toTensor(a).mul(p.pow(4)).div(4).add(toTensor(b).mul(p.square()).div(2)).add(toTensor(c).mul(p))
        optimizer.minimize(value.sum())
        found.push(...evaluate([p])[0].data)
      }
      expect(optimizer.steps).toBe(steps)
      expectClose(kind, found, path.data, single)
    },
  )
})
