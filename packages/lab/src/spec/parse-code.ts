/**
 * A program as a spec: the way back from code.ts, read from its syntax tree. Nothing is run.
 *
 * It looks for the constants that a program of the lab has (model, optimizer, lossOf, samples, seed, batchSize,
 * stopAtEpoch) and for what they are made of; each problem has its place in the text. Data that are read from a file
 * stay what they are.
 */
import type { SyntaxNode } from '@lezer/common'
import { parser } from '@lezer/javascript'
import { otherLayers } from './catalogue/layers.ts'
import { layerEntry } from './catalogue.ts'
import { checkModel, checkSpec } from './check.ts'
import { positionsOf } from './code.ts'
import { Call, CodeProblem, childrenOf, type Fields, isFields, Reader, Steps, type Value } from './expressions.ts'
import type { Choice, LabSpec, LayerSpec } from './spec.ts'

export interface CodeError {
  readonly from: number
  readonly to: number
  readonly message: string
}

/** Where layers stand in the text, by their names. */
export type Places = ReadonlyMap<string, { readonly from: number; readonly to: number }>

export type Parsed =
  | { readonly spec: LabSpec; readonly places: Places; readonly errors?: undefined }
  | { readonly errors: readonly CodeError[] }

const script = parser.configure({ dialect: 'ts' })
/** Longer texts are no programs of the lab; points painted by hand are the longest part. */
const longest = 400_000

export function parseProgram(text: string, current: LabSpec): Parsed {
  if (text.length > longest)
    return {
      errors: [{ from: 0, to: 0, message: `The program has ${text.length} letters; at most ${longest} are read.` }],
    }
  const { topNode } = script.parse(text)
  const broken = brokenAt(topNode, text)
  if (broken) return { errors: [broken] }
  const { constants, initializes, strays } = outline(topNode, text)
  const errors: CodeError[] = [...strays]
  const reader = new Reader(text, constants)

  /** One part; what is wrong with it is told beside what is wrong with others. */
  function part<T>(name: string, read: (node: SyntaxNode) => T, fallback: T): T {
    const node = constants.get(name)
    if (!node) {
      errors.push({ from: 0, to: 0, message: `There is no const ${name}. The lab reads it; define it.` })
      return fallback
    }
    return tried(() => read(node), fallback)
  }
  function tried<T>(work: () => T, fallback: T): T {
    try {
      return work()
    } catch (problem) {
      if (!(problem instanceof CodeProblem)) throw problem
      errors.push({ from: problem.from, to: problem.to, message: problem.message })
      return fallback
    }
  }
  const number = (name: 'seed' | 'batchSize' | 'stopAtEpoch'): number =>
    part(
      name,
      (node) => {
        const value = reader.value(node)
        if (typeof value !== 'number') throw new CodeProblem(node, `${name} is a number.`)
        return checked({ ...current, [name]: value }, node)[name]
      },
      current[name],
    )

  const trained = part('optimizer', (node) => optimizerOf(reader, node, current), current)
  const next: LabSpec = {
    ...current,
    seed: number('seed'),
    batchSize: number('batchSize'),
    stopAtEpoch: number('stopAtEpoch'),
    data: part('samples', (node) => dataOf(reader, node, current), current.data),
    model: part('model', (node) => layerOf(reader, node), current.model),
    loss: part('lossOf', (node) => lossOf(reader, node, current), current.loss),
    optimizer: trained.optimizer,
    schedule: trained.schedule,
    initializer: initializes
      ? tried(() => initializerOf(reader, initializes, current), current.initializer)
      : { kind: 'default' },
  }
  return errors.length > 0 ? { errors } : { spec: next, places: reader.places }
}

/** Where the text is no TypeScript. */
function brokenAt(top: SyntaxNode, text: string): CodeError | undefined {
  let found: CodeError | undefined
  top.cursor().iterate((node) => {
    if (found) return false
    if (!node.type.isError) return true
    const from = Math.max(0, Math.min(node.from, text.length - 1))
    found = {
      from,
      to: Math.max(from + 1, node.to),
      message: 'The line cannot be read: something is missing or too much here.',
    }
    return false
  })
  return found
}

