/** From words to the library's own: the model, loss, optimizer and schedule that a spec asks for. */
import { io, loss as losses, nn, oneHot, optim, type Tensor } from 'glissade'
import { muonRest } from '../spec/catalogue/training.ts'
import { entryOf, losses as lossEntries } from '../spec/catalogue.ts'
import type { Choice, LabSpec, Task } from '../spec/spec.ts'

type Options = Readonly<Record<string, unknown>>

/** Builds the model, with first values from the default generator. */
export function buildModel({ model, initializer }: LabSpec): nn.Module {
  const built = io.buildModel<nn.Module>(model, 'The model')
  if (initializer.kind !== 'default') initialize(built, initializer)
  return built
}

/** They take a type where others take options. */
const plainFills: ReadonlySet<string> = new Set(['zeros', 'ones'])

/** Gives weights (not biases, norms or embeddings of one axis) the values of an initializer. */
function initialize(model: nn.Module, { kind, ...options }: Choice): void {
  const draw = (nn.init as unknown as Record<string, (shape: readonly number[], options?: Options) => Tensor>)[kind]
  for (const parameter of model.parameters()) {
    if (parameter.rank < 2) continue
    parameter.assign(
      kind === 'constant'
        ? nn.init.constant(parameter.shape, Number(options.value))
        : plainFills.has(kind)
          ? draw(parameter.shape)
          : draw(parameter.shape, options),
    )
  }
}

export type LossOf = (prediction: Tensor, target: Tensor) => Tensor

/** The loss of a prediction [B, …, outputs] and its target; places whose target is -1 do not count. */
export function lossOf({ kind, ...options }: Choice, task: Task): LossOf {
  const loss = (losses as unknown as Record<string, (p: Tensor, t: Tensor, o: Options) => Tensor>)[kind]
  const form = entryOf(lossEntries, kind)?.fits[task]
  if (!loss || !form) throw new Error(`The loss ${kind} does not fit this task. Choose another.`)
  if (form === 'number') return (p, t) => loss(p, t, options)
  if (form === 'class') {
    const counted = task === 'token' ? { ignoreIndex: -1, ...options } : options
    return (p, t) =>
      p.rank === 2 ? loss(p, t, counted) : loss(p.reshape([-1, p.shape[p.rank - 1]]), t.reshape([-1]), counted)
  }
  return (p, t) => {
    const ones = oneHot(t, p.shape[p.rank - 1], p.dtype)
    return loss(p, form === 'signs' ? ones.mul(2).sub(1) : ones, options)
  }
}

type RecipeOf = (options: Options) => optim.Recipe

/** The optimizer for a model, with the learning rate of the schedule. */
export function optimizerOf(spec: LabSpec, model: nn.Module, stepsPerEpoch: number): optim.Optimizer {
  const { kind, lr, ...options } = spec.optimizer
  const rate = scheduleOf(spec.schedule, Number(lr), stepsPerEpoch)
  // Muon is for matrices; biases and norms go to AdamW.
  const rest = kind === 'muon' && { rest: { lr: muonRest } }
  const recipe = (optim as unknown as Record<string, RecipeOf>)[kind]
  return recipe({ lr: rate ?? Number(lr), ...options, ...rest }).for(model)
}

/** Epochs in a spec become steps. */
function scheduleOf(
  { kind, ...given }: Choice,
  lr: number,
  stepsPerEpoch: number,
): optim.schedule.Schedule | undefined {
  const inSteps = (epochs: number): number => Math.max(1, Math.round(epochs * stepsPerEpoch))
  const number = (name: string, fallback: number): number => Number(given[name] ?? fallback)
  const steps = (name: string, fallback: number): number => inSteps(number(name, fallback))
  const { schedule } = optim
  const warm = (made: optim.schedule.Schedule): optim.schedule.Schedule =>
    number('warmUp', 0) > 0 ? schedule.warmUp(made, steps('warmUp', 0)) : made
  switch (kind) {
    case 'step':
      return warm(schedule.step(lr, steps('every', 10), { gamma: number('gamma', 0.5) }))
    case 'multiStep': {
      const epochs = Array.isArray(given.epochs) ? (given.epochs as readonly number[]) : [20, 40]
      return warm(schedule.multiStep(lr, epochs.map(inSteps), { gamma: number('gamma', 0.1) }))
    }
    case 'exponential':
      return warm(schedule.exponential(lr, number('gamma', 0.99) ** (1 / stepsPerEpoch)))
    case 'linear':
      return schedule.linear(lr, steps('epochs', 50), {
        startFactor: number('startFactor', 1),
        endFactor: number('endFactor', 0.1),
      })
    case 'polynomial':
      return schedule.polynomial(lr, steps('epochs', 50), { power: number('power', 1) })
    case 'cosine':
      return warm(schedule.cosine(lr, steps('epochs', 50)))
    case 'cosineRestarts':
      return schedule.cosineRestarts(lr, steps('epochs', 50))
    case 'oneCycle':
      // The momentum stays: not every optimizer has one.
      return schedule.oneCycle(lr, steps('epochs', 50), { cycleMomentum: false })
    case 'inverseSqrt':
      return schedule.inverseSqrt(lr, steps('warmUp', 5))
    case 'constant':
      return number('warmUp', 0) > 0 ? warm(schedule.constant(lr)) : undefined
    default:
      return undefined
  }
}
