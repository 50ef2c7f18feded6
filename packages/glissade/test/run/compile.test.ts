/**
 * compile and realize: what is traced when, what is compiled again and what is not, what is refused, and what people
 * can ask of a program.
 *
 * A backend that counts stands before the interpreter. Numbers: compile/fuzz.test.ts and conformance/.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Backend, Plan } from '../../src/backends/backend.ts'
import { interpreterBackend } from '../../src/backends/reference/interpreter.ts'
import { GlissadeError } from '../../src/errors.ts'
import {
  compile,
  loss,
  nn,
  optim,
  random,
  realize,
  setBackend,
  type Tensor,
  take,
  tensor,
  Variable,
} from '../../src/index.ts'
import { fromArray } from '../../src/tensor.ts'

interface Counting extends Backend {
  /** The plans that it was asked to compile. */
  readonly asked: Plan[]
  runs: number
}

function countingBackend(): Counting {
  const inner = interpreterBackend()
  const asked: Plan[] = []
  const counting: Counting = {
    ...inner,
    asked,
    runs: 0,
    async compile(plan) {
      asked.push(plan)
      const executable = await inner.compile(plan)
      return {
        run: (storages) => {
          counting.runs++
          return executable.run(storages)
        },
        profile: (storages) => executable.profile(storages),
        release: () => executable.release(),
      }
    },
  }
  return counting
}

let backend: Counting
beforeEach(async () => {
  backend = countingBackend()
  await setBackend(backend)
})

const list = async (t: Tensor): Promise<number[]> => Array.from(await t.data())
const ramp = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1)
  return fromArray(
    Float32Array.from({ length: size }, (_, i) => Math.fround(Math.sin(i + 1))),
    shape,
  )
}
/** The code of the error that `work` ends with. */
async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work()
  } catch (error) {
    if (error instanceof GlissadeError) return error.code
    throw error
  }
  return 'no error'
}

describe('a compiled function', () => {
  it('is traced and compiled once for arguments of the same shapes', async () => {
    let traced = 0
    const f = compile((x: Tensor) => {
      traced++
      return x.mul(2)
    })
    for (let i = 0; i < 3; i++) expect(await list(await f(tensor([i, 1])))).toEqual([2 * i, 2])
    expect([traced, backend.asked.length, backend.runs]).toEqual([1, 1, 3])
  })

  it('again for other shapes, types, numbers, texts, structures and modes', async () => {
    let traced = 0
    const layer = nn.dropout(0.5)
    const f = compile((x: Tensor, options: { by?: number; name?: string; more?: readonly Tensor[] }) => {
      traced++
      return layer.forward(x).mul(options.by ?? 1)
    })
    const variants: (() => Promise<unknown>)[] = [
      () => f(tensor([1, 2]), {}),
      () => f(tensor([1, 2, 3]), {}),
      () => f(tensor([[1, 2]]), {}),
      () => f(tensor([1, 2], { dtype: 'int32' }), {}),
      () => f(tensor([1, 2]), { by: 2 }),
      () => f(tensor([1, 2]), { by: 3 }),
      () => f(tensor([1, 2]), { name: 'a' }),
      () => f(tensor([1, 2]), { name: 'a;b' }),
      () => f(tensor([1, 2]), { more: [] }),
      () => f(tensor([1, 2]), { more: [tensor([1])] }),
    ]
    for (const variant of variants) await variant()
    expect(traced).toBe(variants.length)
    layer.eval()
    await f(tensor([1, 2]), {})
    expect(traced).toBe(variants.length + 1)
    layer.train()
    for (const variant of variants) await variant()
    expect(traced).toBe(variants.length + 1)
  })

  it('keeps arguments apart that only look alike as text', async () => {
    let traced = 0
    const f = compile((x: Tensor, _names: readonly string[]) => {
      traced++
      return x
    })
    await f(tensor([1]), ['a', 'b'])
    await f(tensor([1]), ['a;string b'])
    await f(tensor([1]), ['a","b'])
    expect(traced).toBe(3)
  })

  it('takes a module among its arguments, whose parameters are read and trained as they are', async () => {
    const models = [nn.linear(2, 1), nn.linear(2, 1)]
    const f = compile((model: nn.Linear, x: Tensor) => model.forward(x))
    for (const model of models) {
      model.weight.write([1, 2])
      model.bias?.write([models.indexOf(model)])
    }
    expect(await list(await f(models[0], tensor([[1, 1]])))).toEqual([3])
    expect(await list(await f(models[1], tensor([[1, 1]])))).toEqual([4])
    models[0].weight.write([10, 20])
    expect(await list(await f(models[0], tensor([[1, 1]])))).toEqual([30])
  })

  it('takes and gives arrays and objects', async () => {
    const f = compile(({ a, rest }: { a: Tensor; rest: readonly Tensor[] }) => ({
      sum: rest.reduce((x, y) => x.add(y), a),
      parts: [a, 7, 'text', null] as const,
    }))
    const { sum, parts } = await f({ a: tensor([1]), rest: [tensor([10]), tensor([100])] })
    expect(await list(sum)).toEqual([111])
    expect([await list(parts[0]), parts[1], parts[2], parts[3]]).toEqual([[1], 7, 'text', null])
  })

  it('may give back an argument, a variable, and one tensor twice', async () => {
    const v = new Variable(tensor([5]))
    const f = compile((x: Tensor) => {
      const y = x.add(1)
      v.assign(v.add(x))
      return [x, v, y, y, v]
    })
    const results = await f(tensor([2]))
    expect(await Promise.all(results.map(list))).toEqual([[2], [7], [3], [3], [7]])
    expect(await list(v)).toEqual([7])
  })

  it('computes arguments that are expressions first', async () => {
    const f = compile((x: Tensor) => x.sum())
    expect(await (await f(tensor([1, 2]).mul(3))).item()).toBe(9)
  })

  it('draws anew at each run, and as the same draws without compile', async () => {
    random.manualSeed(3)
    const f = compile(() => random.uniform([4]))
    const [first, second] = [await list(await f()), await list(await f())]
    expect(first).not.toEqual(second)
    random.manualSeed(3)
    expect([await list(random.uniform([4])), await list(random.uniform([4]))]).toEqual([first, second])
  })

  it('is compiled anew after release', async () => {
    const f = compile((x: Tensor) => x.mul(2))
    await f(tensor([1]))
    f.release()
    await f(tensor([1]))
    expect(backend.asked.length).toBe(2)
  })
})

