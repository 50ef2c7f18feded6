/**
 * Which kernels canonical programs become: the fusion that the compiler promises, kept as text under programs/.
 *
 * Each test says in numbers what must not get worse; the file shows the rest (kind, ops and module of each kernel).
 * After a wanted change look at the difference and renew the files with `vitest -u`.
 */
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { interpreterBackend } from '../../src/backends/reference/interpreter.ts'
import { compilerOptions } from '../../src/compile/lower.ts'
import {
  compile,
  concat,
  conv2d,
  loss,
  maxPool2d,
  nn,
  optim,
  setBackend,
  type Tensor,
  take,
  tensor,
  valueAndGrad,
  zeros,
} from '../../src/index.ts'
import type { Program } from '../../src/run/program.ts'

beforeAll(async () => {
  await setBackend(interpreterBackend())
})

/** The program's kernels, one a line. */
function kernelsOf({ plan }: Program): string[] {
  const rows = plan.launches.map(({ kernel, label, path }) => [plan.kernels[kernel].kind, label, path])
  const widths = [0, 1].map((column) => Math.max(0, ...rows.map((row) => row[column].length)))
  return rows.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell))
      .join('  ')
      .trimEnd(),
  )
}

/** Compiles `fn` for `args`, compares its kernels with the file, and gives them back by kind. */
async function kinds<A extends readonly unknown[]>(
  name: string,
  fn: (...args: A) => unknown,
  ...args: A
): Promise<string[]> {
  const program = await compile(fn).program(...args)
  await expect(`${kernelsOf(program).join('\n')}\n`).toMatchFileSnapshot(`programs/${name}.txt`)
  return program.plan.launches.map(({ kernel }) => program.plan.kernels[kernel].kind)
}

const x = (...shape: number[]): Tensor => zeros(shape)
const labels = (count: number): Tensor => tensor(new Int32Array(count))

