/**
 * Recurrent layers for whole sequences: RNN, LSTM, GRU, in several layers and both directions.
 *
 * The products with the inputs are made for all steps at once; what is left for each step is one product with the
 * state and one map (recurrent-cells.ts has the rules). Sequences are [B, T, C] by default, unlike in PyTorch, whose
 * order `batchFirst: false` gives. Names of parameters are PyTorch's: `weight_ih_l0`, `bias_hh_l1_reverse`; gates and
 * memory can be captured as `l0.i`, `l1_reverse.cell` (their names: recurrent-cells.ts).
 */
import { arange } from '../create.ts'
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { checkIndices } from '../ops/derived/indexing.ts'
import { concat, stack } from '../ops/derived/movement.ts'
import { scan } from '../ops/derived/scan.ts'
import type { Tensor } from '../tensor.ts'
import { Dropout } from './dropout.ts'
import { fanInUniform } from './init.ts'
import { type LayerConfig, Module, Parameter, tap } from './module.ts'
import {
  type CellRule,
  checkNonlinearity,
  gruRule,
  type LSTMState,
  lstmRule,
  type Memory,
  memoryOf,
  type RnnNonlinearity,
  rnnRule,
  weighted,
} from './recurrent-cells.ts'

export interface RecurrentOptions {
  /** Layers on top of each other, each reading what the one below put out; default 1. */
  readonly layers?: number
  /** Whether numbers are added to the sums; default true. */
  readonly bias?: boolean
  /** [B, T, C] (default), or with false [T, B, C]. */
  readonly batchFirst?: boolean
  /** Dropout of the outputs of all layers but the last, in training; default 0. */
  readonly dropout?: number
  /** Also from the last step to the first; the outputs of both lie side by side. Default false. */
  readonly bidirectional?: boolean
}

export interface SequenceOptions<State> {
  /** Where to start; default zeros. [layers directions, B, H] */
  readonly state?: State
  /**
   * int32 [B]: how many steps of each sequence count; default all. The outputs of the others are 0, the state is that
   * after the last step that counts, and the way back starts there. Of a sequence of length 0 it is the first state.
   */
  readonly lengths?: Tensor
}

/** What comes out of each step, [B, T, directions H], and what is remembered at the end. */
export interface Sequenced<State> {
  readonly output: Tensor
  readonly state: State
}

/** The parameters of one direction of one layer. */
interface Weights {
  readonly ih: Tensor
  readonly hh: Tensor
  readonly inputBias: Tensor | undefined
  readonly hiddenBias: Tensor | undefined
}

abstract class Recurrent extends Module {
  readonly in: number
  readonly hidden: number
  readonly layers: number
  readonly bias: boolean
  readonly batchFirst: boolean
  readonly dropout: number
  readonly bidirectional: boolean
  readonly drop: Dropout | undefined
  readonly #rule: CellRule

  constructor(rule: CellRule, inFeatures: number, hidden: number, options: RecurrentOptions) {
    super()
    const { layers = 1, bias = true, batchFirst = true, dropout = 0, bidirectional = false } = options
    this.#rule = rule
    this.in = checkWhole(`${rule.name}: in`, inFeatures, 1)
    this.hidden = checkWhole(`${rule.name}: hidden`, hidden, 1)
    this.layers = checkWhole(`${rule.name}: layers`, layers, 1)
    this.bias = bias
    this.batchFirst = batchFirst
    this.dropout = dropout
    this.drop = dropout === 0 ? undefined : new Dropout(dropout)
    this.bidirectional = bidirectional
    const rows = rule.gates * hidden
    for (const { layer, ending } of this.#directions()) {
      const width = layer === 0 ? inFeatures : hidden * this.#ways
      const shapes = { weight_ih: [rows, width], weight_hh: [rows, hidden], bias_ih: [rows], bias_hh: [rows] }
      for (const [name, shape] of Object.entries(shapes)) {
        if (!bias && shape.length === 1) continue
        Object.assign(this, { [`${name}${ending}`]: new Parameter(fanInUniform(shape, hidden)) })
      }
    }
  }

