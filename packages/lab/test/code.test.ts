/** Specs as programs and back: what comes back is what went out, and the program trains the same network. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { io, nn, setBackend, tensor } from 'glissade'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kinds } from '../../glissade/src/io/architecture-kinds.ts'
import { allLayers, initializers, losses, newChoice, newLayer, optimizers, schedules } from '../src/spec/catalogue.ts'
import { checkModel } from '../src/spec/check.ts'
import { layerCode, positionsOf, programOf } from '../src/spec/code.ts'
import { samplesFile } from '../src/spec/code-data.ts'
import { fitted } from '../src/spec/fitting.ts'
import { parseProgram } from '../src/spec/parse-code.ts'
import { perceptron, planeSpec, presets } from '../src/spec/presets.ts'
import type { LabSpec, LayerSpec } from '../src/spec/spec.ts'
import { factsOf } from '../src/worker/data/data.ts'
import { loadData } from '../src/worker/data/index.ts'
import { Run } from '../src/worker/run.ts'

// Beside the test, where the library is found as everywhere in the repository.
const folder = new URL(`./.programs-${randomUUID()}/`, import.meta.url)
beforeAll(async () => {
  mkdirSync(folder, { recursive: true })
  await setBackend('wasm')
})
afterAll(() => rmSync(folder, { recursive: true }))

const base = planeSpec('circle', [4, 3])
const factsFor = async (spec: LabSpec) => factsOf(await loadData(spec.data))
const back = async (spec: LabSpec, current: LabSpec = base): Promise<LabSpec> => {
  const parsed = parseProgram(programOf(spec, await factsFor(spec)), current)
  expect(parsed.errors).toBeUndefined()
  return (parsed as { spec: LabSpec }).spec
}
const model = (code: string): LayerSpec | undefined => {
  const parsed = parseProgram(program(code), base)
  return parsed.errors ? undefined : parsed.spec.model
}
/** The program of the first network with another line. */
let first = ''
beforeAll(async () => {
  first = programOf(base, await factsFor(base))
})
const program = (code: string): string => first.replace(/const model = [\s\S]*?\n\)\n/, `const model = ${code}\n`)
const errors = (text: string): readonly { from: number; to: number; message: string }[] =>
  parseProgram(text, base).errors ?? []

