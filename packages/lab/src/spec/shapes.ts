/**
 * Sizes through a network: what comes out of each layer, and what must go in.
 *
 * `fit` walks from the input to the output, gives each layer the sizes that come to it (so that changing one layer mends
 * the next), and explains at its place what does not fit. The rules of each kind: shape-rules.ts. Shapes are those of one
 * sample, without the batch axis.
 */

import type { Form } from './catalogue/entry.ts'
import { layerEntry } from './catalogue.ts'
import type { DataFacts } from './facts.ts'
import { type Dims, type Flow, ruleOf, ShapeProblem } from './shape-rules.ts'
import type { LabSpec, LayerSpec } from './spec.ts'

/** Where a layer stands, as the library names modules: `0`, `2.body.1`; '' is the model. */
export type LayerPath = string

export interface Problem {
  readonly path: LayerPath
  readonly message: string
}

export interface Fitted {
  readonly model: LayerSpec
  /** For each layer that something came to: what came in and out. */
  readonly shapes: ReadonlyMap<LayerPath, { readonly in: Dims; readonly out?: Dims }>
  readonly problems: readonly Problem[]
}

/** Numbers of one sample at one place; a network that needs more does not fit into a page. */
const mostNumbers = 4_000_000

const formOf = ({ dims, letters }: Flow): Form | undefined =>
  letters > 0
    ? 'letters'
    : dims.length === 1
      ? 'row'
      : dims.length === 2
        ? 'rows'
        : dims.length === 3
          ? 'picture'
          : undefined

const formText: Readonly<Record<Form, string>> = {
  letters: 'letters by number',
  row: 'a row of numbers',
  rows: 'rows of numbers, such as a sequence',
  picture: 'a picture with channels',
}

export const dimsText = (dims: Dims): string => (dims.length === 0 ? 'one number' : dims.join(' × '))

/** The model with all sizes that follow, what comes out where, and what does not fit. */
export function fit(model: LayerSpec, facts: DataFacts): Fitted {
  const shapes = new Map<LayerPath, { in: Dims; out?: Dims }>()
  const problems: Problem[] = []

  /** What comes out, and the mended layer; undefined: it does not fit, and it has been said why. */
  function through(layer: LayerSpec, flow: Flow, path: LayerPath): { layer: LayerSpec; flow: Flow | undefined } {
    shapes.set(path, { in: flow.dims })
    try {
      const entry = layerEntry(layer.kind)
      if (!entry) throw new ShapeProblem(`"${layer.kind}" is not a layer of the lab. Choose one from the menu.`)
      if (isList(layer.layers) && layer.kind === 'sequential') {
        const inside = chain(layer.layers, flow, path)
        if (inside.flow) shapes.set(path, { in: flow.dims, out: inside.flow.dims })
        return { layer: { ...layer, layers: inside.layers }, flow: inside.flow }
      }
      const form = formOf(flow)
      if (!form || !entry.takes.includes(form)) throw new ShapeProblem(wrongForm(entry.title, entry.takes, flow, form))
      if (layer.kind === 'residual') return around(layer, flow, path)
      if (layer.kind === 'parallel') return beside(layer, flow, path)
      const found = ruleOf(layer.kind)(layer, flow)
      const size = found.out.dims.reduce((product, n) => product * n, 1)
      if (found.out.dims.some((n) => !(Number.isInteger(n) && n > 0)))
        throw new ShapeProblem(
          `${dimsText(flow.dims)} come in, and nothing would be left of them. Take a smaller window.`,
        )
      if (size > mostNumbers)
        throw new ShapeProblem(
          `${dimsText(found.out.dims)} numbers for one sample are too many for a page; at most ${mostNumbers} fit.`,
        )
      shapes.set(path, { in: flow.dims, out: found.out.dims })
      return { layer: { ...layer, ...found.options }, flow: found.out }
    } catch (problem) {
      if (!(problem instanceof ShapeProblem)) throw problem
      problems.push({ path, message: problem.message })
      return { layer, flow: undefined }
    }
  }

  function chain(
    layers: readonly LayerSpec[],
    from: Flow,
    path: LayerPath,
  ): { layers: LayerSpec[]; flow: Flow | undefined } {
    let flow: Flow | undefined = from
    const mended = layers.map((layer, i) => {
      if (!flow) return layer
      const found = through(layer, flow, path === '' ? `${i}` : `${path}.${i}`)
      flow = found.flow
      return found.layer
    })
    return { layers: mended, flow }
  }

  function around(layer: LayerSpec, flow: Flow, path: LayerPath): { layer: LayerSpec; flow: Flow | undefined } {
    const body = through(layer.body as LayerSpec, flow, `${path}.body`)
    const shortcut = layer.shortcut ? through(layer.shortcut as LayerSpec, flow, `${path}.shortcut`) : undefined
    const beside = shortcut ? shortcut.flow : flow
    if (body.flow && beside && dimsText(body.flow.dims) !== dimsText(beside.dims))
      throw new ShapeProblem(
        `${dimsText(beside.dims)} go around, and ${dimsText(body.flow.dims)} come out inside; they must be alike to be added. Let the last layer inside give ${dimsText(beside.dims)}.`,
      )
    const mended = { ...layer, body: body.layer, ...(shortcut && { shortcut: shortcut.layer }) }
    if (body.flow && beside) shapes.set(path, { in: flow.dims, out: body.flow.dims })
    return { layer: mended, flow: beside && body.flow }
  }

  function beside(layer: LayerSpec, flow: Flow, path: LayerPath): { layer: LayerSpec; flow: Flow | undefined } {
    const branches = (layer.branches as readonly LayerSpec[]).map((branch, i) => through(branch, flow, `${path}.${i}`))
    const mended = { ...layer, branches: branches.map((branch) => branch.layer) }
    const flows = branches.flatMap((branch) => branch.flow ?? [])
    if (flows.length < branches.length) return { layer: mended, flow: undefined }
    const [first] = flows
    let { dims } = first
    if (layer.join === 'concat') {
      const axis = Number(layer.axis ?? 1)
      const at = axis < 0 ? dims.length + axis : axis - 1
      const others = (d: Dims): string => d.filter((_, i) => i !== at).join(' × ')
      if (at < 0 || at >= dims.length || flows.some((each) => others(each.dims) !== others(dims)))
        throw new ShapeProblem('The branches must be alike but for the axis along which they are joined.')
      dims = dims.map((n, i) => (i === at ? flows.reduce((sum, each) => sum + each.dims[at], 0) : n))
    } else if (flows.some((each) => dimsText(each.dims) !== dimsText(dims)))
      throw new ShapeProblem(
        `The branches give ${flows.map((each) => dimsText(each.dims)).join(' and ')}; to be joined so, they must be alike.`,
      )
    shapes.set(path, { in: flow.dims, out: dims })
    return { layer: mended, flow: { dims, letters: 0 } }
  }

  const asked = withOutputs(model, facts)
  const { layer, flow } = through(asked, { dims: facts.inputShape, letters: facts.letters }, '')
  if (flow && problems.length === 0 && dimsText(flow.dims) !== dimsText(facts.outputShape))
    problems.push({ path: lastPath(layer), message: wrongEnd(flow.dims, facts) })
  return { model: layer, shapes, problems }
}