/** The constants of the program, the call of initialize, and lines that would have no effect. */
function outline(
  top: SyntaxNode,
  text: string,
): { constants: Map<string, SyntaxNode>; initializes: Call | undefined; strays: CodeError[] } {
  const constants = new Map<string, SyntaxNode>()
  const strays: CodeError[] = []
  let initializes: Call | undefined
  for (const statement of childrenOf(top)) {
    const { name, from, to } = statement
    if (/^(Import|Function|Interface|TypeAlias|For)/.test(name) || name === 'EmptyStatement') continue
    if (name === 'VariableDeclaration') {
      const [definition, value] = childrenOf(statement).slice(-2)
      if (definition?.name === 'VariableDefinition' && value)
        constants.set(text.slice(definition.from, definition.to), value)
      continue
    }
    const [expression] = childrenOf(statement)
    const [callee, list] = expression?.name === 'CallExpression' ? childrenOf(expression) : []
    const called = callee ? text.slice(callee.from, callee.to) : ''
    if (called === 'initialize' && list) initializes = new Call(called, childrenOf(list), expression)
    else if (called !== 'manualSeed')
      strays.push({
        from,
        to,
        message: 'The lab reads definitions and does not run other lines. Put it into the program that you save.',
      })
  }
  return { constants, initializes, strays }
}

/** A spec within bounds; what is not is said at `node`. */
function checked(spec: LabSpec, node: SyntaxNode): LabSpec {
  const found = checkSpec(spec)
  if (found.problem !== undefined) throw new CodeProblem(node, found.problem)
  return found.value
}

function libraryCall(reader: Reader, node: SyntaxNode, space: string): Call {
  const value = reader.value(node)
  if (!(value instanceof Call) || !value.name.startsWith(`${space}.`))
    throw new CodeProblem(node, `Here a call of ${space} is read, such as ${examples[space]}.`)
  return value
}
const examples: Readonly<Record<string, string>> = {
  nn: 'nn.linear(2, 4)',
  optim: 'optim.adamW({ lr: 0.01 })',
  'optim.schedule': 'optim.schedule.cosine(0.01, 50 * stepsPerEpoch)',
}

/** What a value of an option is in a spec. */
function plain(value: Value, node: SyntaxNode): unknown {
  if (value instanceof Call || value instanceof Steps)
    throw new CodeProblem(node, 'A number, a text or a list stands here.')
  return isFields(value) ? { ...value } : value
}

function layerOf(reader: Reader, node: SyntaxNode, path = ''): LayerSpec {
  const call = libraryCall(reader, node, 'nn')
  const inside = (name: string | number): string => (path === '' ? `${name}` : `${path}.${name}`)
  // A constant may stand at several places; the first one is told.
  if (!reader.places.has(path)) reader.places.set(path, { from: node.from, to: node.to })
  const kind = call.name.slice('nn.'.length)
  const entry = layerEntry(kind)
  if (!entry) {
    const why = Object.hasOwn(otherLayers, kind) ? ` ${otherLayers[kind]}` : ' Choose one from the menu of the model.'
    throw new CodeProblem(call.node.firstChild ?? call.node, `nn.${kind} is not a layer of the lab.${why}`)
  }
  if (kind === 'sequential')
    return shallow({ kind, layers: call.args.map((each, i) => layerOf(reader, each, inside(i))) }, call)
  const names = positionsOf(kind)
  const found: Record<string, unknown> = {}
  call.args.forEach((arg, i) => {
    if (kind === 'residual' && i === 0) found.body = layerOf(reader, arg, inside('body'))
    else if (kind === 'parallel' && i === 0) {
      if (arg.name !== 'ArrayExpression') throw new CodeProblem(arg, 'The branches are a list of layers, in brackets.')
      found.branches = childrenOf(arg).map((each, k) => layerOf(reader, each, inside(k)))
    } else if (kind === 'residual') found.shortcut = shortcutOf(reader, arg, inside('shortcut'))
    else {
      const value = reader.value(arg)
      if (i < names.length && !isFields(value)) found[names[i]] = plain(value, arg)
      else if (i === call.args.length - 1 && isFields(value)) optionsInto(found, value, arg)
      else {
        const takes = names.length > 0 ? `takes ${names.join(', ')}, then options` : 'takes options only'
        throw new CodeProblem(arg, `nn.${kind} ${takes}. This argument is one too many.`)
      }
    }
  })
  for (const { name, initial } of entry.options)
    if (names.includes(name) && found[name] === undefined) {
      if (initial === undefined || entry.options.find((each) => each.name === name)?.follows || name === 'out')
        throw new CodeProblem(call.node, `nn.${kind} needs ${names.join(', ')}; ${name} is missing.`)
      found[name] = initial
    }
  return shallow({ kind, ...found } as LayerSpec, call)
}

