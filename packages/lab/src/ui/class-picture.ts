/** Probabilities of classes over a surface as colours: the likeliest class, paler where it is less sure. */
import type { Numbers } from '../worker/protocol.ts'
import { classColour, colours } from './colour.ts'

/** [classes, size, size] as what `drawCells` draws: places by number, and the colour of each. */
export function classPicture(
  { values, shape }: Numbers,
  discrete: boolean,
): { data: Float32Array; colour: (i: number) => readonly [number, number, number] } {
  const [classes, size] = shape
  const places = size * size
  const ground = colours().zero
  const colour = (i: number): readonly [number, number, number] => {
    let best = 0
    for (let k = 1; k < classes; k++) if (values[k * places + i] > values[best * places + i]) best = k
    const sure = discrete ? 0.75 : Math.max(0, (values[best * places + i] - 1 / classes) / (1 - 1 / classes)) * 0.85
    const full = classColour(best)
    return [0, 1, 2].map((c) => ground[c] + (full[c] - ground[c]) * sure) as unknown as readonly [
      number,
      number,
      number,
    ]
  }
  return { data: Float32Array.from({ length: places }, (_, i) => i), colour }
}
