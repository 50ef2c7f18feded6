/** The networks of the chapters about texts: they learn first names, letter by letter, in some seconds. */
import { presets } from '../../spec/presets.ts'
import type { LabSpec, LayerSpec } from '../../spec/spec.ts'

const base = presets.find(({ id }) => id === 'names-lstm')?.spec as LabSpec

/** Of names there are 26 letters and the mark at both ends. */
const letters = 27

const spec = (model: LayerSpec, lr: number): LabSpec => ({
  ...base,
  model,
  optimizer: { kind: 'adamW', lr, weightDecay: 0 },
})

/** An embedding, a layer with memory of 32 units, and a score for each letter. */
export const recurrentSpec = (kind: 'rnn' | 'lstm' | 'gru'): LabSpec =>
  spec(
    {
      kind: 'sequential',
      layers: [
        { kind: 'embedding', count: letters, size: 12 },
        { kind, in: 12, hidden: 32, batchFirst: true },
        { kind: 'linear', in: 32, out: letters },
      ],
    },
    kind === 'rnn' ? 0.005 : 0.01,
  )

/** Two layers of four heads. */
export const transformerSpec: LabSpec = spec(
  { kind: 'languageModel', vocab: letters, width: 32, layers: 2, heads: 4, context: 12 },
  0.005,
)
const echoed = 'abcdefgh'
/** Letters of a line, with the end of the line. */
const length = 16

/** Lines that begin with a letter, go on with dots, and end with the same letter; in no order. */
function echoText(lines: number): string {
  let state = 1
  const draw = (): string => {
    state = (state * 75 + 74) % 65537
    return echoed[state % echoed.length]
  }
  return Array.from({ length: lines }, () => {
    const letter = draw()
    return `${letter}${'.'.repeat(length - 3)}${letter}\n`
  }).join('')
}

/** A task that is nothing but memory: after the dots, the first letter again. */
export function echoSpec(kind: 'rnn' | 'lstm'): LabSpec {
  const count = echoed.length + 2
  return {
    ...base,
    data: { ...base.data, kind: 'text', corpus: 'own', text: echoText(320), context: length, samples: 320 },
    model: {
      kind: 'sequential',
      layers: [
        { kind: 'embedding', count, size: 12 },
        { kind, in: 12, hidden: 32, batchFirst: true },
        { kind: 'linear', in: 32, out: count },
      ],
    },
    optimizer: { kind: 'adamW', lr: 0.005, weightDecay: 0 },
  }
}
/** The last dot, after which the first letter is due. */
export const lastDot = length - 3
/** A line of it, to look at. */
export const echoLine = `c${'.'.repeat(lastDot)}`

/** What a letter costs who knows nothing: ln 27. */
export const chanceLoss = Math.log(letters)