describe('forward', () => {
  it('linear, bias and activation are one kernel', async () => {
    const layer = nn.sequential(nn.linear(64, 48), nn.relu())
    expect(await kinds('linear-relu', (input: Tensor) => layer.forward(input), x(32, 64))).toEqual(['contract'])
  })

  it('so are convolution, bias and activation', async () => {
    const layer = nn.sequential(nn.conv2d(3, 8, 3), nn.relu())
    expect(await kinds('conv-relu', (input: Tensor) => layer.forward(input), x(2, 3, 12, 12))).toEqual(['contract'])
  })

  it('parts of a row that begin and end between vectors are read as vectors', async () => {
    const join = compile((a: Tensor, b: Tensor) =>
      concat([a, b, a], 1).pad([
        [0, 0],
        [8, 0],
      ]),
    )
    expect((await join.program(x(3, 8), x(3, 16))).describe({ code: true })).not.toMatch(/gather/)
    expect((await join.program(x(3, 8), x(3, 15))).describe({ code: true })).not.toMatch(/gather|mask/)
  })

  it('so is a picture within its margin', async () => {
    const margin = compile((a: Tensor) =>
      a.pad([
        [0, 0],
        [1, 1],
        [1, 2],
      ]),
    )
    for (const width of [7, 8, 13, 32])
      expect((await margin.program(x(5, 9, width))).describe({ code: true })).not.toMatch(/gather|mask(x[2-9]|x1\d).*&/)
  })

  it('every second element, each element twice, and lines in turn are picked from vectors', async () => {
    await setBackend(interpreterBackend(16))
    const code = async (fn: (x: Tensor) => unknown, ...shape: number[]): Promise<string> =>
      (await compile(fn).program(x(...shape))).describe({ code: true })
    for (const width of [8, 24, 32, 64]) {
      expect(await code((a) => a.slice([undefined, [0, width, 2]]), 5, width)).not.toMatch(/gather/)
      expect(await code((a) => a.flip(1), 5, width)).not.toMatch(/gather/)
      expect(await code((a) => maxPool2d(a, 2), 5, width, width)).not.toMatch(/gather/)
      const slope = (a: Tensor): Tensor => valueAndGrad((b: Tensor) => maxPool2d(b, 2).sin().sum())(a).grad
      expect(await code(slope, 5, width, width)).not.toMatch(/gather/)
    }
    for (const width of [16, 32])
      expect(await code((a) => a.permute(1, 2, 0).reshape([5, 2 * width]), 2, 5, width)).not.toMatch(/gather/)
    await setBackend(interpreterBackend())
  })

  it('a picture whose lines are no whole vectors is finished line by line in vectors', async () => {
    await setBackend(interpreterBackend(16))
    const step = compile((a: Tensor, w: Tensor, y: Tensor) => y.le(0).where(0, conv2d(a, w)))
    const program = await step.program(x(2, 8, 28, 28), x(12, 8, 3, 3), x(2, 12, 26, 26))
    expect(program.describe({ code: true })).not.toMatch(/gather|scatter/)
    await setBackend(interpreterBackend())
  })

  it('neighbouring columns stay so where a reshape leads to them', async () => {
    await setBackend(interpreterBackend(16))
    const product = compile((a: Tensor, b: Tensor) =>
      a.matmul(
        b
          .mul(2)
          .sin()
          .reshape([64, 9 * 12 * 12]),
      ),
    )
    const program = await product.program(x(36, 64), x(64, 9, 12, 12))
    expect(program.describe({ code: true })).not.toMatch(/gather/)
    await setBackend(interpreterBackend())
  })

  it('softmax is one kernel over rows', async () => {
    expect(await kinds('softmax', (input: Tensor) => input.softmax(), x(64, 40))).toEqual(['row'])
  })

  it('so is a layer norm with weight and bias', async () => {
    const [weight, bias] = [new nn.Parameter(x(40)), new nn.Parameter(x(40))]
    const layerNorm = (input: Tensor): Tensor => {
      const centred = input.sub(input.mean(-1, { keepDims: true }))
      const variance = centred.square().mean(-1, { keepDims: true })
      return centred.div(variance.add(1e-5).sqrt()).mul(weight).add(bias)
    }
    expect(await kinds('layer-norm', layerNorm, x(64, 40))).toEqual(['row'])
  })

  it('cross-entropy is a kernel over rows, the loss of each row, and their mean', async () => {
    const kernels = await kinds(
      'cross-entropy',
      (logits: Tensor, y: Tensor) => loss.crossEntropy(logits, y),
      x(64, 10),
      labels(64),
    )
    expect(kernels.length).toBeLessThanOrEqual(3)
  })

  it('a mean over rows is one kernel', async () => {
    expect(await kinds('mean', (input: Tensor) => input.mul(2).add(1).mean(-1), x(64, 40))).toEqual(['reduce'])
  })

  it('a sum of very many numbers is done in parts', async () => {
    expect(await kinds('global-sum', (input: Tensor) => input.square().sum(), x(256, 256))).toEqual([
      'reduce',
      'reduce',
    ])
  })

  it('a concatenation with what follows is one kernel', async () => {
    expect(
      await kinds('concat', (a: Tensor, b: Tensor) => concat([a, b.mul(2)], 1).add(1), x(16, 8), x(16, 5)),
    ).toEqual(['map'])
  })

  it('an embedding with positions is one kernel', async () => {
    const [words, places] = [new nn.Parameter(x(50, 16)), new nn.Parameter(x(12, 16))]
    const embed = (tokens: Tensor): Tensor => take(words, tokens).add(places)
    expect(await kinds('embedding', embed, tensor(new Int32Array(36)).reshape([3, 12]))).toEqual(['map'])
  })

  it('a max pool is one kernel', async () => {
    expect((await kinds('max-pool', (input: Tensor) => maxPool2d(input.relu(), 2), x(2, 4, 8, 8))).length).toBe(1)
  })

  it('attention is a product, a softmax and a product', async () => {
    const attend = (q: Tensor, k: Tensor, v: Tensor): Tensor => q.matmul(k.transpose()).mul(0.25).softmax().matmul(v)
    expect(await kinds('attention', attend, x(4, 12, 16), x(4, 12, 16), x(4, 12, 16))).toEqual([
      'contract',
      'row',
      'contract',
    ])
  })

  it('the gates of a recurrent cell are one kernel', async () => {
    const cell = (i: Tensor, f: Tensor, o: Tensor, g: Tensor, c: Tensor): Tensor[] => {
      const next = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()))
      return [next, o.sigmoid().mul(next.tanh())]
    }
    const gate = (): Tensor => x(16, 40)
    expect(await kinds('gates', cell, gate(), gate(), gate(), gate(), gate())).toEqual(['map'])
  })

  it('dropout in training is one kernel, random numbers included', async () => {
    const layer = nn.dropout(0.5)
    expect(await kinds('dropout', (input: Tensor) => layer.forward(input), x(16, 40))).toEqual(['map'])
  })
})

