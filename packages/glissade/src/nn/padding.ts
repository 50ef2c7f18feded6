/**
 * Layers that put a margin around: of a number, mirrored, repeated, or from the other side (ops/derived/margins.ts).
 *
 * x: [B, C, ...in] → [B, C, ...in + margins]. The margins are one number for all sides, or as PyTorch lists them: two
 * numbers for each axis in space, the LAST axis first: [left, right, top, bottom, front, back].
 */
import { fail } from '../errors.ts'
import { circularPad, type Margin, reflectionPad, replicationPad } from '../ops/derived/margins.ts'
import type { Tensor } from '../tensor.ts'
import { type LayerConfig, Module } from './module.ts'

/** One number for all sides, or [left, right, top, bottom, front, back]. */
export type Sides = number | readonly number[]

/** The pairs of the last `rank` axes, in the order of the axes. */
function marginsOf(kind: string, rank: number, sides: Sides): Margin[] {
  const list = typeof sides === 'number' ? new Array<number>(2 * rank).fill(sides) : sides
  if (list.length !== 2 * rank || !list.every(Number.isInteger)) {
    fail('value-invalid', {
      what: `${kind}: sides`,
      received: `[${list.join(', ')}]`,
      expected: `one whole number, or ${2 * rank}`,
      fix: 'Give [left, right], then [top, bottom], then [front, back].',
    })
  }
  return Array.from({ length: rank }, (_, i) => [list[2 * (rank - 1 - i)], list[2 * (rank - 1 - i) + 1]] as const)
}

abstract class Pad extends Module {
  readonly sides: Sides
  /** One pair for each of the last axes. */
  protected readonly margins: readonly Margin[]
  readonly #kind: string

  constructor(kind: string, rank: number, sides: Sides) {
    super()
    this.sides = sides
    this.margins = marginsOf(kind, rank, sides)
    this.#kind = kind
  }

  /** The number around: negative margins cut off. */
  protected constant(x: Tensor, value: number): Tensor {
    const lead = x.rank - this.margins.length
    if (lead < 0) {
      fail('shape-mismatch', {
        op: this.#kind,
        received: `an input of shape [${x.shape.join(', ')}]`,
        expected: `at least ${this.margins.length} axes`,
        fix: 'Add the missing axes with reshape.',
      })
    }
    return x.pad([...x.shape.slice(0, lead).map((): Margin => [0, 0]), ...this.margins], value)
  }

