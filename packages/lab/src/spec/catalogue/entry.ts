/** What an entry of the catalogue is: a kind with words for a newcomer, and its options. The entries: the files beside. */

export interface OptionEntry {
  readonly name: string
  readonly title: string
  /** What it means, in one sentence. */
  readonly about: string
  readonly type: 'whole' | 'number' | 'flag' | 'choice' | 'wholes' | 'numbers'
  readonly initial: number | string | boolean | readonly number[]
  readonly min?: number
  readonly max?: number
  readonly choices?: readonly string[]
  /** Follows from what comes in (shapes.ts): shown, not typed. */
  readonly follows?: boolean
  /** Must stand in a description, also with its first value. */
  readonly needed?: boolean
}

export interface Entry {
  readonly kind: string
  readonly title: string
  /** One sentence: what it does, for someone who meets it for the first time. */
  readonly about: string
  readonly options: readonly OptionEntry[]
}

/** Of what form the values of one sample are: letters by number, a row, rows in time (or channels along a line), a picture. */
export type Form = 'letters' | 'row' | 'rows' | 'picture'

export type LayerGroup =
  | 'Products'
  | 'Activations'
  | 'Pictures'
  | 'Sequences'
  | 'Norms'
  | 'Noise against overfitting'
  | 'Shapes'
  | 'Branches'
  | 'Whole models'

export interface LayerEntry extends Entry {
  readonly group: LayerGroup
  readonly takes: readonly Form[]
}

type More = Partial<Pick<OptionEntry, 'min' | 'max' | 'follows' | 'needed'>>

export const whole = (name: string, title: string, about: string, initial: number, more: More = {}): OptionEntry => ({
  name,
  title,
  about,
  type: 'whole',
  initial,
  min: 1,
  max: 4096,
  ...more,
})
export const num = (name: string, title: string, about: string, initial: number, more: More = {}): OptionEntry => ({
  name,
  title,
  about,
  type: 'number',
  initial,
  min: 0,
  max: 1e6,
  ...more,
})
export const flag = (name: string, title: string, about: string, initial: boolean): OptionEntry => ({
  name,
  title,
  about,
  type: 'flag',
  initial,
})
export const choice = (name: string, title: string, about: string, choices: readonly string[]): OptionEntry => ({
  name,
  title,
  about,
  type: 'choice',
  initial: choices[0],
  choices,
})
export const list = (
  type: 'wholes' | 'numbers',
  name: string,
  title: string,
  about: string,
  initial: readonly number[],
  more: More = {},
): OptionEntry => ({ name, title, about, type, initial, min: 0, max: 4096, ...more })

export const needed = { needed: true } as const
/** Sizes of what comes in. */
export const follows = { needed: true, follows: true } as const

export const layer = (
  group: LayerGroup,
  kind: string,
  title: string,
  takes: readonly Form[],
  about: string,
  options: readonly OptionEntry[] = [],
): LayerEntry => ({ kind, title, about, group, takes, options })

/** Options that many layers have. */
export const bias = flag('bias', 'Bias', 'A number of its own that each unit adds.', true)
export const eps = num('eps', 'Epsilon', 'A tiny number that keeps divisions away from zero.', 1e-5, { max: 1 })
export const affine = flag('affine', 'Learned scale', 'A factor and a summand for each feature, learned.', true)