  get #ways(): 1 | 2 {
    return this.bidirectional ? 2 : 1
  }

  /** Every layer's directions, in the order of the state. */
  *#directions(): Generator<{ layer: number; reverse: boolean; ending: string }> {
    for (let layer = 0; layer < this.layers; layer++) {
      for (const reverse of this.bidirectional ? [false, true] : [false])
        yield { layer, reverse, ending: `_l${layer}${reverse ? '_reverse' : ''}` }
    }
  }

  #weights(ending: string): Weights {
    const own = this as unknown as Record<string, Parameter | undefined>
    return {
      ih: own[`weight_ih${ending}`] as Parameter,
      hh: own[`weight_hh${ending}`] as Parameter,
      inputBias: own[`bias_ih${ending}`],
      hiddenBias: own[`bias_hh${ending}`],
    }
  }

  protected run(x: Tensor, given: Memory | undefined, lengths: Tensor | undefined): { output: Tensor; memory: Memory } {
    this.#checkInput(x)
    const batch = this.batchFirst ? x.shape[0] : x.shape[1]
    const rule = this.#rule
    const shape = [this.layers * this.#ways, batch, this.hidden]
    const start = memoryOf(rule, given, shape, x).map((all) => all.split(1, 0))
    const steps = this.batchFirst ? x.transpose(0, 1) : x
    const counts = lengths && this.#counts(lengths, steps.shape[0], batch)
    // What stands behind a sequence has no say in any gradient either, be it NaN.
    let sequence = counts ? counts.where(steps, 0) : steps
    const ends: Memory[] = []
    let outputs: Tensor[] = []
    for (const { layer, reverse, ending } of this.#directions()) {
      const memory = start.map((all) => all[ends.length].squeeze(0))
      const ran = sweep(rule, sequence, memory, this.#weights(ending), { reverse, counts, name: ending.slice(1) })
      ends.push(ran.memory)
      outputs.push(ran.output)
      if (outputs.length < this.#ways) continue
      const joined = outputs.length === 1 ? outputs[0] : concat(outputs, 2)
      sequence = this.drop && layer < this.layers - 1 ? this.drop.forward(joined) : joined
      outputs = []
    }
    return {
      output: this.batchFirst ? sequence.transpose(0, 1) : sequence,
      memory: start.map((_, i) => stack(ends.map((end) => end[i]))),
    }
  }

  #checkInput(x: Tensor): void {
    const time = this.batchFirst ? 1 : 0
    if (x.rank === 3 && x.shape[2] === this.in && x.shape[time] > 0) return
    const expected = this.batchFirst ? `[B, T, ${this.in}]` : `[T, B, ${this.in}]`
    fail('shape-mismatch', {
      op: this.#rule.name,
      received: `[${x.shape.join(', ')}]`,
      expected: `${expected} with at least one step of time`,
      fix: x.rank === 2 ? 'Add the axis of samples with unsqueeze.' : 'Check the sizes and the option batchFirst.',
    })
  }

  /** bool [T, B, 1]: which steps count. */
  #counts(lengths: Tensor, steps: number, batch: number): Tensor {
    if (lengths.dtype !== 'int32' || lengths.rank !== 1 || lengths.shape[0] !== batch) {
      fail('shape-mismatch', {
        op: `${this.#rule.name}: lengths`,
        received: `${lengths.dtype} [${lengths.shape.join(', ')}]`,
        expected: `int32 [${batch}]: the number of steps of each sequence`,
        fix: 'Give one length for each sample.',
      })
    }
    checkIndices(`${this.#rule.name}: lengths`, lengths, steps + 1)
    return arange(steps).unsqueeze(1).lt(lengths.unsqueeze(0)).unsqueeze(2)
  }

  protected options(kind: string): LayerConfig {
    const { hidden, layers, bias, batchFirst, dropout, bidirectional } = this
    return { kind, in: this.in, hidden, layers, bias, batchFirst, dropout, bidirectional }
  }
}

