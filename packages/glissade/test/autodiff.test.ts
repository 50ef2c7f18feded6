/**
 * The reverse walk and what is built on it: functions' gradients, higher orders, rules of one's own, checkpoints.
 */
import { describe, expect, test } from 'vitest'
import { checkpoint, customGradient, stopGradient } from '../src/autodiff/custom.ts'
import { grad, valueAndGrad } from '../src/autodiff/grad.ts'
import { gradCheck } from '../src/autodiff/grad-check.ts'
import { gradients } from '../src/autodiff/gradients.ts'
import { evaluate } from '../src/backends/reference/reference.ts'
import { ones, tensor, zeros } from '../src/create.ts'
import { runTrace, Trace } from '../src/graph/trace.ts'
import { bernoulli, manualSeed } from '../src/random.ts'
import { withPath } from '../src/scope.ts'
import { type Tensor, Variable } from '../src/tensor.ts'
import { nodesOf } from './opinfo.ts'

const numbers = (x: Tensor | undefined): number[] => {
  if (!x) throw new Error('no gradient')
  return [...evaluate([x])[0].data]
}
const code = (body: () => unknown): string => {
  try {
    body()
  } catch (error) {
    return (error as { code: string }).code
  }
  return 'nothing thrown'
}

describe('gradients', () => {
  test('add up where a tensor is used more than once', () => {
    const x = tensor([2, 3])
    const y = x.mul(x).add(x.exp().mul(0)).add(x.mul(5))
    expect(numbers(gradients(y.sum(), [x])[0])).toEqual([2 * 2 + 5, 2 * 3 + 5])
  })

  test('reach intermediate tensors, and go on beyond them', () => {
    const x = tensor([2])
    const h = x.mul(3)
    const y = h.mul(h).sum()
    const [byH, byX, byY] = gradients(y, [h, x, y])
    expect([numbers(byH), numbers(byX), numbers(byY)]).toEqual([[12], [36], [1]])
  })

  test('are undefined where nothing depends, or nothing flows', () => {
    const x = tensor([1.5])
    const other = tensor([1])
    expect(gradients(x.mul(2).sum(), [other])).toEqual([undefined])
    expect(gradients(stopGradient(x).mul(2).sum(), [x])).toEqual([undefined])
    expect(gradients(x.gt(0).cast('float32').sum(), [x])).toEqual([undefined])
  })

  test('start from a given seed', () => {
    const x = tensor([1, 2, 3])
    expect(numbers(gradients(x.mul(x), [x], tensor([1, 10, 100]))[0])).toEqual([2, 40, 600])
  })

  test('of a result that is no single number, or no float, are refused', () => {
    const x = tensor([1, 2])
    expect(code(() => gradients(x, [x]))).toBe('grad-scalar')
    expect(code(() => gradients(x, [x], tensor([1])))).toBe('shape-mismatch')
    expect(code(() => gradients(x.cast('int32').sum(), [x]))).toBe('dtype-mismatch')
  })

  test('of a variable are those of its present value', () => {
    const w = new Variable(tensor([3]))
    const y = w.mul(w).sum()
    const [g] = gradients(y, [w])
    expect(numbers(g)).toEqual([6])
    w.assign(tensor([5]))
    expect(gradients(y, [w])).toEqual([undefined])
    expect(numbers(gradients(w.mul(w).sum(), [w])[0])).toEqual([10])
  })

  test('walk ten thousand layers, and a diamond of 2^60 paths, once each', () => {
    const x = tensor([1])
    let deep: Tensor = x
    for (let i = 0; i < 10_000; i++) deep = deep.add(1)
    expect(numbers(gradients(deep.sum(), [x])[0])).toEqual([1])
    let diamond: Tensor = x
    for (let i = 0; i < 60; i++) diamond = diamond.add(diamond)
    expect(numbers(gradients(diamond.sum(), [x])[0])).toEqual([2 ** 60])
  })

  test('belong to the backward pass and the module of the tensor they come from', () => {
    const x = tensor([1])
    const y = withPath('layer', () => withPath('inner', () => x.exp()))
    const [g] = gradients(y.sum(), [x])
    const own = [...nodesOf(g as Tensor)].filter(({ path, pass }) => path === 'layer.inner' && pass === 'backward')
    expect(own.length).toBeGreaterThan(0)
  })

  test('are shown to who watches the trace', () => {
    const trace = new Trace()
    const seen: [string, string][] = []
    trace.gradientWatchers.push((node, gradient) => seen.push([node.op.name, gradient.shape.join()]))
    runTrace(trace, () => {
      const x = ones([2, 3])
      return gradients(x.exp().sum(), [x])
    })
    expect(seen).toContainEqual(['exp', '2,3'])
    expect(seen).toContainEqual(['constant', '2,3'])
  })

  test('leave out what does not lead to the inputs asked for', () => {
    const x = tensor([1, 2])
    const w = tensor([3, 4])
    const [g] = gradients(x.mul(w).sin().sum(), [w])
    const before = [...nodesOf(g as Tensor)]
    expect(before.filter(({ op }) => op.name === 'mul').length).toBeLessThanOrEqual(3)
  })
})

