/** Layers that change the shape and no number. */
import type { Tensor } from '../tensor.ts'
import { type LayerConfig, Module } from './module.ts'

/** The axes from `from` to `to` become one; by default all but the first. x: [B, ...s] → [B, product of s] */
export class Flatten extends Module {
  readonly from: number
  readonly to: number
  constructor(from = 1, to = -1) {
    super()
    this.from = from
    this.to = to
  }
  forward(x: Tensor): Tensor {
    return x.flatten(this.from, this.to)
  }
  override config(): LayerConfig {
    return { kind: 'flatten', from: this.from, to: this.to }
  }
}

export const flatten = (from?: number, to?: number): Flatten => new Flatten(from, to)
