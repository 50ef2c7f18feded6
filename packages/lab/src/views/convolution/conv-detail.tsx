/**
 * One map of a convolution, taken apart: each channel of its input times its kernel, the maps that come of it, their
 * sum; and at the place under the pointer the very products, with their numbers.
 */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLab, useQuestion } from '../../state/ask.ts'
import { largestSize } from '../../ui/colour.ts'
import { added, number, words } from '../../ui/format.ts'
import type { ModuleInfo, Questions, Terms } from '../../worker/protocol.ts'
import { given, slidingOf } from '../field.ts'
import { pictureOf } from '../layer-maps.tsx'
import { useTextQuestion } from '../slow.ts'
import type { ViewProps } from '../view.ts'
import { MapPicture } from './map-picture.tsx'
import { NumberGrid } from './number-grid.tsx'
import { PlaceControl, usePlace } from './place-control.tsx'
import { followers } from './terms.ts'

const most = 4

type Pair = readonly [number, number]

export function ConvDetail({
  run,
  info,
  module,
  unit,
}: ViewProps & { readonly module: ModuleInfo; readonly unit: number }): JSX.Element {
  const { selection } = useLab()
  const input = selection.input.value
  const [all, setAll] = useState(false)
  const [channel, setChannel] = useState(0)
  const { path, outputShape, inputShape } = module
  const out: Pair = [outputShape[1], outputShape[2]]
  const inside: Pair = [inputShape[1], inputShape[2]]
  const place = usePlace(out)
  const parts = useQuestion('parts', { run, module: path, unit, input })
  const then = followers(info, path)
  const terms = useTextQuestion('terms', {
    run,
    module: path,
    index: [unit, ...place],
    input,
    then: then.map((each) => each.path),
  })
  const channels = inputShape[0] / Number(module.options.groups ?? 1)
  const shown = all ? channels : Math.min(channels, most)
  const isPicture = module.from.includes('')
  const box = given(module, { top: place[0], left: place[1], bottom: place[0], right: place[1] })
  const put = (row: number, column: number): void => {
    selection.place.value = [row, column]
  }
  // The window whose middle is under the pointer.
  const putBack = (row: number, column: number): void => {
    const along = (axis: 0 | 1, at: number): number => {
      const [size, stride, padding, dilation] = slidingOf(module, axis) ?? [1, 1, 0, 1]
      const to = Math.round((at + padding - ((size - 1) * dilation) / 2) / stride)
      return Math.max(0, Math.min(out[axis] - 1, to))
    }
    put(along(0, row), along(1, column))
  }
  const frame = [box.top, box.left, box.bottom - box.top + 1, box.right - box.left + 1] as const
  const picture = pictureOf(info)
  type Parts = Questions['parts']['answer']
  const slice =
    (read: (parts: Parts) => { values: Float32Array; size: Pair; scale: number }, extra: object) =>
    (k: number) =>
    () => {
      const found = parts.value
      if (!found || k * 1 >= found.inputs.shape[0]) return undefined
      const { values, size, scale } = read(found)
      return { values, from: k * size[0] * size[1], size, scale, ...extra }
    }
  const inputMap = slice(
    ({ inputs }) => ({
      values: inputs.values,
      size: inside,
      scale: isPicture && picture.tint === 'ink' ? 1 : largestSize(inputs.values),
    }),
    { frame, ...(isPicture && { tint: picture.tint }) },
  )
  const kernel: Pair = (module.parameters[0]?.shape.slice(-2) as unknown as Pair) ?? [1, 1]
  const kernelMap = slice(
    ({ weights }) => ({ values: weights.values, size: kernel, scale: largestSize(weights.values) }),
    {},
  )
  const productMap = slice(({ maps }) => ({ values: maps.values, size: out, scale: largestSize(maps.values) }), {
    frame: [...place, 1, 1] as const,
  })
  return (
    <section class="conv-detail" aria-label={`Map ${unit + 1} of ${words(module.kind)} ${path}`}>
      <h3>
        Map {unit + 1}: {channels === 1 ? 'one' : `${channels} channels, each with a`} kernel of {kernel[0]} ×{' '}
        {kernel[1]}
      </h3>
      <PlaceControl size={out} />
      <div class={channels === 1 ? 'conv-sum single' : 'conv-sum'}>
        <div class="conv-rows">
          {Array.from({ length: shown }, (_, k) => (
            <div key={k} class={k === channel ? 'conv-row chosen' : 'conv-row'}>
              <MapPicture
                name={`Channel ${k + 1} of what the layer is given`}
                size={inside}
                picture={inputMap(k)}
                onCell={(row, column) => {
                  setChannel(k)
                  putBack(row, column)
                }}
              />
              <span aria-hidden="true">∗</span>
              <MapPicture name={`Kernel of channel ${k + 1}`} size={kernel} picture={kernelMap(k)} />
              <span aria-hidden="true">=</span>
              {channels > 1 && (
                <MapPicture
                  name={`What channel ${k + 1} gives`}
                  size={out}
                  picture={productMap(k)}
                  onCell={(row, column) => {
                    setChannel(k)
                    put(row, column)
                  }}
                />
              )}
              {channels > 1 && (
                <button type="button" class="quiet small" aria-pressed={k === channel} onClick={() => setChannel(k)}>
                  channel {k + 1}
                </button>
              )}
            </div>
          ))}
          {channels > most && (
            <button type="button" class="quiet small" onClick={() => setAll(!all)}>
              {all ? `first ${most}` : `all ${channels} channels`}
            </button>
          )}
        </div>
        <div class="conv-out">
          {channels > 1 && <p class="muted small">All added up, plus the bias</p>}
          <MapPicture
            name={`Map ${unit + 1}`}
            size={out}
            onCell={put}
            picture={() =>
              parts.value && {
                values: parts.value.output.values,
                size: out,
                scale: largestSize(parts.value.output.values),
                frame: [...place, 1, 1],
              }
            }
          />
        </div>
      </div>
      {terms.value?.rule === 'sum' && terms.value.index.join() === [unit, ...place].join() && (
        <ProductSum
          terms={terms.value}
          kernel={kernel}
          own={channels}
          channel={Math.min(channel, channels - 1)}
          unit={unit}
          then={then}
        />
      )}
      {terms.value?.rule === 'inside' && (
        <p>Beyond the edge this layer repeats the picture, so one number is made of more than fits a line.</p>
      )}
      {terms.problem && <p>{terms.problem}</p>}
    </section>
  )
}