/** One direction of one layer. x: [T, B, in] → output: [T, B, H], memory: [B, H] each */
function sweep(
  rule: CellRule,
  x: Tensor,
  start: Memory,
  weights: Weights,
  { reverse, counts, name }: { reverse: boolean; counts: Tensor | undefined; name: string },
): { output: Tensor; memory: Memory } {
  const inputs = weighted(x, weights.ih, weights.inputBias)
  const see: typeof tap = (what, value) => tap(`${name}.${what}`, value)
  const { carry, ys } = scan(
    (memory: Memory, step: { input: Tensor; counts?: Tensor }) => {
      const next = rule.next(step.input, weighted(memory[0], weights.hh, weights.hiddenBias), memory, see)
      if (!step.counts) return { carry: next, y: next[0] }
      const { counts } = step
      return { carry: next.map((value, i) => counts.where(value, memory[i])), y: counts.where(next[0], 0) }
    },
    start,
    { input: inputs, ...(counts && { counts }) },
    { reverse },
  )
  return { output: ys, memory: carry }
}

export interface RnnOptions extends RecurrentOptions {
  /** Default 'tanh'. */
  readonly nonlinearity?: RnnNonlinearity
}

/**
 * A plain recurrent network (Elman 1990): each step's output is computed from its input and the output before.
 * x: [B, T, in], state: [layers directions, B, H] → { output: [B, T, directions H], state }
 */
export class RNN extends Recurrent {
  readonly nonlinearity: RnnNonlinearity
  constructor(inFeatures: number, hidden: number, { nonlinearity = 'tanh', ...options }: RnnOptions = {}) {
    super(rnnRule(checkNonlinearity(nonlinearity)), inFeatures, hidden, options)
    this.nonlinearity = nonlinearity
  }
  forward(x: Tensor, { state, lengths }: SequenceOptions<Tensor> = {}): Sequenced<Tensor> {
    const { output, memory } = this.run(x, state && [state], lengths)
    return { output, state: memory[0] }
  }
  override config(): LayerConfig {
    return { ...this.options('rnn'), nonlinearity: this.nonlinearity }
  }
}

/**
 * The long short-term memory (Hochreiter and Schmidhuber 1997): gates decide what its cell keeps, takes and shows.
 * x: [B, T, in], state: { h, c } of [layers directions, B, H] → { output: [B, T, directions H], state }
 */
export class LSTM extends Recurrent {
  constructor(inFeatures: number, hidden: number, options: RecurrentOptions = {}) {
    super(lstmRule, inFeatures, hidden, options)
  }
  forward(x: Tensor, { state, lengths }: SequenceOptions<LSTMState> = {}): Sequenced<LSTMState> {
    const { output, memory } = this.run(x, state && [state.h, state.c], lengths)
    return { output, state: { h: memory[0], c: memory[1] } }
  }
  override config(): LayerConfig {
    return this.options('lstm')
  }
}

/**
 * The gated recurrent unit (Cho et al. 2014, arXiv 1406.1078): two gates, no cell apart from the output.
 * x: [B, T, in], state: [layers directions, B, H] → { output: [B, T, directions H], state }
 */
export class GRU extends Recurrent {
  constructor(inFeatures: number, hidden: number, options: RecurrentOptions = {}) {
    super(gruRule, inFeatures, hidden, options)
  }
  forward(x: Tensor, { state, lengths }: SequenceOptions<Tensor> = {}): Sequenced<Tensor> {
    const { output, memory } = this.run(x, state && [state], lengths)
    return { output, state: memory[0] }
  }
  override config(): LayerConfig {
    return this.options('gru')
  }
}

export const rnn = (inFeatures: number, hidden: number, options?: RnnOptions): RNN =>
  new RNN(inFeatures, hidden, options)
export const lstm = (inFeatures: number, hidden: number, options?: RecurrentOptions): LSTM =>
  new LSTM(inFeatures, hidden, options)
export const gru = (inFeatures: number, hidden: number, options?: RecurrentOptions): GRU =>
  new GRU(inFeatures, hidden, options)