describe('expressions without compile', () => {
  it('of equal structure share one program', async () => {
    for (const n of [1, 2, 3]) expect(await list(ramp([6]).mul(0).add(n).sum())).toEqual([6 * n])
    expect(backend.asked.length).toBe(3)
    const numbers = [1, 2, 3].map((n) => tensor([n, n]))
    for (const [i, x] of numbers.entries()) expect(await list(x.exp().log().round())).toEqual([i + 1, i + 1])
    expect(backend.asked.length).toBe(4)
  })

  it('go on from what was computed before', async () => {
    const x = tensor([1, 2])
    const y = x.mul(10)
    expect(await list(y)).toEqual([10, 20])
    const z = y.add(x)
    expect(await list(z)).toEqual([11, 22])
    expect(backend.asked[1].arguments.map(({ role }) => role)).toEqual(['input', 'input', 'output'])
    expect(await list(z.mul(y))).toEqual([110, 440])
  })

  it('are computed together', async () => {
    const x = tensor([1, 2]).exp()
    const [a, b] = [x.add(1), x.sub(1)]
    await realize(a, b)
    expect(backend.runs).toBe(1)
    await list(a)
    await list(b)
    expect(backend.runs).toBe(1)
  })

  it('with NaN, infinities and -0 among their constants are not taken for one another', async () => {
    const x = tensor([1])
    const constants = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 1e-45]
    const received: number[] = []
    for (const c of constants) received.push(await x.add(c).item())
    expect(received).toEqual(constants.map((c) => Math.fround(1 + c)))
    expect(Object.is(await x.mul(-0).item(), -0)).toBe(true)
    expect(Object.is(await x.mul(0).item(), 0)).toBe(true)
  })

  it('assigned to a variable again and again are computed as they come along', async () => {
    const v = new Variable(tensor([0]))
    for (let i = 0; i < 50; i++) {
      v.assign(v.add(1))
      if (i % 10 === 9) await ramp([2]).sum().item()
    }
    expect(await list(v)).toEqual([50])
  })
})

