/**
 * Programs in PyTorch lose what the lab loses, step by step: with the lab's first weights, on the same batches.
 *
 * What PyTorch computed is kept in golden/pytorch.json, with the hash of the program that computed it. When programs
 * change: `GLISSADE_PYTHON=<a Python with PyTorch> npx vitest run packages/lab/test/pytorch` runs them again.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { io, setBackend } from 'glissade'
import { beforeAll, describe, expect, test } from 'vitest'
import { initializers, losses, optimizers, schedules } from '../src/spec/catalogue.ts'
import { samplesFile } from '../src/spec/code-data.ts'
import type { DataFacts } from '../src/spec/facts.ts'
import { planeSpec } from '../src/spec/presets.ts'
import { firstWeightsFile, programFile, pytorchOf } from '../src/spec/pytorch.ts'
import type { Choice, LabSpec, LayerSpec } from '../src/spec/spec.ts'
import { factsOf } from '../src/worker/data/data.ts'
import { planeData } from '../src/worker/data/plane.ts'
import { Live } from '../src/worker/desk.ts'
import { takeObeyers } from '../src/worker/orders-take.ts'
import type { ExportFormat } from '../src/worker/protocol.ts'
import { Run } from '../src/worker/run.ts'
import { type Family, liveOf, specOf } from './networks.ts'

const goldenFile = fileURLToPath(new URL('golden/pytorch.json', import.meta.url))
const python = process.env.GLISSADE_PYTHON
const steps = 8

interface Golden {
  readonly torch: string
  readonly programs: Record<string, { readonly hash: string; readonly losses: readonly number[] }>
}

const withModel = (family: Family, model: LayerSpec, change: Partial<LabSpec> = {}): LabSpec => ({
  ...specOf(family),
  model,
  ...change,
})
const plane = (change: Partial<LabSpec>, set: 'circle' | 'hills' = 'circle'): LabSpec =>
  planeSpec(set, [6, 5], { samples: 60, classes: set === 'hills' ? 1 : 3, ...change })
const options = (entry: { kind: string; options: readonly { name: string; initial: unknown; needed?: boolean }[] }) =>
  Object.fromEntries(entry.options.filter(({ needed }) => needed).map(({ name, initial }) => [name, initial]))

/** Everything that has a way of its own into PyTorch. */
const specs: Record<string, LabSpec> = {
  circle: specOf('circle'),
  digits: specOf('digits'),
  'names-lstm': specOf('names-lstm'),
  'names-transformer': specOf('names-transformer'),
  'picture zoo': withModel('digits', {
    kind: 'sequential',
    layers: [
      { kind: 'conv2d', in: 1, out: 4, size: 3, stride: 2, paddingMode: 'reflect', padding: 1 },
      { kind: 'batchNorm2d', features: 4 },
      {
        kind: 'residual',
        body: {
          kind: 'sequential',
          layers: [
            { kind: 'zeroPad2d', sides: 1 },
            { kind: 'conv2d', in: 4, out: 4, size: 3, groups: 2 },
            { kind: 'mish' },
          ],
        },
      },
      {
        kind: 'parallel',
        branches: [{ kind: 'identity' }, { kind: 'groupNorm', groups: 2, channels: 4 }],
        join: 'concat',
        axis: 1,
      },
      { kind: 'avgPool2d', size: 2, padding: 1, countIncludePad: false },
      { kind: 'instanceNorm2d', features: 8, affine: true },
      { kind: 'convTranspose2d', in: 8, out: 4, size: 2, stride: 2 },
      { kind: 'localResponseNorm', size: 3 },
      { kind: 'adaptiveAvgPool2d', size: 4 },
      { kind: 'pixelShuffle', factor: 2 },
      { kind: 'globalAvgPool2d' },
      { kind: 'linear', in: 1, out: 20 },
      { kind: 'swiglu', axis: -1 },
    ],
  }),
  'sequence zoo': withModel('names-lstm', {
    kind: 'sequential',
    layers: [
      { kind: 'embedding', count: 27, size: 8, maxNorm: 2 },
      { kind: 'sinusoidalPositions', length: 12, width: 8 },
      { kind: 'gru', in: 8, hidden: 6, bidirectional: true, batchFirst: true },
      { kind: 'rnn', in: 12, hidden: 8, layers: 2, batchFirst: true, nonlinearity: 'relu' },
      { kind: 'multiHeadAttention', width: 8, heads: 2, alibi: true },
      {
        kind: 'transformerEncoderLayer',
        width: 8,
        heads: 2,
        feedForward: 12,
        dropout: 0,
        activation: 'swiglu',
        norm: 'rms',
      },
      { kind: 'transformerEncoder', width: 8, heads: 2, layers: 1, feedForward: 12, dropout: 0, normFirst: true },
      { kind: 'rmsNorm', normalizedShape: 8 },
      { kind: 'linear', in: 8, out: 27 },
    ],
  }),
  'rotary, untied': withModel('names-transformer', {
    kind: 'languageModel',
    vocab: 27,
    width: 16,
    layers: 2,
    heads: 2,
    context: 12,
    positions: 'rotary',
    norm: 'rms',
    activation: 'geglu',
    bias: false,
    tied: false,
  }),
  'clipped, all activations': plane({
    optimizer: {
      kind: 'sgd',
      lr: 0.1,
      momentum: 0.9,
      nesterov: true,
      weightDecay: 0.01,
      clipNorm: 0.5,
      clipValue: 0.2,
    },
    model: {
      kind: 'sequential',
      layers: [
        { kind: 'linear', in: 2, out: 6 },
        ...['tanh', 'softsign', 'selu', 'hardswish', 'hardsigmoid', 'tanhshrink', 'relu6', 'silu', 'logSigmoid'].map(
          (kind) => ({ kind }),
        ),
        { kind: 'leakyRelu', slope: 0.2 },
        { kind: 'elu', alpha: 0.5 },
        { kind: 'celu', alpha: 2 },
        { kind: 'prelu', count: 6 },
        { kind: 'hardtanh', low: -2, high: 3 },
        { kind: 'softplus', beta: 2 },
        { kind: 'softshrink', lambda: 0.01 },
        { kind: 'gelu', approximate: 'tanh' },
        { kind: 'softmax', axis: -1 },
        { kind: 'linear', in: 6, out: 3 },
      ],
    },
  }),
  ...Object.fromEntries(
    optimizers.map((entry): [string, LabSpec] => [
      `optimizer ${entry.kind}`,
      plane({
        optimizer: {
          kind: entry.kind,
          lr: entry.lr,
          ...(entry.kind === 'adagrad' && { lrDecay: 0.1 }),
          weightDecay: 0.02,
        },
      }),
    ]),
  ),
  ...Object.fromEntries(
    schedules.map((entry): [string, LabSpec] => [
      `schedule ${entry.kind}`,
      plane({ schedule: { kind: entry.kind, ...options(entry), ...shortTimes(entry.kind) } as Choice }),
    ]),
  ),
  ...Object.fromEntries(
    losses
      // The logarithm of a count, or of a share, is not what a plain network gives.
      .filter(({ kind }) => !['nll', 'bce', 'poissonNll'].includes(kind))
      .map((entry): [string, LabSpec] => [
        `loss ${entry.kind}`,
        plane(
          {
            loss: {
              kind: entry.kind,
              ...options(entry),
              ...(entry.kind === 'crossEntropy' && { labelSmoothing: 0.1 }),
            },
          },
          entry.fits.class ? 'circle' : 'hills',
        ),
      ]),
  ),
  'loss of tokens': withModel('names-lstm', specOf('names-lstm').model, { loss: { kind: 'focal', gamma: 1.5 } }),
}

