/**
 * The order of samples: permutations and splits that depend on a seed and nothing else, so that a run can be
 * repeated, and resumed in the middle of an epoch, on any machine.
 */
import { threefry } from '../ops/leaf.ts'

/** 0 to length - 1 in an order drawn from `seed` and `epoch` (Fisher and Yates' shuffle). */
export function permutation(length: number, seed: number, epoch = 0): Int32Array<ArrayBuffer> {
  const order = Int32Array.from({ length }, (_, i) => i)
  for (let i = length - 1; i > 0; i--) {
    const [bits] = threefry(seed, epoch, i, 0)
    // 32 random bits scaled to 0 .. i; the bias, (i + 1) / 2^32, is far below what any use could notice.
    const j = Math.floor(((bits >>> 0) / 2 ** 32) * (i + 1))
    const moved = order[i]
    order[i] = order[j]
    order[j] = moved
  }
  return order
}

/**
 * Positions divided into parts of the given fractions (which add up to 1), shuffled. With `labels`, each label is
 * divided in the same way, so that every part has every label in its share. Part sizes are exact: they follow
 * from the fractions of the whole, and what rounding leaves over within labels is dealt out to reach them.
 */
export function splitPositions(
  length: number,
  fractions: readonly number[],
  seed: number,
  labels?: ArrayLike<number>,
): Int32Array<ArrayBuffer>[] {
  const order = permutation(length, seed)
  const groups = new Map<number, number[]>()
  for (const position of order) {
    const label = labels ? labels[position] : 0
    const group = groups.get(label)
    if (group) group.push(position)
    else groups.set(label, [position])
  }
  const parts = fractions.map((): number[] => [])
  const wanted = sharesOf(length, fractions)
  const rest: number[] = []
  for (const label of [...groups.keys()].sort((a, b) => a - b)) {
    const group = groups.get(label) as number[]
    let from = 0
    fractions.forEach((fraction, i) => {
      const count = Math.floor(fraction * group.length + roundingSlack)
      parts[i].push(...group.slice(from, from + count))
      from += count
    })
    rest.push(...group.slice(from))
  }
  for (const [i, part] of parts.entries()) part.push(...rest.splice(0, wanted[i] - part.length))
  // Within a part, labels are mixed again.
  return parts.map((part, i) => {
    const mixed = permutation(part.length, seed, i + 1)
    return mixed.map((at) => part[at])
  })
}

/** 0.1 times 30 must count as 3 although it is a little less in floating point. */
const roundingSlack = 1e-9

/** Whole sizes that add up to `length`: each but the last rounded, the last what is left. */
function sharesOf(length: number, fractions: readonly number[]): number[] {
  const shares = fractions.slice(0, -1).map((fraction) => Math.round(fraction * length))
  return [...shares, length - shares.reduce((a, b) => a + b, 0)]
}
