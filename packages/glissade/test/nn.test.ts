/** Modules: names, parameters, modes, state dicts; what layers do beyond their numbers (those: golden-layers). */
import { beforeEach, describe, expect, it } from 'vitest'
import { evaluate } from '../src/backends/reference/reference.ts'
import { tensor, zeros } from '../src/create.ts'
import { GlissadeError } from '../src/errors.ts'
import { runTrace, Trace } from '../src/graph/trace.ts'
import * as nn from '../src/nn/index.ts'
import { modeKey } from '../src/nn/modes.ts'
import { manualSeed } from '../src/random.ts'
import { withPath } from '../src/scope.ts'
import { type Tensor, Variable } from '../src/tensor.ts'

class Block extends nn.Module {
  attn = nn.linear(2, 2)
  norms = { before: nn.identity(), after: nn.linear(2, 2, { bias: false }) }
  forward(x: Tensor): Tensor {
    return this.norms.after.forward(this.attn.forward(x).relu())
  }
}

class Net extends nn.Module {
  blocks = [new Block(), new Block()]
  head = nn.sequential(nn.linear(2, 3), nn.tanh(), nn.linear(3, 1))
  mean = new Variable(zeros([2]))
  scale = new nn.Parameter(tensor([1, 1]))
  forward(x: Tensor): Tensor {
    const features = this.blocks.reduce((value, block) => block.forward(value), x.mul(this.scale).sub(this.mean))
    return this.head.forward(features)
  }
}

const numbers = (t: Tensor): number[] => [...evaluate([t])[0].data]
const codeOf = async (body: () => unknown): Promise<string> => {
  try {
    await body()
  } catch (error) {
    if (error instanceof GlissadeError) return error.code
    throw error
  }
  return 'no error'
}

beforeEach(() => {
  manualSeed(1)
})

describe('names', () => {
  it('follow the fields, as in PyTorch', () => {
    const net = new Net()
    expect([...net.namedParameters().keys()].sort()).toEqual([
      'blocks.0.attn.bias',
      'blocks.0.attn.weight',
      'blocks.0.norms.after.weight',
      'blocks.1.attn.bias',
      'blocks.1.attn.weight',
      'blocks.1.norms.after.weight',
      'head.0.bias',
      'head.0.weight',
      'head.2.bias',
      'head.2.weight',
      'scale',
    ])
    expect([...net.namedBuffers().keys()]).toEqual(['mean'])
    expect(net.namedModules().get('blocks.1.norms.after')).toBe(net.blocks[1].norms.after)
    expect(net.namedModules().get('')).toBe(net)
  })

  it('are on every tensor born in a module, and on parameters', () => {
    const net = new Net()
    const y = net.forward(tensor([[1, 2]]))
    expect(y.path).toBe('head.2')
    const found = new Set<string>()
    const visit = (t: Tensor): void => {
      found.add(t.path)
      t.inputs.forEach(visit)
    }
    visit(y)
    expect([...found]).toEqual(
      expect.arrayContaining(['', 'blocks.0.attn', 'blocks.0', 'blocks.1.norms.after', 'head.0', 'head.1', 'head.2']),
    )
    expect(net.blocks[1].attn.weight.path).toBe('blocks.1.attn.weight')
  })

  it('begin with the path of whoever runs the model', () => {
    const net = new Net()
    expect(withPath('student', () => net.forward(tensor([[1, 2]]))).path).toBe('student.head.2')
    expect(net.blocks[0].forward(tensor([[1, 2]])).path).toBe('norms.after')
  })

  it('appear in errors', () => {
    const wrong = nn.sequential(nn.linear(2, 3), nn.linear(4, 1))
    expect(() => wrong.forward(tensor([[1, 2]]))).toThrow(/^in 1: linear: received \[1, 3\]; expected \[\.\.\., 4\]/)
  })

  it('count a shared module and a shared parameter once', () => {
    class Shared extends nn.Module {
      a = nn.linear(2, 2)
      b = this.a
      weight = this.a.weight
      forward(x: Tensor): Tensor {
        return this.b.forward(this.a.forward(x))
      }
    }
    const shared = new Shared()
    expect(shared.parameters()).toHaveLength(2)
    expect([...shared.namedModules().keys()]).toEqual(['', 'a'])
  })

  it('reach watchers with the module that gave the output', () => {
    class Two extends nn.Module {
      inner = nn.lambda((x) => x.mul(2))
      forward(x: Tensor): { twice: Tensor; rest: Tensor[] } {
        const twice = this.inner.forward(x)
        return { twice, rest: [twice.add(1)] }
      }
    }
    const two = new Two()
    const trace = new Trace()
    const seen: [string, string, boolean][] = []
    trace.watchers.push((path, _, { module, key }) => seen.push([path, key, module === two]))
    runTrace(trace, () => two.forward(tensor([1])))
    expect(seen).toEqual([
      ['inner', '', false],
      ['twice', 'twice', true],
      ['rest.0', 'rest.0', true],
    ])
  })
})

