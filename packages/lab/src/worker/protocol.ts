/**
 * Everything that the page and the worker say to each other, in one place.
 *
 * The page asks questions (each once, or again and again while the network trains) and gives orders; the worker answers,
 * and tells how training goes. Who answers: questions/, one file each; who obeys: orders.ts. To show something new, add a
 * line to `Questions`, a file to questions/, and a view that asks.
 */
import type { DataFacts } from '../spec/facts.ts'
import type { Choice, DataSpec, LabSpec, Task } from '../spec/spec.ts'

/** Which run: 0 is the first; branches count up. */
export type RunId = number

/** When and where a number was read. Everything that is shown says so. */
export interface Stamp {
  readonly run: RunId
  readonly step: number
  readonly epoch: number
}

/** Numbers with their shape; row-major. */
export interface Numbers {
  readonly shape: readonly number[]
  readonly values: Float32Array
}

/** A module of the model, from the graph: inputs first, in the order in which they run. */
export interface ModuleInfo {
  /** Its name, as `layers.0`; '' is the whole model. */
  readonly path: string
  readonly kind: string
  /** Its options in a line, as `3 × 3, stride 2`. */
  readonly options: Readonly<Record<string, unknown>>
  /** Of one sample, without the batch axis; empty if it did not run by itself. */
  readonly outputShape: readonly number[]
  /** Of what it was given first, of one sample. */
  readonly inputShape: readonly number[]
  /** Which axis of its output counts its units: neurons, channels, features. */
  readonly unitAxis: number
  /** The modules whose output it was given, or what was computed of them; '' is the network's input. */
  readonly from: readonly string[]
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[]
  readonly children: readonly string[]
  /** Whether it is made of others, whose outputs are shown in its place. */
  readonly composite: boolean
}

/** What does not change while a run trains. */
export interface RunInfo {
  readonly run: RunId
  readonly spec: LabSpec
  readonly task: Task
  readonly modules: readonly ModuleInfo[]
  readonly parameterCount: number
  /** Of one sample. */
  readonly inputShape: readonly number[]
  readonly outputShape: readonly number[]
  /** Of classes or tokens, in the order of the outputs. */
  readonly labels: readonly string[]
  /** Of the inputs, where each has a name. */
  readonly features: readonly string[]
  readonly trainCount: number
  readonly testCount: number
  readonly stepsPerEpoch: number
  /** Such as `wasm, 2 threads`. */
  readonly backend: string
  /** Where it was branched off, if it was. */
  readonly from?: Stamp
}

export type Part = 'train' | 'test'

/** One sample of the data. */
export interface SampleRef {
  readonly part: Part
  readonly index: number
}

/** An input of a person's own in place of a sample: a point, a drawn digit, a text as token numbers. */
export interface OwnInput {
  readonly values: Float32Array
}

export type Input = SampleRef | OwnInput

/** What of a tensor is shown. */
export type Aspect = 'value' | 'gradient'

/** Values of an element and how they are spread. */
export interface Histogram {
  readonly low: number
  readonly high: number
  readonly counts: Uint32Array
}

/** The numbers that a module multiplied and added up (or chose among) for one number that it gave back. */
export interface Terms {
  readonly stamp: Stamp
  /**
   * How the number comes about: a sum of products; a row that a token picks; the largest or the mean of a window; made
   * of the one number at the same place; or by more than fits a line.
   */
  readonly rule: 'sum' | 'row' | 'largest' | 'mean' | 'each' | 'inside'
  /** Where in the output it stands. */
  readonly index: readonly number[]
  /** What the module was given, of this sample. */
  readonly input: Numbers
  /** Of each term: the place of its number in `input`, and that number. */
  readonly inputAt: Int32Array
  readonly inputs: Float32Array
  /** Of each term: the place of its weight in the parameter, and the weight; empty where nothing is multiplied. */
  readonly weightAt: Int32Array
  readonly weights: Float32Array
  readonly weightName?: string
  readonly bias?: { readonly name: string; readonly element: number; readonly value: number }
  /** Of a mean: what the sum is divided by. */
  readonly divisor?: number
  /** What the module gave back there. */
  readonly value: number
  /** What the modules that were asked for gave back at the same place. */
  readonly then: readonly { readonly module: string; readonly value: number }[]
}

/** One module's part in the forward pass of one input. */
export interface PassageLayer {
  readonly path: string
  readonly kind: string
  /** What it was given, and what it gave back. */
  readonly given: Float32Array
  readonly values: Float32Array
  /** Of a linear module: its weights, the products of weights and what it was given, [out, in] both, and its bias. */
  readonly weight?: Numbers
  readonly products?: Numbers
  readonly bias?: Float32Array
}

