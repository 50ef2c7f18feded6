/**
 * What changes images one by one: functions of an image and of random draws, put together by `compose`.
 *
 * Images are [channels, height, width] on the host, as io.loadImage gives them. A transform draws from what it is given,
 * so that a sample is changed in the same way whoever prepares it (samples.ts). Geometry: image-geometry.ts; colours:
 * image-colour.ts; whole batches: mixing.ts.
 */
import { fail } from '../errors.ts'
import { isNdArray, type NdArray } from '../io/nd-array.ts'
import type { Draws } from './draws.ts'

export type ImageTransform = (image: NdArray, draws: Draws) => NdArray

/** One transform after the other. */
export function compose(transforms: readonly ImageTransform[]): ImageTransform {
  return (image, draws) => transforms.reduce((so, transform) => transform(so, draws), image)
}

/** The transform with probability p, else the image as it is. */
export function randomApply(transform: ImageTransform, p = 0.5): ImageTransform {
  checkChance('randomApply', p)
  return (image, draws) => (draws.chance(p) ? transform(image, draws) : image)
}

/** One of the transforms, each as likely. */
export function randomChoice(transforms: readonly ImageTransform[]): ImageTransform {
  if (transforms.length === 0) {
    fail('value-invalid', {
      what: 'randomChoice',
      received: 'no transforms',
      expected: 'at least one',
      fix: 'Add one.',
    })
  }
  return (image, draws) => transforms[draws.int(transforms.length)](image, draws)
}

/** Channels, height and width. Errors: `shape-mismatch`. */
export function imageShape(op: string, image: NdArray): [channels: number, height: number, width: number] {
  if (isNdArray(image) && image.shape.length === 3) return image.shape as unknown as [number, number, number]
  const received = isNdArray(image) ? `[${image.shape.join(', ')}]` : image === null ? 'null' : typeof image
  return fail('shape-mismatch', {
    op,
    received,
    expected: '{ data, shape: [channels, height, width] }',
    fix: 'Pass one image, as io.loadImage gives it.',
  })
}

/** As imageShape, for what needs numbers from 0 to 1. Errors: `dtype-mismatch` too. */
export function unitShape(op: string, image: NdArray): [channels: number, height: number, width: number] {
  const shape = imageShape(op, image)
  if (image.data instanceof Int32Array) {
    const fix = "Read images with { range: 'unit' }."
    fail('dtype-mismatch', { op, received: 'whole numbers', expected: 'numbers from 0 to 1', fix })
  }
  return shape
}

/** An array of the same type. */
export function sameType(image: NdArray, length: number): NdArray['data'] {
  if (image.data instanceof Int32Array) return new Int32Array(length)
  return image.data instanceof Float64Array ? new Float64Array(length) : new Float32Array(length)
}

/** Errors: `value-invalid` for what is no probability. */
export function checkChance(what: string, p: number): number {
  if (p >= 0 && p <= 1) return p
  return fail('value-invalid', { what: `${what}: p`, received: String(p), expected: '0 to 1', fix: 'Change it.' })
}

/** One size for both sides, or [height, width]. */
export type ImageSize = number | readonly [height: number, width: number]

/** Errors: `value-invalid`. */
export function sizeOfImage(what: string, size: ImageSize): readonly [height: number, width: number] {
  const pair = typeof size === 'number' ? ([size, size] as const) : size
  if (Array.isArray(pair) && pair.length === 2 && pair.every((n) => Number.isInteger(n) && n >= 1)) return pair
  const received = JSON.stringify(size) ?? 'nothing'
  return fail('value-invalid', {
    what: `${what}: size`,
    received,
    expected: 'a size or [height, width]',
    fix: 'Check it.',
  })
}