describe('grad', () => {
  test('is the derivative, of any order', () => {
    const cube = (x: Tensor): Tensor => x.mul(x).mul(x)
    const x = tensor(2)
    expect(numbers(grad(cube)(x))).toEqual([12])
    expect(numbers(grad(grad(cube))(x))).toEqual([12])
    expect(numbers(grad(grad(grad(cube)))(x))).toEqual([6])
    expect(numbers(grad((t: Tensor) => t.sin())(x))[0]).toBeCloseTo(Math.cos(2), 12)
    expect(numbers(grad(grad(grad(grad((t: Tensor) => t.sin()))))(x))[0]).toBeCloseTo(Math.sin(2), 12)
  })

  test('chooses the inputs', () => {
    const f = (a: Tensor, b: Tensor): Tensor => a.mul(b).mul(b)
    const [a, b] = [tensor(2), tensor(3)]
    expect(numbers(grad(f)(a, b))).toEqual([9])
    expect(numbers(grad(f, 1)(a, b))).toEqual([12])
    expect(grad(f, [1, 0])(a, b).map(numbers)).toEqual([[12], [9]])
  })

  test('knows its argument from the same tensor used otherwise', () => {
    const x = tensor(3)
    expect(numbers(grad((a: Tensor) => a.mul(x))(x))).toEqual([3])
    expect(numbers(grad((a: Tensor, b: Tensor) => a.mul(b), 0)(x, x))).toEqual([3])
    // d/dx (x · d/dy (x y)) = 2 x
    expect(numbers(grad((a: Tensor) => a.mul(grad((b: Tensor) => a.mul(b))(tensor(7))))(x))).toEqual([6])
  })

  test('hands on the value and what else the function says', () => {
    const {
      value,
      grad: g,
      aux,
    } = valueAndGrad((x: Tensor) => ({ value: x.square().sum(), aux: 'note' }))(tensor([1, 2]))
    expect([numbers(value), numbers(g), aux]).toEqual([[5], [2, 4], 'note'])
  })

  test('refuses what it cannot differentiate, and says which input is unused', () => {
    const x = tensor([1, 2])
    expect(code(() => grad((t: Tensor) => t)(x))).toBe('grad-scalar')
    expect(code(() => grad((a: Tensor, _b: Tensor) => a.sum(), 1)(x, x))).toBe('grad-unreachable')
    expect(numbers(grad((a: Tensor, _b: Tensor) => a.sum(), 1, { unused: 'zero' })(x, x))).toEqual([0, 0])
    expect(code(() => grad((t: Tensor) => t.sum(), 1)(x))).toBe('value-invalid')
  })

  test('of Rosenbrock’s function: gradient and Hessian by hand', () => {
    const f = (x: Tensor, y: Tensor): Tensor => x.sub(1).square().add(y.sub(x.square()).square().mul(100)).sum()
    const [x, y] = [tensor(1.5), tensor(-0.5)]
    const [dx, dy] = grad(f, [0, 1])(x, y).map((t) => numbers(t)[0])
    expect(dx).toBeCloseTo(2 * (1.5 - 1) - 400 * 1.5 * (-0.5 - 2.25), 9)
    expect(dy).toBeCloseTo(200 * (-0.5 - 2.25), 9)
    const dxx = grad((a: Tensor, b: Tensor) => grad(f, 0)(a, b), 0)(x, y)
    const dxy = grad((a: Tensor, b: Tensor) => grad(f, 0)(a, b), 1)(x, y)
    expect(numbers(dxx)[0]).toBeCloseTo(2 - 400 * (-0.5 - 3 * 2.25), 9)
    expect(numbers(dxy)[0]).toBeCloseTo(-400 * 1.5, 9)
  })
})