function shortTimes(kind: string): object {
  if (kind === 'multiStep') return { epochs: [1, 2] }
  if (kind === 'step') return { every: 1, warmUp: 1 }
  return ['constant', 'exponential'].includes(kind)
    ? { warmUp: 2 }
    : kind === 'inverseSqrt'
      ? { warmUp: 1 }
      : { epochs: 3 }
}

async function runOf(name: string): Promise<Run> {
  const spec = specs[name]
  const family = spec.data.kind === 'plane' ? undefined : spec.data.kind === 'digits' ? 'digits' : 'names-lstm'
  const data = family ? (await liveOf(family)).run.data : planeData(spec.data as Parameters<typeof planeData>[0])
  return new Run(0, spec, data)
}

const exported = (run: Run, format: ExportFormat): Promise<Uint8Array> =>
  takeObeyers.export({ desk: { live: () => new Live(run) } } as never, { run: 0, format })

function programFor(run: Run): string {
  const { points, targets } = run.data
  const facts: DataFacts = factsOf(run.data)
  return pytorchOf(run.spec, points ? { ...facts, points, targets } : facts)
}

/** The losses that PyTorch prints. */
async function lossesInPython(run: Run): Promise<number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'glissade-pytorch-'))
  try {
    writeFileSync(join(folder, programFile), programFor(run))
    writeFileSync(join(folder, firstWeightsFile), await exported(run, 'first'))
    writeFileSync(join(folder, samplesFile), await io.formatSafetensors({ inputs: run.inputs, targets: run.targets }))
    const said = execFileSync(python as string, [join(folder, programFile), String(steps)], { encoding: 'utf8' })
    return [...said.matchAll(/loss (\S+)/g)].map(([, loss]) => Number(loss))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)

const golden: Golden = python
  ? {
      torch: execFileSync(python, ['-c', 'import torch; print(torch.__version__)'], { encoding: 'utf8' }).trim(),
      programs: {},
    }
  : (JSON.parse(readFileSync(goldenFile, 'utf8')) as Golden)

beforeAll(async () => {
  await setBackend('wasm')
  return () => {
    if (python) writeFileSync(goldenFile, `${JSON.stringify(golden, undefined, 1)}\n`)
  }
})

describe('programs in PyTorch lose what the lab loses', () => {
  test.each(Object.keys(specs))('%s', async (name) => {
    const run = await runOf(name)
    const program = programFor(run)
    if (python) golden.programs[name] = { hash: hashOf(program), losses: await lossesInPython(run) }
    const { hash, losses } = golden.programs[name] ?? { hash: 'none', losses: [] }
    expect(hashOf(program), 'the program has changed; see above how PyTorch runs it again').toBe(hash)
    const own: number[] = []
    for (let i = 0; i < steps; i++) own.push(await run.advance())
    expect(losses).toHaveLength(steps)
    // Six digits are printed; sums in another order differ in the last of single precision, and steps amplify it.
    own.forEach((loss, i) => expect(loss, `step ${i + 1}`).toBeCloseTo(losses[i], 3))
    expect(own[0]).toBeCloseTo(losses[0], 5)
  })
})

test('what PyTorch lacks is said in words', () => {
  const spec = plane({ model: { kind: 'lambda' } })
  expect(() => pytorchOf(spec, {} as never)).toThrow('The layer lambda has no counterpart in PyTorch.')
})

test('initializers are written where the weights are not beside the program', async () => {
  const { data } = await runOf('circle')
  for (const entry of initializers) {
    const text = pytorchOf(plane({ initializer: { kind: entry.kind, ...options(entry) } as Choice }), {
      ...factsOf(data),
      points: data.points as Float32Array,
      targets: data.targets,
    })
    if (entry.kind !== 'default') expect(text).toMatch(/nn\.init\.\w+_\(weight/)
  }
})
