/**
 * One step of a recurrent network: the rules of the plain RNN, the LSTM and the GRU, and each as a cell.
 *
 * A rule says how the next state follows from the step's input and the state before; both come as sums over their
 * weights, with all gates side by side. Layers that go through a whole sequence: recurrent.ts.
 */
import { zeros } from '../create.ts'
import { isFloat } from '../dtype.ts'
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { type Shape, sameShape } from '../shape.ts'
import { Tensor } from '../tensor.ts'
import { fanInUniform } from './init.ts'
import { type LayerConfig, Module, Parameter, tap } from './module.ts'

/** What a network remembers: h is its output, c (LSTM only) its cell. As lists [h] or [h, c] inside the rules. */
export type Memory = readonly Tensor[]

export interface CellRule {
  /** Its name in errors, as `lstm`. */
  readonly name: string
  /** How many times the hidden size the sums are wide. */
  readonly gates: number
  /** How many tensors are remembered. */
  readonly memories: 1 | 2
  /**
   * fromInput: x W_ihᵀ + b_ih, fromHidden: h W_hhᵀ + b_hh, both [B, gates H]; memory: [B, H] each. Gates and memory
   * are named by `see`.
   */
  next(fromInput: Tensor, fromHidden: Tensor, memory: Memory, see?: typeof tap): Memory
}

/** How a plain RNN bends its sum. */
export type RnnNonlinearity = 'tanh' | 'relu'

/** h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or with relu (Elman 1990). */
export const rnnRule = (nonlinearity: RnnNonlinearity): CellRule => ({
  name: 'rnn',
  gates: 1,
  memories: 1,
  next(fromInput, fromHidden, _, see = tap) {
    const sum = fromInput.add(fromHidden)
    return [see('hidden', nonlinearity === 'tanh' ? sum.tanh() : sum.relu())]
  },
})

/**
 * The LSTM (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000), with the gates in the order of PyTorch:
 * input, forget, candidate, output. c' = f c + i g, h' = o tanh(c').
 */
export const lstmRule: CellRule = {
  name: 'lstm',
  gates: 4,
  memories: 2,
  next(fromInput, fromHidden, [h, c], see = tap) {
    const sums = fromInput.add(fromHidden).split(h.shape[1], 1)
    const input = see('i', sums[0].sigmoid())
    const forget = see('f', sums[1].sigmoid())
    const candidate = see('g', sums[2].tanh())
    const output = see('o', sums[3].sigmoid())
    const cell = see('cell', forget.mul(c).add(input.mul(candidate)))
    return [see('hidden', output.mul(cell.tanh())), cell]
  },
}

/**
 * The GRU (Cho et al. 2014, arXiv 1406.1078), with the gates in the order of PyTorch: reset, update, candidate. As
 * there, the reset gate works on the product with the state: n = tanh(W_in x + b_in + r (W_hn h + b_hn)),
 * h' = (1 - z) n + z h.
 */
export const gruRule: CellRule = {
  name: 'gru',
  gates: 3,
  memories: 1,
  next(fromInput, fromHidden, [h], see = tap) {
    const [inputs, hiddens] = [fromInput, fromHidden].map((sums) => sums.split(h.shape[1], 1))
    const reset = see('r', inputs[0].add(hiddens[0]).sigmoid())
    const update = see('z', inputs[1].add(hiddens[1]).sigmoid())
    const candidate = see('n', inputs[2].add(reset.mul(hiddens[2])).tanh())
    return [see('hidden', candidate.add(update.mul(h.sub(candidate))))]
  },
}

export function checkNonlinearity(value: unknown): RnnNonlinearity {
  if (value === 'tanh' || value === 'relu') return value
  return fail('value-invalid', {
    what: 'rnn: nonlinearity',
    received: String(value),
    expected: "'tanh' or 'relu'",
    fix: 'Change the option.',
  })
}

/** Checks what was remembered, or starts with zeros of the type that whole numbers too become when they are weighted. */
export function memoryOf(rule: CellRule, given: Memory | undefined, shape: Shape, x: Tensor): Memory {
  const dtype = isFloat(x.dtype) ? x.dtype : 'float32'
  if (!given) return Array.from({ length: rule.memories }, () => zeros(shape, dtype))
  for (const tensor of given) {
    const isTensor: boolean = tensor instanceof Tensor
    if (isTensor && sameShape(tensor.shape, shape)) continue
    fail('shape-mismatch', {
      op: `${rule.name}: state`,
      received: isTensor ? `[${tensor.shape.join(', ')}]` : 'something that is no tensor',
      expected: `${rule.memories === 2 ? '{ h, c }, each ' : ''}[${shape.join(', ')}]`,
      fix: 'Give the state that an earlier call returned for as many samples, or none.',
    })
  }
  return given
}

