/**
 * What a person has set up: data, model, training. Plain data, so that it can stand in a link, in the browser's store and
 * in the worker; everything on the page follows from it and from what was trained.
 *
 * What may stand in it is checked by check.ts; ready ones: presets.ts; the choices with their words: catalogue.ts.
 * The model is the library's own description of a network (io.buildModel builds it).
 */

/** A layer's kind and options, as the library writes them into model files; layers inside stand there in the same form. */
export interface LayerSpec {
  readonly kind: string
  readonly [option: string]: unknown
}

/** A network: layers one after the other, or one of the library's whole models. */
export type ModelSpec = LayerSpec

export type PlaneSet = 'circle' | 'xor' | 'gaussians' | 'spiral' | 'moons' | 'rings' | 'pinwheel' | 'slope' | 'hills'

/** What of a point (x, y) the network is given. */
export type PlaneFeature = 'x' | 'y' | 'x²' | 'y²' | 'xy' | 'sin x' | 'sin y'

/** Points of the plane, drawn from a rule; both coordinates within -6 and 6. */
export interface PlaneData {
  readonly kind: 'plane'
  readonly set: PlaneSet
  readonly samples: number
  /** 0 to 0.5: the deviation of what is added to the coordinates, in parts of 6. */
  readonly noise: number
  readonly features: readonly PlaneFeature[]
  /** Two classes as the numbers -1 and 1, for networks with one output. */
  readonly signs?: boolean
}

/** Points that a person put there: [x, y, class] each. */
export interface PointsData {
  readonly kind: 'points'
  readonly points: readonly (readonly [x: number, y: number, label: number])[]
  readonly features: readonly PlaneFeature[]
}

/** Handwritten digits, 28 by 28, that come with the page. */
export interface DigitsData {
  readonly kind: 'digits'
  readonly samples: number
}

/** Text, letter by letter. Names come one in a row; running text is cut into pieces of `context` letters. */
export interface TextData {
  readonly kind: 'text'
  readonly corpus: 'names' | 'moby-dick' | 'own'
  /** Of corpus 'own'. */
  readonly text?: string
  readonly context: number
  /** How many names, or pieces, are used. */
  readonly samples: number
}

/** A table from a CSV file: columns in, one column out. */
export interface TableData {
  readonly kind: 'table'
  readonly name: string
  /** The file as it was dropped. */
  readonly text: string
  readonly inputs: readonly string[]
  readonly target: string
}

export type DataSpec = (PlaneData | PointsData | DigitsData | TextData | TableData) & {
  /** The share of samples that is kept for testing, 0.1 to 0.9. */
  readonly testShare: number
  /** Where the draws of points and of the split begin. */
  readonly seed: number
}

/** A kind of the catalogue with its options; what is not there has its default. */
export interface Choice {
  readonly kind: string
  readonly [option: string]: number | string | boolean | readonly number[]
}

export interface LabSpec {
  readonly version: 1
  readonly data: DataSpec
  readonly model: ModelSpec
  /** First values of weights; 'default' is what each layer does by itself. */
  readonly initializer: Choice
  readonly loss: Choice
  /** With its `lr`. */
  readonly optimizer: Choice
  readonly schedule: Choice
  readonly batchSize: number
  /** Where weights, the order of samples and dropout begin. The same seed gives the same run. */
  readonly seed: number
  /** Training pauses there by itself; 0: never. */
  readonly stopAtEpoch: number
}

/** What a network is asked: which class, which number, which token comes next. */
export type Task = 'class' | 'number' | 'token'