const isList = (value: unknown): value is readonly LayerSpec[] => Array.isArray(value)

/** Layers that leave the number of features as it is, so that the one before them says how many the network gives. */
const keeping =
  /^(batchNorm1d|layerNorm|rmsNorm|identity|dropout|alphaDropout|softmax|logSoftmax|softmin|[a-z]*[sS]igmoid|[a-zA-Z0-9]*[rR]elu6?|[a-z]*elu|silu|mish|hardswish|softplus|[a-z]*shrink|[a-z]*tanh|threshold|softsign|step)$/

/** The place of the layer that says how many numbers the network gives, at the top of the model; -1: another does. */
export function outputPlace(model: LayerSpec): number {
  if (!isList(model.layers)) return -1
  for (let i = model.layers.length - 1; i >= 0; i--) {
    if (model.layers[i].kind === 'linear') return i
    if (!keeping.test(model.layers[i].kind)) return -1
  }
  return -1
}

/** The last linear layer gives as many numbers as there are classes, letters or targets. */
function withOutputs(model: LayerSpec, { outputShape }: DataFacts): LayerSpec {
  const at = outputPlace(model)
  if (at < 0) return model
  const out = outputShape[outputShape.length - 1]
  return { ...model, layers: (model.layers as LayerSpec[]).map((layer, i) => (i === at ? { ...layer, out } : layer)) }
}

const lastPath = (model: LayerSpec): LayerPath =>
  isList(model.layers) && model.layers.length > 0 ? `${model.layers.length - 1}` : ''

function wrongForm(title: string, takes: readonly Form[], { dims }: Flow, form: Form | undefined): string {
  const wanted = takes.map((each) => formText[each]).join(' or ')
  const given = form ? `${formText[form]} (${dimsText(dims)})` : dimsText(dims)
  const fix =
    form === 'letters'
      ? 'Put an embedding before it.'
      : takes.includes('letters')
        ? 'It can only stand first, where letters come in.'
        : takes.length === 1 && takes[0] === 'row'
          ? 'Put flatten before it.'
          : 'Put unflatten or reshape before it, or take another layer.'
  return `${title} takes ${wanted}; here comes ${given}. ${fix}`
}

function wrongEnd(dims: Dims, { task, outputShape, labels }: DataFacts): string {
  const wanted = dimsText(outputShape)
  const why =
    task === 'class'
      ? `one for each of the ${labels.length} classes`
      : task === 'token'
        ? 'for each time one for each letter'
        : 'the number that is asked for'
  const fix =
    task === 'token' && dims.length !== 2
      ? 'Keep the times: leave out flatten and select.'
      : dims.length > 1 && task !== 'token'
        ? `Put flatten and a linear layer at the end.`
        : 'Put a linear layer at the end.'
  return `The network ends with ${dimsText(dims)}, and must end with ${wanted}: ${why}. ${fix}`
}

/** A spec whose model has the sizes that its data ask for. */
export function mended(spec: LabSpec, facts: DataFacts): { spec: LabSpec; fitted: Fitted } {
  const fitted = fit(spec.model, facts)
  return { spec: { ...spec, model: fitted.model }, fitted }
}
