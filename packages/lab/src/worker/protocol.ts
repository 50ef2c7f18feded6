/**
 * Everything that the page and the worker say to each other, in one place.
 *
 * The page asks questions (each once, or again and again while the network trains) and gives orders; the worker answers,
 * and tells how training goes. Who answers: questions/, one file each; who obeys: orders.ts. To show something new, add a
 * line to `Questions`, a file to questions/, and a view that asks.
 */

import type { DataFacts } from '../spec/facts.ts'
import type { Choice, DataSpec, LabSpec, ModelSpec, Task } from '../spec/spec.ts'
import type { Diagnosis, ExperimentReport, Trial } from './protocol-trials.ts'

export type {
  Consequence,
  Diagnosis,
  Evidence,
  ExperimentReport,
  Finding,
  FindingName,
  Hold,
  Remedy,
  Trial,
} from './protocol-trials.ts'

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

/** Whose loss a gradient is of: the batch that the next step learns from, or one sample by itself. */
export type LossPart = 'batch' | SampleRef

/** From one stop of the chain rule to the next: module by module, to every named tensor within them, or by operation. */
export type Stride = 'modules' | 'taps' | 'operations'

/** An element of an operation of the recorded pass. */
export interface PassElement {
  readonly id: number
  readonly element: number
}

/** One product of the chain rule. */
export interface GradientTerm extends PassElement {
  readonly op: string
  /** The module or named tensor, or else the operation in its module; `loss` is the end. */
  readonly name: string
  readonly position: readonly number[]
  /** What stands there. */
  readonly value: number
  /** How much it changes with the number that the term belongs to. */
  readonly local: number
  /** Its own gradient; of the loss itself 1. */
  readonly upstream: number
  /** local × upstream */
  readonly product: number
}

/** The gradient of one number as the sum of its products, the largest first. */
export interface GradientTerms extends PassElement {
  readonly gradient: number
  readonly sum: number
  readonly terms: readonly GradientTerm[]
  /** How many products are not listed, and what they add up to. */
  readonly rest: { readonly count: number; readonly sum: number }
}

/** A number of the optimizer's arithmetic for one weight: an operation of numbers before it in the list, or given. */
export interface UpdateNode {
  /** `add`, `mul` …; `given` where it is no operation, and `constant`. */
  readonly op: string
  readonly inputs: readonly number[]
  readonly value: number
  /** Of given numbers: `weight`, `gradient`, a slot such as `m`, the new value of one as `m next`, or as the rule calls it. */
  readonly name?: string
}

/** What becomes of the weight, or of one number that the optimizer remembers for it. */
export interface UpdateLine {
  /** `weight`, or the slot. */
  readonly name: string
  readonly before: number
  readonly after: number
  /** The node of the list that is the new value. */
  readonly root: number
}

/** Along which directions the loss is looked at: one or two weights, random ones, or those of the run's own way. */
export type LandscapePlane =
  | { readonly kind: 'weights'; readonly weights: readonly { readonly name: string; readonly element: number }[] }
  | { readonly kind: 'random'; readonly seed: number }
  | { readonly kind: 'path' }

/** How the next letter is chosen: see the library's samplingProbabilities. */
export interface Choosing {
  readonly temperature: number
  /** Only so many likeliest; 0: all. */
  readonly topK: number
  /** Only the likeliest that add up to so much; 1: all. */
  readonly topP: number
}

/** One direction of one recurrent layer, through a text. */
export interface Track {
  /** As `l0` or `l1_reverse`. */
  readonly name: string
  readonly reverse: boolean
  /** The library's names: i f g o cell hidden, r z n hidden, or hidden alone; [T, units] each. */
  readonly parts: readonly { readonly name: string; readonly numbers: Numbers }[]
}

/** The sum behind one gate of one unit at one step. */
export interface GateSum {
  readonly gate: string
  readonly bend: 'sigmoid' | 'tanh' | 'relu'
  readonly inputWeights: Float32Array
  readonly inputBias: number
  readonly hiddenWeights: Float32Array
  readonly hiddenBias: number
  /** Products and bias added up, by where they come from. */
  readonly fromInput: number
  readonly fromHidden: number
  /** After the bend; as the layer has it. */
  readonly value: number
}

/** A place on the way of one letter through a transformer. */
export interface StreamPlace {
  readonly path: string
  readonly what: 'embedding' | 'positions' | 'norm' | 'attention' | 'feed-forward' | 'sum'
  readonly values: Float32Array
  /** What the network would say if it ended here. */
  readonly lens?: Float32Array
}