function shortcutOf(reader: Reader, arg: SyntaxNode, path: string): LayerSpec {
  const [property] = arg.name === 'ObjectExpression' ? childrenOf(arg) : []
  const [name, layer] = property ? childrenOf(property) : []
  if (!layer || reader.text(name) !== 'shortcut') throw new CodeProblem(arg, 'Here only { shortcut: layer } is read.')
  return layerOf(reader, layer, path)
}

function optionsInto(found: Record<string, unknown>, options: Fields, node: SyntaxNode): void {
  for (const [name, value] of Object.entries(options)) found[name] = plain(value, node)
}

/** The layer, if it is within bounds; what is inside it has been looked at already. */
function shallow(layer: LayerSpec, call: Call): LayerSpec {
  const found = checkModel(layer)
  if (found.problem !== undefined)
    throw new CodeProblem(call.node, found.problem.replace(/^model\./, `nn.${layer.kind}: `))
  return found.value
}

function optimizerOf(reader: Reader, node: SyntaxNode, current: LabSpec): Pick<LabSpec, 'optimizer' | 'schedule'> {
  const call = libraryCall(reader, node, 'optim')
  const given = call.args[0] ? reader.value(call.args[0]) : {}
  if (!isFields(given) || call.args.length > 1)
    throw new CodeProblem(call.node, 'An optimizer takes one object of options.')
  const { lr, rest: _, ...others } = given
  const options = Object.fromEntries(Object.entries(others).map(([name, each]) => [name, plain(each, node)]))
  const { rate, schedule } = lr instanceof Call ? scheduleOf(reader, lr) : { rate: lr, schedule: { kind: 'constant' } }
  if (typeof rate !== 'number') throw new CodeProblem(call.node, 'The learning rate is missing: write { lr: 0.01 }.')
  const optimizer = { kind: call.name.slice('optim.'.length), lr: rate, ...options } as Choice
  return checked({ ...current, optimizer, schedule }, call.node)
}

/** The names of what follows the rate, by schedule; what is in steps is kept in epochs. */
const scheduleArgs: Readonly<Record<string, readonly string[]>> = {
  step: ['every'],
  multiStep: ['epochs'],
  exponential: ['gamma'],
  linear: ['epochs'],
  polynomial: ['epochs'],
  cosine: ['epochs'],
  cosineRestarts: ['epochs'],
  oneCycle: ['epochs'],
  inverseSqrt: ['warmUp'],
  constant: [],
}