describe('a gradient of one’s own', () => {
  test('takes the place of the formula’s', () => {
    const backwards = customGradient((x: Tensor) => ({ value: x.mul(2), gradient: (g) => [g.neg()] }))
    const x = tensor([1, 2])
    expect(numbers(backwards(x))).toEqual([2, 4])
    expect(numbers(grad((t: Tensor) => backwards(t).sum())(x))).toEqual([-1, -1])
  })

  test('can be differentiated', () => {
    const cube = customGradient((x: Tensor) => ({ value: x.mul(x).mul(x), gradient: (g) => [g.mul(x).mul(x).mul(3)] }))
    expect(numbers(grad(grad((t: Tensor) => cube(t)))(tensor(2)))).toEqual([12])
    expect(gradCheck(cube, [tensor([0.5, -1.5])], { order: 2 })).toBeLessThan(1e-6)
  })

  test('must have one gradient of the right shape for each input', () => {
    const x = tensor([1, 2])
    const none = customGradient((t: Tensor) => ({ value: t.mul(2), gradient: () => [] }))
    const scalar = customGradient((t: Tensor) => ({ value: t.mul(2), gradient: (g) => [g.sum()] }))
    expect(code(() => gradients(none(x).sum(), [x]))).toBe('shape-mismatch')
    expect(code(() => gradients(scalar(x).sum(), [x]))).toBe('shape-mismatch')
  })
})

describe('a checkpoint', () => {
  const layer = (x: Tensor, w: Tensor): Tensor => x.matmul(w).tanh().matmul(w).sin()
  const x = tensor([
    [0.1, -0.2],
    [0.3, 0.4],
    [0.5, 0.6],
  ])
  const w = tensor([
    [0.5, 0.2],
    [-0.3, 0.8],
  ])

  test('has the value and the gradients of what it holds', () => {
    const plain = gradients(layer(layer(x, w), w).sum(), [x, w]).map(numbers)
    const held = gradients(checkpoint(layer, checkpoint(layer, x, w), w).sum(), [x, w]).map(numbers)
    expect(held).toEqual(plain)
    expect(gradCheck((a, b) => checkpoint(layer, a, b), [x, w], { order: 2 })).toBeLessThan(1e-6)
  })

  test('in a checkpoint', () => {
    const outer = (a: Tensor, b: Tensor): Tensor => checkpoint(layer, a.mul(2), b).add(a)
    const plain = gradients(layer(x.mul(2), w).add(x).sum(), [x, w]).map(numbers)
    expect(gradients(checkpoint(outer, x, w).sum(), [x, w]).map(numbers)).toEqual(plain)
  })

  test('reaches tensors that the function uses without being given them', () => {
    const held = checkpoint((a: Tensor) => a.matmul(w).exp(), x)
    expect(gradients(held.sum(), [w]).map(numbers)).toEqual(gradients(x.matmul(w).exp().sum(), [w]).map(numbers))
  })

  test('keeps nothing of the forward pass but its inputs for the gradient', () => {
    const input = tensor([0.5, 1.5])
    let first: Tensor | undefined
    const held = checkpoint((a: Tensor) => {
      const inner = a.exp()
      first ??= inner
      return inner.mul(inner).sin()
    }, input)
    const [g] = gradients(held.sum(), [input])
    expect(nodesOf(g as Tensor).has(first as Tensor)).toBe(false)
    expect(nodesOf(held).has(first as Tensor)).toBe(true)
  })

  test('computes again behind barriers that wait for the gradient: on the inputs, and on the keys of random draws', () => {
    const input = tensor([8, 7, 6, 5, 4, 3, 2, 1])
    const y = checkpoint((a: Tensor) => bernoulli([8], 0.5).where(a.exp().mul(a), 0), input)
    const seed = tensor([1, 2, 3, 4, 5, 6, 7, 8])
    const [g] = gradients(y, [input], seed)
    const barriers = [...nodesOf(g as Tensor)].filter(({ op }) => op.kind === 'wrap' && op.barrier)
    expect(barriers.map(({ dtype }) => dtype).sort()).toEqual(['float32', 'int32'])
    for (const barrier of barriers) expect(barrier.inputs[1]).toBe(seed)
    // Nothing that the gradient computes with is shared with the forward pass, but the leaves.
    const forward = nodesOf(y.inputs[0])
    const shared = [...nodesOf(g as Tensor)].filter((node) => forward.has(node) && node.op.kind !== 'leaf')
    expect(shared).toEqual([])
  })

  test('draws the same random numbers again', () => {
    manualSeed(3)
    const drop = (a: Tensor): Tensor => bernoulli([64], 0.5).where(a.mul(2), 0)
    const nested = (a: Tensor): Tensor => checkpoint(drop, drop(a))
    const input = ones([64])
    const y = checkpoint(nested, input)
    const [g] = gradients(y.sum(), [input])
    const [value, gradient] = [numbers(y), numbers(g)]
    expect(new Set(value)).toEqual(new Set([0, 4]))
    expect(gradient).toEqual(value)
  })
})

