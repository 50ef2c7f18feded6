/** Recurrent layers beyond their numbers (golden-recurrent.test.ts): dropout, lengths, refusals, and training. */
import { describe, expect, it } from 'vitest'
import { tensor, zeros } from '../src/create.ts'
import * as loss from '../src/loss/index.ts'
import * as nn from '../src/nn/index.ts'
import type { Layer, Module } from '../src/nn/module.ts'
import * as optim from '../src/optim/index.ts'
import { manualSeed, normal } from '../src/random.ts'
import { setBackend } from '../src/run/backend.ts'
import { compile } from '../src/run/compile.ts'
import type { Tensor } from '../src/tensor.ts'
import { refusal } from './refusal.ts'

describe('recurrent layers', () => {
  it('drop between layers in training only, and not after the last', async () => {
    manualSeed(1)
    const layer = nn.gru(3, 4, { layers: 2, dropout: 0.5 })
    const x = normal([2, 6, 3])
    const run = async (): Promise<string> => String(await layer.forward(x).output.data())
    expect(await run()).not.toBe(await run())
    layer.eval()
    expect(await run()).toBe(await run())
    const single = nn.gru(3, 4, { dropout: 0.5 })
    expect(String(await single.forward(x).output.data())).toBe(String(await single.forward(x).output.data()))
  })

  it('give the same whether a sequence is cut at its length or masked', async () => {
    manualSeed(2)
    const layer = nn.lstm(3, 4, { layers: 2, bidirectional: true })
    const x = normal([2, 6, 3])
    const lengths = tensor([4, 6], { dtype: 'int32' })
    const masked = layer.forward(x, { lengths })
    const cut = layer.forward(
      x.slice([
        [0, 1],
        [0, 4],
      ]),
    )
    const [a, b] = [
      await masked.output
        .slice([
          [0, 1],
          [0, 4],
        ])
        .data(),
      await cut.output.data(),
    ]
    b.forEach((value, i) => expect(a[i]).toBeCloseTo(value, 6))
    const rest = await masked.output
      .slice([
        [0, 1],
        [4, 6],
      ])
      .data()
    expect([...rest].every((value) => value === 0)).toBe(true)
    const [c, d] = [
      await masked.state.c
        .slice([
          [0, 4],
          [0, 1],
        ])
        .data(),
      await cut.state.c.data(),
    ]
    d.forEach((value, i) => expect(c[i]).toBeCloseTo(value, 6))
  })

  it('refuse what does not fit, in words', () => {
    const layer = nn.lstm(3, 4)
    expect(refusal(() => layer.forward(zeros([2, 3])))).toMatch(/received \[2, 3\]; expected \[B, T, 3\].*unsqueeze/)
    expect(refusal(() => layer.forward(zeros([2, 0, 3])))).toMatch(/at least one step of time/)
    expect(refusal(() => layer.forward(zeros([2, 5, 4])))).toMatch(/received \[2, 5, 4\]/)
    expect(refusal(() => layer.forward(zeros([2, 5, 3]), { lengths: zeros([2]) }))).toMatch(/int32 \[2\]/)
    const long = tensor([2, 6], { dtype: 'int32' })
    expect(refusal(() => layer.forward(zeros([2, 5, 3]), { lengths: long }))).toMatch(/value 6 at position 1/)
    const state = { h: zeros([1, 3, 4]), c: zeros([1, 3, 4]) }
    expect(refusal(() => layer.forward(zeros([2, 5, 3]), { state }))).toMatch(
      /received \[1, 3, 4\]; expected \{ h, c \}, each \[1, 2, 4\]/,
    )
    expect(refusal(() => nn.lstm(3, 0))).toMatch(/hidden/)
    expect(refusal(() => nn.rnn(3, 4, { nonlinearity: 'sine' as 'tanh' }))).toMatch(/'tanh' or 'relu'/)
    expect(refusal(() => nn.gruCell(3, 4).forward(zeros([2, 5])))).toMatch(/\[B, 3\]/)
  })

  it.each(['wasm', 'native'] as const)(
    'learn to tell which token came first (%s)',
    { timeout: 60_000 },
    async (backend) => {
      const name = backend === 'native' && process.platform === 'win32' ? 'wasm' : backend
      await setBackend(name)
      for (const make of [nn.rnn, nn.lstm, nn.gru]) {
        manualSeed(3)
        const x = normal([32, 7, 2])
        const y = x
          .slice([
            [0, 32],
            [0, 1],
            [0, 1],
          ])
          .reshape([32])
          .gt(0)
          .cast('int32')
        const model = new First(make(2, 12) as unknown as Recurrent, nn.linear(12, 2))
        const optimizer = optim.adam({ lr: 0.02 }).for(model)
        const step = compile((input: Tensor, target: Tensor) => {
          const value = loss.crossEntropy(model.forward(input), target)
          optimizer.minimize(value)
          return value
        })
        let last = Number.POSITIVE_INFINITY
        for (let i = 0; i < 150; i++) last = await (await step(x, y)).item()
        expect(last).toBeLessThan(0.1)
      }
      await setBackend('auto')
    },
  )
})

type Recurrent = Module & { forward(x: Tensor): { output: Tensor } }

class First extends nn.Module {
  readonly memory: Recurrent
  readonly head: Layer
  constructor(memory: Recurrent, head: Layer) {
    super()
    this.memory = memory
    this.head = head
  }
  forward(x: Tensor): Tensor {
    return this.head.forward(
      this.memory
        .forward(x)
        .output.slice([[], [-1]])
        .squeeze(1),
    )
  }
}
