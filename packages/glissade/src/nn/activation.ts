/**
 * Activations as layers. Their formulas: functional.ts, and the methods of Tensor.
 *
 * All are x: [...s] → [...s].
 */
import type { Tensor } from '../tensor.ts'
import {
  elu as eluOf,
  gelu as geluOf,
  leakyRelu as leakyReluOf,
  silu as siluOf,
  softplus as softplusOf,
} from './functional.ts'
import { type LayerConfig, Module } from './module.ts'

/** x where it is above 0, else 0; the gradient at 0 is 0. */
export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return x.relu()
  }
  override config(): LayerConfig {
    return { kind: 'relu' }
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
    return leakyReluOf(x, this.slope)
  }
  override config(): LayerConfig {
    return { kind: 'leakyRelu', slope: this.slope }
  }
}

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

/** x times the part of a normal distribution below x, exact or by tanh. */
export class GELU extends Module {
  readonly approximate: 'none' | 'tanh'
  constructor(approximate: 'none' | 'tanh' = 'none') {
    super()
    this.approximate = approximate
  }
  forward(x: Tensor): Tensor {
    return geluOf(x, this.approximate)
  }
  override config(): LayerConfig {
    return { kind: 'gelu', approximate: this.approximate }
  }
}

/** x sigmoid(x). */
export class SiLU extends Module {
  forward(x: Tensor): Tensor {
    return siluOf(x)
  }
  override config(): LayerConfig {
    return { kind: 'silu' }
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
    return eluOf(x, this.alpha)
  }
  override config(): LayerConfig {
    return { kind: 'elu', alpha: this.alpha }
  }
}

/** ln(1 + e^(beta x)) / beta. */
export class Softplus extends Module {
  readonly beta: number
  constructor(beta = 1) {
    super()
    this.beta = beta
  }
  forward(x: Tensor): Tensor {
    return softplusOf(x, this.beta)
  }
  override config(): LayerConfig {
    return { kind: 'softplus', beta: this.beta }
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

export const relu = (): ReLU => new ReLU()
export const leakyRelu = (slope?: number): LeakyReLU => new LeakyReLU(slope)
export const tanh = (): Tanh => new Tanh()
export const sigmoid = (): Sigmoid => new Sigmoid()
export const gelu = (approximate?: 'none' | 'tanh'): GELU => new GELU(approximate)
export const silu = (): SiLU => new SiLU()
export const elu = (alpha?: number): ELU => new ELU(alpha)
export const softplus = (beta?: number): Softplus => new Softplus(beta)
export const softmax = (axis?: number): Softmax => new Softmax(axis)