function scheduleOf(reader: Reader, call: Call): { rate: Value; schedule: Choice } {
  const kind = call.name.replace(/^optim\.schedule\./, '')
  if (kind === 'warmUp' && call.args.length >= 2) {
    const inner = reader.value(call.args[0])
    const steps = epochsOf(reader.value(call.args[1]), call.args[1])
    if (!(inner instanceof Call)) throw new CodeProblem(call.args[0], 'The first argument of warmUp is a schedule.')
    const { rate, schedule } = scheduleOf(reader, inner)
    return { rate, schedule: { ...schedule, warmUp: steps as number } }
  }
  if (!Object.hasOwn(scheduleArgs, kind) || !call.name.startsWith('optim.schedule.'))
    throw new CodeProblem(
      call.node,
      `A schedule is one of ${Object.keys(scheduleArgs).join(', ')}, as ${examples['optim.schedule']}.`,
    )
  const [first, ...others] = call.args
  const schedule: Record<string, unknown> = { kind }
  others.forEach((arg, i) => {
    const value = reader.value(arg)
    const name = scheduleArgs[kind][i]
    if (isFields(value)) {
      const { cycleMomentum: _, ...rest } = value
      optionsInto(schedule, rest, arg)
    } else if (name === 'gamma') schedule.gamma = plain(value, arg)
    else if (name) schedule[name] = epochsOf(value, arg)
    else throw new CodeProblem(arg, 'This argument is one too many.')
  })
  return { rate: first && reader.value(first), schedule: schedule as Choice }
}

function epochsOf(value: Value, node: SyntaxNode): number | number[] {
  if (Array.isArray(value)) return value.map((each) => epochsOf(each as Value, node) as number)
  if (value instanceof Steps && !value.inverse) return value.epochs
  throw new CodeProblem(node, 'Times are written in epochs here: 50 * stepsPerEpoch.')
}

/** The first call of `loss` in a function. */
function lossOf(reader: Reader, node: SyntaxNode, current: LabSpec): Choice {
  let found: SyntaxNode | undefined
  node.cursor().iterate((at) => {
    if (found || at.name !== 'CallExpression') return !found
    if (reader.text(at.node).startsWith('loss.')) found = at.node
    return !found
  })
  if (!found)
    throw new CodeProblem(
      node,
      'Here a function with a call of loss is read, such as loss.crossEntropy(prediction, target).',
    )
  const call = reader.value(found) as Call
  const last = call.args.at(-1)
  const options = last?.name === 'ObjectExpression' ? (reader.value(last) as Fields) : {}
  const { ignoreIndex: _, ...others } = options
  const chosen: Record<string, unknown> = { kind: call.name.slice('loss.'.length) }
  optionsInto(chosen, others, found)
  return checked({ ...current, loss: chosen as Choice }, found).loss
}

function initializerOf(reader: Reader, call: Call, current: LabSpec): Choice {
  const draw = call.args[1]
  const body = draw?.name === 'ArrowFunction' ? draw.lastChild : draw
  const given = body && body.name === 'CallExpression' ? reader.value(body) : undefined
  if (!(given instanceof Call) || !given.name.startsWith('nn.init.'))
    throw new CodeProblem(call.node, 'Written as initialize(model, (shape) => nn.init.xavierUniform(shape)).')
  const kind = given.name.slice('nn.init.'.length)
  const chosen: Record<string, unknown> = { kind }
  if (given.args[1]) {
    const value = reader.value(given.args[1])
    if (isFields(value)) optionsInto(chosen, value, given.args[1])
    else chosen.value = plain(value, given.args[1])
  }
  return checked({ ...current, initializer: chosen as Choice }, given.node).initializer
}

function dataOf(reader: Reader, node: SyntaxNode, current: LabSpec): LabSpec['data'] {
  const call = reader.value(node)
  if (!(call instanceof Call) || !['plane', 'points', 'kept'].includes(call.name))
    throw new CodeProblem(node, 'Samples come from plane({ set: … }), points([…], { … }), or from a file of the lab.')
  if (call.name === 'kept') {
    if (current.data.kind === 'plane' || current.data.kind === 'points')
      throw new CodeProblem(node, 'There is no such file here. Choose these data in the panel.')
    return current.data
  }
  const painted = call.name === 'points'
  const options = call.args.at(-1) ? reader.value(call.args.at(-1) as SyntaxNode) : undefined
  if (!isFields(options)) throw new CodeProblem(call.node, 'The options are missing: features, testShare, seed.')
  const points = painted ? { points: reader.value(call.args[0]) } : {}
  const data = { kind: painted ? 'points' : 'plane', ...points, ...options }
  return checked({ ...current, data: data as unknown as LabSpec['data'] }, call.node).data
}
