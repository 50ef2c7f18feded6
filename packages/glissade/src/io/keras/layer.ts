/** What a Keras layer is here: the weights that it asks for, and what it does with them. */
import type { Tensor } from '../../tensor.ts'
import type { Config } from './config.ts'

/** A value between layers; `mask` (bool [B, T]) says which steps of a sequence count. */
export interface Flow {
  readonly tensor: Tensor
  readonly mask?: Tensor | undefined
}

export interface WeightSpec {
  /** As Keras calls it: kernel, bias, gamma … */
  readonly name: string
  /** Sizes that the options say; undefined where the input decides, also as a whole. */
  readonly shape?: readonly (number | undefined)[]
  /** The part of the layer that has it, in files of Keras 3: `cell`, `forward_layer/cell`. */
  readonly owner?: string
  /** Statistics are kept, not trained. */
  readonly fixed?: boolean
}

export type Weights = Readonly<Record<string, Tensor>>

export interface LayerKind {
  weights?(config: Config): readonly WeightSpec[]
  call(inputs: readonly Flow[], weights: Weights, config: Config, training: boolean): Tensor | Flow
}

/** A layer of one input. */
export const simple = (
  body: (x: Tensor, config: Config, mask: Tensor | undefined) => Tensor,
  keepsMask = false,
): LayerKind => ({
  call: ([{ tensor, mask }], _weights, config) => ({
    tensor: body(tensor, config, mask),
    mask: keepsMask ? mask : undefined,
  }),
})
