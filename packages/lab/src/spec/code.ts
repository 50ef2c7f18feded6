/**
 * A spec as a TypeScript program that trains the same network in Node, number for number.
 *
 * It is what the studio's editor shows, and what can be taken away. The way back: parse-code.ts. Layers are written as
 * people write them: sizes first, then the options that are not what they are anyway.
 */
import { muonRest } from './catalogue/training.ts'
import { entryOf, layerEntry, losses } from './catalogue.ts'
import { dataCode } from './code-data.ts'
import type { DataFacts } from './facts.ts'
import type { Choice, LabSpec, LayerSpec } from './spec.ts'

/** Arguments in order, by kind; everything else stands in the object that comes last. */
export function positionsOf(kind: string): readonly string[] {
  if (Object.hasOwn(positions, kind)) return positions[kind]
  if (/^conv/.test(kind)) return ['in', 'out', 'size']
  if (/^(max|avg|adaptive\w+)Pool/.test(kind)) return ['size']
  if (kind.startsWith('constantPad')) return ['sides', 'value']
  if (/Pad[12]d$/.test(kind)) return ['sides']
  if (/^(batch|instance)Norm/.test(kind)) return ['features']
  if (/^(dropout|alphaDropout|dropPath)/.test(kind)) return ['p']
  return []
}
const positions: Readonly<Record<string, readonly string[]>> = {
  residual: ['body'],
  parallel: ['branches'],
  sequential: ['layers'],
  linear: ['in', 'out'],
  embedding: ['count', 'size'],
  pixelShuffle: ['factor'],
  pixelUnshuffle: ['factor'],
  layerNorm: ['normalizedShape'],
  rmsNorm: ['normalizedShape'],
  groupNorm: ['groups', 'channels'],
  localResponseNorm: ['size'],
  leakyRelu: ['slope'],
  prelu: ['count', 'init'],
  elu: ['alpha'],
  celu: ['alpha'],
  gelu: ['approximate'],
  softplus: ['beta', 'threshold'],
  softshrink: ['lambda'],
  hardshrink: ['lambda'],
  threshold: ['limit', 'value'],
  hardtanh: ['low', 'high'],
  softmax: ['axis'],
  logSoftmax: ['axis'],
  softmin: ['axis'],
  glu: ['axis'],
  reglu: ['axis'],
  geglu: ['axis', 'approximate'],
  swiglu: ['axis'],
  rnn: ['in', 'hidden'],
  lstm: ['in', 'hidden'],
  gru: ['in', 'hidden'],
  learnedPositions: ['length', 'width'],
  sinusoidalPositions: ['length', 'width'],
  multiHeadAttention: ['width', 'heads'],
  transformerEncoderLayer: ['width', 'heads'],
  transformerEncoder: ['width', 'heads', 'layers'],
  flatten: ['from', 'to'],
  unflatten: ['axis', 'sizes'],
  reshape: ['shape'],
  select: ['axis', 'index'],
}

/** Longer lines are broken where that is easy. */
const width = 72

/** Kinds whose arguments may be left out where they have their first values; the library has the same. */
const silent = new Set(
  'flatten gelu softmax logSoftmax softmin glu reglu geglu swiglu elu celu leakyRelu hardtanh softplus softshrink hardshrink prelu'.split(
    ' ',
  ),
)

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** A literal. */
export function value(given: unknown): string {
  if (Array.isArray(given)) return `[${given.map(value).join(', ')}]`
  if (typeof given === 'string')
    return `'${given.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`
  return String(given)
}

export function object(given: object): string {
  const entries = Object.entries(given).map(([name, each]) => `${name}: ${value(each)}`)
  const line = entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
  return line.length > width ? `{\n${entries.map((each) => `  ${each},\n`).join('')}}` : line
}

/** A call in one line, or with an argument in each where that is too long. */
function call(name: string, args: readonly string[], depth: number, spread = false): string {
  const line = `${name}(${args.join(', ')})`
  if (!spread && line.length + 2 * depth <= width && !line.includes('\n')) return line
  const inner = '  '.repeat(depth + 1)
  return `${name}(\n${args.map((each) => `${inner}${each},\n`).join('')}${'  '.repeat(depth)})`
}

