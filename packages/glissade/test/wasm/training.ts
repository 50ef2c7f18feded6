/** Small networks trained with the whole library, in a page or in Node alike. */
import {
  compile,
  getBackend,
  loss,
  manualSeed,
  nn,
  optim,
  random,
  scan,
  setBackend,
  type Tensor,
  tensor,
  zeros,
} from '../../src/index.ts'

export interface TrainingReport {
  readonly backend: string
  readonly threads: number
  readonly losses: readonly number[]
}

/** Twenty steps on pictures of a bar that lies or stands; `auto` in a page is wasm. */
export async function trainBars(): Promise<TrainingReport> {
  await setBackend(typeof document === 'undefined' ? 'wasm' : 'auto')
  manualSeed(7)
  const model = nn.sequential(
    nn.conv2d(1, 4, 3, { padding: 1 }),
    nn.relu(),
    nn.maxPool2d(2),
    nn.flatten(),
    nn.dropout(0.2),
    nn.linear(4 * 4 * 4, 2),
  )
  const optimizer = optim.adamW({ lr: 0.02 }).for(model)
  const step = compile((x: Tensor, y: Tensor) => {
    const l = loss.crossEntropy(model.forward(x), y)
    optimizer.minimize(l)
    return l
  })
  const { x, y } = bars()
  const losses: number[] = []
  for (let i = 0; i < 20; i++) losses.push(await (await step(x, y)).item())
  const backend = await getBackend()
  return { backend: backend.name, threads: backend.threads, losses }
}

/** Pictures of a bar that lies or stands, [16, 1, 8, 8], and which of the two it is. */
function bars(): { x: Tensor; y: Tensor } {
  const x = tensor(
    Float32Array.from({ length: 16 * 64 }, (_, i) => {
      const [sample, row, column] = [Math.floor(i / 64), Math.floor((i % 64) / 8), i % 8]
      return (sample % 2 === 0 ? row : column) === Math.floor(sample / 2) ? 1 : 0
    }),
    { shape: [16, 1, 8, 8] },
  )
  const y = tensor(
    Int32Array.from({ length: 16 }, (_, i) => i % 2),
    { shape: [16], dtype: 'int32' },
  )
  return { x, y }
}

/** The same pictures read row by row by a network with gates, large enough for all threads. */
export async function trainRows(): Promise<TrainingReport> {
  await setBackend(typeof document === 'undefined' ? 'wasm' : 'auto')
  manualSeed(7)
  const hidden = 64
  const parameters = [
    random.normal([8, 4 * hidden]),
    random.normal([hidden, 4 * hidden]),
    random.normal([hidden, 2]),
  ].map((value) => new nn.Parameter(value.mul(0.2)))
  const [wx, wh, out] = parameters
  const optimizer = optim.adamW({ lr: 0.01 }).for(parameters)
  const step = compile((x: Tensor, y: Tensor) => {
    const { carry } = scan(
      ([h, c]: Tensor[], row: Tensor) => {
        const [i, f, g, o] = row.matmul(wx).add(h.matmul(wh)).split(hidden, 1)
        const memory = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()))
        return { carry: [o.sigmoid().mul(memory.tanh()), memory] }
      },
      [zeros([16, hidden]), zeros([16, hidden])],
      x.reshape([16, 8, 8]).permute(1, 0, 2),
    )
    const l = loss.crossEntropy(carry[0].matmul(out), y)
    optimizer.minimize(l)
    return l
  })
  const { x, y } = bars()
  const losses: number[] = []
  for (let i = 0; i < 20; i++) losses.push(await (await step(x, y)).item())
  const backend = await getBackend()
  return { backend: backend.name, threads: backend.threads, losses }
}
