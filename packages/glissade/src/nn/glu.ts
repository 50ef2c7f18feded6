/**
 * Gated linear units: one half of an axis times an activation of the other, as layers. The first half is the value,
 * the second the gate, as in PyTorch's GLU. Their formulas: functional.ts.
 *
 * All are x: [..., 2N, ...] → [..., N, ...] and have no weights: a linear layer of twice the width stands before.
 */
import type { Tensor } from '../tensor.ts'
import * as functional from './functional.ts'
import { type LayerConfig, Module } from './module.ts'

/** a sigmoid(b), a and b being the halves of the axis (Dauphin et al. 2017, arXiv 1612.08083). */
export class GLU extends Module {
  readonly axis: number
  constructor(axis = -1) {
    super()
    this.axis = axis
  }
  forward(x: Tensor): Tensor {
    return functional.glu(x, this.axis)
  }
  override config(): LayerConfig {
    return { kind: 'glu', axis: this.axis }
  }
}

/** a relu(b), a and b being the halves of the axis (Shazeer 2020, arXiv 2002.05202). */
export class ReGLU extends Module {
  readonly axis: number
  constructor(axis = -1) {
    super()
    this.axis = axis
  }
  forward(x: Tensor): Tensor {
    return functional.reglu(x, this.axis)
  }
  override config(): LayerConfig {
    return { kind: 'reglu', axis: this.axis }
  }
}

/** a gelu(b), a and b being the halves of the axis (Shazeer 2020, arXiv 2002.05202). */
export class GEGLU extends Module {
  readonly axis: number
  readonly approximate: 'none' | 'tanh'
  constructor(axis = -1, approximate: 'none' | 'tanh' = 'none') {
    super()
    this.axis = axis
    this.approximate = approximate
  }
  forward(x: Tensor): Tensor {
    return functional.geglu(x, this.axis, this.approximate)
  }
  override config(): LayerConfig {
    return { kind: 'geglu', axis: this.axis, approximate: this.approximate }
  }
}

/** a silu(b), a and b being the halves of the axis (Shazeer 2020, arXiv 2002.05202). */
export class SwiGLU extends Module {
  readonly axis: number
  constructor(axis = -1) {
    super()
    this.axis = axis
  }
  forward(x: Tensor): Tensor {
    return functional.swiglu(x, this.axis)
  }
  override config(): LayerConfig {
    return { kind: 'swiglu', axis: this.axis }
  }
}

export const glu = (axis?: number): GLU => new GLU(axis)
export const reglu = (axis?: number): ReGLU => new ReGLU(axis)
export const geglu = (axis?: number, approximate?: 'none' | 'tanh'): GEGLU => new GEGLU(axis, approximate)
export const swiglu = (axis?: number): SwiGLU => new SwiGLU(axis)
