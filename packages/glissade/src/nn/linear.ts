/** The fully connected layer. */
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import type { Tensor } from '../tensor.ts'
import { fanInUniform } from './init.ts'
import { type LayerConfig, Module, Parameter } from './module.ts'

export interface LinearOptions {
  /** Whether a number is added to each output; default true. */
  readonly bias?: boolean
}

/** x weightᵀ + bias. x: [...s, in] → [...s, out], weight: [out, in], bias: [out] */
export class Linear extends Module {
  readonly in: number
  readonly out: number
  readonly weight: Parameter
  readonly bias: Parameter | undefined

  constructor(inFeatures: number, outFeatures: number, { bias = true }: LinearOptions = {}) {
    super()
    this.in = checkWhole('linear: in', inFeatures, 1)
    this.out = checkWhole('linear: out', outFeatures, 1)
    this.weight = new Parameter(fanInUniform([outFeatures, inFeatures], inFeatures))
    this.bias = bias ? new Parameter(fanInUniform([outFeatures], inFeatures)) : undefined
  }

  forward(x: Tensor): Tensor {
    if (x.rank === 0 || x.shape[x.rank - 1] !== this.in) {
      fail('shape-mismatch', {
        op: 'linear',
        received: `[${x.shape.join(', ')}]`,
        expected: `[..., ${this.in}]`,
        fix: `Check the layer before, or make this one linear(${x.shape[x.rank - 1] ?? 'in'}, ${this.out}).`,
      })
    }
    const y = x.matmul(this.weight.transpose())
    return this.bias ? y.add(this.bias) : y
  }

  override config(): LayerConfig {
    return { kind: 'linear', in: this.in, out: this.out, bias: this.bias !== undefined }
  }
}

export const linear = (inFeatures: number, outFeatures: number, options?: LinearOptions): Linear =>
  new Linear(inFeatures, outFeatures, options)
