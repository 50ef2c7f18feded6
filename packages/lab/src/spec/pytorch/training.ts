/** Loss, optimizer, schedule and first weights of a spec in PyTorch. */
import { entryOf, losses } from '../catalogue.ts'
import type { DataFacts } from '../facts.ts'
import type { LabSpec } from '../spec.ts'
import type { Need } from './layers.ts'
import { call, literal, NoCounterpartError } from './python.ts'

type Options = Readonly<Record<string, unknown>>

/** Losses as expressions of `p`, the predictions, and `t`, the targets in the form that the loss compares with. */
const lossTexts: Readonly<Record<string, (options: Options, isToken: boolean) => string>> = {
  crossEntropy: ({ labelSmoothing }, isToken) =>
    `F.cross_entropy(p, t${isToken ? ', ignore_index=-1' : ''}${labelSmoothing ? `, label_smoothing=${labelSmoothing}` : ''})`,
  focal: ({ gamma = 2 }, isToken) =>
    `(lambda known: ((1 - known.exp()) ** ${gamma} * -known).mean())(F.log_softmax(p${isToken ? '[t >= 0]' : ''}, -1).gather(1, t${isToken ? '[t >= 0]' : ''}[:, None])[:, 0])`,
  nll: (_, isToken) => `F.nll_loss(p, t${isToken ? ', ignore_index=-1' : ''})`,
  multiMargin: ({ margin = 1, p = 1 }) => `F.multi_margin_loss(p, t, p=${p}, margin=${margin})`,
  mse: () => 'F.mse_loss(p, t)',
  l1: () => 'F.l1_loss(p, t)',
  huber: ({ delta = 1 }) => `F.huber_loss(p, t, delta=${delta})`,
  smoothL1: ({ beta = 1 }) => `F.smooth_l1_loss(p, t, beta=${beta})`,
  quantile: ({ q = 0.5 }) => `torch.maximum(${q} * (t - p), (${q} - 1) * (t - p)).mean()`,
  poissonNll: ({ logInput = true }) => `F.poisson_nll_loss(p, t, log_input=${literal(logInput)})`,
  bceWithLogits: () => 'F.binary_cross_entropy_with_logits(p, t)',
  bce: () => 'F.binary_cross_entropy(p, t)',
  multilabelSoftMargin: () => 'F.multilabel_soft_margin_loss(p, t)',
  sigmoidFocal: ({ alpha = 0.25, gamma = 2 }) =>
    `(F.binary_cross_entropy_with_logits(p, t, reduction="none") * torch.where(t > 0, 1 - p.sigmoid(), p.sigmoid()) ** ${gamma} * torch.where(t > 0, ${alpha}, ${1 - Number(alpha)})).mean()`,
  softMargin: () => 'F.soft_margin_loss(p, t)',
  hinge: () => 'F.relu(1 - p * t).mean()',
  squaredHinge: () => '(F.relu(1 - p * t) ** 2).mean()',
}

/** The body of `loss_of(p, t)`. */
export function lossText({ loss: { kind, ...options } }: LabSpec, { task }: DataFacts): string {
  const form = entryOf(losses, kind)?.fits[task]
  if (!form || !Object.hasOwn(lossTexts, kind)) throw new NoCounterpartError(`The loss ${kind} does not fit this task.`)
  const isToken = task === 'token'
  const shaped = isToken ? '    p, t = p.reshape(-1, p.shape[-1]), t.reshape(-1)\n' : ''
  const ones = form === 'oneHot' || form === 'signs' ? '    t = F.one_hot(t, p.shape[-1]).to(p.dtype)\n' : ''
  const signs = form === 'signs' ? '    t = 2 * t - 1\n' : ''
  return `${shaped}${ones}${signs}    return ${lossTexts[kind](options, isToken)}`
}

interface OptimizerText {
  readonly name: string
  /** The option's name there. */
  readonly options: Readonly<Record<string, string>>
  readonly own?: 'Lion' | 'Lamb' | 'Muon'
}

