/**
 * Activations as layers: those that end in a bound, the perceptron's step, and softmax. The relatives of relu:
 * activation.ts. Their formulas: functional.ts, and the methods of Tensor.
 *
 * All are x: [...s] → [...s].
 */
import type { Tensor } from '../tensor.ts'
import * as functional from './functional.ts'
import { type LayerConfig, Module } from './module.ts'

/** The hyperbolic tangent: into -1 to 1. */
export class Tanh extends Module {
  forward(x: Tensor): Tensor {
    return x.tanh()
  }
  override config(): LayerConfig {
    return { kind: 'tanh' }
  }
}

/** 1 / (1 + e^-x): into 0 to 1. */
export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return x.sigmoid()
  }
  override config(): LayerConfig {
    return { kind: 'sigmoid' }
  }
}

/** ln sigmoid(x). */
export class LogSigmoid extends Module {
  forward(x: Tensor): Tensor {
    return functional.logSigmoid(x)
  }
  override config(): LayerConfig {
    return { kind: 'logSigmoid' }
  }
}

/** x / (1 + |x|): into -1 to 1. */
export class Softsign extends Module {
  forward(x: Tensor): Tensor {
    return functional.softsign(x)
  }
  override config(): LayerConfig {
    return { kind: 'softsign' }
  }
}

/** x brought into `low` to `high`. */
export class Hardtanh extends Module {
  readonly low: number
  readonly high: number
  constructor(low = -1, high = 1) {
    super()
    this.low = low
    this.high = high
  }
  forward(x: Tensor): Tensor {
    return functional.hardtanh(x, this.low, this.high)
  }
  override config(): LayerConfig {
    return { kind: 'hardtanh', low: this.low, high: this.high }
  }
}

/** relu6(x + 3) / 6: into 0 to 1 by straight lines. */
export class Hardsigmoid extends Module {
  forward(x: Tensor): Tensor {
    return functional.hardsigmoid(x)
  }
  override config(): LayerConfig {
    return { kind: 'hardsigmoid' }
  }
}

export interface StepOptions {
  /** Whether the gradient passes as if the step were the identity; default false, which stops it. */
  readonly straightThrough?: boolean
}

/** The perceptron's step: 1 where x is above 0, else 0. Its gradient is 0, but for `straightThrough`. */
export class Step extends Module {
  readonly straightThrough: boolean
  constructor({ straightThrough = false }: StepOptions = {}) {
    super()
    this.straightThrough = straightThrough
  }
  forward(x: Tensor): Tensor {
    return functional.step(x, { straightThrough: this.straightThrough })
  }
  override config(): LayerConfig {
    return { kind: 'step', straightThrough: this.straightThrough }
  }
}

/** Probabilities along an axis, by default the last. */
export class Softmax extends Module {
  readonly axis: number
  constructor(axis = -1) {
    super()
    this.axis = axis
  }
  forward(x: Tensor): Tensor {
    return x.softmax(this.axis)
  }
  override config(): LayerConfig {
    return { kind: 'softmax', axis: this.axis }
  }
}

/** Logarithms of probabilities along an axis, by default the last. */
export class LogSoftmax extends Module {
  readonly axis: number
  constructor(axis = -1) {
    super()
    this.axis = axis
  }
  forward(x: Tensor): Tensor {
    return x.logSoftmax(this.axis)
  }
  override config(): LayerConfig {
    return { kind: 'logSoftmax', axis: this.axis }
  }
}

/** Probabilities along an axis, the smallest number being the most probable. */
export class Softmin extends Module {
  readonly axis: number
  constructor(axis = -1) {
    super()
    this.axis = axis
  }
  forward(x: Tensor): Tensor {
    return functional.softmin(x, this.axis)
  }
  override config(): LayerConfig {
    return { kind: 'softmin', axis: this.axis }
  }
}

export const tanh = (): Tanh => new Tanh()
export const sigmoid = (): Sigmoid => new Sigmoid()
export const logSigmoid = (): LogSigmoid => new LogSigmoid()
export const softsign = (): Softsign => new Softsign()
export const hardtanh = (low?: number, high?: number): Hardtanh => new Hardtanh(low, high)
export const hardsigmoid = (): Hardsigmoid => new Hardsigmoid()
export const step = (options?: StepOptions): Step => new Step(options)
export const softmax = (axis?: number): Softmax => new Softmax(axis)
export const logSoftmax = (axis?: number): LogSoftmax => new LogSoftmax(axis)
export const softmin = (axis?: number): Softmin => new Softmin(axis)
