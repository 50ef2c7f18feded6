/** One number of a pool, of an activation, or of another layer over maps: the window it was made of. */
import type { JSX } from 'preact'
import { useLab } from '../../state/ask.ts'
import { largestSize } from '../../ui/colour.ts'
import { number, words } from '../../ui/format.ts'
import type { ModuleInfo, Terms } from '../../worker/protocol.ts'
import { given } from '../field.ts'
import { useTextQuestion } from '../slow.ts'
import type { ViewProps } from '../view.ts'
import { MapPicture } from './map-picture.tsx'
import { NumberGrid } from './number-grid.tsx'
import { PlaceControl, usePlace } from './place-control.tsx'

export function WindowDetail({
  run,
  module,
  unit,
}: ViewProps & { readonly module: ModuleInfo; readonly unit: number }): JSX.Element {
  const { selection } = useLab()
  const input = selection.input.value
  const { path, kind, outputShape, inputShape } = module
  const out = [outputShape[1], outputShape[2]] as const
  const before = [inputShape[1] ?? 1, inputShape[2] ?? 1] as const
  const place = usePlace(out)
  const index = [unit, ...place]
  const terms = useTextQuestion('terms', { run, module: path, index, input, then: [] })
  const output = useTextQuestion('activation', { run, module: path, input, aspect: 'value' })
  const box = given(module, { top: place[0], left: place[1], bottom: place[0], right: place[1] })
  const put = (row: number, column: number): void => {
    selection.place.value = [row, column]
  }
  const found = terms.value
  const fits = found?.index.join() === index.join()
  return (
    <section class="conv-detail" aria-label={`Map ${unit + 1} of ${words(kind)} ${path}`}>
      <h3>
        Map {unit + 1} of {words(kind)}
      </h3>
      <PlaceControl size={out} />
      <div class="conv-row pair">
        {inputShape.length === 3 && inputShape[0] === outputShape[0] && (
          <>
            <MapPicture
              name="What the layer is given"
              size={before}
              onCell={(row, column) =>
                put(Math.floor((row * out[0]) / before[0]), Math.floor((column * out[1]) / before[1]))
              }
              picture={() => {
                const values = terms.value?.input.values
                const size = before[0] * before[1]
                return (
                  values && {
                    values,
                    from: unit * size,
                    size: before,
                    scale: largestSize(values.subarray(unit * size, (unit + 1) * size)),
                    frame: [box.top, box.left, box.bottom - box.top + 1, box.right - box.left + 1],
                  }
                )
              }}
            />
            <span aria-hidden="true">→</span>
          </>
        )}
        <MapPicture
          name="What it makes of it"
          size={out}
          onCell={put}
          picture={() => {
            const values = output.value?.numbers.values
            const size = out[0] * out[1]
            return (
              values && {
                values,
                from: unit * size,
                size: out,
                scale: largestSize(values.subarray(unit * size, (unit + 1) * size)),
                frame: [...place, 1, 1],
              }
            )
          }}
        />
      </div>
      {found && fits && <Made terms={found} kind={kind} />}
      {terms.problem && <p>{terms.problem}</p>}
    </section>
  )
}

/** How the number came about, in numbers. */
function Made({ terms, kind }: { readonly terms: Terms; readonly kind: string }): JSX.Element {
  const { inputs, value, rule } = terms
  if (rule === 'each')
    return (
      <p class="figures sum-line" data-value={value}>
        {words(kind)}({number(inputs[0])}) = <strong>{number(value)}</strong>
      </p>
    )
  if (rule === 'inside')
    return (
      <p>
        This layer looks at more than one place, in more than one way. It gives{' '}
        <strong class="figures">{number(value)}</strong> here.
      </p>
    )
  const width = columnsOf(terms)
  return (
    <div class="product-sum">
      <section
        class="grids"
        aria-label="The window, the kernel and their products"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: on a phone it scrolls sideways, by keys too
        tabIndex={0}
      >
        <figure>
          <NumberGrid
            name="Window"
            size={[Math.ceil(inputs.length / width), width]}
            at={(k) => inputs[k]}
            scale={largestSize(inputs)}
            mark={rule === 'largest' ? inputs.indexOf(value) : -1}
          />
          <figcaption>window</figcaption>
        </figure>
      </section>
      <p class="figures sum-line" data-value={value}>
        {rule === 'largest' ? 'the largest' : `their sum ÷ ${number(terms.divisor ?? inputs.length)}`} ={' '}
        <strong>{number(value)}</strong>
      </p>
    </div>
  )
}

/** How many numbers of a window stand in one row: those whose places follow in the same row of the map. */
function columnsOf({ inputAt, input }: Terms): number {
  const columns = input.shape.at(-1) ?? 1
  const row = Math.floor(inputAt[0] / columns)
  let width = 0
  while (width < inputAt.length && Math.floor(inputAt[width] / columns) === row) width++
  return Math.max(1, width)
}
