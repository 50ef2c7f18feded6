/** Every optimizer against PyTorch: paths of 20 steps, with every option; every schedule over 30 steps. */
import { describe, expect, it } from 'vitest'
import { evaluate } from '../src/backends/reference/reference.ts'
import { Parameter } from '../src/nn/module.ts'
import * as optim from '../src/optim/index.ts'
import type { Tensor } from '../src/tensor.ts'
import {
  expectClose,
  type Golden,
  type Listed,
  type OptimizerCases,
  readGolden,
  single,
  toTensor,
} from './golden/read.ts'

type Make<T> = (...args: unknown[]) => T
const optimizers = optim as unknown as Record<string, Make<optim.OptimizerFactory>>
const schedules = optim.schedule as unknown as Record<string, Make<optim.schedule.Schedule>>

const numbers = (t: Tensor): number[] => [...evaluate([t])[0].data]

/** a x^4 / 4 + b x^2 / 2 + c x, summed up. */
function valley(x: Tensor, { a, b, c }: Record<'a' | 'b' | 'c', Listed>): Tensor {
  const curved = toTensor(a).mul(x.pow(4)).div(4).add(toTensor(b).mul(x.square()).div(2))
  return curved.add(toTensor(c).mul(x)).sum()
}

type Two<T> = Readonly<Record<'p' | 'q', T>>
interface Case {
  readonly kind: string
  readonly options: Readonly<Record<string, unknown>>
  readonly schedule?: readonly [kind: string, ...args: unknown[]]
  readonly path: Two<Listed>
  readonly averages?: Two<Listed>
  readonly norms?: readonly number[]
}
const all = readGolden<Golden<Case> & { given: Two<Record<'a' | 'b' | 'c' | 'x', Listed>> }>('optimizers-all')

const steps = 20

describe('optimizers take PyTorch’s steps', () => {
  /** At this step make_first.py halves the learning rate. */
  const halved = 10
  const first = readGolden<OptimizerCases>('optimizers')

  it.each(first.cases.map((each) => [`${each.kind} ${JSON.stringify(each.options)}`, each] as const))(
    'with a learning rate that changes: %s',
    (_, { kind, options, path }) => {
      const p = new Parameter(toTensor(first.start))
      const optimizer = optimizers[kind](options).for([p])
      const found: number[] = []
      for (let step = 0; step < steps; step++) {
        if (step === halved) optimizer.lr *= 0.5
        optimizer.minimize(valley(p, first))
        found.push(...numbers(p))
      }
      expect(optimizer.steps).toBe(steps)
      expectClose(kind, found, path.data, single)
    },
  )

  const title = ({ kind, options, schedule }: Case): string => `${kind} ${JSON.stringify(schedule ?? options)}`

  it.each(all.cases.map((each) => [title(each), each] as const))('%s', (_, each) => {
    const { kind, options, schedule, path, averages, norms } = each
    const { p: ofP, q: ofQ } = all.given
    const p = new Parameter(toTensor(ofP.x))
    const q = new Parameter(toTensor(ofQ.x))
    const lr = schedule ? { lr: schedules[schedule[0]](...schedule.slice(1)) } : {}
    const optimizer = optimizers[kind]({ ...options, ...lr }).for([p, q])
    const found = { p: [] as number[], q: [] as number[] }
    const smooth = { p: [] as number[], q: [] as number[] }
    const seen: number[] = []
    for (let t = 0; t < steps; t++) {
      const loss = valley(p, ofP)
        .add(valley(q, ofQ))
        .mul(1 + 0.5 * Math.sin(t))
      const { gradNorm } = optimizer.minimize(loss)
      seen.push(...numbers(gradNorm))
      found.p.push(...numbers(p))
      found.q.push(...numbers(q))
      const state = optimizer.namedState()
      if (averages) {
        smooth.p.push(...numbers(state.get('0.ema') as Tensor))
        smooth.q.push(...numbers(state.get('1.ema') as Tensor))
      }
    }
    const each20 = (options.accumulate as number | undefined) ?? 1
    expect(optimizer.steps).toBe(Math.floor(steps / each20))
    for (const name of ['p', 'q'] as const) {
      expectClose(`${kind} ${name}`, found[name], path[name].data, single)
      if (averages) {
        // Before the first step PyTorch's average is the copy that it began with, and so is ours.
        expectClose(`${kind} average of ${name}`, smooth[name], averages[name].data, single)
      }
    }
    if (norms) expectClose(`${kind} norms`, seen, norms, single)
  })
})

describe('schedules give PyTorch’s learning rates', () => {
  interface Case {
    readonly call: readonly [kind: string, ...args: unknown[]]
    readonly lrs: readonly number[]
    readonly momenta?: readonly number[]
    readonly values?: readonly number[]
  }
  /** The files hold 12 digits; a chain of products loses one or two. */
  const exact = { absolute: 1e-14, relative: 1e-10 }
  const { cases } = readGolden<Golden<Case>>('schedules')

  it.each(cases.map((each) => [JSON.stringify(each.call), each] as const))('%s', (_, { call, ...expected }) => {
    const schedule = schedules[call[0]](...call.slice(1))
    const { lrs, momenta, values } = expected
    if (values) {
      let memory = schedule.memory as optim.schedule.Json
      const found = values.map((value, i) => {
        memory = schedule.observe?.(value, memory, i) as optim.schedule.Json
        // What it remembers must survive a file.
        memory = JSON.parse(JSON.stringify(memory)) as optim.schedule.Json
        return schedule.at(i, memory).lr
      })
      expectClose('lr', found, lrs, exact)
      return
    }
    const found = lrs.map((_, step) => schedule.at(step))
    expectClose(
      'lr',
      found.map(({ lr }) => lr),
      lrs,
      exact,
    )
    expect(schedule.cyclesMomentum === true).toBe(momenta !== undefined)
    if (momenta) {
      expectClose(
        'momentum',
        found.map(({ momentum }) => momentum ?? Number.NaN),
        momenta,
        exact,
      )
    }
  })
})
