/** The activations: functions of each number by itself, or of the numbers of one axis. */
import { choice, flag, type LayerEntry, needed, num, type OptionEntry, whole } from './entry.ts'

const activation = (kind: string, title: string, about: string, options: readonly OptionEntry[] = []): LayerEntry => ({
  kind,
  title,
  about,
  group: 'Activations',
  takes: ['row', 'rows', 'picture'],
  options,
})
const axis = whole('axis', 'Axis', 'Along which; −1 is the last.', -1, { ...needed, min: -1, max: 3 })
const any = { ...needed, min: -1e6 }

export const activations: readonly LayerEntry[] = [
  activation('relu', 'ReLU', 'Keeps what is above zero; everything else becomes zero.'),
  activation('tanh', 'Tanh', 'Squeezes every number between −1 and 1, in an S.'),
  activation('sigmoid', 'Sigmoid', 'Squeezes every number between 0 and 1, in an S.'),
  activation('gelu', 'GELU', 'A ReLU with a round corner, as transformers have it.', [
    { ...choice('approximate', 'Approximation', 'Exact, or by tanh.', ['none', 'tanh']), needed: true },
  ]),
  activation('silu', 'SiLU', 'Each number times its sigmoid: a ReLU with a round corner and a small dip.'),
  activation(
    'leakyRelu',
    'Leaky ReLU',
    'A ReLU that lets a little of what is below zero through, so that no unit dies.',
    [num('slope', 'Slope', 'How much of it.', 0.01, needed)],
  ),
  activation('elu', 'ELU', 'Above zero as it is; below, a curve down to −alpha.', [
    num('alpha', 'Alpha', 'How far down.', 1, needed),
  ]),
  activation('selu', 'SELU', 'An ELU scaled so that deep networks keep mean 0 and deviation 1.'),
  activation('celu', 'CELU', 'An ELU that is smooth for every alpha.', [
    num('alpha', 'Alpha', 'How far down.', 1, { ...needed, min: 1e-3 }),
  ]),
  activation('mish', 'Mish', 'Like SiLU, a little smoother.'),
  activation('prelu', 'PReLU', 'A leaky ReLU whose slope is learned.', [
    whole('count', 'Slopes', 'One for all, or one for each channel.', 1, needed),
    num('init', 'First slope', 'Where it begins.', 0.25, needed),
  ]),
  activation('relu6', 'ReLU6', 'A ReLU that stops at 6.'),
  activation('hardswish', 'Hard swish', 'A SiLU made of straight pieces.'),
  activation('hardsigmoid', 'Hard sigmoid', 'A sigmoid made of straight pieces.'),
  activation('hardtanh', 'Hard tanh', 'Numbers beyond the bounds are cut off.', [
    num('low', 'Low', 'The lower bound.', -1, any),
    num('high', 'High', 'The upper bound.', 1, any),
  ]),
  activation('softplus', 'Softplus', 'A ReLU without a corner: always a little above zero.', [
    num('beta', 'Beta', 'How sharp.', 1, { ...needed, min: 1e-3 }),
    num('threshold', 'Threshold', 'From here on a straight line.', 20, needed),
  ]),
  activation('softsign', 'Softsign', 'Squeezes between −1 and 1, slower than tanh.'),
  activation('tanhshrink', 'Tanh shrink', 'What tanh takes away: each number minus its tanh.'),
  activation('softshrink', 'Soft shrink', 'Brings every number nearer to zero; small ones become zero.', [
    num('lambda', 'Lambda', 'By how much.', 0.5, needed),
  ]),
  activation('hardshrink', 'Hard shrink', 'Small numbers become zero; others stay.', [
    num('lambda', 'Lambda', 'What is small.', 0.5, needed),
  ]),
  activation('threshold', 'Threshold', 'What is not above a limit becomes a given number.', [
    num('limit', 'Limit', 'The limit.', 0, any),
    num('value', 'Number', 'What it becomes.', 0, any),
  ]),
  activation('step', 'Step', 'One from zero on, and zero below: it has no slope, so nothing before it learns.', [
    flag('straightThrough', 'Straight through', 'Gradients pass as if it were not there.', true),
  ]),
  activation('logSigmoid', 'Log sigmoid', 'The logarithm of the sigmoid.'),
  activation('softmax', 'Softmax', 'Turns scores into shares that add up to 1. Cross-entropy does it by itself.', [
    axis,
  ]),
  activation('logSoftmax', 'Log softmax', 'The logarithm of softmax, which the loss nll wants.', [axis]),
  activation('softmin', 'Softmin', 'Softmax the other way round: the smallest gets most.', [axis]),
  activation('glu', 'GLU', 'Half of the numbers, each times the sigmoid of one of the other half.', [axis]),
  activation('reglu', 'ReGLU', 'GLU with a ReLU.', [axis]),
  activation('geglu', 'GEGLU', 'GLU with a GELU.', [
    axis,
    { ...choice('approximate', 'Approximation', 'Exact, or by tanh.', ['none', 'tanh']), needed: true },
  ]),
  activation('swiglu', 'SwiGLU', 'GLU with a SiLU.', [axis]),
]