describe('what is refused', () => {
  it('a value that a step has overwritten since', async () => {
    const v = new Variable(tensor([1, 2]))
    const step = compile(() => {
      v.assign(v.add(1))
    })
    await step()
    const [value, expression] = [v.current(), v.mul(2)]
    await step()
    expect(await codeOf(() => value.data())).toBe('stale-value')
    expect(await codeOf(() => expression.data())).toBe('stale-value')
    const f = compile((x: Tensor) => x.add(1))
    expect(await codeOf(() => f(value))).toBe('stale-value')
    expect(await list(v.mul(2))).toEqual([6, 8])
  })

  it('an asynchronous function', async () => {
    const f = compile(async (x: Tensor) => x.add(1))
    expect(await codeOf(() => f(tensor([1])))).toBe('trace-async')
  })

  it('numbers of traced tensors', async () => {
    const seen: Promise<unknown>[] = []
    const f = compile((x: Tensor) => {
      seen.push(x.add(1).data(), x.item(), realize(x))
      return x
    })
    await f(tensor([1]))
    for (const each of seen) expect(await codeOf(() => each)).toBe('trace-read')
  })

  it('the error of the traced function, which leaves no trace behind', async () => {
    let broken = true
    const f = compile((x: Tensor) => {
      if (broken) throw new Error('not yet')
      return x.add(1)
    })
    await expect(f(tensor([1]))).rejects.toThrow('not yet')
    broken = false
    expect(await list(await f(tensor([1])))).toEqual([2])
  })

  it('labels out of range, before anything has changed', async () => {
    const model = nn.sequential(nn.linear(3, 4), nn.relu(), nn.linear(4, 5))
    const optimizer = optim.adamW().for(model)
    const step = compile((x: Tensor, y: Tensor) => {
      const value = loss.crossEntropy(model.forward(x), y)
      optimizer.minimize(value)
      return value
    })
    const [x, good, bad] = [ramp([2, 3]), tensor([0, 4], { dtype: 'int32' }), tensor([1, 5], { dtype: 'int32' })]
    expect(await codeOf(() => step(x, bad))).toBe('index-range')
    await step(x, good)
    const numbers = async (): Promise<number[][]> =>
      Promise.all([...model.parameters(), ...optimizer.namedState().values()].map(list))
    const before = await numbers()
    await expect(step(x, bad)).rejects.toThrow(/value 5 at position 1 is out of range; expected 0 to 4/)
    await expect(step(x, tensor([-1, 0], { dtype: 'int32' }))).rejects.toThrow(/value -1 at position 0/)
    expect(await numbers()).toEqual(before)
    expect(optimizer.steps).toBe(1)
    await step(x, good)
    expect(optimizer.steps).toBe(2)
  })

  it('indices of an embedding out of range', async () => {
    const table = new nn.Parameter(ramp([4, 2]))
    const f = compile((tokens: Tensor) => take(table, tokens.reshape([-1])))
    expect(await codeOf(() => f(tensor([[0, 4]], { dtype: 'int32' })))).toBe('index-range')
    expect((await f(tensor([[0, 3]], { dtype: 'int32' }))).shape).toEqual([2, 2])
  })

  it('float64 on a backend of float32', async () => {
    expect(await codeOf(() => tensor([1], { dtype: 'float64' }).mul(2).data())).toBe('reference-only')
  })
})

describe('what people can ask of a program', () => {
  it('a profile: times by kernel and by module, while the step takes place', async () => {
    const model = nn.sequential(nn.linear(3, 16), nn.relu(), nn.linear(16, 2))
    const optimizer = optim.sgd({ lr: 0.1 }).for(model)
    const step = compile((x: Tensor, y: Tensor) => {
      const value = loss.mse(model.forward(x), y)
      optimizer.minimize(value)
      return value
    })
    const [x, y] = [ramp([8, 3]), ramp([8, 2])]
    const before = await list(model.parameters()[0])
    const profile = await step.profile(x, y)
    expect(optimizer.steps).toBe(1)
    expect(await list(model.parameters()[0])).not.toEqual(before)
    const { plan } = await step.program(x, y)
    expect(profile.kernels.map(({ label }) => label)).toEqual(plan.launches.map(({ label }) => label))
    expect(profile.kernels.every(({ milliseconds }) => milliseconds >= 0)).toBe(true)
    const total = profile.kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0)
    expect(profile.milliseconds).toBeCloseTo(total, 9)
    expect(profile.paths.map(({ path }) => path).sort()).toEqual(expect.arrayContaining(['0', '2']))
    expect(profile.paths.reduce((sum, { milliseconds }) => sum + milliseconds, 0)).toBeCloseTo(total, 9)
    const text = profile.toString()
    for (const word of ['GFLOP/s', 'share', 'module', '(backward)', `in ${plan.launches.length} kernels`])
      expect(text).toContain(word)
  })

  it('its kernels without running it', async () => {
    const v = new Variable(tensor([1]))
    const step = compile(() => {
      v.assign(v.add(1))
    })
    expect((await step.program()).describe()).toMatch(/^1 kernels/)
    expect(backend.runs).toBe(0)
    expect(await list(v)).toEqual([1])
  })
})
