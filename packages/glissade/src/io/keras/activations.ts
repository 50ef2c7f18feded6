/** Keras's activations by name, with Keras's constants. */
import type { Tensor } from '../../tensor.ts'
import type { Config } from './config.ts'
import { field } from './config.ts'

type Activation = (x: Tensor) => Tensor

const aboveZero = (x: Tensor, below: Activation): Tensor => {
  const positive = x.gt(0)
  return positive.where(x, below(positive.where(0, x)))
}
const softplus: Activation = (x) => x.maximum(0).add(x.abs().neg().exp().log1p())

/** SELU's constants (Klambauer et al. 2017). */
const [alpha, scale] = [1.6732632423543772, 1.0507009873554805]

export const elu = (x: Tensor, a = 1): Tensor => aboveZero(x, (y) => y.expm1().mul(a))
export const leakyRelu = (x: Tensor, slope: number): Tensor => x.lt(0).where(x.mul(slope), x)

const functions: Readonly<Record<string, Activation>> = {
  linear: (x) => x,
  relu: (x) => x.relu(),
  relu6: (x) => x.clip(0, 6),
  sigmoid: (x) => x.sigmoid(),
  tanh: (x) => x.tanh(),
  softmax: (x) => x.softmax(-1),
  log_softmax: (x) => x.logSoftmax(-1),
  softplus,
  softsign: (x) => x.div(x.abs().add(1)),
  elu: (x) => elu(x),
  selu: (x) =>
    x.gt(0).where(
      x.mul(scale),
      x
        .minimum(0)
        .expm1()
        .mul(alpha * scale),
    ),
  gelu: (x) => x.mul(x.mul(Math.SQRT1_2).erf().add(1)).mul(0.5),
  swish: (x) => x.mul(x.sigmoid()),
  silu: (x) => x.mul(x.sigmoid()),
  mish: (x) => x.mul(softplus(x).tanh()),
  exponential: (x) => x.exp(),
  leaky_relu: (x) => leakyRelu(x, 0.2),
  hard_silu: (x) => x.mul(x.div(6).add(0.5).clip(0, 1)),
  hard_swish: (x) => x.mul(x.div(6).add(0.5).clip(0, 1)),
}

/** The activation that an option names. Keras 3 has another slope in hard_sigmoid than those before. */
export function activationOf(config: Config, key = 'activation', otherwise = 'linear'): Activation {
  const value = field(config.raw, key) ?? otherwise
  // Keras 3 may write functions and activation layers as objects.
  const name = typeof value === 'string' ? value : (field(value, 'config') ?? field(value, 'class_name'))
  if (name === 'hard_sigmoid') {
    const slope = config.version >= 3 ? 1 / 6 : 0.2
    return (x) => x.mul(slope).add(0.5).clip(0, 1)
  }
  if (typeof name === 'string' && Object.hasOwn(functions, name)) return functions[name]
  return config.fail(key, value, [...Object.keys(functions), 'hard_sigmoid'].join(', '))
}