describe('modes', () => {
  it('switch the whole tree, and give compiled programs a key that comes back', () => {
    const net = new Net()
    const before = modeKey()
    net.eval()
    expect([...net.namedModules().values()].some((module) => module.training)).toBe(false)
    const evaluating = modeKey()
    expect(evaluating).not.toBe(before)
    net.train()
    expect(modeKey()).toBe(before)
    net.head.eval()
    expect(modeKey()).not.toBe(before)
    expect(modeKey()).not.toBe(evaluating)
    net.train()
    expect(modeKey()).toBe(before)
    net.head.freeze()
    expect(net.parameters().filter(({ trainable }) => !trainable)).toHaveLength(4)
    expect(modeKey()).not.toBe(before)
    net.unfreeze()
    expect(modeKey()).toBe(before)
  })

  it('turn dropout on and off', () => {
    const layer = nn.dropout(0.25)
    const x = tensor(new Float32Array(4000).fill(3))
    const dropped = numbers(layer.forward(x))
    const zeros = dropped.filter((value) => value === 0).length
    // 4000 draws: the standard deviation of the share is 0.007.
    expect(zeros / 4000).toBeGreaterThan(0.25 - 0.035)
    expect(zeros / 4000).toBeLessThan(0.25 + 0.035)
    expect(dropped.filter((value) => value !== 0).every((value) => Math.abs(value - 4) < 1e-5)).toBe(true)
    expect(layer.eval().forward(x)).toBe(x)
  })
})

describe('state dicts', () => {
  it('carry all numbers from model to model', async () => {
    const [a, b] = [new Net(), new Net()]
    const x = tensor([[0.3, -0.7]])
    for (const variable of a.namedVariables().values()) variable.write(numbers(variable))
    a.mean.write([0.5, -0.25])
    expect(numbers(a.forward(x))).not.toEqual(numbers(b.forward(x)))
    expect(await b.loadStateDict(a.stateDict())).toEqual({ missing: [], unexpected: [] })
    expect(numbers(b.forward(x))).toEqual(numbers(a.forward(x)))
    // Copies: what happens to one model does not reach the other.
    a.scale.write([9, 9])
    expect(numbers(b.scale)).toEqual([1, 1])
  })

  it('may have tied weights under one of their names, or under all', async () => {
    class Tied extends nn.Module {
      readonly embedding = nn.embedding(3, 2)
      readonly head = nn.linear(2, 3)
      constructor() {
        super()
        ;(this.head as { weight: nn.Parameter }).weight = this.embedding.weight
      }
      forward(x: Tensor): Tensor {
        return this.head.forward(this.embedding.forward(x))
      }
    }
    const [weight, bias] = [
      tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
      tensor([1, 2, 3]),
    ]
    for (const names of [['embedding.weight'], ['head.weight'], ['embedding.weight', 'head.weight']]) {
      const model = new Tied()
      expect(Object.keys(model.stateDict())).toEqual(['embedding.weight', 'head.bias'])
      const dict = Object.fromEntries([...names.map((name) => [name, weight]), ['head.bias', bias]])
      expect(await model.loadStateDict(dict)).toEqual({ missing: [], unexpected: [] })
      expect(numbers(model.head.weight)).toEqual([1, 2, 3, 4, 5, 6])
      expect(model.head.weight).toBe(model.embedding.weight)
    }
    await expect(
      new Tied().loadStateDict({ 'head.weight': weight, 'head.bias': bias, 'other.weight': weight }),
    ).rejects.toThrow('other.weight: not in the model')
  })

  it('that do not fit are refused, each problem named, and nothing is changed', async () => {
    const net = nn.sequential(nn.linear(2, 1))
    net[0].parameters().forEach((parameter) => {
      parameter.write(new Float32Array(parameter.size).fill(7))
    })
    const load = (dict: Record<string, Tensor>, strict = true): Promise<unknown> =>
      net.loadStateDict(dict, { strict, source: 'a.safetensors' })
    await expect(load({ '0.weight': tensor([[1, 2]]), extra: tensor([1]) })).rejects.toThrow(
      'a.safetensors does not fit the model:\n  0.bias: missing; expected [1]\n  extra: not in the model\n',
    )
    await expect(load({ '0.weight': tensor([[1, 2, 3]]), '0.bias': tensor([1]) })).rejects.toThrow(
      '0.weight: received [1, 3], expected [1, 2]',
    )
    expect(numbers((net[0] as nn.Linear).weight)).toEqual([7, 7])
    expect(await load({ '0.weight': tensor([[1, 2]]), extra: tensor([1]) }, false)).toEqual({
      missing: ['0.bias'],
      unexpected: ['extra'],
    })
    expect(numbers((net[0] as nn.Linear).weight)).toEqual([1, 2])
    expect(await codeOf(() => load({ '0.weight': tensor([1, 2]), '0.bias': tensor([1]) }, false))).toBe(
      'weights-mismatch',
    )
  })
})

