/**
 * Threefry-2x32 with 20 rounds: random bits as a function of a key and a counter, with no state.
 *
 * Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). Element i of a
 * random tensor is a function of the seed and of i alone, so it does not depend on threads or lanes.
 */
import { add, binary, i32, or, xor } from './build.ts'
import type { Expr } from './ir.ts'

/** Bits by which the second word turns, round by round, over and over (table 2 of the paper, N = 2, W = 32). */
const rotations = [13, 15, 26, 6, 17, 29, 16, 24]
const rounds = 20
/** The key schedule's constant C240, cut to 32 bits. */
const parity = 0x1bd11bda

/** The two random words of counter `[counter0, counter1]` under key `[key0, key1]`: i32, all of equal lanes. */
export function threefry(key0: Expr, key1: Expr, counter0: Expr, counter1: Expr): [Expr, Expr] {
  const word = (value: number): Expr => i32(value, counter0.lanes)
  const keys = [key0, key1, xor(xor(key0, key1), word(parity))]
  let x0 = add(counter0, key0)
  let x1 = add(counter1, key1)
  for (let round = 0; round < rounds; round++) {
    x0 = add(x0, x1)
    x1 = xor(rotate(x1, rotations[round % rotations.length]), x0)
    if (round % 4 === 3) {
      const injection = (round + 1) / 4
      x0 = add(x0, keys[injection % 3])
      x1 = add(x1, add(keys[(injection + 1) % 3], word(injection)))
    }
  }
  return [x0, x1]
}

function rotate(x: Expr, by: number): Expr {
  const shift = (fn: 'shl' | 'ushr', count: number): Expr => binary(fn, x, i32(count, x.lanes))
  return or(shift('shl', by), shift('ushr', 32 - by))
}