describe('gradCheck', () => {
  test('names the input whose gradient is wrong', () => {
    const wrong = customGradient((a: Tensor, b: Tensor) => ({ value: a.mul(b), gradient: (g) => [g.mul(b), g.mul(b)] }))
    try {
      gradCheck(wrong, [tensor([2]), tensor([3])])
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ code: 'gradient-wrong', fields: { input: 1 } })
    }
  })

  test('sees a wrong second order behind a right first one', () => {
    const x = tensor([0.5, 1.5])
    const square = customGradient((a: Tensor) => ({
      value: a.mul(a),
      gradient: (g) => [g.mul(stopGradient(a)).mul(2)],
    }))
    expect(gradCheck(square, [x])).toBeLessThan(1e-6)
    expect(code(() => gradCheck(square, [x], { order: 2 }))).toBe('gradient-wrong')
  })

  test('fails at a kink and where a gradient is missing', () => {
    expect(code(() => gradCheck((a) => a.relu(), [zeros([3])]))).toBe('gradient-wrong')
    expect(code(() => gradCheck((a) => stopGradient(a), [tensor([1])]))).toBe('gradient-wrong')
  })
})

describe('gradients stay finite where the formula would not', () => {
  const at = (fn: (x: Tensor) => Tensor, values: number[]): number[] =>
    numbers(grad((x: Tensor) => fn(x).sum())(tensor(values)))
  test.each<[string, (x: Tensor) => Tensor, number[], number[]]>([
    ['relu at 0', (x) => x.relu(), [-1, 0, 1], [0, 0, 1]],
    ['abs at 0', (x) => x.abs(), [-1, 0, 1], [-1, 0, 1]],
    ['sigmoid at 0 and far out', (x) => x.sigmoid(), [0, -1000, 1000], [0.25, 0, 0]],
    ['clip at its bounds', (x) => x.clip(-1, 1), [-2, -1, 0, 1, 2], [0, 1, 1, 1, 0]],
    ['maximum at a tie', (x) => x.maximum(0), [-1, 0, 1], [0, 0.5, 1]],
    ['max at a tie', (x) => x.max(), [2, 1, 2], [0.5, 0, 0.5]],
    ['softmax of huge numbers', (x) => x.softmax().slice([[0, 1]]), [1000, 0], [0, 0]],
    ['logSumExp of nothing but -inf', (x) => x.logSumExp(), [-Infinity, -Infinity], [0, 0]],
    ['softmax of nothing but -inf', (x) => x.softmax(), [-Infinity, -Infinity], [0, 0]],
    ['logSoftmax with -inf', (x) => x.logSoftmax().slice([[0, 1]]), [0, -Infinity], [0, 0]],
    ['pow at 0', (x) => x.pow(tensor(2)), [0, 3], [0, 6]],
    ['log1p at 0', (x) => x.log1p(), [0, 1], [1, 0.5]],
    ['expm1 at 0', (x) => x.expm1(), [0], [1]],
    ['prod with a 0', (x) => x.prod(), [2, 0, 3], [0, 6, 0]],
    ['sinh at 0', (x) => x.sinh(), [0], [1]],
    ['asin at 0', (x) => x.asin(), [0], [1]],
  ])('%s', (_, fn, x, expected) => {
    for (const [i, value] of at(fn, x).entries()) expect(value).toBeCloseTo(expected[i], 12)
  })
})
