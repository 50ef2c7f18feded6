/** The layer that multiplies every pair of two inputs' features. */
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { fanInUniform } from './init.ts'
import { type LayerConfig, Module, Parameter } from './module.ts'

export interface BilinearOptions {
  /** Whether a number is added to each output; default true. */
  readonly bias?: boolean
}

/**
 * y[o] = a · weight[o] · b + bias[o]. a: [...s, in1], b: [...s, in2] → [...s, out], weight: [out, in1, in2],
 * bias: [out]
 */
export class Bilinear extends Module {
  readonly in1: number
  readonly in2: number
  readonly out: number
  readonly weight: Parameter
  readonly bias: Parameter | undefined

  constructor(in1: number, in2: number, outFeatures: number, { bias = true }: BilinearOptions = {}) {
    super()
    this.in1 = checkWhole('bilinear: in1', in1, 1)
    this.in2 = checkWhole('bilinear: in2', in2, 1)
    this.out = checkWhole('bilinear: out', outFeatures, 1)
    // PyTorch counts the first input alone.
    this.weight = new Parameter(fanInUniform([outFeatures, in1, in2], in1))
    this.bias = bias ? new Parameter(fanInUniform([outFeatures], in1)) : undefined
  }

  forward(a: Tensor, b: Tensor): Tensor {
    const { in1, in2, out } = this
    const lead = a.shape.slice(0, -1)
    const fits = a.rank > 0 && a.shape[a.rank - 1] === in1 && b.shape[b.rank - 1] === in2
    if (!fits || !sameShape(lead, b.shape.slice(0, -1))) {
      fail('shape-mismatch', {
        op: 'bilinear',
        received: `[${a.shape.join(', ')}] and [${b.shape.join(', ')}]`,
        expected: `[...s, ${in1}] and [...s, ${in2}] with equal axes in front`,
        fix: 'Check the inputs, and which comes first.',
      })
    }
    const table = this.weight.permute(1, 0, 2).reshape([in1, out * in2])
    const rows = a.matmul(table).reshape([...lead, out, in2])
    const y = rows.mul(b.unsqueeze(-2)).sum(-1)
    return this.bias ? y.add(this.bias) : y
  }

  override config(): LayerConfig {
    return { kind: 'bilinear', in1: this.in1, in2: this.in2, out: this.out, bias: this.bias !== undefined }
  }
}

export const bilinear = (in1: number, in2: number, outFeatures: number, options?: BilinearOptions): Bilinear =>
  new Bilinear(in1, in2, outFeatures, options)
