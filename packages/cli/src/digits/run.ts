/**
 * A training run on disk. `model.safetensors` is the network, for use; `training.safetensors` is there as long as
 * the run is not over, and holds all that is needed to go on: weights, the optimizer's moments, the position, the
 * count of random draws. It is one file, so that its parts always belong together.
 */
import { existsSync } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { GlissadeError, io, type nn, type optim, type random, type Tensor } from 'glissade'
import type { EpochRecord, EpochSums } from './meter.ts'
import type { Settings } from './network.ts'
import type { Position } from './training.ts'

export interface Run {
  readonly settings: Settings
  readonly position: Position
  /** What the steps of the epoch that is not over add up to. */
  readonly present: EpochSums
  readonly history: readonly EpochRecord[]
  /** On the test digits, when the run is over. */
  readonly accuracy?: number
}

export interface SavedRun extends Run {
  /** Puts everything where it was. */
  restore(model: nn.Module, optimizer: optim.Optimizer, generator: random.Generator): Promise<void>
}

const modelFile = 'model.safetensors'
const trainingFile = 'training.safetensors'
const runKey = 'glissade.run'

interface TrainingState extends Run {
  readonly optimizer: Omit<optim.OptimizerState, 'tensors'>
  readonly random: random.GeneratorState
}

/** Where a run that begins at `time` is kept, if nobody says where. */
export function runFolder(time: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0')
  const day = `${time.getFullYear()}${two(time.getMonth() + 1)}${two(time.getDate())}`
  return `runs/digits-${day}-${two(time.getHours())}${two(time.getMinutes())}${two(time.getSeconds())}`
}

/** The model's file, given itself or the folder it is in. */
export async function modelPath(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  return isFolder ? join(path, modelFile) : path
}

/** Saves a run: the model always, the state of training as long as the run is not over. */
export async function saveRun(
  folder: string,
  run: Run,
  model: nn.Module,
  optimizer: optim.Optimizer,
  generator: random.Generator,
): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: Error) => {
    const fields = {
      file: folder,
      what: 'folder',
      received: cause.message,
      expected: 'a folder that can be written',
      fix: 'Choose another with --out.',
    }
    throw new GlissadeError('file-format', fields, { cause })
  })
  const metadata = { 'glissade.task': 'digits', [runKey]: JSON.stringify(run) }
  await io.saveModel(join(folder, modelFile), model, metadata)
  if (run.accuracy !== undefined) {
    await rm(join(folder, trainingFile), { force: true })
    return
  }
  const { tensors, ...rest } = optimizer.stateDict()
  const state: TrainingState = { ...run, optimizer: rest, random: generator.state() }
  const all = { ...withPrefix('model.', model.stateDict()), ...withPrefix('optimizer.', tensors) }
  await io.saveCheckpoint(join(folder, trainingFile), { tensors: all, state: state as unknown as io.Json })
}

/** Reads an interrupted run. Errors: `data-missing`, `file-format`. */
export async function loadRun(folder: string): Promise<SavedRun> {
  const file = join(folder, trainingFile)
  if (!existsSync(file)) {
    const over = existsSync(join(folder, modelFile))
    const fix = over
      ? 'This run was not interrupted; start a new one.'
      : 'Give the folder that the interrupted run named.'
    throw new GlissadeError('data-missing', { what: 'The state of an interrupted run', looked: [file], fix })
  }
  const { tensors, state: found } = await io.loadCheckpoint(file)
  const state = checkState(file, found as unknown as TrainingState)
  return {
    ...state,
    async restore(model, optimizer, generator) {
      await model.loadStateDict(withoutPrefix('model.', tensors), { source: file })
      await optimizer.loadStateDict({ ...state.optimizer, tensors: withoutPrefix('optimizer.', tensors) })
      generator.restore(state.random)
    },
  }
}

/** A checkpoint is whole, as its checksum says; but it may be another program's. */
function checkState(file: string, state: Partial<TrainingState> | null): TrainingState {
  const { settings, present, position, optimizer, history } = state ?? {}
  const numbers = [settings, present, position, { steps: optimizer?.steps }].flatMap((part) =>
    Object.values(part ?? { none: '' }),
  )
  if (numbers.every((n) => Number.isFinite(n)) && Array.isArray(history)) return state as TrainingState
  const fields = {
    file,
    what: 'state',
    received: JSON.stringify(state).slice(0, 60),
    expected: 'the state of a run of digits',
    fix: 'Start a new run.',
  }
  throw new GlissadeError('file-format', fields)
}

type Tensors = Readonly<Record<string, Tensor>>

const withPrefix = (prefix: string, tensors: Tensors): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]))

const withoutPrefix = (prefix: string, tensors: Tensors): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  )