  override config(): LayerConfig {
    return { kind: this.#kind, sides: this.sides }
  }
}

/** Zeros around one axis in space: [left, right]; negative margins cut off. */
export class ZeroPad1d extends Pad {
  constructor(sides: Sides) {
    super('zeroPad1d', 1, sides)
  }
  forward(x: Tensor): Tensor {
    return this.constant(x, 0)
  }
}
/** Zeros around two axes in space: [left, right, top, bottom]; negative margins cut off. */
export class ZeroPad2d extends Pad {
  constructor(sides: Sides) {
    super('zeroPad2d', 2, sides)
  }
  forward(x: Tensor): Tensor {
    return this.constant(x, 0)
  }
}
/** Zeros around three axes in space: [left, right, top, bottom, front, back]; negative margins cut off. */
export class ZeroPad3d extends Pad {
  constructor(sides: Sides) {
    super('zeroPad3d', 3, sides)
  }
  forward(x: Tensor): Tensor {
    return this.constant(x, 0)
  }
}
/** `value` around one axis in space: [left, right]; negative margins cut off. */
export class ConstantPad1d extends Pad {
  readonly value: number
  constructor(sides: Sides, value: number) {
    super('constantPad1d', 1, sides)
    this.value = value
  }
  forward(x: Tensor): Tensor {
    return this.constant(x, this.value)
  }
  override config(): LayerConfig {
    return { ...super.config(), value: this.value }
  }
}
/** `value` around two axes in space: [left, right, top, bottom]; negative margins cut off. */
export class ConstantPad2d extends Pad {
  readonly value: number
  constructor(sides: Sides, value: number) {
    super('constantPad2d', 2, sides)
    this.value = value
  }
  forward(x: Tensor): Tensor {
    return this.constant(x, this.value)
  }
  override config(): LayerConfig {
    return { ...super.config(), value: this.value }
  }
}
/** `value` around three axes in space: [left, right, top, bottom, front, back]; negative margins cut off. */
export class ConstantPad3d extends Pad {
  readonly value: number
  constructor(sides: Sides, value: number) {
    super('constantPad3d', 3, sides)
    this.value = value
  }
  forward(x: Tensor): Tensor {
    return this.constant(x, this.value)
  }
  override config(): LayerConfig {
    return { ...super.config(), value: this.value }
  }
}
/** The inside mirrored at the edges, around one axis in space: [left, right]. */
export class ReflectionPad1d extends Pad {
  constructor(sides: Sides) {
    super('reflectionPad1d', 1, sides)
  }
  forward(x: Tensor): Tensor {
    return reflectionPad(x, this.margins)
  }
}
/** The inside mirrored at the edges, around two axes in space: [left, right, top, bottom]. */
export class ReflectionPad2d extends Pad {
  constructor(sides: Sides) {
    super('reflectionPad2d', 2, sides)
  }
  forward(x: Tensor): Tensor {
    return reflectionPad(x, this.margins)
  }
}
/** The inside mirrored at the edges, around three axes in space: [left, right, top, bottom, front, back]. */
export class ReflectionPad3d extends Pad {
  constructor(sides: Sides) {
    super('reflectionPad3d', 3, sides)
  }
  forward(x: Tensor): Tensor {
    return reflectionPad(x, this.margins)
  }
}
/** The edges repeated, around one axis in space: [left, right]. */
export class ReplicationPad1d extends Pad {
  constructor(sides: Sides) {
    super('replicationPad1d', 1, sides)
  }
  forward(x: Tensor): Tensor {
    return replicationPad(x, this.margins)
  }
}
/** The edges repeated, around two axes in space: [left, right, top, bottom]. */
export class ReplicationPad2d extends Pad {
  constructor(sides: Sides) {
    super('replicationPad2d', 2, sides)
  }
  forward(x: Tensor): Tensor {
    return replicationPad(x, this.margins)
  }
}
/** The edges repeated, around three axes in space: [left, right, top, bottom, front, back]. */
export class ReplicationPad3d extends Pad {
  constructor(sides: Sides) {
    super('replicationPad3d', 3, sides)
  }
  forward(x: Tensor): Tensor {
    return replicationPad(x, this.margins)
  }
}
/** The other side, around one axis in space: [left, right]. */
export class CircularPad1d extends Pad {
  constructor(sides: Sides) {
    super('circularPad1d', 1, sides)
  }
  forward(x: Tensor): Tensor {
    return circularPad(x, this.margins)
  }
}
/** The other side, around two axes in space: [left, right, top, bottom]. */
export class CircularPad2d extends Pad {
  constructor(sides: Sides) {
    super('circularPad2d', 2, sides)
  }
  forward(x: Tensor): Tensor {
    return circularPad(x, this.margins)
  }
}
/** The other side, around three axes in space: [left, right, top, bottom, front, back]. */
export class CircularPad3d extends Pad {
  constructor(sides: Sides) {
    super('circularPad3d', 3, sides)
  }
  forward(x: Tensor): Tensor {
    return circularPad(x, this.margins)
  }
}

export const zeroPad1d = (sides: Sides): ZeroPad1d => new ZeroPad1d(sides)
export const zeroPad2d = (sides: Sides): ZeroPad2d => new ZeroPad2d(sides)
export const zeroPad3d = (sides: Sides): ZeroPad3d => new ZeroPad3d(sides)
export const constantPad1d = (sides: Sides, value: number): ConstantPad1d => new ConstantPad1d(sides, value)
export const constantPad2d = (sides: Sides, value: number): ConstantPad2d => new ConstantPad2d(sides, value)
export const constantPad3d = (sides: Sides, value: number): ConstantPad3d => new ConstantPad3d(sides, value)
export const reflectionPad1d = (sides: Sides): ReflectionPad1d => new ReflectionPad1d(sides)
export const reflectionPad2d = (sides: Sides): ReflectionPad2d => new ReflectionPad2d(sides)
export const reflectionPad3d = (sides: Sides): ReflectionPad3d => new ReflectionPad3d(sides)
export const replicationPad1d = (sides: Sides): ReplicationPad1d => new ReplicationPad1d(sides)
export const replicationPad2d = (sides: Sides): ReplicationPad2d => new ReplicationPad2d(sides)
export const replicationPad3d = (sides: Sides): ReplicationPad3d => new ReplicationPad3d(sides)
export const circularPad1d = (sides: Sides): CircularPad1d => new CircularPad1d(sides)
export const circularPad2d = (sides: Sides): CircularPad2d => new CircularPad2d(sides)
export const circularPad3d = (sides: Sides): CircularPad3d => new CircularPad3d(sides)