/** The questions, with what is asked and what is answered. */
export interface Questions {
  /** Outputs of every unit over the plane, for networks with two coordinates; rows from y = 6 down, columns from x = -6. */
  responses: {
    ask: { readonly run: RunId; readonly size: number }
    answer: {
      readonly stamp: Stamp
      readonly size: number
      /** For each module that gives units: [units, size, size]. */
      readonly modules: readonly { readonly path: string; readonly maps: Numbers }[]
      /** What the network is given at each place: [features, size, size]. */
      readonly input: Numbers
      /** What the network says at each place: [outputs, size, size], probabilities where it says classes. */
      readonly output: Numbers
    }
  }
  /** Points of the data with their classes or numbers: [n, 2] and [n]. */
  points: {
    ask: { readonly run: RunId; readonly part: Part }
    answer: { readonly points: Float32Array; readonly targets: Float32Array }
  }
  /** A parameter: its numbers, or those of its gradient at the last batch. */
  parameter: {
    ask: { readonly run: RunId; readonly name: string; readonly aspect: Aspect }
    answer: { readonly stamp: Stamp; readonly numbers: Numbers; readonly histogram: Histogram }
  }
  /** What a module gave back for an input, or the gradient of the loss that came to it. */
  activation: {
    ask: { readonly run: RunId; readonly module: string; readonly input: Input; readonly aspect: Aspect }
    answer: { readonly stamp: Stamp; readonly numbers: Numbers; readonly histogram: Histogram }
  }
  /** What several modules gave back for an input, in one pass, or the gradients that came to them. */
  activations: {
    ask: {
      readonly run: RunId
      readonly modules: readonly string[]
      readonly input: Input
      readonly aspect: Aspect
    }
    answer: {
      readonly stamp: Stamp
      /** What the network was given. */
      readonly given: Numbers
      readonly modules: readonly { readonly path: string; readonly numbers: Numbers; readonly histogram: Histogram }[]
    }
  }
  /** The sum that made one number of what a module gave back: that at `index`, without the batch axis. */
  terms: {
    ask: {
      readonly run: RunId
      readonly module: string
      readonly index: readonly number[]
      readonly input: Input
      /** Modules that come after it and keep the shape, such as its activation. */
      readonly then: readonly string[]
    }
    answer: Terms
  }
  /** Samples of a part, one after the other: [n, …inputShape] and [n, …]. */
  samples: {
    ask: { readonly run: RunId; readonly part: Part; readonly from: number; readonly count: number }
    answer: { readonly inputs: Numbers; readonly targets: Numbers }
  }
  /**
   * What the network said of the samples of a part, when they were last scored: while it trains, that may be some steps
   * ago, as the stamp says.
   */
  predictions: {
    ask: { readonly run: RunId; readonly part: Part }
    answer: {
      readonly stamp: Stamp
      /** The first so many samples of the part were looked at. */
      readonly count: number
      /** Of each truth (row) how often each label was said: [labels, labels]; empty where numbers are asked for. */
      readonly confusion: Numbers
      /** Of each sample that has one class: the truth, what was said, and the probabilities of both. */
      readonly truth: Int32Array
      readonly said: Int32Array
      readonly sure: Float32Array
      readonly given: Float32Array
      /** Where numbers are asked for: [count, outputs] each. */
      readonly wanted: Numbers
      readonly found: Numbers
    }
  }
  /**
   * Of each unit (channel) of a module, the samples that it answers most strongly: the place of its largest number, each
   * sample once. While the network trains, few samples are looked at, so that it is not slowed; `among` says how many.
   */
  strongest: {
    ask: { readonly run: RunId; readonly module: string; readonly part: Part; readonly top: number }
    answer: {
      readonly stamp: Stamp
      readonly among: number
      readonly units: readonly {
        readonly sample: Int32Array
        /** Within what the unit gave back, row-major. */
        readonly place: Int32Array
        readonly value: Float32Array
      }[]
    }
  }
  /** What each input channel gives to one channel of a convolution; they and the bias add up to its output. */
  parts: {
    ask: { readonly run: RunId; readonly module: string; readonly unit: number; readonly input: Input }
    answer: {
      readonly stamp: Stamp
      /** The first input channel that this one sees: not 0 in later groups. */
      readonly first: number
      /** [channels, rows, columns] */
      readonly inputs: Numbers
      /** [channels, …size] */
      readonly weights: Numbers
      /** [channels, rows, columns] of the output. */
      readonly maps: Numbers
      readonly bias: number
      readonly output: Numbers
    }
  }
  /**
   * How the score of one output changes when each number of the input grows a little: by the run's own weights, or, to
   * see what the picture owes to training, by weights newly drawn.
   */
  saliency: {
    ask: { readonly run: RunId; readonly input: Input; readonly unit: number; readonly weights: 'own' | 'drawn' }
    answer: { readonly stamp: Stamp; readonly score: number; readonly gradient: Numbers }
  }
  /** By how much the score of one output falls when a square of the picture is covered; one number for each square. */
  occlusion: {
    ask: { readonly run: RunId; readonly input: Input; readonly unit: number; readonly size: number }
    answer: { readonly stamp: Stamp; readonly score: number; readonly falls: Numbers; readonly stride: number }
  }
  /** The network's answer for an input: scores, and probabilities where it says classes. */
  prediction: {
    ask: { readonly run: RunId; readonly input: Input }
    answer: {
      readonly stamp: Stamp
      readonly input: Numbers
      readonly output: Numbers
      readonly probabilities?: Numbers
      readonly target?: Float32Array
    }
  }
  /** The forward pass of one input through layers that follow one another, each with the numbers it worked on. */
  passage: {
    ask: { readonly run: RunId; readonly input: Input }
    answer: {
      readonly stamp: Stamp
      readonly input: Float32Array
      readonly layers: readonly PassageLayer[]
      /** Of classes. */
      readonly probabilities?: Float32Array
      /** Where the input is a sample: what it should be, and the loss of this sample alone. */
      readonly target?: number
      readonly loss?: number
    }
  }
  /** Linear modules in a row as the one linear module that they are together: [out, in] and [out]. */
  composed: {
    ask: { readonly run: RunId; readonly modules: readonly string[]; readonly input: Input }
    answer: {
      readonly stamp: Stamp
      readonly weight: Numbers
      readonly bias: Float32Array
      /** What the one module gives for the input. */
      readonly values: Float32Array
    }
  }
  /** The loss that the run's own loss function gives for outputs [n, …] with these targets, each by itself. */
  losses: {
    ask: { readonly run: RunId; readonly outputs: Numbers; readonly targets: Float32Array }
    answer: { readonly values: Float32Array; readonly probabilities?: Numbers }
  }
  /** What the network says of every sample of a part, [n, …], and the loss of each by itself. */
  outcomes: {
    ask: { readonly run: RunId; readonly part: Part }
    answer: {
      readonly stamp: Stamp
      readonly outputs: Numbers
      readonly targets: Float32Array
      readonly losses: Float32Array
      readonly probabilities?: Numbers
    }
  }
}