describe('specs as programs', () => {
  test.each(allLayers.map(({ kind }) => kind))('%s is written as the library takes it, and read back', (kind) => {
    if (kind !== 'sequential') expect(positionsOf(kind)).toEqual(Object.keys(kinds[kind].args))
    const layer = (checkModel(newLayer(kind)) as { value: LayerSpec }).value
    const code = layerCode(layer)
    expect(model(code)).toEqual(layer)
    const built = new Function('nn', `return ${code}`)(nn) as nn.Module
    expect(io.describeModel(built)).toEqual(io.describeModel(io.buildModel(layer)))
  })
  test.each(presets.filter(({ spec }) => spec.data.kind === 'plane').map(({ id, spec }) => [id, spec] as const))(
    'preset %s comes back from its program',
    async (_, spec) => expect(await back(spec)).toEqual(spec),
  )
  test('every choice of training comes back', async () => {
    const all = [
      ...optimizers.map(({ kind, options }) => ({
        optimizer: { kind, lr: 0.01, ...Object.fromEntries(options.map(({ name, initial }) => [name, initial])) },
      })),
      ...schedules.map(({ kind }) => ({ schedule: newChoice(schedules, kind) })),
      { schedule: { kind: 'cosine', epochs: 12.5, warmUp: 2 } },
      ...initializers.map(({ kind }) => ({ initializer: newChoice(initializers, kind) })),
      ...losses.filter(({ fits }) => fits.class).map(({ kind }) => ({ loss: newChoice(losses, kind) })),
      { loss: { kind: 'focal', gamma: 3 } },
      { seed: 7, batchSize: 11, stopAtEpoch: 40 },
    ] as Partial<LabSpec>[]
    for (const change of all) expect(await back({ ...base, ...change })).toEqual({ ...base, ...change })
  })
  test('points painted by hand come back', async () => {
    const points = [
      [1, 2, 0],
      [-1.5, 2, 1],
      [0, 0, 2],
      [1, 1, 2],
    ] as const
    const data = { kind: 'points', points, features: ['x', 'sin y'], testShare: 0.25, seed: 3 } as const
    const spec = { ...base, data, model: perceptron([2, 3, 3]) }
    expect(await back(spec)).toEqual(spec)
  })

  /** Losses of the program's first steps, and those of the lab's run. */
  async function both(asked: LabSpec, steps = 20): Promise<[number[], number[]]> {
    const data = await loadData(asked.data)
    const { spec } = fitted(asked, factsOf(data), false)
    const run = new Run(0, spec, data)
    const own: number[] = []
    for (let i = 0; i < steps; i++) own.push(await run.advance())
    const text = programOf(spec, factsOf(data)).replace(
      "  if (event.type !== 'epochEnd') continue\n",
      `  if (event.type === 'step' && losses.push(event.loss) === ${steps}) break\n  continue\n`,
    )
    expect(text).toContain('losses.push')
    const file = new URL(`${randomUUID()}.ts`, folder)
    writeFileSync(file, `${text}\nexport {}\n`.replace(/^/, 'export const losses: number[] = []\n'))
    const count = data.trainCount + data.testCount
    const [inputs, targets] = [data.inputs, data.targets].map((values, i) =>
      tensor(values, {
        shape: [count, ...(i === 0 ? data.inputShape : data.targetShape)],
        dtype: values instanceof Int32Array ? 'int32' : 'float32',
      }),
    )
    writeFileSync(new URL(samplesFile, folder), await io.formatSafetensors({ inputs, targets }))
    const { losses } = (await import(/* @vite-ignore */ file.pathname)) as { losses: number[] }
    return [losses, own]
  }
  test.each(
    presets
      .filter(({ spec }) => spec.data.kind === 'plane')
      .map(({ spec }) => [(spec.data as { set: string }).set, spec] as const),
  )('the program for %s trains the same network, to the last bit', async (_, spec) => {
    const [program, lab] = await both(spec)
    expect(program).toEqual(lab)
  })
  test.each(['gaussians', 'rings', 'slope'] as const)('the points of %s are the same too', async (set) => {
    const loss = { kind: set === 'slope' ? 'huber' : 'crossEntropy' }
    const [program, lab] = await both({ ...planeSpec(set, [4], { classes: 3 }), loss })
    expect(program).toEqual(lab)
  })
  test('with dropout, an initializer, a schedule, a loss of signs and other features', async () => {
    const [program, lab] = await both({
      ...planeSpec('xor', [], { features: ['x', 'y', 'xy', 'sin x'] }),
      model: {
        kind: 'sequential',
        layers: [
          { kind: 'linear', in: 4, out: 8 },
          { kind: 'relu' },
          { kind: 'dropout', p: 0.3 },
          { kind: 'linear', in: 8, out: 2 },
        ],
      },
      initializer: { kind: 'kaimingNormal' },
      schedule: { kind: 'cosine', epochs: 2, warmUp: 1 },
      loss: { kind: 'squaredHinge' },
      optimizer: { kind: 'sgd', lr: 0.05, momentum: 0.9, nesterov: true },
    })
    // The sum over classes is rounded at another place: the program hands each batch over, the lab picks it by number.
    program.forEach((loss, i) => expect(Math.abs(loss / lab[i] - 1)).toBeLessThan(4e-7))
  })
  test('a table and text, from the file beside the program', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `${Math.sin(i)},${i % 3 ? 'a' : 'b'},${i % 2 ? 'yes' : 'no'}`)
    const table = {
      kind: 'table',
      name: 't.csv',
      text: ['x,y,z', ...rows].join('\n'),
      inputs: ['x', 'y'],
      target: 'z',
      testShare: 0.25,
      seed: 1,
    } as const
    const [a, b] = await both({ ...base, data: table, batchSize: 8 })
    expect(a).toEqual(b)
    const text = {
      kind: 'text',
      corpus: 'own',
      text: 'the quick brown fox jumps over the lazy dog, again and again. '.repeat(8),
      context: 8,
      samples: 60,
      testShare: 0.2,
      seed: 1,
    } as const
    const [c, d] = await both({
      ...base,
      data: text,
      model: {
        kind: 'sequential',
        layers: [
          { kind: 'embedding', count: 1, size: 6 },
          { kind: 'gru', in: 6, hidden: 8 },
          { kind: 'linear', in: 1, out: 1 },
        ],
      },
      batchSize: 12,
    })
    expect(c).toEqual(d)
  })
})