/** A layer as an expression, within `depth` others. */
export function layerCode(layer: LayerSpec, depth = 0): string {
  const { kind } = layer
  const name = `nn.${kind}`
  const inside = (each: LayerSpec, more = 1): string => layerCode(each, depth + more)
  if (kind === 'sequential') {
    const layers = layer.layers as readonly LayerSpec[]
    return call(
      name,
      layers.map((each) => inside(each)),
      depth,
      layers.length > 1,
    )
  }
  const order = positionsOf(kind)
  const entry = layerEntry(kind)
  const rest = Object.entries(layer).filter(
    ([option, given]) =>
      option !== 'kind' &&
      option !== 'shortcut' &&
      !order.includes(option) &&
      (entry?.options.find((each) => each.name === option)?.needed || !isFirst(kind, option, given)),
  )
  const options = rest.length > 0 ? [object(Object.fromEntries(rest))] : []
  if (kind === 'residual') {
    const shortcut = layer.shortcut ? [`{ shortcut: ${inside(layer.shortcut as LayerSpec)} }`] : []
    return call(name, [inside(layer.body as LayerSpec), ...shortcut], depth)
  }
  if (kind === 'parallel') {
    const branches = (layer.branches as readonly LayerSpec[]).map((each) => inside(each, 2))
    const inner = '  '.repeat(depth + 1)
    return call(
      name,
      [`[\n${branches.map((each) => `${inner}  ${each},\n`).join('')}${inner}]`, ...options],
      depth,
      true,
    )
  }
  let last = order.length
  while (silent.has(kind) && last > 0 && isFirst(kind, order[last - 1], layer[order[last - 1]])) last--
  return call(name, [...order.slice(0, last).map((option) => value(layer[option])), ...options], depth)
}

function isFirst(kind: string, option: string, given: unknown): boolean {
  const entry = layerEntry(kind)?.options.find(({ name }) => name === option)
  return given === undefined || (entry !== undefined && same(given, entry.initial))
}

const stepsOf = (epochs: unknown): string =>
  Number.isInteger(epochs) ? `${epochs} * stepsPerEpoch` : `Math.max(1, Math.round(${epochs} * stepsPerEpoch))`

/** The learning rate: a number, or a schedule. */
function rateCode({ kind, ...given }: Choice, lr: string): string {
  const name = `optim.schedule.${kind}`
  const number = (option: string, fallback: number): string => String(given[option] ?? fallback)
  const steps = (option: string, fallback: number): string => stepsOf(given[option] ?? fallback)
  const warm = (code: string): string =>
    Number(given.warmUp ?? 0) > 0 ? `optim.schedule.warmUp(${code}, ${steps('warmUp', 0)})` : code
  switch (kind) {
    case 'step':
      return warm(`${name}(${lr}, ${steps('every', 10)}, { gamma: ${number('gamma', 0.5)} })`)
    case 'multiStep': {
      const epochs = (given.epochs ?? [20, 40]) as readonly number[]
      return warm(`${name}(${lr}, [${epochs.map(stepsOf).join(', ')}], { gamma: ${number('gamma', 0.1)} })`)
    }
    case 'exponential':
      return warm(`${name}(${lr}, ${number('gamma', 0.99)} ** (1 / stepsPerEpoch))`)
    case 'linear': {
      const factors = { startFactor: given.startFactor ?? 1, endFactor: given.endFactor ?? 0.1 }
      return `${name}(${lr}, ${steps('epochs', 50)}, ${object(factors)})`
    }
    case 'polynomial':
      return `${name}(${lr}, ${steps('epochs', 50)}, { power: ${number('power', 1)} })`
    case 'cosine':
      return warm(`${name}(${lr}, ${steps('epochs', 50)})`)
    case 'oneCycle':
      return `${name}(${lr}, ${steps('epochs', 50)}, { cycleMomentum: false })`
    case 'cosineRestarts':
      return `${name}(${lr}, ${steps('epochs', 50)})`
    case 'inverseSqrt':
      return `${name}(${lr}, ${steps('warmUp', 5)})`
    default:
      return Number(given.warmUp ?? 0) > 0 ? warm(`optim.schedule.constant(${lr})`) : lr
  }
}

