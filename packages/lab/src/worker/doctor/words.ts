/** What the doctor's rules share: numbers in words, changes to try, charts. The rules: course.ts, inside.ts. */
import type { LabSpec, LayerSpec } from '../../spec/spec.ts'
import type { Evidence, Finding, Remedy } from '../protocol.ts'
import type { Vitals } from '../vitals.ts'

export type Rule = (vitals: Vitals) => readonly Finding[]

/** Steps before which nothing is said about how learning goes: every beginning is rough. */
export const earliest = 60

export const short = (value: number): string => {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞'
  return String(Number(value.toPrecision(2))).replace('-', '−')
}
export const percent = (share: number): string => `${Math.round(100 * share)} %`
export const named = (path: string): string => (path === '' ? 'the model' : `layer ${path}`)

/** A rate that people write: one digit, or 1.5. */
export const round = (rate: number): number => Number(rate.toPrecision(1))

export function withRate({ spec, lr }: Vitals, factor: number, from: Remedy['from']): Remedy {
  const rate = round((from === 'start' ? Number(spec.optimizer.lr) : lr) * factor)
  const change = { optimizer: { ...spec.optimizer, lr: rate } }
  const text =
    from === 'start' ? `Begin again with learning rate ${short(rate)}` : `Go on with learning rate ${short(rate)}`
  return { text, change, from }
}

/** The model with layers of some kinds replaced; undefined if there is none. */
export function withLayers(
  spec: LabSpec,
  kinds: readonly string[],
  change: (layer: LayerSpec) => LayerSpec,
): LabSpec['model'] | undefined {
  let changed = false
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk)
    if (typeof value !== 'object' || value === null) return value
    const each = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner)]))
    if (!kinds.includes(String(each.kind))) return each
    changed = true
    return change(each as LayerSpec)
  }
  const model = walk(spec.model) as LabSpec['model']
  return changed ? model : undefined
}

export const withActivation = (vitals: Vitals, kinds: readonly string[], kind: string, text: string): Remedy[] => {
  const options = kind === 'leakyRelu' ? { slope: 0.01 } : {}
  const model = withLayers(vitals.spec, kinds, () => ({ kind, ...options }))
  return model ? [{ text, change: { model }, from: 'start' }] : []
}

export const initializedFor = ({ spec }: Vitals, kind: string, text: string): Remedy[] =>
  spec.initializer.kind === kind ? [] : [{ text, change: { initializer: { kind } }, from: 'start' }]

export const lossesOf = ({ losses }: Vitals, title: string): Evidence => ({
  title,
  rows: thinned(losses, 48).map(({ step, loss }) => ({ name: `step ${step}`, value: loss })),
  scale: 'linear',
})

export function thinned<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all
  return Array.from({ length: most }, (_, i) => all[Math.floor((i * (all.length - 1)) / (most - 1))])
}

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
export const finite = (value: number): boolean => Number.isFinite(value)
