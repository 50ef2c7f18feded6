/**
 * Activations as layers: relu and its relatives, which let large numbers through. Those that end in a bound, and
 * softmax: bounded.ts; those with gates: glu.ts. Their formulas: functional.ts, and the methods of Tensor.
 *
 * All are x: [...s] → [...s].
 */
import { full } from '../create.ts'
import { checkWhole } from '../ops/derived/common.ts'
import type { Tensor } from '../tensor.ts'
import * as functional from './functional.ts'
import { type LayerConfig, Module, Parameter } from './module.ts'

/** x where it is above 0, else 0; the gradient at 0 is 0. */
export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return x.relu()
  }
  override config(): LayerConfig {
    return { kind: 'relu' }
  }
}

/** x brought into 0 to 6; the gradient at both is 0. */
export class ReLU6 extends Module {
  forward(x: Tensor): Tensor {
    return functional.relu6(x)
  }
  override config(): LayerConfig {
    return { kind: 'relu6' }
  }
}

/** x where it is above 0, else `slope` times x. */
export class LeakyReLU extends Module {
  readonly slope: number
  constructor(slope = 0.01) {
    super()
    this.slope = slope
  }
  forward(x: Tensor): Tensor {
    return functional.leakyRelu(x, this.slope)
  }
  override config(): LayerConfig {
    return { kind: 'leakyRelu', slope: this.slope }
  }
}

/**
 * x where it is above 0, else a learned multiple of it: one for all, or one for each of `count` channels on axis 1.
 * x: [B, C, ...s] → [B, C, ...s], weight: [count]
 */
export class PReLU extends Module {
  readonly count: number
  readonly init: number
  readonly weight: Parameter
  constructor(count = 1, init = 0.25) {
    super()
    this.count = checkWhole('prelu: count', count, 1)
    this.init = init
    this.weight = new Parameter(full([count], init))
  }
  forward(x: Tensor): Tensor {
    return functional.prelu(x, this.weight)
  }
  override config(): LayerConfig {
    return { kind: 'prelu', count: this.count, init: this.init }
  }
}

/** x where it is above 0, else alpha (e^x - 1). */
export class ELU extends Module {
  readonly alpha: number
  constructor(alpha = 1) {
    super()
    this.alpha = alpha
  }
  forward(x: Tensor): Tensor {
    return functional.elu(x, this.alpha)
  }
  override config(): LayerConfig {
    return { kind: 'elu', alpha: this.alpha }
  }
}

/** elu with the two constants that keep mean 0 and variance 1. */
export class SELU extends Module {
  forward(x: Tensor): Tensor {
    return functional.selu(x)
  }
  override config(): LayerConfig {
    return { kind: 'selu' }
  }
}

/** x where it is above 0, else alpha (e^(x / alpha) - 1). */
export class CELU extends Module {
  readonly alpha: number
  constructor(alpha = 1) {
    super()
    this.alpha = alpha
  }
  forward(x: Tensor): Tensor {
    return functional.celu(x, this.alpha)
  }
  override config(): LayerConfig {
    return { kind: 'celu', alpha: this.alpha }
  }
}

/** x times the part of a normal distribution below x, exact or by tanh. */
export class GELU extends Module {
  readonly approximate: 'none' | 'tanh'
  constructor(approximate: 'none' | 'tanh' = 'none') {
    super()
    this.approximate = approximate
  }
  forward(x: Tensor): Tensor {
    return functional.gelu(x, this.approximate)
  }
  override config(): LayerConfig {
    return { kind: 'gelu', approximate: this.approximate }
  }
}

/** x sigmoid(x). */
export class SiLU extends Module {
  forward(x: Tensor): Tensor {
    return functional.silu(x)
  }
  override config(): LayerConfig {
    return { kind: 'silu' }
  }
}

/** x tanh(softplus(x)). */
export class Mish extends Module {
  forward(x: Tensor): Tensor {
    return functional.mish(x)
  }
  override config(): LayerConfig {
    return { kind: 'mish' }
  }
}

/** x hardsigmoid(x). */
export class Hardswish extends Module {
  forward(x: Tensor): Tensor {
    return functional.hardswish(x)
  }
  override config(): LayerConfig {
    return { kind: 'hardswish' }
  }
}

/** ln(1 + e^(beta x)) / beta; x itself where beta x is above `threshold`. */
export class Softplus extends Module {
  readonly beta: number
  readonly threshold: number
  constructor(beta = 1, threshold = 20) {
    super()
    this.beta = beta
    this.threshold = threshold
  }
  forward(x: Tensor): Tensor {
    return functional.softplus(x, this.beta, this.threshold)
  }
  override config(): LayerConfig {
    return { kind: 'softplus', beta: this.beta, threshold: this.threshold }
  }
}

/** x - tanh(x). */
export class Tanhshrink extends Module {
  forward(x: Tensor): Tensor {
    return functional.tanhshrink(x)
  }
  override config(): LayerConfig {
    return { kind: 'tanhshrink' }
  }
}

/** x brought nearer to 0 by `lambda`, and 0 within it. */
export class Softshrink extends Module {
  readonly lambda: number
  constructor(lambda = 0.5) {
    super()
    this.lambda = lambda
  }
  forward(x: Tensor): Tensor {
    return functional.softshrink(x, this.lambda)
  }
  override config(): LayerConfig {
    return { kind: 'softshrink', lambda: this.lambda }
  }
}

/** x, but 0 where it is within ±lambda. */
export class Hardshrink extends Module {
  readonly lambda: number
  constructor(lambda = 0.5) {
    super()
    this.lambda = lambda
  }
  forward(x: Tensor): Tensor {
    return functional.hardshrink(x, this.lambda)
  }
  override config(): LayerConfig {
    return { kind: 'hardshrink', lambda: this.lambda }
  }
}

/** x where it is above `limit`, else `value`. */
export class Threshold extends Module {
  readonly limit: number
  readonly value: number
  constructor(limit: number, value: number) {
    super()
    this.limit = limit
    this.value = value
  }
  forward(x: Tensor): Tensor {
    return functional.threshold(x, this.limit, this.value)
  }
  override config(): LayerConfig {
    return { kind: 'threshold', limit: this.limit, value: this.value }
  }
}

export const relu = (): ReLU => new ReLU()
export const relu6 = (): ReLU6 => new ReLU6()
export const leakyRelu = (slope?: number): LeakyReLU => new LeakyReLU(slope)
export const prelu = (count?: number, init?: number): PReLU => new PReLU(count, init)
export const elu = (alpha?: number): ELU => new ELU(alpha)
export const selu = (): SELU => new SELU()
export const celu = (alpha?: number): CELU => new CELU(alpha)
export const gelu = (approximate?: 'none' | 'tanh'): GELU => new GELU(approximate)
export const silu = (): SiLU => new SiLU()
export const mish = (): Mish => new Mish()
export const hardswish = (): Hardswish => new Hardswish()
export const softplus = (beta?: number, threshold?: number): Softplus => new Softplus(beta, threshold)
export const tanhshrink = (): Tanhshrink => new Tanhshrink()
export const softshrink = (lambda?: number): Softshrink => new Softshrink(lambda)
export const hardshrink = (lambda?: number): Hardshrink => new Hardshrink(lambda)
export const threshold = (limit: number, value: number): Threshold => new Threshold(limit, value)
