/** The output over two columns of a table: places in the data's own units, other columns as in the chosen sample. */
import { setBackend, tensor } from 'glissade'
import { beforeAll, expect, test } from 'vitest'
import { perceptron, planeSpec } from '../src/spec/presets.ts'
import { tableData } from '../src/worker/data/table.ts'
import { Live } from '../src/worker/desk.ts'
import { softmax } from '../src/worker/numbers.ts'
import { answerers } from '../src/worker/questions/index.ts'
import { Run } from '../src/worker/run.ts'

beforeAll(async () => {
  await setBackend('wasm')
})

const rows = Array.from(
  { length: 40 },
  (_, i) => `${i},${100 - 2 * i},${i % 3 === 0 ? 'red' : 'blue'},${(i * 7) % 13},${i < 20 ? 'low' : 'high'}`,
)
const data = {
  kind: 'table',
  name: 'things.csv',
  text: `width,height,colour,age,size\n${rows.join('\n')}`,
  inputs: ['width', 'height', 'colour', 'age'],
  target: 'size',
  testShare: 0.25,
  seed: 1,
} as const

test('says what the network says there', async () => {
  const table = tableData(data)
  const width = table.features.length
  const spec = { ...planeSpec('circle', [4]), data, model: perceptron([width, 5, 2]), batchSize: 10 }
  const live = new Live(new Run(0, spec, table))
  for (let i = 0; i < 20; i++) await live.run.advance()
  const input = { part: 'test', index: 2 } as const
  const size = 4
  const answer = await answerers.slice(live, { run: 0, x: 0, y: 2, size, input })
  expect(answer.columns.map(({ name }) => name)).toEqual(['width', 'height', 'age'])
  const close = (value: number, near: number): void => expect(value).toBeCloseTo(near, 4)
  close(answer.columns[0].low, 0)
  close(answer.columns[0].high, 39)
  close(answer.columns[1].low, 22)
  // The place in row 1, column 3, worked out from the table itself.
  const own = Float32Array.from(table.inputs.slice((table.trainCount + 2) * width, (table.trainCount + 3) * width))
  const [across, , up] = table.columns ?? []
  own[across.input] = (39 * (3.5 / size) - across.mean) / across.deviation
  own[up.input] = (12 * (1 - 1.5 / size) - up.mean) / up.deviation
  const { output } = await live.probe.forward(tensor(own, { shape: [1, width] }))
  const shares = softmax(Float32Array.from(await output.data()), 2)
  for (const k of [0, 1]) close(answer.output.values[k * size * size + 1 * size + 3], shares[k])
  // Samples stand at their own numbers.
  expect(answer.points.every((value, i) => (i % 2 === 0 ? value > -1e-3 && value < 39.001 : value < 12.001))).toBe(true)
  expect(answer.targets).toHaveLength(table.trainCount)
})

test('refuses columns that are not there', async () => {
  const table = tableData(data)
  const spec = { ...planeSpec('circle', [4]), data, model: perceptron([table.features.length, 2]) }
  const live = new Live(new Run(0, spec, table))
  const ask = { run: 0, x: 0, y: 9, size: 4, input: { part: 'train', index: 0 } } as const
  await expect(answerers.slice(live, ask)).rejects.toThrow(/3 columns of numbers/)
})