/** The products at one place, channel by channel. */
function ProductSum({
  terms,
  kernel,
  own,
  channel,
  unit,
  then,
}: {
  readonly terms: Terms
  readonly kernel: Pair
  readonly own: number
  readonly channel: number
  readonly unit: number
  readonly then: readonly ModuleInfo[]
}): JSX.Element {
  const taps = kernel[0] * kernel[1]
  const inputs = new Map<number, number>()
  const weights = new Map<number, number>()
  const sums = new Float64Array(own)
  terms.weightAt.forEach((at, i) => {
    const tap = at - unit * own * taps
    inputs.set(tap, terms.inputs[i])
    weights.set(tap, terms.weights[i])
    sums[Math.floor(tap / taps)] += terms.inputs[i] * terms.weights[i]
  })
  const first = channel * taps
  const product = (tap: number): number | undefined => {
    const [x, w] = [inputs.get(tap), weights.get(tap)]
    return x === undefined || w === undefined ? undefined : x * w
  }
  const scale = largestSize(terms.weights)
  return (
    <div class="product-sum">
      <section
        class="grids"
        aria-label="The window, the kernel and their products"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: on a phone it scrolls sideways, by keys too
        tabIndex={0}
      >
        <figure>
          <NumberGrid name="Patch" size={kernel} at={(k) => inputs.get(first + k)} scale={largestSize(terms.inputs)} />
          <figcaption>patch</figcaption>
        </figure>
        <span aria-hidden="true">⊙</span>
        <figure>
          <NumberGrid name="Kernel" size={kernel} at={(k) => weights.get(first + k)} scale={scale} />
          <figcaption>kernel</figcaption>
        </figure>
        <span aria-hidden="true">=</span>
        <figure>
          <NumberGrid
            name="Products"
            size={kernel}
            at={(k) => product(first + k)}
            scale={largestSize(Array.from(inputs.keys(), (k) => product(k) ?? 0))}
          />
          <figcaption>products, together {number(sums[channel])}</figcaption>
        </figure>
      </section>
      <p class="figures sum-line" data-value={terms.value}>
        {Array.from(sums, (sum, k) => (
          <span key={k} class={k === channel && own > 1 ? 'chosen' : ''} title={`channel ${k + 1}`}>
            {k > 0 ? added(sum) : number(sum)}
          </span>
        ))}
        {terms.bias && <span title="bias">{added(terms.bias.value)}</span>} = <strong>{number(terms.value)}</strong>
      </p>
      <p class="muted small">
        {own > 1 ? 'The sum of products of each channel' : 'The products together'}
        {terms.bias && ', and the bias'}
        {then.map(({ kind, path }, i) => {
          const value = terms.then[i]?.value
          return value === undefined || Number.isNaN(value) ? null : (
            <span key={path}>
              ; {words(kind)} makes <span class="figures">{number(value)}</span> of it
            </span>
          )
        })}
        .
      </p>
    </div>
  )
}
