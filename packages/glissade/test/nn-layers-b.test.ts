/**
 * What norms, dropouts, containers and combinators do beyond their numbers (those: golden-layers-b): names, modes,
 * errors, older files, checkpoints; and the initializers that make more than a distribution.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import { checkpoint } from '../src/autodiff/custom.ts'
import { gradients } from '../src/autodiff/gradients.ts'
import { evaluate } from '../src/backends/reference/reference.ts'
import { ones, tensor, zeros } from '../src/create.ts'
import { GlissadeError } from '../src/errors.ts'
import * as nn from '../src/nn/index.ts'
import { manualSeed, normal, uniform } from '../src/random.ts'
import { setBackend } from '../src/run/backend.ts'
import { compile } from '../src/run/compile.ts'
import '../src/run/realize.ts'
import type { Tensor } from '../src/tensor.ts'

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
const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
const varianceOf = (values: readonly number[]): number => {
  const mean = meanOf(values)
  return meanOf(values.map((value) => (value - mean) ** 2))
}

beforeEach(async () => {
  manualSeed(1)
  await setBackend('reference')
})

describe('norms', () => {
  it('have PyTorch’s names', () => {
    expect(Object.keys(nn.batchNorm2d(3).stateDict())).toEqual([
      'weight',
      'bias',
      'running_mean',
      'running_var',
      'num_batches_tracked',
    ])
    expect(nn.batchNorm1d(3).stateDict().num_batches_tracked).toMatchObject({ shape: [], dtype: 'int32' })
    expect(nn.batchNorm1d(3, { affine: false, trackRunningStats: false }).stateDict()).toEqual({})
    expect(nn.batchNorm1d(3).parameters()).toHaveLength(2)
    expect(nn.instanceNorm2d(3).stateDict()).toEqual({})
    expect(Object.keys(nn.layerNorm([2, 3], { bias: false }).stateDict())).toEqual(['weight'])
    expect(Object.keys(nn.rmsNorm(4).stateDict())).toEqual(['weight'])
  })

  it('of batches leave the running statistics alone in evaluation', () => {
    const layer = nn.batchNorm1d(2).eval()
    const before = [...layer.namedBuffers().values()].map(({ value }) => value)
    layer.forward(
      tensor([
        [1, 2],
        [3, 4],
      ]),
    )
    expect([...layer.namedBuffers().values()].map(({ value }) => value)).toEqual(before)
  })

  it('of batches let no gradient into the running statistics', () => {
    const layer = nn.batchNorm1d(2)
    const x = tensor([
      [1, 2],
      [3, 5],
    ])
    layer.forward(x)
    expect(gradients((layer.running_mean as Tensor).sum(), [x])).toEqual([undefined])
  })

  it('keep to numbers far from 0', () => {
    // The mean square minus the squared mean would be all rounding here.
    const x = tensor(
      Float32Array.from({ length: 64 }, (_, i) => 10_000 + i / 64),
      { shape: [1, 64] },
    )
    const y = numbers(nn.layerNorm(64).forward(x))
    expect(varianceOf(y)).toBeCloseTo(1, 3)
  })

  it('by the root mean square add the epsilon of float32 to float32', () => {
    const root = Math.sqrt((9e-8 + 16e-8) / 2 + 2 ** -23)
    const y = numbers(nn.rmsNorm(2).forward(tensor([3e-4, 4e-4])))
    expect(y[0]).toBeCloseTo(3e-4 / root, 5)
    expect(y[1]).toBeCloseTo(4e-4 / root, 5)
  })

  it.each([
    ['a batch of one', () => nn.batchNorm1d(2).forward(tensor([[1, 2]])), 'value-invalid'],
    ['one place in space', () => nn.instanceNorm1d(2).forward(zeros([3, 2, 1])), 'value-invalid'],
    ['other channels', () => nn.batchNorm2d(3).forward(zeros([2, 4, 5, 5])), 'shape-mismatch'],
    ['too few axes', () => nn.batchNorm2d(3).forward(zeros([2, 3, 5])), 'shape-mismatch'],
    ['other last axes', () => nn.layerNorm([3, 4]).forward(zeros([2, 4, 3])), 'shape-mismatch'],
    ['fewer axes than it norms', () => nn.rmsNorm([3, 4]).forward(zeros([4])), 'shape-mismatch'],
    ['other channels in groups', () => nn.groupNorm(2, 4).forward(zeros([2, 6])), 'shape-mismatch'],
    ['an input of two axes', () => nn.localResponseNorm(3).forward(zeros([2, 6])), 'shape-mismatch'],
    ['no features', () => nn.batchNorm1d(0), 'value-invalid'],
    ['a negative eps', () => nn.layerNorm(3, { eps: -1 }), 'value-invalid'],
    ['no shape', () => nn.layerNorm([]), 'value-invalid'],
    ['a momentum above 1', () => nn.batchNorm1d(3, { momentum: 2 }), 'value-invalid'],
    ['a momentum above 1 (instances)', () => nn.instanceNorm1d(3, { momentum: 2 }), 'value-invalid'],
    ['groups that do not divide', () => nn.groupNorm(3, 4), 'value-invalid'],
  ])('refuse %s', async (_, body, code) => {
    expect(await codeOf(body)).toBe(code)
  })

  it('change nothing when they refuse', async () => {
    const layer = nn.batchNorm1d(2)
    const before = layer.running_mean?.value
    await codeOf(() => layer.forward(tensor([[1, 2]])))
    expect(layer.running_mean?.value).toBe(before)
  })
})

describe('checkpoint', () => {
  const x = tensor([
    [1, 2],
    [3, -4],
    [0.5, 1],
  ])
  const networks = {
    'batch norm': () => nn.sequential(nn.linear(2, 3), nn.batchNorm1d(3), nn.tanh()),
    'spectral norm': () => nn.sequential(nn.spectralNorm(nn.linear(2, 3)), nn.dropout(0.5), nn.tanh()),
  }

  it.each(Object.entries(networks))('assigns once what %s assigns, and computes it again the same', async (_, make) => {
    for (const compiled of [false, true]) {
      const results: number[][] = []
      for (const forget of [false, true]) {
        manualSeed(3)
        const model = make()
        const parameters = model.parameters()
        const body = (input: Tensor): Tensor[] => {
          const inner = (value: Tensor): Tensor => model.forward(value)
          // Twice in one step: the second begins with what the first assigned.
          const first = forget ? checkpoint(inner, input) : inner(input)
          const second = forget ? checkpoint(inner, input.mul(2)) : inner(input.mul(2))
          const loss = first.square().add(second.mul(3)).sum()
          return [loss, ...gradients(loss, [input, ...parameters]).map((g) => g ?? zeros([1]))]
        }
        const run = compiled ? compile(body) : async (input: Tensor): Promise<Tensor[]> => body(input)
        const found: number[] = []
        for (let step = 0; step < 2; step++) {
          for (const result of await run(x)) found.push(...(await result.data()))
          for (const buffer of model.buffers()) found.push(...(await buffer.data()))
        }
        results.push(found)
      }
      expect(results[1]).toEqual(results[0])
    }
  })

  it('still forgets what is inside when nothing is assigned', () => {
    const layer = nn.linear(2, 2)
    expect(checkpoint((input) => layer.forward(input), x).op.name).toBe('checkpoint')
  })
})

describe('dropouts', () => {
  const x = (...shape: number[]): Tensor => ones(shape)

  it('of channels drop whole channels, and keep the mean', () => {
    for (const [layer, shape] of [
      [nn.dropout1d(0.25), [40, 50, 3]],
      [nn.dropout1d(0.25), [2000, 3]],
      [nn.dropout2d(0.25), [40, 50, 2, 2]],
      [nn.dropout3d(0.25), [40, 50, 1, 2, 2]],
      [nn.dropout3d(0.25), [2000, 1, 2, 2]],
    ] as const) {
      const y = numbers(layer.forward(x(...shape)))
      const inner = y.length / 2000
      const channels = Array.from({ length: 2000 }, (_, i) => new Set(y.slice(i * inner, (i + 1) * inner)))
      expect(channels.every((values) => values.size === 1)).toBe(true)
      // 2000 draws: the standard deviation of the share is 0.01.
      expect(Math.abs(channels.filter((values) => values.has(0)).length / 2000 - 0.25)).toBeLessThan(0.05)
      expect(Math.max(...y)).toBeCloseTo(1 / 0.75, 5)
      expect(layer.eval().forward(x(...shape)).op.kind).toBe('generate')
    }
  })

  it('of paths drop whole samples, scaled or not', () => {
    for (const [scale, expected] of [
      [true, 2],
      [false, 1],
    ] as const) {
      const y = numbers(nn.dropPath(0.5, { scale }).forward(x(1000, 3)))
      const samples = Array.from({ length: 1000 }, (_, i) => new Set(y.slice(i * 3, i * 3 + 3)))
      expect(samples.every((values) => values.size === 1)).toBe(true)
      expect(new Set(y)).toEqual(new Set([0, expected]))
      expect(Math.abs(samples.filter((values) => values.has(0)).length / 1000 - 0.5)).toBeLessThan(0.08)
    }
    expect(nn.dropPath().p).toBe(0)
  })

  it('for selu keep mean and variance', () => {
    const y = numbers(nn.alphaDropout(0.3).forward(normal([20_000])))
    expect(meanOf(y)).toBeCloseTo(0, 1)
    expect(varianceOf(y)).toBeGreaterThan(0.95)
    expect(varianceOf(y)).toBeLessThan(1.05)
    // All that fell have one value: a (floor - p floor) with PyTorch's a and floor = -1.7580993408473766.
    const a = ((1 - 0.3) * (1 + 0.3 * 1.7580993408473766 ** 2)) ** -0.5
    const fallen = a * -1.7580993408473766 * (1 - 0.3)
    const share = y.filter((value) => Math.abs(value - fallen) < 1e-6).length / y.length
    expect(Math.abs(share - 0.3)).toBeLessThan(0.02)
    expect(new Set(numbers(nn.alphaDropout(1).forward(x(5)))).size).toBe(1)
  })

  it.each([
    ['two axes for images', () => nn.dropout2d().forward(x(2, 3)), 'shape-mismatch'],
    [
      'three axes for images',
      () =>
        nn
          .dropout2d()
          .eval()
          .forward(x(2, 3, 4)),
      'shape-mismatch',
    ],
    ['four axes for series', () => nn.dropout1d().forward(x(2, 3, 4, 5)), 'shape-mismatch'],
    ['a probability below 0', () => nn.dropPath(-0.1), 'value-invalid'],
    ['a probability that is none', () => nn.alphaDropout(Number.NaN), 'value-invalid'],
  ])('refuse %s', async (_, body, code) => {
    expect(await codeOf(body)).toBe(code)
  })
})

describe('containers', () => {
  it('name layers by place or by key, in order', () => {
    const named = nn.sequential({ up: nn.linear(2, 4), act: nn.relu(), down: nn.linear(4, 1) })
    expect([...named.namedParameters().keys()]).toEqual(['up.weight', 'up.bias', 'down.weight', 'down.bias'])
    expect(named.names).toEqual(['up', 'act', 'down'])
    expect(named.at('act')).toBeInstanceOf(nn.ReLU)
    expect(named.at(-1)).toBe(named.layers[2])
    expect(named.at('none')).toBeUndefined()
    expect([...named]).toEqual(named.layers)
    expect(named.length).toBe(3)
    expect(named.forward(tensor([[1, 2]])).path).toBe('down')
    const placed = nn.sequential(nn.linear(2, 4), nn.relu())
    expect(placed[0]).toBeInstanceOf(nn.Linear)
    expect([...placed.namedParameters().keys()]).toEqual(['0.weight', '0.bias'])
  })

  it('take a list, a layer at the end, and another in the place of one', async () => {
    const model = nn.sequential([nn.linear(2, 4), nn.relu()]).append(nn.linear(4, 3))
    expect([...model.namedParameters().keys()]).toEqual(['0.weight', '0.bias', '2.weight', '2.bias'])
    expect(Array.isArray(model.config().layers)).toBe(true)
    expect(model.set(-1, nn.linear(4, 7)).forward(zeros([1, 2])).shape).toEqual([1, 7])
    const named = nn.sequential({ body: nn.linear(2, 4), head: nn.linear(4, 3) }).set('head', nn.linear(4, 5))
    expect(named.forward(zeros([1, 2])).shape).toEqual([1, 5])
    expect([...named.namedParameters().keys()]).toEqual(['body.weight', 'body.bias', 'head.weight', 'head.bias'])
    expect(await codeOf(() => named.set('tail', nn.relu()))).toBe('module-name')
    expect(await codeOf(() => model.set(3, nn.relu()))).toBe('module-name')
    expect(await codeOf(() => model.set(0, (() => {}) as never))).toBe('value-invalid')
    expect(model.length).toBe(3)
  })

  it('pass on the output of layers with several results', async () => {
    const model = nn.sequential(nn.lstm(2, 3), nn.takeLast(), nn.linear(3, 1))
    expect(model.forward(zeros([4, 5, 2])).shape).toEqual([4, 1])
    expect(nn.sequential(nn.gru(2, 3)).forward(zeros([4, 5, 2])).shape).toEqual([4, 5, 3])
    // A cell gives { h, c } and no output.
    const cell = nn.sequential(nn.lstmCell(2, 3) as unknown as nn.Stage)
    expect(await codeOf(() => cell.forward(zeros([4, 2])))).toBe('value-invalid')
  })

  it('hold lists and dictionaries of modules, and lists of parameters', async () => {
    class Net extends nn.Module {
      blocks = nn.moduleList([nn.linear(2, 2)]).append(nn.linear(2, 2, { bias: false }))
      heads = nn.moduleDict({ start: nn.linear(2, 1) }).set('end', nn.linear(2, 1, { bias: false }))
      scales = nn.parameterList([ones([2])]).append(ones([1]))
      forward(x: Tensor): Tensor {
        const y = [...this.blocks].reduce((value, block) => block.forward(value), x)
        return this.heads.get('end').forward(y.mul(this.scales[0]))
      }
    }
    const net = new Net()
    expect([...net.namedParameters().keys()]).toEqual([
      'blocks.0.weight',
      'blocks.0.bias',
      'blocks.1.weight',
      'heads.start.weight',
      'heads.start.bias',
      'heads.end.weight',
      'scales.0',
      'scales.1',
    ])
    expect(net.forward(tensor([[1, 2]])).shape).toEqual([1, 1])
    expect([net.blocks.length, net.heads.size, net.scales.length]).toEqual([2, 2, 2])
    expect(net.blocks.at(-1)).toBe(net.blocks[1])
    expect(net.blocks.map((block) => block.out)).toEqual([2, 2])
    expect(net.heads.keys()).toEqual(['start', 'end'])
    expect(net.heads.entries()[1][1]).toBe(net.heads.values()[1])
    expect([net.heads.has('end'), net.heads.has('keys')]).toEqual([true, false])
    const other = nn.linear(2, 1)
    expect(net.heads.set('end', other).get('end')).toBe(other)
    expect(net.heads.size).toBe(2)
    expect([...net.scales].every((scale) => scale instanceof nn.Parameter)).toBe(true)
    expect(await codeOf(() => net.heads.get('middle'))).toBe('module-name')
    for (const holder of [net.blocks, net.heads, net.scales])
      expect(await codeOf(() => holder.forward())).toBe('value-invalid')
  })

  it.each([
    ['a name with a dot', () => nn.sequential({ 'a.b': nn.relu() })],
    ['a name that is a number', () => nn.sequential({ 1: nn.relu() })],
    ['an empty name', () => nn.moduleDict({ '': nn.relu() })],
    ['a name of the module’s own', () => nn.moduleDict({ forward: nn.relu() })],
    ['a name that reaches the prototype', () => nn.moduleDict().set('__proto__', nn.relu())],
    ['a function as the only layer', () => nn.sequential(((x: Tensor) => x) as never)],
    ['nothing as the only layer', () => nn.sequential(undefined as never)],
    ['a module as a function', () => nn.lambda(nn.relu() as never)],
    ['sizes that are no list', () => nn.reshape(4 as never)],
    ['what is no module', () => nn.sequential(((x: Tensor) => x) as never, nn.relu())],
    ['what is no module, alone', () => nn.moduleList([undefined as never])],
    ['a body that is no module', () => nn.residual(((x: Tensor) => x) as never)],
    ['no branches', () => nn.parallel([])],
    ['an unknown join', () => nn.parallel([nn.relu()], { join: 'mean' as never })],
    ['half an axis', () => nn.parallel([nn.relu()], { axis: 0.5 })],
    ['half a place', () => nn.select(1, 0.5)],
  ])('refuse %s', async (_, make) => {
    expect(await codeOf(make)).toBe('value-invalid')
  })
})

describe('combinators', () => {
  const x = tensor([
    [1, -2],
    [3, 4],
  ])

  it('add the way around', async () => {
    expect(numbers(nn.residual(nn.relu()).forward(x))).toEqual([2, -2, 6, 8])
    const double = nn.lambda((value) => value.mul(2))
    expect(numbers(nn.residual(nn.relu(), { shortcut: double }).forward(x))).toEqual([3, -4, 9, 12])
    const names = nn.residual(nn.linear(2, 3), { shortcut: nn.linear(2, 3, { bias: false }) })
    expect([...names.namedParameters().keys()]).toEqual(['body.weight', 'body.bias', 'shortcut.weight'])
    // A body of one column would broadcast unseen.
    expect(await codeOf(() => nn.residual(nn.linear(2, 1)).forward(x))).toBe('shape-mismatch')
  })

  it('bring branches together', async () => {
    const branches = { left: nn.relu(), right: nn.lambda((value) => value.mul(2)) }
    expect(numbers(nn.parallel(branches).forward(x))).toEqual([3, -4, 9, 12])
    expect(numbers(nn.parallel(branches, { join: 'product' }).forward(x))).toEqual([2, -0, 18, 32])
    expect(numbers(nn.parallel(branches, { join: 'concat' }).forward(x))).toEqual([1, 0, 2, -4, 3, 4, 6, 8])
    expect(nn.parallel([nn.relu(), nn.tanh()], { join: 'concat', axis: 0 }).forward(x).shape).toEqual([4, 2])
    const list: Tensor[] = nn.parallel(branches, { join: 'list' }).forward(x)
    expect(list.map((each) => each.path)).toEqual(['left', 'right'])
    expect([
      ...nn
        .parallel([nn.linear(2, 1)])
        .namedParameters()
        .keys(),
    ]).toEqual(['0.weight', '0.bias'])
    const uneven = nn.parallel([nn.linear(2, 2), nn.linear(2, 1)])
    expect(await codeOf(() => uneven.forward(x))).toBe('shape-mismatch')
  })

  it('take one place along an axis', async () => {
    const steps = tensor([[[1], [2], [3]]])
    expect(numbers(nn.takeLast().forward(steps))).toEqual([3])
    expect(nn.takeLast().forward(steps).shape).toEqual([1, 1])
    expect(numbers(nn.select(-2, 1).forward(steps))).toEqual([2])
    expect(await codeOf(() => nn.select(1, 3).forward(steps))).toBe('shape-mismatch')
    expect(await codeOf(() => nn.takeLast().forward(zeros([2, 0, 3])))).toBe('shape-mismatch')
    expect(await codeOf(() => nn.select(3, 0).forward(steps))).toBe('axis-range')
  })

  it('print as a tree with their options', () => {
    const model = nn.parallel({ a: nn.residual(nn.relu()) }, { join: 'concat' })
    expect(model.toString()).toBe('Parallel(\n  join=concat, axis=1\n  (a): Residual(\n    (body): ReLU()\n  )\n)')
  })
})

describe('parametrizations', () => {
  it('take the place of the weight, which stays the same', () => {
    const layer = nn.linear(3, 2)
    const before = numbers(layer.weight)
    nn.weightNorm(layer)
    numbers(layer.weight).forEach((value, i) => {
      expect(value).toBeCloseTo(before[i], 6)
    })
    expect([...layer.namedParameters().keys()]).toEqual([
      'bias',
      'parametrizations.weight.original0',
      'parametrizations.weight.original1',
    ])
    expect(layer.forward(zeros([1, 3])).path).toBe('')
  })

  it('go away again, and leave what they computed', () => {
    const layer = nn.spectralNorm(nn.linear(3, 2))
    const vectors = [...layer.namedBuffers().values()].map(({ value }) => value)
    layer.eval()
    const before = numbers(layer.weight)
    layer.train()
    nn.removeParametrization(layer)
    expect(layer.weight).toBeInstanceOf(nn.Parameter)
    expect(numbers(layer.weight)).toEqual(before)
    expect(vectors).toHaveLength(2)
    expect(Object.keys(layer.stateDict()).sort()).toEqual(['bias', 'weight'])
    expect(layer.config()).toEqual({ kind: 'linear', in: 3, out: 2, bias: true })
  })

  it('of the spectrum bring the largest singular value to 1', () => {
    const layer = nn.spectralNorm(nn.linear(6, 4), { iterations: 30 })
    const w = numbers(layer.weight)
    let v = Array.from({ length: 6 }, (_, i) => Math.cos(i + 1))
    let size = 0
    for (let turn = 0; turn < 200; turn++) {
      const u = Array.from({ length: 4 }, (_, i) => v.reduce((sum, value, j) => sum + w[i * 6 + j] * value, 0))
      size = Math.hypot(...u)
      const back = v.map((_, j) => u.reduce((sum, value, i) => sum + w[i * 6 + j] * value, 0))
      const length = Math.hypot(...back)
      v = back.map((value) => value / length)
    }
    expect(size).toBeCloseTo(1, 4)
  })

  it('load files with the names of old', async () => {
    const layer = nn.sequential(nn.weightNorm(nn.linear(2, 1)), nn.spectralNorm(nn.linear(1, 2)))
    const old = {
      '0.bias': tensor([5]),
      '0.weight_g': tensor([[10]]),
      '0.weight_v': tensor([[3, 4]]),
      '1.bias': tensor([0, 0]),
      '1.weight_orig': tensor([[2], [0]]),
      '1.weight_u': tensor([1, 0]),
      '1.weight_v': tensor([1]),
    }
    expect(await layer.loadStateDict(old)).toEqual({ missing: [], unexpected: [] })
    expect(numbers((layer[0] as nn.Linear).weight)).toEqual([6, 8])
    expect(numbers((layer.eval()[1] as nn.Linear).weight)).toEqual([1, 0])
    await layer.loadStateDict(layer.stateDict())
    expect(numbers((layer[0] as nn.Linear).weight)).toEqual([6, 8])
    // Both names at once: one of them is not the model's.
    const both = { ...old, '0.parametrizations.weight.original0': tensor([[1]]) }
    expect(await codeOf(() => layer.loadStateDict(both))).toBe('weights-mismatch')
  })

  it.each([
    ['a parameter that is not there', () => nn.weightNorm(nn.linear(2, 2), { name: 'wait' }), 'module-name'],
    ['a second one on the same parameter', () => nn.spectralNorm(nn.weightNorm(nn.linear(2, 2))), 'module-name'],
    ['an axis that is not there', () => nn.weightNorm(nn.linear(2, 2), { axis: 2 }), 'axis-range'],
    ['no iterations', () => nn.spectralNorm(nn.linear(2, 2), { iterations: 0 }), 'value-invalid'],
    ['a method', () => nn.weightNorm(nn.linear(2, 2), { name: 'forward' }), 'module-name'],
    ['to remove what is not there', () => nn.removeParametrization(nn.linear(2, 2)), 'module-name'],
  ])('refuse %s', async (_, body, code) => {
    expect(await codeOf(body)).toBe(code)
  })
})

describe('initializers with a structure', () => {
  it.each([[[6, 4]], [[4, 6]], [[5, 5]], [[8, 2, 2, 2]]])(
    'orthogonal %s has orthonormal rows or columns, times its gain',
    (shape) => {
      const w = numbers(nn.init.orthogonal(shape, { gain: 2 }))
      const rows = shape[0]
      const columns = w.length / rows
      const vectors =
        rows <= columns
          ? Array.from({ length: rows }, (_, i) => w.slice(i * columns, (i + 1) * columns))
          : Array.from({ length: columns }, (_, j) => Array.from({ length: rows }, (_, i) => w[i * columns + j]))
      for (const [i, a] of vectors.entries())
        for (const [j, b] of vectors.entries())
          expect(a.reduce((sum, value, at) => sum + value * b[at], 0)).toBeCloseTo(i === j ? 4 : 0, 5)
    },
  )

  it('orthogonal favours no direction, and draws anew', () => {
    const drawn = Array.from({ length: 300 }, () => numbers(nn.init.orthogonal([2, 2])))
    for (let i = 0; i < 4; i++) {
      const values = drawn.map((each) => each[i])
      // Cosines of an even angle: mean 0, variance 1/2; 300 draws estimate them to 0.04 and 0.02.
      expect(Math.abs(meanOf(values))).toBeLessThan(0.16)
      expect(Math.abs(varianceOf(values) - 0.5)).toBeLessThan(0.08)
    }
    expect(drawn[0]).not.toEqual(drawn[1])
  })

  it('dirac passes channels on', () => {
    for (const groups of [1, 2]) {
      const layer = nn.conv2d(4, 4, 3, { padding: 1, groups, bias: false })
      layer.weight.assign(nn.init.dirac(layer.weight.shape, { groups }))
      const x = uniform([1, 4, 3, 3])
      expect(numbers(layer.forward(x))).toEqual(numbers(x))
    }
    expect(numbers(nn.init.dirac([2, 1, 4]))).toEqual([0, 0, 1, 0, 0, 0, 0, 0])
  })

  it('sparse zeros as many of each column', () => {
    const w = numbers(nn.init.sparse([40, 30], { sparsity: 0.21 }))
    for (let j = 0; j < 30; j++)
      expect(Array.from({ length: 40 }, (_, i) => w[i * 30 + j]).filter((value) => value === 0)).toHaveLength(9)
    expect(Math.sqrt(varianceOf(w.filter((value) => value !== 0))) / 0.01).toBeCloseTo(1, 1)
  })

  it('know PyTorch’s names and gains', () => {
    expect(nn.init.calculateGain('leakyRelu', 0.2)).toBeCloseTo(Math.sqrt(2 / 1.04), 12)
    expect(['linear', 'sigmoid', 'tanh', 'relu', 'selu'].map((name) => nn.init.calculateGain(name as 'relu'))).toEqual([
      1,
      1,
      5 / 3,
      Math.SQRT2,
      0.75,
    ])
    expect(numbers(nn.init.eye(2))).toEqual([1, 0, 0, 1])
  })

  it.each([
    ['orthogonal vectors', () => nn.init.orthogonal([4]), 'shape-mismatch'],
    ['orthogonal inside compile', () => compile(() => nn.init.orthogonal([2, 2]))(), 'trace-read'],
    ['a dirac matrix', () => nn.init.dirac([2, 2]), 'shape-mismatch'],
    ['groups that do not divide', () => nn.init.dirac([3, 2, 3], { groups: 2 }), 'shape-mismatch'],
    ['three sparse axes', () => nn.init.sparse([2, 2, 2], { sparsity: 0.5 }), 'shape-mismatch'],
    ['more zeros than all', () => nn.init.sparse([2, 2], { sparsity: 1.5 }), 'value-invalid'],
    ['an unknown activation', () => nn.init.calculateGain('swoosh' as never), 'value-invalid'],
  ])('refuse %s', async (_, body, code) => {
    expect(await codeOf(body)).toBe(code)
  })
})