/** A text that a network made. */
export interface Invented {
  readonly tokens: Int32Array
  readonly text: string
  /** Of all its letters and its end, as the network gives them. */
  readonly logProbability: number
  readonly ended: boolean
  /** The part of the data that has the same text. */
  readonly known?: Part
}

/** One operation of a training step. */
export interface StepOperation {
  readonly id: number
  readonly op: string
  /** `data`, `variable`, `constant`, `movement` … as the library's recordings say. */
  readonly kind: string
  readonly pass: 'forward' | 'backward' | 'update'
  /** The module that it belongs to. */
  readonly path: string
  /** What it is called: a parameter, a module that gave it back, a named tensor; or nothing. */
  readonly name: string
  readonly shape: readonly number[]
  readonly inputs: readonly number[]
  /** What it does, in a sentence. */
  readonly doc: string
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
  /** The gradient of one number of a parameter as products along the ways to the loss, and of the elements in `open`. */
  unfolded: {
    ask: {
      readonly run: RunId
      readonly name: string
      readonly element: number
      readonly of: LossPart
      readonly stride: Stride
      readonly limit: number
      readonly open: readonly PassElement[]
    }
    answer: {
      readonly stamp: Stamp
      /** The samples of the loss, by their numbers among those for training or testing. */
      readonly samples: readonly number[]
      readonly loss: number
      readonly value: number
      /** By the program that trains, which knows nothing of terms. */
      readonly gradient: number
      readonly root: GradientTerms
      /** In the order of `open`; what is there no longer is left out. */
      readonly opened: readonly GradientTerms[]
    }
  }
  /** What the next step will do to one number of a parameter, operation by operation. */
  update: {
    ask: { readonly run: RunId; readonly name: string; readonly element: number }
    answer: {
      readonly stamp: Stamp
      readonly optimizer: string
      readonly nodes: readonly UpdateNode[]
      /** What is remembered first, the weight last. */
      readonly lines: readonly UpdateLine[]
    }
  }
  /** A gradient beside finite differences of the same loss, in float64. */
  gradientCheck: {
    ask: { readonly run: RunId; readonly name: string; readonly element: number; readonly of: LossPart }
    answer: {
      readonly stamp: Stamp
      readonly gradient: number
      readonly exact: number
      readonly measured: number
      readonly error: number
      readonly step: number
      /** At the number minus the step, at the number, and plus the step. */
      readonly losses: readonly [number, number, number]
      readonly kink: boolean
    }
  }
  /**
   * The loss on a grid around the weights, rows going up; of one weight, along a line. Each call computes for `budget`
   * milliseconds and gives the finest grid that is complete; another `job` begins at the weights as they are then.
   */
  landscape: {
    ask: {
      readonly run: RunId
      readonly job: number
      readonly plane: LandscapePlane
      /** From where to where, along each direction; else around the present point, closer with more `zoom`. */
      readonly window?: readonly (readonly [from: number, to: number])[]
      readonly zoom: number
      /** 9, 17, 33 or 65: places on each side of the finest grid. */
      readonly size: number
      readonly budget: number
    }
    answer: {
      /** When the weights were as they are at the center. */
      readonly stamp: Stamp
      /** The loss is the mean over so many training samples. */
      readonly samples: number
      readonly size: number
      readonly losses: Float32Array
      readonly windows: readonly (readonly [from: number, to: number])[]
      readonly finished: boolean
      /** Of the way's own directions: the share of its variance that each shows. */
      readonly shares?: readonly number[]
    }
  }
  /** The way of the run on the surface of a job. */
  landscapePath: {
    ask: { readonly run: RunId; readonly job: number; readonly withNext: boolean }
    answer: {
      readonly stamp: Stamp
      readonly steps: Int32Array
      /** One coordinate for each direction. */
      readonly points: Float32Array
      readonly now: readonly number[]
      /** Of the next batch. */
      readonly loss: number
      /** How the loss of the next batch changes along each direction. */
      readonly slope: readonly number[]
      /** Where the next step leads. */
      readonly next?: readonly number[]
    }
  }
  /** Samples of a part, one after the other: [n, …inputShape] and [n, …]. */
  samples: {
    ask: { readonly run: RunId; readonly part: Part; readonly from: number; readonly count: number }
    answer: { readonly inputs: Numbers; readonly targets: Numbers }
  }
  /** Gates and memory of a recurrent layer through an input. */
  gates: {
    ask: { readonly run: RunId; readonly module: string; readonly input: Input }
    answer: {
      readonly stamp: Stamp
      readonly kind: 'rnn' | 'lstm' | 'gru'
      /** Of the letters that are shown; empty where the input is no text. */
      readonly tokens: Int32Array
      readonly tracks: readonly Track[]
    }
  }
  /** What made one unit's gates and memory at one step. */
  gateTerms: {
    ask: {
      readonly run: RunId
      readonly module: string
      readonly input: Input
      readonly track: string
      readonly time: number
      readonly unit: number
    }
    answer: {
      readonly stamp: Stamp
      readonly kind: 'rnn' | 'lstm' | 'gru'
      readonly time: number
      readonly unit: number
      /** What the layer was given at this step, and what it put out at the step before. */
      readonly inputs: Float32Array
      readonly hiddens: Float32Array
      /** The unit's own cell at the step before; 0 where there is none. */
      readonly cellBefore: number
      readonly sums: readonly GateSum[]
      /** The unit's gates and memory by name. */
      readonly values: Readonly<Record<string, number>>
    }
  }
  /** How far an error reaches back: the gradient of one prediction's loss with respect to the state at each step. */
  reach: {
    ask: { readonly run: RunId; readonly module: string; readonly input: Input; readonly time: number }
    answer: {
      readonly stamp: Stamp
      /** Of the prediction after the letter at `time`; NaN where all of the sample counts. */
      readonly time: number
      readonly loss: number
      /** Euclidean norms of ∂loss/∂hidden, and of ∂loss/∂cell, step by step. */
      readonly tracks: readonly { readonly name: string; readonly hidden: Float32Array; readonly cell?: Float32Array }[]
    }
  }
  /** The weights of all attention modules: [heads, queries, keys] each. */
  attention: {
    ask: { readonly run: RunId; readonly input: Input }
    answer: {
      readonly stamp: Stamp
      readonly tokens: Int32Array
      readonly modules: readonly { readonly path: string; readonly weights: Numbers }[]
    }
  }
  /** Everything inside one attention module: [heads, places, head size], scores and weights [heads, queries, keys]. */
  attentionInside: {
    ask: { readonly run: RunId; readonly module: string; readonly input: Input }
    answer: {
      readonly stamp: Stamp
      readonly tokens: Int32Array
      /** What products of queries and keys are multiplied by. */
      readonly scale: number
      /** How many heads of queries share keys and values. */
      readonly group: number
      readonly q: Numbers
      readonly keys: Numbers
      readonly values: Numbers
      readonly scores: Numbers
      readonly weights: Numbers
      readonly mixed: Numbers
    }
  }
  /** The way of one letter through a transformer: what is added to it, and the sums. */
  stream: {
    ask: { readonly run: RunId; readonly input: Input; readonly time: number }
    answer: { readonly stamp: Stamp; readonly time: number; readonly places: readonly StreamPlace[] }
  }
  /** What the network expects after each letter of a text. */
  letters: {
    ask: { readonly run: RunId; readonly input: Input }
    answer: {
      readonly stamp: Stamp
      readonly tokens: Int32Array
      /** What does come, -1 where nothing is known; and its loss, NaN there. */
      readonly targets: Int32Array
      readonly losses: Float32Array
      /** [T, labels] */
      readonly probabilities: Numbers
      /** Scores before softmax. */
      readonly scores: Numbers
    }
  }
  /** The next letter: as the network has it, and as it is chosen. */
  next: {
    ask: { readonly run: RunId; readonly input: Input; readonly time: number; readonly choosing: Choosing }
    answer: {
      readonly stamp: Stamp
      readonly time: number
      readonly probabilities: Float32Array
      readonly chances: Float32Array
    }
  }
  /** New texts that go on from a beginning. */
  invented: {
    ask: {
      readonly run: RunId
      readonly beginning: Int32Array
      readonly count: number
      /** The most letters of each; 0: as many as the network can read. */
      readonly letters: number
      readonly seed: number
      readonly choosing: Choosing
    }
    answer: { readonly stamp: Stamp; readonly texts: readonly Invented[] }
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
  /** Of tables: what the network says over two columns of numbers, the others being as in the input. */
  slice: {
    ask: { readonly run: RunId; readonly x: number; readonly y: number; readonly size: number; readonly input: Input }
    answer: {
      readonly stamp: Stamp
      /** The columns of numbers, of which x and y are two. */
      readonly columns: readonly { readonly name: string; readonly low: number; readonly high: number }[]
      /** [outputs, size, size], rows from the highest y down; probabilities where it says classes. */
      readonly output: Numbers
      /** Samples for training in the units of the columns, [n, 2], and their targets. */
      readonly points: Float32Array
      readonly targets: Float32Array
    }
  }
  /** The next step as the operations that it consists of, in their order. Outputs, parameters and their new values are named. */
  operations: {
    ask: { readonly run: RunId }
    answer: { readonly stamp: Stamp; readonly samples: number; readonly operations: readonly StepOperation[] }
  }
  /** One of them: its numbers and those it was made of, and how one element came about. */
  operation: {
    ask: { readonly run: RunId; readonly id: number; readonly element: number }
    answer: {
      readonly stamp: Stamp
      readonly numbers: Numbers
      readonly inputs: readonly { readonly id: number; readonly numbers: Numbers }[]
      /** What the element is made of: numbers of the inputs, with how much each counts. */
      readonly made: readonly {
        readonly id: number
        readonly terms: readonly {
          readonly position: readonly number[]
          readonly value: number
          readonly local: number
          readonly product: number
        }[]
        readonly rest: { readonly count: number; readonly sum: number }
      }[]
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
  /** Which steps can be looked at, of which there are copies, and what a person changed on the way. */
  timeline: {
    ask: { readonly run: RunId }
    answer: {
      readonly begin: number
      readonly end: number
      readonly copies: Float64Array
      readonly events: readonly { readonly step: number; readonly text: string }[]
      /** Bytes that copies take. */
      readonly bytes: number
    }
  }
  /** What was tried on the network, and what followed. */
  experiments: { ask: { readonly run: RunId }; answer: { readonly experiments: readonly ExperimentReport[] } }
  /** What is wrong with the training, if anything. Measured anew every two seconds at most while it goes on. */
  doctor: { ask: { readonly run: RunId }; answer: Diagnosis }
}

export type QuestionName = keyof Questions

/** What can change while a run trains, without a new network. */
export interface Adjustment {
  /** Of the same kind. */
  readonly optimizer?: Choice
  readonly schedule?: Choice
  readonly stopAtEpoch?: number
}

/** What may be another in a branch. Weights must fit. */
export type BranchChange = Partial<Omit<LabSpec, 'version' | 'data'>>

/** The orders, with what they need and what they give back. */
export interface Orders {
  /** A new first run; what was there is given back. Weights as a safetensors file, or a session (see ExportFormat). */
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
  /** A run as it was at a step; training pauses. A newer one overtakes. */
  seek: { give: { readonly run: RunId; readonly step: number }; get: undefined }
  /** A new run with the weights of a run at a step, and something changed. */
  branch: { give: { readonly run: RunId; readonly step: number; readonly change: BranchChange }; get: RunInfo }
  close: { give: { readonly run: RunId }; get: undefined }
  /** Tries something on the network. */
  experiment: { give: { readonly run: RunId; readonly trial: Trial }; get: ExperimentReport }
  /** Takes an experiment back: the unit speaks again, the number is what it was. */
  undoExperiment: { give: { readonly run: RunId; readonly id: number }; get: undefined }
  /** What data ask of a network, before there is one; of points of the plane, the points [n, 2] and targets [n] too. */
  describe: {
    give: { readonly data: DataSpec }
    get: DataFacts & { readonly points?: Float32Array; readonly targets?: Float32Array }
  }
  /** All samples as a safetensors file with inputs and targets, for a program that trains on them elsewhere. */
  samples: { give: { readonly data: DataSpec }; get: Uint8Array<ArrayBuffer> }
  /** A run as the bytes of a file. */
  export: { give: { readonly run: RunId; readonly format: ExportFormat }; get: Uint8Array }
  /** What a safetensors file holds: a model, or a checkpoint of a run. Nothing is opened. */
  inspect: { give: { readonly bytes: Uint8Array; readonly name: string }; get: ModelFile }
}

/**
 * What a run can be taken away as. `weights`: a model file of the library, safetensors; `first`: the same before the
 * first step; `session`: weights with all that training goes on from; `file`: a session with its spec.
 */
export type ExportFormat = 'weights' | 'first' | 'session' | 'file' | 'onnx'

/** What a model file says of itself. */
export interface ModelFile {
  /** The library's description of the architecture, if it is there. */
  readonly model?: ModelSpec
  /** What was set up, if it is a session's file; not checked. */
  readonly spec?: unknown
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[]
  /** The weights alone, as `open` wants them. */
  readonly weights: Uint8Array
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
  /** The first step that can be looked at, and the last that was made. */
  readonly begin: number
  readonly end: number
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
