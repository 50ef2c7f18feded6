/** A small convolutional network trained with the whole library, in a page or in Node alike. */
import { compile, getBackend, loss, manualSeed, nn, optim, setBackend, tensor } from '../../src/index.ts'

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
  const step = compile((x: ReturnType<typeof tensor>, y: ReturnType<typeof tensor>) => {
    const l = loss.crossEntropy(model.forward(x), y)
    optimizer.minimize(l)
    return l
  })
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
  const losses: number[] = []
  for (let i = 0; i < 20; i++) losses.push(await (await step(x, y)).item())
  const backend = await getBackend()
  return { backend: backend.name, threads: backend.threads, losses }
}
