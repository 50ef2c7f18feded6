/** Of a convolution at one place: the patch it looks at, its kernel, and their products, cell by cell with numbers. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { css, largestSize, signed } from '../../ui/colour.ts'
import { number } from '../../ui/format.ts'
import { indexOf } from '../../ui/tiles.ts'
import type { ModuleInfo, Terms } from '../../worker/protocol.ts'

interface Tap {
  readonly input: number
  readonly weight: number
  readonly element: number
}

/** The taps of each input channel, in the kernel's rows and columns; what falls on the margin is not there. */
function channelsOf(
  terms: Terms,
  shape: readonly number[],
): { sum: number; channel: number; taps: (Tap | undefined)[] }[] {
  const kernel = shape.slice(2).reduce((product, n) => product * n, 1)
  const channels = new Map<number, (Tap | undefined)[]>()
  terms.weightAt.forEach((element, i) => {
    const [, channel] = indexOf(shape, element)
    const taps = channels.get(channel) ?? new Array<Tap | undefined>(kernel).fill(undefined)
    taps[element % kernel] = { input: terms.inputs[i], weight: terms.weights[i], element }
    channels.set(channel, taps)
  })
  return [...channels].map(([channel, taps]) => ({
    channel,
    taps,
    sum: taps.reduce((sum, tap) => sum + (tap ? tap.input * tap.weight : 0), 0),
  }))
}

export function PatchTable({
  terms,
  module,
}: {
  readonly terms: Terms
  readonly module: ModuleInfo
}): JSX.Element | null {
  const { selection } = useLab()
  const [at, setAt] = useState(0)
  const shape = module.parameters.find(({ name }) => name === terms.weightName)?.shape
  if (shape?.length !== 4) return null
  const channels = channelsOf(terms, shape)
  if (channels.length === 0) return null
  const { channel, taps, sum } = channels[Math.min(at, channels.length - 1)]
  const columns = shape[3]
  const scales = { input: largestSize(terms.inputs), weight: largestSize(terms.weights) }
  const grid = (title: string, of: (tap: Tap) => number, scale: number, pin = false): JSX.Element => (
    <figure>
      <figcaption>{title}</figcaption>
      <div class="kernel figures" style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
        {taps.map((tap, i) => {
          const value = tap && of(tap)
          const style = value === undefined ? {} : { background: css(signed((0.75 * value) / scale), 0.6) }
          const text = value === undefined ? '·' : number(value, 2)
          const key = `${i}`
          return pin && tap && terms.weightName ? (
            <button
              key={key}
              type="button"
              style={style}
              onClick={() => selection.pin({ kind: 'weight', name: terms.weightName as string, element: tap.element })}
            >
              {text}
            </button>
          ) : (
            <span
              key={key}
              style={style}
              title={value === undefined ? 'outside of the picture: counts as 0' : String(value)}
            >
              {text}
            </span>
          )
        })}
      </div>
    </figure>
  )
  const product = (tap: Tap): number => tap.input * tap.weight
  return (
    <div class="patch">
      {channels.length > 1 && (
        <label class="field">
          <span>input channel</span>
          <select value={at} onChange={(event) => setAt(Number(event.currentTarget.value))}>
            {channels.map((each, i) => (
              <option key={each.channel} value={i}>
                {each.channel + 1}: adds {number(each.sum)}
              </option>
            ))}
          </select>
        </label>
      )}
      <div class="patch-row">
        {grid('patch', ({ input }) => input, scales.input)}
        <span aria-hidden="true">⊙</span>
        {grid('kernel', ({ weight }) => weight, scales.weight, true)}
        <span aria-hidden="true">=</span>
        {grid('products', product, largestSize(taps.map((tap) => (tap ? product(tap) : 0))))}
      </div>
      <p class="muted">
        Channel {channel + 1} adds <span class="figures">{number(sum, 4)}</span>
        {channels.length > 1 && `, one of ${channels.length} sums that are added up`}.
      </p>
    </div>
  )
}
