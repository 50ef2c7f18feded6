/**
 * Mixup and CutMix: batches mixed with themselves, labels too. They work on a batch of a loader, before the step.
 *
 * They run on the host: what changes with each batch would otherwise be compiled anew each time. Losses: cross-entropy
 * takes the soft labels. Single images: image-transform.ts.
 */
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { fromArray, type Tensor } from '../tensor.ts'
import { Draws } from './draws.ts'
import { permutation } from './order.ts'

export interface MixOptions {
  /** How many classes the labels have. */
  readonly classes: number
  /** How evenly: of Beta(alpha, alpha). Default 0.2 for mixup, 1 for CutMix. */
  readonly alpha?: number
  /** Both give the numbers of the batch: the same ones, the same mixture. */
  readonly seed?: number
  readonly step?: number
}

export interface Mixed {
  /** As it was: [B, ...]. */
  readonly x: Tensor
  /** float32 [B, classes]: shares that add up to 1. */
  readonly y: Tensor
}

const mixupAlpha = 0.2
const cutmixAlpha = 1

/**
 * λ x + (1 - λ) x', with x' the batch in another order and λ from Beta(alpha, alpha) (Zhang et al. 2018).
 * x: float32 [B, ...], y: int32 [B] or float32 [B, classes]. Errors: `shape-mismatch`, `index-range`, `value-invalid`.
 */
export async function mixup(x: Tensor, y: Tensor, options: MixOptions): Promise<Mixed> {
  const { share, order, batch } = await start('mixup', x, y, options, mixupAlpha)
  const source = await x.data()
  const size = x.size / batch
  const out = new Float32Array(source.length)
  for (let b = 0; b < batch; b++) {
    const [own, other] = [b * size, order[b] * size]
    for (let i = 0; i < size; i++) out[own + i] = share * source[own + i] + (1 - share) * source[other + i]
  }
  return { x: fromArray(out, x.shape), y: await mixLabels(y, order, share, options.classes) }
}

/**
 * A rectangle of each image from another one of the batch, labels by area (Yun et al. 2019).
 * x: float32 [B, C, H, W], y: as for mixup. Errors: as mixup.
 */
export async function cutmix(x: Tensor, y: Tensor, options: MixOptions): Promise<Mixed> {
  if (x.rank !== 4) {
    const received = `x of shape [${x.shape.join(', ')}]`
    fail('shape-mismatch', { op: 'cutmix', received, expected: '[B, C, H, W]', fix: 'Pass images.' })
  }
  const { share, order, draws } = await start('cutmix', x, y, options, cutmixAlpha)
  const [batch, channels, height, width] = x.shape
  const side = Math.sqrt(1 - share)
  const [h, w] = [Math.round(height * side), Math.round(width * side)]
  const [middleY, middleX] = [draws.int(height), draws.int(width)]
  const [top, bottom] = [Math.max(0, middleY - (h >> 1)), Math.min(height, middleY - (h >> 1) + h)]
  const [left, right] = [Math.max(0, middleX - (w >> 1)), Math.min(width, middleX - (w >> 1) + w)]
  const source = await x.data()
  const out = Float32Array.from(source)
  for (let b = 0; b < batch; b++) {
    for (let c = 0; c < channels; c++) {
      for (let row = top; row < bottom; row++) {
        const from = ((order[b] * channels + c) * height + row) * width
        const to = ((b * channels + c) * height + row) * width
        out.set(source.subarray(from + left, from + right), to + left)
      }
    }
  }
  // What was really cut: at the border it is less than was drawn.
  const kept = 1 - ((bottom - top) * (right - left)) / (height * width)
  return { x: fromArray(out, x.shape), y: await mixLabels(y, order, kept, options.classes) }
}

interface Started {
  readonly share: number
  readonly order: Int32Array
  readonly batch: number
  readonly draws: Draws
}

async function start(op: string, x: Tensor, y: Tensor, options: MixOptions, usual: number): Promise<Started> {
  const { alpha = usual, seed = 0, step = 0, classes } = options
  checkWhole(`${op}: classes`, classes, 1)
  checkWhole(`${op}: step`, step, 0)
  if (!(alpha > 0)) {
    fail('value-invalid', {
      what: `${op}: alpha`,
      received: String(alpha),
      expected: 'a number above 0',
      fix: 'Change it.',
    })
  }
  const soft = y.rank === 2 && y.shape[1] === classes
  if (x.rank < 1 || x.shape[0] !== y.shape[0] || (y.rank !== 1 && !soft)) {
    const received = `x of shape [${x.shape.join(', ')}] and y of [${y.shape.join(', ')}]`
    const expected = `[B, …] with [B] or [B, ${classes}]`
    fail('shape-mismatch', { op, received, expected, fix: 'Pass a batch and its labels.' })
  }
  const batch = x.shape[0]
  const draws = new Draws(seed, step)
  return { share: draws.beta(alpha, alpha), order: permutation(batch, seed, step), batch, draws }
}

async function mixLabels(y: Tensor, order: Int32Array, share: number, classes: number): Promise<Tensor> {
  const labels = await y.data()
  const batch = y.shape[0]
  const soft = new Float32Array(batch * classes)
  const add = (to: number, from: number, weight: number): void => {
    if (y.rank === 2) {
      for (let c = 0; c < classes; c++) soft[to * classes + c] += weight * labels[from * classes + c]
      return
    }
    const label = labels[from]
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      fail('index-range', { what: 'labels', value: label, position: from, size: classes })
    }
    soft[to * classes + label] += weight
  }
  for (let b = 0; b < batch; b++) {
    add(b, b, share)
    add(b, order[b], 1 - share)
  }
  return fromArray(soft, [batch, classes])
}
