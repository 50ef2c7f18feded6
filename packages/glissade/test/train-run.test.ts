/** Training in a run folder: what is written, what goes wrong on disks, and who may go on with it. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { tensor } from '../src/create.ts'
import * as data from '../src/data/index.ts'
import { GlissadeError } from '../src/errors.ts'
import * as io from '../src/io/index.ts'
import * as loss from '../src/loss/index.ts'
import * as nn from '../src/nn/index.ts'
import * as optim from '../src/optim/index.ts'
import { Generator, manualSeed } from '../src/random.ts'
import { setBackend } from '../src/run/backend.ts'
import '../src/run/realize.ts'
import type { Tensor } from '../src/tensor.ts'
import { type FitEvent, type FitOptions, type FitResult, fit, fitSteps } from '../src/train/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'glissade-train-run-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let made = 0
const fresh = (): string => join(folder, `run${made++}`)

beforeAll(async () => {
  await setBackend('wasm', { threads: 1 })
})
beforeEach(() => {
  manualSeed(7)
})

const samples = ((): data.Dataset<{ x: Tensor; y: Tensor }> => {
  const x = Float32Array.from({ length: 32 }, (_, i) => Math.sin(i * 1.7))
  const y = Int32Array.from({ length: 16 }, (_, i) => Number(x[2 * i] > x[2 * i + 1]))
  return data.dataset({ x: tensor(x, { shape: [16, 2] }), y: tensor(y) })
})()
const network = (): nn.Sequential => nn.sequential(nn.linear(2, 3), nn.dropout(0.2), nn.tanh(), nn.linear(3, 2))
type Options = FitOptions<nn.Sequential, { x: Tensor; y: Tensor }>
const common = (): Options => ({
  loss: loss.crossEntropy,
  optimizer: optim.adam({ lr: 0.05 }),
  batchSize: 4,
  epochs: 2,
})
const train = (options: Partial<Options>, model = network()): Promise<FitResult> =>
  fit(model, samples, { ...common(), ...options })

async function refusal(promise: Promise<unknown>): Promise<GlissadeError> {
  const error = await promise.then(
    () => expect.fail('nothing was refused'),
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(GlissadeError)
  return error as GlissadeError
}
const bytesOf = async (model: nn.Module): Promise<number[][]> =>
  Promise.all(model.parameters().map(async (p) => [...(await p.data())]))

describe('a run', () => {
  it('leaves config, metrics, checkpoints, models, a summary and event files', async () => {
    const run = fresh()
    const model = network()
    const result = await train(
      {
        run: { path: run, config: { note: 'mine' }, histograms: true },
        validate: samples,
        keepBest: true,
        watch: true,
        epochs: 5,
      },
      model,
    )
    const names = readdirSync(run)
    const board = names.find((name) => name.startsWith('events.out.tfevents.')) as string
    expect(names.filter((name) => name !== board)).toEqual([
      'best.safetensors',
      'checkpoints',
      'config.json',
      'metrics.jsonl',
      'model.safetensors',
      'summary.json',
    ])
    // The newest three, one after each epoch.
    expect(readdirSync(join(run, 'checkpoints'))).toEqual([12, 16, 20].map((n) => `step-0000000${n}.safetensors`))
    const json = (name: string): Record<string, unknown> => JSON.parse(readFileSync(join(run, name), 'utf8'))
    expect(json('config.json').config).toMatchObject({
      own: { note: 'mine' },
      training: { optimizer: 'adam', batchSize: 4, samples: 16, parameters: 17 },
    })
    expect(json('summary.json')).toMatchObject({ reason: 'finished', steps: 20, best: result.best, epochs: 5 })
    const lines = await io.readMetrics(run)
    expect(lines.map(({ event }) => event[0]).join('')).toBe(`s${'ssssve'.repeat(5)}`)
    const epoch = lines.findLast(({ event }) => event === 'epoch')
    expect(epoch).toMatchObject({ step: 20, epoch: 5, loss: result.history[4].train.loss })
    expect(lines[1]).toMatchObject({ event: 'step', step: 1, lr: 0.05, norms: { '': expect.any(Number) } })
    const events = readFileSync(join(run, board)).toString('latin1')
    for (const tag of ['step/loss', 'step/norms/0.weight', 'validation/accuracy', 'epoch/loss', 'weights/3.bias'])
      expect(events).toContain(tag)
    // The file of the model is the model as fit left it, which is the best.
    const { model: loaded } = await io.loadModel(join(run, 'model.safetensors'))
    expect(await bytesOf(loaded)).toEqual(await bytesOf(model))
    const { model: best } = await io.loadModel(join(run, 'best.safetensors'))
    expect(await bytesOf(best)).toEqual(await bytesOf(model))
  })

  it('is written as often as it is told to', async () => {
    const run = fresh()
    const paths: string[] = []
    await train({
      run,
      checkpoint: { everySteps: 3, keep: 2 },
      callbacks: [
        {
          checkpoint: ({ path }) => void paths.push(path),
          step: ({ steps }, { checkpoint }) => void (steps === 5 && checkpoint()),
        },
      ],
    })
    expect(paths.map((path) => Number(/step-(\d+)/.exec(path)?.[1]))).toEqual([3, 5, 6, 8])
    expect(readdirSync(join(run, 'checkpoints'))).toHaveLength(2)
    const minutes = fresh()
    const times: number[] = []
    await train({
      run: minutes,
      checkpoint: { everyMinutes: 1e-9 },
      on: { checkpoint: ({ steps }) => void times.push(steps) },
    })
    expect(times).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('goes on for more epochs, with the history so far', async () => {
    const run = fresh()
    await train({ run, epochs: 1 })
    const start: FitEvent[] = []
    const more = await train({ run, epochs: 3, resume: true, on: { start: (event) => void start.push(event) } })
    manualSeed(7)
    const whole = await train({ epochs: 3 })
    expect(more.history.map(({ train: { loss: mean } }) => mean)).toEqual(
      whole.history.map(({ train: { loss: mean } }) => mean),
    )
    expect(start).toMatchObject([{ steps: 4, resumedFrom: join(run, 'checkpoints/step-000000004.safetensors') }])
  })

  it('a left loop can be gone on with', async () => {
    const run = fresh()
    for await (const event of fitSteps(network(), samples, { ...common(), run })) {
      if (event.type === 'step' && event.steps === 6) break
    }
    const model = network()
    const { steps } = await train({ run, resume: true }, model)
    expect(steps).toBe(8)
    manualSeed(7)
    const other = network()
    await train({}, other)
    expect(await bytesOf(model)).toEqual(await bytesOf(other))
  })

  it('keeps other memories: generators, and whatever has a state', async () => {
    const run = fresh()
    const draws: number[] = []
    const options = (generator: Generator): Partial<Options> => ({
      state: { generator },
      on: { step: () => void draws.push(generator.state().counter) },
      callbacks: [{ step: () => void generator.nextKey() }],
    })
    await train({ ...options(new Generator(3)), run, epochs: 1 })
    await train({ ...options(new Generator(3)), run, resume: true, epochs: 2 })
    expect(draws).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    const error = await refusal(
      train({ ...options(new Generator(3)), state: { other: new Generator(1) }, run, resume: true }),
    )
    expect(error.message).toMatch(/'other'; expected generator/)
  })
})

describe('a run of someone else', () => {
  it('is refused while it runs, and free when it ended, well or not', async () => {
    const run = fresh()
    let error: GlissadeError | undefined
    const failing = train({
      run,
      on: {
        step: async () => {
          error = await refusal(train({ run, resume: true }))
          throw new Error('mine')
        },
      },
    })
    await expect(failing).rejects.toThrow('mine')
    expect(error?.code).toBe('run-locked')
    expect(error?.message).toContain(`process ${process.pid} on`)
    expect((await train({ run, resume: true })).steps).toBe(8)
  })

  it('with other data or settings is refused, and nothing changes', async () => {
    const run = fresh()
    await train({ run, epochs: 1 })
    const model = network()
    const before = await bytesOf(model)
    expect((await refusal(train({ run, resume: true, batchSize: 8 }, model))).message).toMatch(
      /resume: batchSize: received 8; expected 4, as the run in .* began with/,
    )
    expect((await refusal(fit(model, samples.take(10), { ...common(), run, resume: true }))).message).toMatch(
      /resume: samples: received 10; expected 16/,
    )
    expect(
      (await refusal(train({ run, resume: true, optimizer: optim.sgd({ lr: 1, momentum: 0.9 }) }, model))).code,
    ).toBe('weights-mismatch')
    const wider = nn.sequential(nn.linear(2, 4), nn.linear(4, 2))
    expect((await refusal(train({ run, resume: true }, wider))).code).toBe('weights-mismatch')
    expect(await bytesOf(model)).toEqual(before)
    expect((await refusal(train({ run }, model))).message).toMatch(/holds a run/)
  })

  it('goes on from a path, into a folder of its own', async () => {
    const [first, second] = [fresh(), fresh()]
    await train({ run: first, epochs: 1 })
    const [path] = await io.listCheckpoints(join(first, 'checkpoints'))
    const result = await train({ run: second, resume: path })
    expect(result).toMatchObject({ steps: 8, reason: 'finished' })
    expect(readdirSync(join(first, 'checkpoints'))).toHaveLength(1)
    expect((await refusal(train({ resume: join(first, 'nothing') }))).code).toBe('data-missing')
  })
})

describe('a disk that refuses', () => {
  /** A folder in the place of the checkpoint after step 4. */
  const blocked = (): string => {
    const run = fresh()
    mkdirSync(join(run, 'checkpoints/step-000000004.safetensors'), { recursive: true })
    return run
  }

  it('stops training with a clear error; the model is as the last step left it, and older checkpoints are whole', async () => {
    const run = blocked()
    const model = network()
    let after: number[][] = []
    const error = await refusal(
      train(
        {
          run,
          checkpoint: { everySteps: 2 },
          on: {
            step: async () => {
              after = await bytesOf(model)
            },
          },
        },
        model,
      ),
    )
    expect(error.message).toMatch(/step-000000004\.safetensors: writing: received E\w+.*Nothing was changed/)
    expect(await bytesOf(model)).toEqual(after)
    rmSync(join(run, 'checkpoints/step-000000004.safetensors'), { recursive: true })
    expect(readdirSync(join(run, 'checkpoints'))).toEqual(['step-000000002.safetensors'])
    expect((await train({ run, resume: true })).steps).toBe(8)
  })

  it('or goes on and tells, if that is chosen', async () => {
    const run = blocked()
    const failed: FitEvent[] = []
    const { steps } = await train({
      run,
      checkpoint: { everySteps: 2, keep: 9, onError: 'continue' },
      on: { writeFailed: (event) => void failed.push(event) },
    })
    expect(steps).toBe(8)
    expect(failed).toMatchObject([{ steps: 4, error: { code: 'file-format' } }])
    expect(readdirSync(join(run, 'checkpoints')).map((name) => Number(name.slice(5, 14)))).toEqual([2, 4, 6, 8])
  })

  it.skipIf(process.platform !== 'linux')('that is full: so say the records', async () => {
    const full = (): string => {
      const run = fresh()
      mkdirSync(run)
      symlinkSync('/dev/full', join(run, 'metrics.jsonl'))
      return run
    }
    expect((await refusal(train({ run: full() }))).message).toMatch(
      /metrics\.jsonl: writing: received ENOSPC.*Make room/,
    )
    const failed: FitEvent[] = []
    const { steps } = await train({
      run: full(),
      checkpoint: { onError: 'continue' },
      on: { writeFailed: (event) => void failed.push(event) },
    })
    expect(steps).toBe(8)
    expect(failed.length).toBeGreaterThan(8)
  })
})