function optimizerCode({ optimizer, schedule }: LabSpec): string {
  const { kind, lr, ...options } = optimizer
  const rest = kind === 'muon' ? `, rest: { lr: ${muonRest} }` : ''
  const others = Object.entries(options).map(([name, each]) => `, ${name}: ${value(each)}`)
  return `optim.${kind}({ lr: ${rateCode(schedule, String(lr))}${others.join('')}${rest} })`
}

function lossCode({ loss }: LabSpec, { task, outputShape }: DataFacts): string {
  const { kind, ...options } = loss
  const outputs = outputShape[outputShape.length - 1]
  const form = entryOf(losses, kind)?.fits[task]
  const ones = `oneHot(target, ${outputs})`
  const [prediction, target] =
    task === 'token'
      ? [`prediction.reshape([-1, ${outputs}])`, 'target.reshape([-1])']
      : ['prediction', form === 'oneHot' ? ones : form === 'signs' ? `${ones}.mul(2).sub(1)` : 'target']
  const all = task === 'token' ? { ignoreIndex: -1, ...options } : options
  const last = Object.keys(all).length > 0 ? `, ${object(all)}` : ''
  return `loss.${kind}(${prediction}, ${target}${last})`
}

function initializerCode({ initializer }: LabSpec): string | undefined {
  const { kind, ...options } = initializer
  if (kind === 'default') return undefined
  if (kind === 'constant') return `nn.init.constant(shape, ${options.value})`
  return `nn.init.${kind}(shape${Object.keys(options).length > 0 ? `, ${object(options)}` : ''})`
}

const initializeHelper = `/** Gives weights (not biases and norms) first values of another kind. */
function initialize(model: nn.Module, draw: (shape: readonly number[]) => Tensor) {
  for (const parameter of model.parameters()) if (parameter.rank >= 2) parameter.assign(draw(parameter.shape))
}`

/** Where the program stops being the person's to change: what follows is how it is done. */
export const helpersMark = '// ---- How it is done ----'

/** The whole program. */
export function programOf(spec: LabSpec, facts: DataFacts): string {
  const classes = facts.task !== 'number'
  const samples = dataCode(spec.data, facts.trainCount, classes, { object, value })
  const draw = initializerCode(spec)
  const loss = lossCode(spec, facts)
  const names = ['data', 'fitSteps', 'loss', 'manualSeed', 'nn', 'optim']
  if (loss.includes('oneHot(')) names.push('oneHot')
  names.push(samples.drawn ? 'tensor' : 'io', 'type Tensor')
  const optimizer = optimizerCode(spec)
  const steps = optimizer.includes('stepsPerEpoch')
    ? 'const stepsPerEpoch = Math.ceil(samples.train.length / batchSize)\n'
    : ''
  const stop = spec.stopAtEpoch > 0 ? `const stopAtEpoch = ${spec.stopAtEpoch}` : 'const stopAtEpoch = 0 // 0: no end'
  return `${samples.drawn ? '' : "import { readFile } from 'node:fs/promises'\n"}import { ${names.sort().join(', ')} } from 'glissade'

const seed = ${spec.seed}
const batchSize = ${spec.batchSize}
${stop}

const samples = ${samples.call}

manualSeed(seed)
const model = ${layerCode(spec.model)}
${draw ? `initialize(model, (shape) => ${draw})\n` : ''}
const lossOf = (prediction: Tensor, target: Tensor) =>
  ${loss}
${steps}const optimizer = ${optimizer}

for await (const event of fitSteps(model, samples.train, {
  loss: lossOf,
  optimizer,
  batchSize,
  seed,
  epochs: stopAtEpoch || 100,
  validate: samples.test,
})) {
  if (event.type !== 'epochEnd') continue
  const { epoch, train, validation } = event
  console.log(\`epoch \${epoch}: loss \${train.loss}, test loss \${validation?.loss}\`)
}

${helpersMark}

${[draw && initializeHelper, samples.helpers].filter(Boolean).join('\n\n')}
`
}