describe('training', () => {
  it('a weight’s update is part of the product that makes its gradient', async () => {
    const layer = nn.linear(64, 48, { bias: false })
    const optimizer = optim.adam().for(layer)
    const step = (input: Tensor, g: Tensor): void => {
      // The gradient of the weight is gᵀ x; nothing else is asked for.
      optimizer.minimize(layer.forward(input).mul(g).sum())
    }
    expect(await kinds('adam-update', step, x(32, 64), x(32, 48))).toEqual(['contract'])
  })

  it('softmax and cross-entropy go backwards over rows', async () => {
    const slope = valueAndGrad((logits: Tensor) => loss.crossEntropy(logits, labels(64)))
    const kernels = await kinds('cross-entropy-gradient', (logits: Tensor) => slope(logits), x(64, 10))
    expect(kernels.length).toBeLessThanOrEqual(3)
  })

  it('a multilayer perceptron with AdamW', async () => {
    const model = nn.sequential(nn.linear(20, 32), nn.relu(), nn.linear(32, 5))
    const optimizer = optim.adamW().for(model)
    const step = (input: Tensor, y: Tensor): Tensor => {
      const value = loss.crossEntropy(model.forward(input), y)
      optimizer.minimize(value)
      return value
    }
    const kernels = await kinds('mlp-step', step, x(64, 20), labels(64))
    // Forward 2, the loss 3, one product for each weight's update, one for the hidden gradient, two for the biases.
    expect(kernels.length).toBeLessThanOrEqual(10)
    expect(kernels.filter((kind) => kind === 'contract').length).toBe(5)
  })

  it('the network for digits', async () => {
    const model = nn.sequential(
      nn.conv2d(1, 8, 3),
      nn.relu(),
      nn.conv2d(8, 16, 3),
      nn.relu(),
      nn.maxPool2d(2),
      nn.flatten(),
      nn.linear(2304, 32),
      nn.relu(),
      nn.linear(32, 10),
    )
    const optimizer = optim.adamW().for(model)
    const step = (input: Tensor, y: Tensor): Tensor => {
      const value = loss.crossEntropy(model.forward(input), y)
      optimizer.minimize(value)
      return value
    }
    expect((await kinds('digits-step', step, x(8, 1, 28, 28), labels(8))).length).toBeLessThanOrEqual(24)
  })
})

describe('what people can look at', () => {
  afterEach(() => {
    compilerOptions.show = undefined
  })

  it('every stage as text, in order', async () => {
    const stages = new Map<string, string>()
    compilerOptions.show = (stage, text) => stages.set(stage, text)
    await compile((input: Tensor) => input.mul(2).add(1).relu().sum(-1)).program(x(8, 20))
    expect([...stages.keys()]).toEqual(['traced', 'folded', 'decomposed', 'outputs apart', 'fused', 'kernels'])
    expect(stages.get('traced')).toContain('%1 = constant()')
    expect(stages.get('fused')).toMatch(/8 x \(20\).*sum\*/)
    expect(stages.get('kernels')).toMatch(/^reduce|^row/m)
  })

  it('a table of kernels with totals', async () => {
    const layer = nn.sequential(nn.linear(64, 48), nn.relu())
    const program = await compile((input: Tensor) => layer.forward(input)).program(x(32, 64))
    const text = program.describe()
    expect(text).toMatch(/^1 kernels? \(1 distinct\) on interpreter/)
    // 2 · 32 · 64 · 48 for the product, and one operation an element for bias and activation each.
    const flops = 2 * 32 * 64 * 48
    expect(program.plan.flops).toBeGreaterThanOrEqual(flops)
    expect(program.plan.flops).toBeLessThan(flops * 1.1)
    expect(text).toMatch(
      /\d+ k floating-point operations, .*B moved, peak memory .*B of temporaries \+ .*B of arguments/,
    )
    const floats = 32 * 64 + 64 * 48 + 48 + 32 * 48
    expect(program.plan.bytes).toBe(4 * floats)
    expect(program.describe({ code: true })).toContain('k0: ')
    expect(program.describeGraph()).toContain('contract(')
  })
})
