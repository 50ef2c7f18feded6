/**
 * Where values come from: constants, positions, random bits, and data from outside.
 *
 * Random bits are counter-based: each element is Threefry-2x32 (20 rounds) of its position under a
 * key, so the same key gives the same numbers on every backend, in any order, on any number of threads
 * (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). Where keys come from: random.ts.
 */
import type { DType } from '../dtype.ts'
import type { Shape } from '../shape.ts'
import type { GenerateOp, LeafOp } from './op.ts'

/** Data that is given, not computed: `storage` of the tensor, or an argument of a program. */
export const leaf: LeafOp = {
  kind: 'leaf',
  name: 'leaf',
  doc: 'Numbers from outside the graph.',
  dtype: (_, { dtype }) => dtype as DType,
  shape: (_, { shape }) => shape as Shape,
}

export const constant: GenerateOp = {
  kind: 'generate',
  name: 'constant',
  doc: 'The same number everywhere.',
  dtype: (_, { dtype }) => dtype as DType,
  shape: (_, { shape }) => shape as Shape,
  element: (_position, _flat, { value }) => value as number,
}

export const iota: GenerateOp = {
  kind: 'generate',
  name: 'iota',
  doc: 'The position along one axis, counted from 0.',
  dtype: () => 'int32',
  shape: (_, { shape }) => shape as Shape,
  element: (position, _flat, { axis }) => position[axis as number],
}

export const randomBits: GenerateOp = {
  kind: 'generate',
  name: 'randomBits',
  doc: '32 random bits for each element, made from a key of two int32 and the position.',
  dtype: () => 'int32',
  shape: (_, { shape }) => shape as Shape,
  element: (_position, flat, _attrs, [key]) => threefry(key.data[0], key.data[1], flat, 0)[0],
}

/** The parity word of the key schedule (Skein's, as in Random123). */
const parity = 0x1bd11bda
const rotations = [13, 15, 26, 6, 17, 29, 16, 24]

/** Threefry-2x32 with 20 rounds, in JavaScript. */
export function threefry(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  const keys = [key0 | 0, key1 | 0, parity ^ key0 ^ key1]
  let x0 = (counter0 + keys[0]) | 0
  let x1 = (counter1 + keys[1]) | 0
  for (let round = 0; round < 20; round++) {
    const turn = rotations[round % 8]
    x0 = (x0 + x1) | 0
    x1 = ((x1 << turn) | (x1 >>> (32 - turn))) ^ x0
    if (round % 4 === 3) {
      const injection = (round + 1) / 4
      x0 = (x0 + keys[injection % 3]) | 0
      x1 = (x1 + keys[(injection + 1) % 3] + injection) | 0
    }
  }
  return [x0, x1]
}
