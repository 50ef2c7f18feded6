/**
 * Damaged files for tests of readers: every file cut short, and files with random bytes changed. Not a test itself.
 *
 * What a reader may do with them: give a result, or raise an error of the catalogue. Not: another error, a hang, or
 * more memory than is reasonable.
 */
import { expect } from 'vitest'
import { Draws } from '../src/data/draws.ts'
import { GlissadeError } from '../src/errors.ts'

export interface DamageOptions {
  /** How many files with changed bytes; default 300. */
  readonly changes?: number
  /** How many of the cut files, evenly; default all. */
  readonly cuts?: number
  /** Cut files must be refused, and not only may; default true. */
  readonly refuseCut?: boolean
}

/** Reads damaged copies of `bytes`. Returns how many were refused. */
export async function readDamaged(
  bytes: Uint8Array,
  read: (bytes: Uint8Array) => unknown,
  { changes = 300, cuts = bytes.length, refuseCut = true }: DamageOptions = {},
): Promise<number> {
  let refused = 0
  const attempt = async (damaged: Uint8Array, what: string): Promise<boolean> => {
    const start = performance.now()
    let failed = false
    try {
      await read(damaged)
    } catch (error) {
      if (!(error instanceof GlissadeError)) throw new Error(`${what}: ${String((error as Error).stack)}`)
      failed = true
      refused++
    }
    const seconds = (performance.now() - start) / 1000
    if (seconds > 20) expect.fail(`${what}: it took ${seconds.toFixed(0)} s`)
    return failed
  }
  for (let i = 0; i < cuts; i++) {
    const length = Math.floor((i * bytes.length) / cuts)
    const failed = await attempt(bytes.slice(0, length), `cut to ${length} bytes`)
    if (refuseCut && !failed) expect.fail(`cut to ${length} of ${bytes.length} bytes, it was read`)
  }
  for (let seed = 0; seed < changes; seed++) {
    const draws = new Draws(seed)
    const changed = bytes.slice()
    const places = Array.from({ length: 1 + draws.int(4) }, () => draws.int(bytes.length))
    // Extreme bytes make the sizes that lie most.
    for (const at of places) changed[at] = draws.chance(0.3) ? [0, 0x7f, 0x80, 0xff][draws.int(4)] : draws.int(256)
    await attempt(changed, `seed ${seed}, bytes ${places.join(', ')} changed`)
  }
  return refused
}
