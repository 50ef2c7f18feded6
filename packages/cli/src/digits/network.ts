/** The network that `glissade run digits` trains, and how: the settings in one place. */
import { nn } from 'glissade'

export interface Settings {
  readonly epochs: number
  readonly batch: number
  /** The highest learning rate; it rises to it at first and falls after (see `learningRate`). */
  readonly lr: number
  readonly seed: number
}

export const defaults: Settings = { epochs: 12, batch: 64, lr: 3e-3, seed: 0 }

export const weightDecay = 0.05

/**
 * Two convolutions, each followed by a pool that halves the picture, and two linear layers: LeNet's shape (LeCun et
 * al. 1998) with today's activations. x: [B, 1, 28, 28] → [B, 10], 215 thousand parameters.
 */
export function digitsNetwork(): nn.Sequential {
  return nn.sequential(
    nn.conv2d(1, 16, 5, { padding: 2 }),
    nn.relu(),
    nn.maxPool2d(2),
    nn.conv2d(16, 32, 5, { padding: 2 }),
    nn.relu(),
    nn.maxPool2d(2),
    nn.flatten(),
    nn.linear(32 * 7 * 7, 128),
    nn.relu(),
    nn.dropout(0.3),
    nn.linear(128, 10),
  )
}

/** The share of all steps in which the learning rate rises. */
const warmUp = 0.1

/** Rises in a straight line, then falls along half a cosine to 0 (Loshchilov and Hutter 2016, without restarts). */
export function learningRate(step: number, steps: number, highest: number): number {
  const rising = warmUp * steps
  if (step < rising) return (highest * (step + 1)) / rising
  return highest * 0.5 * (1 + Math.cos((Math.PI * (step - rising)) / (steps - rising)))
}