const adamLike = { betas: 'betas', eps: 'eps', weightDecay: 'weight_decay' }
const optimizerTexts: Readonly<Record<string, OptimizerText>> = {
  sgd: {
    name: 'SGD',
    options: { momentum: 'momentum', dampening: 'dampening', nesterov: 'nesterov', weightDecay: 'weight_decay' },
  },
  adam: { name: 'Adam', options: { ...adamLike, amsgrad: 'amsgrad' } },
  adamW: { name: 'AdamW', options: { ...adamLike, amsgrad: 'amsgrad' } },
  nadam: {
    name: 'NAdam',
    options: { ...adamLike, momentumDecay: 'momentum_decay', decoupledWeightDecay: 'decoupled_weight_decay' },
  },
  radam: { name: 'RAdam', options: { ...adamLike, decoupledWeightDecay: 'decoupled_weight_decay' } },
  adamax: { name: 'Adamax', options: adamLike },
  adagrad: {
    name: 'Adagrad',
    options: {
      lrDecay: 'lr_decay',
      weightDecay: 'weight_decay',
      initialAccumulatorValue: 'initial_accumulator_value',
      eps: 'eps',
    },
  },
  adadelta: { name: 'Adadelta', options: { rho: 'rho', eps: 'eps', weightDecay: 'weight_decay' } },
  rmsprop: {
    name: 'RMSprop',
    options: {
      alpha: 'alpha',
      eps: 'eps',
      weightDecay: 'weight_decay',
      momentum: 'momentum',
      centered: 'centered',
    },
  },
  lion: { name: 'Lion', options: { betas: 'betas', weightDecay: 'weight_decay' }, own: 'Lion' },
  lamb: { name: 'Lamb', options: adamLike, own: 'Lamb' },
  muon: {
    name: 'Muon',
    options: { weightDecay: 'weight_decay', momentum: 'momentum', nesterov: 'nesterov', nsSteps: 'ns_steps' },
    own: 'Muon',
  },
}

export function optimizerText({ optimizer: { kind, lr, ...options } }: LabSpec, need: Need): string {
  const known = Object.hasOwn(optimizerTexts, kind) ? optimizerTexts[kind] : undefined
  if (!known) throw new NoCounterpartError(`The optimizer ${kind} has no counterpart in PyTorch.`)
  const named = Object.entries(known.options).map(([own, there]) => [there, options[own]] as const)
  const name = known.own ? need(known.own) : `torch.optim.${known.name}`
  return call(name, [], { lr, ...Object.fromEntries(named) }).replace('(', '(model.parameters(), ')
}

/** What is done to gradients before the step. */
export function clippingText({ optimizer: { clipNorm, clipValue } }: LabSpec): string {
  const lines = [
    clipValue !== undefined && `torch.nn.utils.clip_grad_value_(model.parameters(), ${clipValue})`,
    clipNorm !== undefined && `torch.nn.utils.clip_grad_norm_(model.parameters(), ${clipNorm})`,
  ]
  return lines
    .filter(Boolean)
    .map((line) => `        ${line}\n`)
    .join('')
}

const half = (place: string): string => `(1 + math.cos(math.pi * ${place})) / 2`