export interface CellOptions {
  /** Whether numbers are added to both sums; default true. */
  readonly bias?: boolean
}

/** What the three cells share: weights named as in PyTorch. */
abstract class Cell extends Module {
  readonly in: number
  readonly hidden: number
  /** [gates H, in] */
  readonly weight_ih: Parameter
  /** [gates H, H] */
  readonly weight_hh: Parameter
  /** [gates H] */
  readonly bias_ih: Parameter | undefined
  readonly bias_hh: Parameter | undefined
  readonly #rule: CellRule

  constructor(rule: CellRule, inFeatures: number, hidden: number, { bias = true }: CellOptions) {
    super()
    this.#rule = rule
    this.in = checkWhole(`${rule.name}Cell: in`, inFeatures, 1)
    this.hidden = checkWhole(`${rule.name}Cell: hidden`, hidden, 1)
    const rows = rule.gates * hidden
    this.weight_ih = new Parameter(fanInUniform([rows, inFeatures], hidden))
    this.weight_hh = new Parameter(fanInUniform([rows, hidden], hidden))
    this.bias_ih = bias ? new Parameter(fanInUniform([rows], hidden)) : undefined
    this.bias_hh = bias ? new Parameter(fanInUniform([rows], hidden)) : undefined
  }

  protected step(x: Tensor, given: Memory | undefined): Memory {
    if (x.rank !== 2 || x.shape[1] !== this.in) {
      fail('shape-mismatch', {
        op: `${this.#rule.name}Cell`,
        received: `[${x.shape.join(', ')}]`,
        expected: `[B, ${this.in}]: one step of B sequences`,
        fix: 'Reshape the input, or use the layer for whole sequences.',
      })
    }
    const memory = memoryOf(this.#rule, given, [x.shape[0], this.hidden], x)
    return this.#rule.next(
      weighted(x, this.weight_ih, this.bias_ih),
      weighted(memory[0], this.weight_hh, this.bias_hh),
      memory,
    )
  }

  protected options(kind: string): LayerConfig {
    return { kind, in: this.in, hidden: this.hidden, bias: this.bias_ih !== undefined }
  }
}

/** x weightᵀ + bias. x: [...s, in], weight: [out, in] → [...s, out] */
export function weighted(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor {
  const sum = x.matmul(weight.transpose())
  return bias ? sum.add(bias) : sum
}

export interface RnnCellOptions extends CellOptions {
  /** Default 'tanh'. */
  readonly nonlinearity?: RnnNonlinearity
}

/** One step of a plain RNN. x: [B, in], h: [B, H] (default zeros) → [B, H] */
export class RNNCell extends Cell {
  readonly nonlinearity: RnnNonlinearity
  constructor(inFeatures: number, hidden: number, { nonlinearity = 'tanh', ...options }: RnnCellOptions = {}) {
    super(rnnRule(checkNonlinearity(nonlinearity)), inFeatures, hidden, options)
    this.nonlinearity = nonlinearity
  }
  forward(x: Tensor, h?: Tensor): Tensor {
    return this.step(x, h && [h])[0]
  }
  override config(): LayerConfig {
    return { ...this.options('rnnCell'), nonlinearity: this.nonlinearity }
  }
}

/** What an LSTM remembers. Of a cell [B, H] each, of a layer [layers directions, B, H]. */
export interface LSTMState {
  readonly h: Tensor
  readonly c: Tensor
}

/** One step of an LSTM. x: [B, in], state: { h, c } of [B, H] (default zeros) → { h, c } */
export class LSTMCell extends Cell {
  constructor(inFeatures: number, hidden: number, options: CellOptions = {}) {
    super(lstmRule, inFeatures, hidden, options)
  }
  forward(x: Tensor, state?: LSTMState): LSTMState {
    const [h, c] = this.step(x, state && [state.h, state.c])
    return { h, c }
  }
  override config(): LayerConfig {
    return this.options('lstmCell')
  }
}

/** One step of a GRU. x: [B, in], h: [B, H] (default zeros) → [B, H] */
export class GRUCell extends Cell {
  constructor(inFeatures: number, hidden: number, options: CellOptions = {}) {
    super(gruRule, inFeatures, hidden, options)
  }
  forward(x: Tensor, h?: Tensor): Tensor {
    return this.step(x, h && [h])[0]
  }
  override config(): LayerConfig {
    return this.options('gruCell')
  }
}

export const rnnCell = (inFeatures: number, hidden: number, options?: RnnCellOptions): RNNCell =>
  new RNNCell(inFeatures, hidden, options)
export const lstmCell = (inFeatures: number, hidden: number, options?: CellOptions): LSTMCell =>
  new LSTMCell(inFeatures, hidden, options)
export const gruCell = (inFeatures: number, hidden: number, options?: CellOptions): GRUCell =>
  new GRUCell(inFeatures, hidden, options)