export type QuestionName = keyof Questions

/** What can change while a run trains, without a new network. */
export interface Adjustment {
  /** Of the same kind. */
  readonly optimizer?: Choice
  readonly schedule?: Choice
  readonly stopAtEpoch?: number
}

/** The orders, with what they need and what they give back. */
export interface Orders {
  /** A new first run; what was there is given back. Weights as a safetensors file. */
  open: { give: { readonly spec: LabSpec; readonly weights?: Uint8Array }; get: RunInfo }
  /** Trains until told otherwise. `rate`: at most so many steps a second; 0: as fast as it goes. */
  train: { give: { readonly run: RunId; readonly rate: number }; get: undefined }
  pause: { give: { readonly run: RunId }; get: undefined }
  /** So many steps, and pause. */
  advance: { give: { readonly run: RunId; readonly steps: number }; get: undefined }
  /** Back to the first weights: the same seed, the same start. */
  reset: { give: { readonly run: RunId }; get: undefined }
  /** Other numbers for a parameter, row-major. */
  setParameter: { give: { readonly run: RunId; readonly name: string; readonly values: Float32Array }; get: undefined }
  /** Changes a running network's training from the next step on. */
  adjust: { give: { readonly run: RunId; readonly change: Adjustment }; get: undefined }
  /** What data ask of a network, before there is one; of points of the plane, the points [n, 2] and targets [n] too. */
  describe: {
    give: { readonly data: DataSpec }
    get: DataFacts & { readonly points?: Float32Array; readonly targets?: Float32Array }
  }
  /** All samples as a safetensors file with inputs and targets, for a program that trains on them elsewhere. */
  samples: { give: { readonly data: DataSpec }; get: Uint8Array<ArrayBuffer> }
}

export type OrderName = keyof Orders

/** How good the network is on a part of the data. */
export interface Score {
  readonly loss: number
  /** 0 to 1, where it says classes or tokens. */
  readonly accuracy?: number
}

/** How training goes; sent at most thirty times a second. */
export interface Progress {
  readonly stamp: Stamp
  readonly running: boolean
  /** Steps a second, over the last half second. */
  readonly rate: number
  /** The learning rate of the next step. */
  readonly lr: number
  /** Loss of each step since the last message: the step of the first, and the losses. */
  readonly from: number
  readonly losses: Float32Array
  /** On the whole of each part, measured now and then. */
  readonly scores?: { readonly step: number; readonly train: Score; readonly test: Score }
  /** Why training stopped by itself. */
  readonly stopped?: 'epoch' | 'not-finite'
}

/** A message to the page's person: an error of the library has its code. */
export interface Refusal {
  readonly message: string
  readonly code?: string
}

export type ToWorker =
  | {
      readonly type: 'ask'
      readonly id: number
      readonly name: QuestionName
      readonly ask: unknown
      readonly again: boolean
    }
  | { readonly type: 'enough'; readonly id: number }
  | { readonly type: 'order'; readonly id: number; readonly name: OrderName; readonly give: unknown }

export type FromWorker =
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly type: 'done'; readonly id: number; readonly get: unknown }
  | { readonly type: 'refused'; readonly id: number; readonly refusal: Refusal }
  | { readonly type: 'progress'; readonly progress: Progress }
