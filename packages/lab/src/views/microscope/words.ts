/** Names and numbers of the microscope: what a term is called, which unit it lights, numbers within formulas. */
import type { Chosen } from '../../state/selection.ts'
import { number, words } from '../../ui/format.ts'
import type { GradientTerm, GradientTerms, ModuleInfo, RunInfo } from '../../worker/protocol.ts'

/** A number in TeX; negative ones in brackets where a sign comes before them. */
export function tex(value: number, { bracket = false, digits = 3 } = {}): string {
  const text = number(value, digits)
    .replaceAll('−', '-')
    .replace('∞', '\\infty')
    .replace(/e(-?\d+)$/, ' \\cdot 10^{$1}')
    .replace('NaN', '\\text{NaN}')
  return bracket && text.startsWith('-') ? `(${text})` : text
}

export interface TermName {
  /** As `tanh 1, unit 3`. */
  readonly text: string
  /** As `of sample 17`; empty for one sample. */
  readonly place: string
  readonly chosen: Chosen | undefined
}

/** The module that a name belongs to, and what follows in the name. */
function moduleOf(name: string, { modules }: RunInfo): { module: ModuleInfo | undefined; rest: string } {
  const plain = name.replace(/: [^:]*$/, '')
  const inside = (path: string): boolean => path !== '' && (plain === path || plain.startsWith(`${path}.`))
  const module = modules
    .filter(({ path }) => inside(path))
    .reduce<ModuleInfo | undefined>(
      (best, each) => (!best || each.path.length > best.path.length ? each : best),
      undefined,
    )
  return { module, rest: module ? name.slice(module.path.length).replace(/^[.:\s]+/, '') : name }
}

/** What a term is called, for people. `samples`: the numbers of the samples in the loss. */
export function nameOfTerm({ name, position }: GradientTerm, info: RunInfo, samples: readonly number[]): TermName {
  if (name === 'loss') return { text: 'the loss', place: '', chosen: undefined }
  const { module, rest } = moduleOf(name, info)
  if (!module) return { text: name, place: position.length > 0 ? `[${position.join(', ')}]` : '', chosen: undefined }
  const title = `${words(module.kind)} ${module.path}`
  const sizes = module.outputShape
  const isOutput = (rest === '' || rest === 'output') && position.length === sizes.length + 1
  const chosen = { kind: 'module', module: module.path } as const
  if (!isOutput)
    return { text: `${title} · ${rest}`, place: position.length > 0 ? `[${position.join(', ')}]` : '', chosen }
  const [sample, ...own] = position
  const unit = own[module.unitAxis] ?? 0
  const others = own.filter((_, axis) => axis !== module.unitAxis)
  const where = others.length > 0 ? ` at ${others.join(', ')}` : ''
  const which = samples.length > 1 ? `sample ${samples[sample]}` : ''
  return {
    text: `${title}, unit ${unit + 1}${where}`,
    place: which,
    chosen: { kind: 'unit', module: module.path, unit },
  }
}

/** Smaller sums than this share of their largest product are rounding in float32. */
const rounding = 1e-6

/** Whether a sum of terms, and the gradient beside it, are nothing but what rounding left over. */
export function isNoise({ terms, sum, gradient }: GradientTerms): boolean {
  const largest = Math.max(...terms.map(({ product }) => Math.abs(product)), 0)
  return terms.length > 0 && Math.max(Math.abs(sum), Math.abs(gradient)) <= rounding * largest
}

/** A number, or that it is as good as nothing. */
export const shown = (value: number, noise: boolean): string => (noise ? '≈ 0' : number(value, 4))

/** The parameters that can be looked at, with their shapes. */
export const parametersOf = ({ modules }: RunInfo): readonly { name: string; shape: readonly number[] }[] => [
  ...new Map(modules.flatMap(({ parameters }) => parameters).map((each) => [each.name, each])).values(),
]

export const placeOf = (element: number, shape: readonly number[]): number[] => {
  const place: number[] = []
  for (let axis = shape.length - 1, rest = element; axis >= 0; axis--) {
    place.unshift(rest % shape[axis])
    rest = Math.floor(rest / shape[axis])
  }
  return place
}

export const elementAt = (place: readonly number[], shape: readonly number[]): number =>
  place.reduce((sum, at, axis) => sum * shape[axis] + at, 0)
