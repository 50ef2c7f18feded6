/** What a run is: its modules in the order in which they run, with shapes and parameters. Read from the graph. */
import { getBackend, io, type nn } from 'glissade'
import type { Live } from './desk.ts'
import { inputOf } from './inputs.ts'
import { givenBack } from './probe.ts'
import type { ModuleInfo, RunInfo } from './protocol.ts'

export async function infoOf(live: Live): Promise<RunInfo> {
  const { run, probe } = live
  const { data, model, spec } = run
  const seen = await probe.forward(await inputOf(run, { part: 'train', index: 0 }))
  const all = model.namedModules()
  const ran = inOrder(probe.order, all)
  const silent = [...all.keys()].filter((name) => !ran.includes(name))
  const modules: ModuleInfo[] = []
  for (const path of [...ran, ...silent]) {
    const module = all.get(path) as nn.Module
    const prefix = path === '' ? '' : `${path}.`
    const children = [...all.keys()].filter((name) => name !== path && parentOf(name, all) === path)
    const own = [...module.namedVariables()].filter(
      ([name]) => !children.some((child) => `${prefix}${name}`.startsWith(`${child}.`)),
    )
    const kind = module.config()?.kind ?? module.constructor.name
    const outputShape = givenBack(seen.values, path)?.shape.slice(1) ?? []
    const from = (probe.sources.get(path)?.from ?? []).map((name) => (name === '' ? '' : giverOf(name, all)))
    modules.push({
      path,
      kind,
      options: plainOptions(io.describeModel(module)),
      outputShape,
      inputShape: probe.sources.get(path)?.shape.slice(1) ?? [],
      unitAxis: unitAxisOf(
        kind,
        outputShape,
        modules.find((before) => from.includes(before.path)),
      ),
      from: [...new Set(from)],
      parameters: own.map(([name, variable]) => ({ name: `${prefix}${name}`, shape: variable.shape })),
      children: ran.filter((name) => children.includes(name)).concat(children.filter((name) => !ran.includes(name))),
      composite: children.length > 0,
    })
  }
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

/** Modules in the order in which they were done; of several tensors that one gave back the first counts. */
function inOrder(names: Iterable<string>, all: ReadonlyMap<string, unknown>): string[] {
  return [...new Set([...names].map((name) => giverOf(name, all)))].filter((name) => all.has(name))
}

/** The module that gave a tensor back: `1` for `1.state.h` and for `1#2`. */
function giverOf(name: string, all: ReadonlyMap<string, unknown>): string {
  const plain = name.replace(/#\d+$/, '')
  return all.has(plain) ? plain : parentOf(plain, all)
}

/** Neurons and features lie on the last axis, channels on the first; what keeps the shape keeps the axis. */
function unitAxisOf(kind: string, shape: readonly number[], before: ModuleInfo | undefined): number {
  if (/[123]d$/i.test(kind) || shape.length > 2) return 0
  const keeps = before && before.outputShape.length > 0 && before.outputShape.join() === shape.join()
  return keeps && kind !== 'linear' ? before.unitAxis : Math.max(0, shape.length - 1)
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