describe('wrong programs are told what is wrong, where', () => {
  const wrongs: readonly (readonly [string, string, string, RegExp])[] = [
    ['an unknown layer', 'nn.sequential(nn.liner(2, 4))', 'nn.liner', /nn\.liner is not a layer/],
    ['a layer that the lab has not', 'nn.bilinear(2, 2, 2)', 'nn.bilinear', /two inputs/],
    ['a missing size', 'nn.sequential(nn.linear(2))', 'nn.linear(2)', /out is missing/],
    ['an unknown option', 'nn.linear(2, 4, { size: 3 })', 'nn.linear(2, 4, { size: 3 })', /size.*in, out, bias/],
    ['a huge size', 'nn.linear(2, 1e9)', 'nn.linear(2, 1e9)', /from 1 to 4096/],
    ['too many arguments', 'nn.relu(4)', '4', /too many/],
    ['an unknown name', 'nn.linear(2, hidden)', 'hidden', /no const hidden/],
    ['a function', 'nn.sequential(...layers)', '...', /spread/],
    ['an expression', 'nn.linear(2, window.size)', 'window.size', /does not run code/],
    ['something else', 'fetch("x")', 'fetch("x")', /a call of nn/],
  ]
  test.each(wrongs)('%s', (_, code, place, message) => {
    const text = program(code)
    const [error] = errors(text)
    expect(error?.message).toMatch(message)
    expect(text.slice(error.from, error.to)).toBe(place)
  })
  test('a text that cannot be read, a line without effect, what is missing', () => {
    const open = program('nn.sequential(nn.linear(2, 4)')
    expect(errors(open)[0]?.message).toMatch(/cannot be read/)
    expect(errors(`${first}\nmodel.eval()`)[0]?.message).toMatch(/does not run other lines/)
    expect(errors('')[0]?.message).toMatch(/no const optimizer/)
    expect(errors('x'.repeat(500_000))[0]?.message).toMatch(/at most/)
    expect(errors(program(`${'nn.sequential('.repeat(3000)}nn.relu()${')'.repeat(3000)}`)).length).toBeGreaterThan(0)
    expect(errors(first.replace('const seed = 1', 'const seed = seed'))[0]?.message).toMatch(/by itself/)
  })
  test('the place of each layer is known', () => {
    const text = program('nn.sequential(nn.linear(2, 4), nn.residual(nn.sequential(nn.relu(), nn.tanh())))')
    const parsed = parseProgram(text, base)
    const places = parsed.errors ? new Map<string, never>() : parsed.places
    const at = (path: string): string => text.slice(places.get(path)?.from, places.get(path)?.to)
    expect([at('0'), at('1.body.1')]).toEqual(['nn.linear(2, 4)', 'nn.tanh()'])
  })
  test('constants and arithmetic are read', () => {
    const text = program('nn.sequential(nn.linear(2, 2 * hidden), nn.tanh(), nn.linear(8, 2))').replace(
      'const seed',
      'const hidden = 4\nconst seed',
    )
    expect(parseProgram(text, base)).toMatchObject({ spec: { model: { layers: [{ out: 8 }, {}, {}] } } })
  })
})