describe('layers', () => {
  it('start within PyTorch’s bounds', () => {
    const layer = nn.linear(100, 50)
    const weights = numbers(layer.weight)
    const bound = 1 / Math.sqrt(100)
    expect(Math.max(...weights.map(Math.abs))).toBeLessThanOrEqual(bound * (1 + 1e-6))
    expect(Math.max(...weights.map(Math.abs))).toBeGreaterThan(bound * 0.99)
    // A uniform distribution has deviation bound / sqrt(3); 5000 draws estimate it to 1 %.
    const deviation = Math.sqrt(weights.reduce((sum, w) => sum + w * w, 0) / weights.length)
    expect(deviation / (bound / Math.sqrt(3))).toBeGreaterThan(0.95)
    expect(deviation / (bound / Math.sqrt(3))).toBeLessThan(1.05)
    expect(Math.max(...numbers(nn.convTranspose2d(8, 2, 3).weight).map(Math.abs))).toBeLessThanOrEqual(
      1 / Math.sqrt(2 * 9),
    )
  })

  it('print as a tree', () => {
    const model = nn.sequential(nn.conv2d(1, 2, 3, { padding: 1 }), nn.sequential(nn.relu(), nn.flatten()))
    expect(model.toString()).toBe(
      [
        'Sequential(',
        '  (0): Conv2d(in=1, out=2, size=[3, 3], padding=1)',
        '  (1): Sequential(',
        '    (0): ReLU()',
        '    (1): Flatten(from=1, to=-1)',
        '  )',
        ')',
      ].join('\n'),
    )
  })

  it.each([
    ['no channels', () => nn.conv2d(0, 3, 3)],
    ['groups that do not divide', () => nn.conv2d(3, 4, 3, { groups: 2 })],
    ['two kernel sizes for one axis', () => nn.conv1d(1, 1, [2, 2])],
    ['half an input', () => nn.linear(1.5, 2)],
    ['a probability above 1', () => nn.dropout(1.5)],
  ])('refuse %s', async (_, make) => {
    expect(await codeOf(make)).toBe('value-invalid')
  })
})

describe('initializers', () => {
  const spread = (values: number[]): { mean: number; std: number } => {
    const mean = values.reduce((a, b) => a + b, 0) / values.length
    return { mean, std: Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length) }
  }
  const shape = [80, 20, 2, 2] // fan in 80, fan out 320; 6400 draws estimate a deviation to 1 %

  it.each([
    ['xavierUniform', nn.init.xavierUniform(shape), Math.sqrt(2 / 400)],
    ['xavierNormal', nn.init.xavierNormal(shape, { gain: 2 }), 2 * Math.sqrt(2 / 400)],
    ['kaimingUniform', nn.init.kaimingUniform(shape, { nonlinearity: 'relu' }), Math.sqrt(2 / 80)],
    ['kaimingNormal', nn.init.kaimingNormal(shape, { mode: 'out', slope: 0.5 }), Math.sqrt(2 / 1.25 / 320)],
    ['normal', nn.init.normal(shape, { mean: 0, std: 3 }), 3],
    ['uniform', nn.init.uniform(shape, { low: -1, high: 1 }), 1 / Math.sqrt(3)],
  ])('%s has the deviation of its formula', (_, values, expected) => {
    const { mean, std } = spread(numbers(values))
    expect(std / expected).toBeGreaterThan(0.96)
    expect(std / expected).toBeLessThan(1.04)
    expect(Math.abs(mean) / expected).toBeLessThan(0.05)
  })

  it('truncNormal keeps to its bounds and to the distribution between them', () => {
    const values = numbers(nn.init.truncNormal([8000], { mean: 1, std: 2, low: -1, high: 5 }))
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-1)
    expect(Math.max(...values)).toBeLessThanOrEqual(5)
    // Between -1 and 2 deviations: mean 0.2297, deviation 0.7215 (in units of std, from the normal density).
    const { mean, std } = spread(values)
    expect((mean - 1) / 2).toBeCloseTo(0.2297, 1)
    expect(std / 2).toBeCloseTo(0.7215, 1)
  })

  it('inverseErf undoes erf', () => {
    const x = tensor([-0.999, -0.9, -0.3, 0, 1e-4, 0.5, 0.99, 0.99999])
    const back = numbers(nn.init.inverseErf(x).erf())
    const exact = numbers(x)
    for (const [i, value] of back.entries()) expect(Math.abs(value - exact[i])).toBeLessThan(2e-6)
  })
})
