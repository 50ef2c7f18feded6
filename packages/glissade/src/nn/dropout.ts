/** Dropout: in training, elements are set to 0 at random (Srivastava et al. 2014). */
import { fail } from '../errors.ts'
import { bernoulli } from '../random.ts'
import type { Tensor } from '../tensor.ts'
import { type LayerConfig, Module } from './module.ts'

/**
 * In training, sets each element to 0 with probability `p` and divides the others by 1 - p, so that the mean stays;
 * in evaluation, does nothing. x: [...s] → [...s]
 */
export class Dropout extends Module {
  readonly p: number
  constructor(p = 0.5) {
    super()
    if (!(p >= 0 && p <= 1))
      fail('value-invalid', { what: 'dropout: p', received: String(p), expected: '0 to 1', fix: 'Change the option.' })
    this.p = p
  }
  forward(x: Tensor): Tensor {
    if (!this.training || this.p === 0) return x
    if (this.p === 1) return x.mul(0)
    return bernoulli(x.shape, 1 - this.p).where(x.mul(1 / (1 - this.p)), 0)
  }
  override config(): LayerConfig {
    return { kind: 'dropout', p: this.p }
  }
}

export const dropout = (p?: number): Dropout => new Dropout(p)