/** The body of `rate(step)`: the learning rate of a step, of which 0 is the first. */
export function rateText({ schedule, optimizer: { lr } }: LabSpec, stepsPerEpoch: number): string {
  const { kind, ...given } = schedule
  const number = (name: string, fallback: number): number => Number(given[name] ?? fallback)
  const inSteps = (epochs: number): number => Math.max(1, Math.round(epochs * stepsPerEpoch))
  const over = inSteps(number('epochs', 50))
  const cycle = `
    start, end = ${lr} / 25, ${lr} / 25 / 1e4
    top, last = 0.3 * ${over} - 1, ${over} - 1
    step = min(step, last)
    if step <= top:
        return ${lr} + (start - ${lr}) * ${half('(1 if top == 0 else step / top)')}
    return end + (${lr} - end) * ${half('(1 if last == top else (step - top) / (last - top))')}`.trim()
  const lines: Readonly<Record<string, () => string>> = {
    constant: () => `return ${lr}`,
    step: () => `return ${lr} * ${number('gamma', 0.5)} ** (step // ${inSteps(number('every', 10))})`,
    multiStep: () =>
      `return ${lr} * ${number('gamma', 0.1)} ** sum(at <= step for at in ${literal(((given.epochs ?? [20, 40]) as readonly number[]).map(inSteps))})`,
    exponential: () => `return ${lr} * ${number('gamma', 0.99) ** (1 / stepsPerEpoch)} ** step`,
    linear: () =>
      `return ${lr} * (${number('startFactor', 1)} + (${number('endFactor', 0.1)} - ${number('startFactor', 1)}) * min(step, ${over}) / ${over})`,
    polynomial: () => `return ${lr} * (1 - min(step, ${over}) / ${over}) ** ${number('power', 1)}`,
    cosine: () => `return ${lr} * ${half(`min(step, ${over}) / ${over}`)}`,
    cosineRestarts: () => `return ${lr} * ${half(`(step % ${over}) / ${over}`)}`,
    // Up in half a wave: from the bottom to the top, that is from 1 to 0 of the falling one.
    oneCycle: () => cycle,
    inverseSqrt: () => {
      const warm = inSteps(number('warmUp', 5))
      return `return ${lr} * min((step + 1) / ${warm}, math.sqrt(${warm} / (step + 1)))`
    },
  }
  if (!Object.hasOwn(lines, kind)) throw new NoCounterpartError(`The schedule ${kind} cannot be written in PyTorch.`)
  const warmUp = kind === 'inverseSqrt' ? 0 : number('warmUp', 0)
  const text = lines[kind]()
  if (!(warmUp > 0)) return `    ${text}`
  const steps = inSteps(warmUp)
  return `    if step < ${steps}:
        return rate(${steps}) * (1 / ${steps + 1} + (1 - 1 / ${steps + 1}) * step / ${steps})
    step -= ${steps}
    ${text}`
}

/** First values of weights where no file gives them; undefined where PyTorch's own serve. */
export function initializerText({
  initializer: { kind, ...options },
}: Pick<LabSpec, 'initializer'>): string | undefined {
  if (kind === 'default') return undefined
  const gain = options.gain === undefined ? {} : { gain: options.gain }
  const kaiming = {
    a: options.slope ?? 0,
    mode: options.mode === 'out' ? 'fan_out' : 'fan_in',
    nonlinearity: { leakyRelu: 'leaky_relu' }[String(options.nonlinearity)] ?? options.nonlinearity ?? 'leaky_relu',
  }
  const texts: Readonly<Record<string, readonly [string, Options]>> = {
    xavierUniform: ['xavier_uniform_', gain],
    xavierNormal: ['xavier_normal_', gain],
    kaimingUniform: ['kaiming_uniform_', kaiming],
    kaimingNormal: ['kaiming_normal_', kaiming],
    orthogonal: ['orthogonal_', gain],
    normal: ['normal_', { mean: options.mean, std: options.std }],
    truncNormal: ['trunc_normal_', { std: options.std, a: options.low, b: options.high }],
    uniform: ['uniform_', { a: options.low, b: options.high }],
    constant: ['constant_', { val: options.value }],
    zeros: ['zeros_', {}],
    ones: ['ones_', {}],
  }
  const found = texts[kind]
  if (!found) throw new NoCounterpartError(`The initializer ${kind} has no counterpart in PyTorch.`)
  return call(`nn.init.${found[0]}`, [], found[1]).replace(/\(/, '(weight, ').replace(', )', ')')
}
