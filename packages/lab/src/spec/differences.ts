/** In what two specs differ, in words. */
import type { Choice, LabSpec, LayerSpec } from './spec.ts'

export interface Difference {
  readonly name: string
  readonly from: string
  readonly to: string
  /** Both in a line, as `lr 0.03 → 0.01`. */
  readonly text: string
}

const equal = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)

export function differences(a: LabSpec, b: LabSpec): Difference[] {
  const found: Difference[] = []
  const add = (name: string, from: unknown, to: unknown): void => {
    const [x, y] = [textOf(from), textOf(to)]
    found.push({ name, from: x, to: y, text: `${name} ${x} → ${y}` })
  }
  for (const name of ['optimizer', 'schedule', 'loss', 'initializer'] as const) {
    const [x, y]: [Choice, Choice] = [a[name], b[name]]
    if (equal(x, y)) continue
    if (x.kind !== y.kind) add(name, x.kind, y.kind)
    for (const option of new Set([...Object.keys(x), ...Object.keys(y)])) {
      if (option === 'kind' || equal(x[option], y[option])) continue
      // Options of another kind say nothing about this one, but the learning rate does.
      if (x.kind === y.kind || option === 'lr') add(option === 'lr' ? 'learning rate' : option, x[option], y[option])
    }
  }
  if (a.batchSize !== b.batchSize) add('batch size', a.batchSize, b.batchSize)
  if (a.seed !== b.seed) add('seed', a.seed, b.seed)
  if (!equal(a.model, b.model)) add('model', kindsOf(a.model), kindsOf(b.model))
  if (!equal(a.data, b.data)) add('data', a.data.kind, b.data.kind)
  return found
}

function textOf(value: unknown): string {
  if (value === undefined) return 'default'
  return typeof value === 'number' ? String(Number(value.toPrecision(3))) : String(value)
}

/** The kinds of a model's layers that are not products, which is what mostly differs. */
function kindsOf(model: LayerSpec): string {
  const layers = model.layers as readonly LayerSpec[] | undefined
  return layers ? [...new Set(layers.map(({ kind }) => kind))].join(', ') : model.kind
}
