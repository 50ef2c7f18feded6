/**
 * Which modules are not in their first mode: in evaluation, or frozen. A compiled program was traced under one such
 * state and is right only there, so the state has a text that compiled functions keep in their key.
 *
 * The text is a checksum, not a list: a module that is gone leaves nothing behind but a constant in it, and a switch
 * there and back gives the same text again. Used by module.ts.
 */
import { traceKeys } from '../graph/trace.ts'

/** Two independent 32-bit words: that two states share a text has a chance of about 2^-64. */
export type Mark = readonly [number, number]

let made = 0
let state: Mark = [0, 0]

/** A mark of its own for one switch. */
export function newMark(): Mark {
  made++
  return [scramble(made), scramble(made ^ 0x9e3779b9)]
}

/** The switch with this mark was turned. */
export function turn([a, b]: Mark): void {
  state = [state[0] ^ a, state[1] ^ b]
}

/** The text of the present state. */
export function modeKey(): string {
  return `${state[0]}.${state[1]}`
}

traceKeys.push(modeKey)

/** Mixes the bits of a counter (the finalizer of MurmurHash3, a bijection). */
function scramble(value: number): number {
  let x = value | 0
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16)
}
