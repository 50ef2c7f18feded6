/** What a run is: its modules in the order in which they run, with shapes and parameters. Read from the graph. */
import { getBackend, io, type nn } from 'glissade'
import type { Live } from './desk.ts'
import { inputOf } from './inputs.ts'
import type { ModuleInfo, RunInfo } from './protocol.ts'

export async function infoOf(live: Live): Promise<RunInfo> {
  const { run, probe } = live
  const { data, model, spec } = run
  const seen = await probe.forward(await inputOf(run, { part: 'train', index: 0 }))
  const order = [...seen.values.keys()]
  const all = model.namedModules()
  const ran = order.filter((name) => all.has(name))
  const silent = [...all.keys()].filter((name) => !order.includes(name))
  const modules = [...ran, ...silent].map((path): ModuleInfo => {
    const module = all.get(path) as nn.Module
    const value = seen.values.get(path) ?? [...seen.values].find(([name]) => name.startsWith(`${path}.output`))?.[1]
    const prefix = path === '' ? '' : `${path}.`
    const children = [...all.keys()].filter((name) => name !== path && parentOf(name, all) === path)
    const own = [...module.namedVariables()].filter(
      ([name]) => !children.some((child) => `${prefix}${name}`.startsWith(`${child}.`)),
    )
    const described = module.config()
    return {
      path,
      kind: described?.kind ?? module.constructor.name,
      options: plainOptions(io.describeModel(module)),
      outputShape: value ? value.shape.slice(1) : [],
      parameters: own.map(([name, variable]) => ({ name: `${prefix}${name}`, shape: variable.shape })),
      children,
      composite: children.length > 0,
    }
  })
  const backend = await getBackend()
  return {
    run: run.id,
    spec,
    task: data.task,
    modules,
    parameterCount: model.parameters().reduce((sum, { size }) => sum + size, 0),
    inputShape: data.inputShape,
    outputShape: seen.output.shape.slice(1),
    labels: data.labels,
    features: data.features,
    trainCount: data.trainCount,
    testCount: data.testCount,
    stepsPerEpoch: run.stepsPerEpoch,
    backend: backend.description,
    ...(run.from && { from: run.from }),
  }
}

/** The module that a module stands in: the longest name before its own. */
function parentOf(name: string, all: ReadonlyMap<string, unknown>): string {
  for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
    const before = name.slice(0, dot)
    if (all.has(before)) return before
  }
  return ''
}

/** Options that are numbers, texts and lists of them; layers inside a layer are shown as layers. */
function plainOptions(description: io.ModelDescription | undefined): Record<string, unknown> {
  const { kind: _, ...options } = description ?? { kind: '' }
  const isPlain = (value: unknown): boolean =>
    Array.isArray(value) ? value.every((each) => typeof each !== 'object') : typeof value !== 'object'
  return Object.fromEntries(Object.entries(options).filter(([, value]) => isPlain(value)))
}
