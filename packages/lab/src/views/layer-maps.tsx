/**
 * All layers as columns of small maps, from the picture to the answer: pointing at one is a preview, choosing pins it.
 *
 * Which numbers are shown is the lab's selection; what one map is made of: convolution/.
 */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { type Answer, useLab } from '../state/ask.ts'
import { largestSize } from '../ui/colour.ts'
import { shape, words } from '../ui/format.ts'
import { useCanvas } from '../ui/frame.ts'
import { drawMap, fitted, frameCells, type Tint } from '../ui/map.ts'
import type { ModuleInfo, Numbers, Questions, RunInfo } from '../worker/protocol.ts'
import { fieldOf } from './field.ts'
import './layer-maps.css'
import { rove } from './roving.ts'

/** Over which numbers the colours of a map go. */
export type Scope = 'map' | 'layer' | 'all'
/** More maps than these are shown on demand. */
const most = 16

/** The layers whose output is maps, or a short row of numbers. */
export const layersOf = ({ modules }: RunInfo): readonly ModuleInfo[] =>
  modules.filter(({ path, kind, composite, outputShape }) => {
    if (composite || path === '' || /^(flatten|dropout|identity)/i.test(kind)) return false
    return outputShape.length === 3 || (outputShape.length === 1 && outputShape[0] <= 64)
  })

/** Whether a network looks at pictures. */
export const seesPictures = ({ inputShape }: RunInfo): boolean => inputShape.length === 3

/** A picture's rows and columns, and how it is coloured: a digit as ink, several channels as signed numbers. */
export const pictureOf = ({ inputShape, spec }: RunInfo): { size: readonly [number, number]; tint: Tint } => ({
  size: [inputShape.at(-2) ?? 1, inputShape.at(-1) ?? 1],
  tint: spec.data.kind === 'digits' ? 'ink' : 'signed',
})

export type Activations = Answer<Questions['activations']['answer']>

/** The numbers that have the full colour. */
export function scaleOf(activations: Activations, path: string, unit: number, scope: Scope): number {
  const all = activations.value?.modules ?? []
  const found = all.find((module) => module.path === path)
  if (!found) return 1
  // A single number has no colours of its own.
  const size = mapSize(found.numbers)
  if (scope === 'map' && size > 1) {
    return largestSize(found.numbers.values.subarray(unit * size, (unit + 1) * size))
  }
  const within = scope !== 'all' ? [found] : all
  return Math.max(...within.map(({ histogram }) => Math.max(Math.abs(histogram.low), Math.abs(histogram.high)))) || 1
}

const mapSize = ({ shape: sizes }: Numbers): number => sizes.slice(1).reduce((product, n) => product * n, 1)

export function LayerMaps({
  info,
  activations,
  picture,
  scope,
}: {
  readonly info: RunInfo
  readonly activations: Activations
  /** What the network was given; read when it is drawn. */
  readonly picture: () => Numbers | undefined
  readonly scope: Scope
}): JSX.Element {
  const lab = useLab()
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of pictures, not of form fields
    <div
      class="layer-maps"
      role="group"
      aria-label="Layers, from the picture to the answer"
      onPointerLeave={() => {
        lab.selection.hovered.value = undefined
      }}
    >
      <PictureColumn info={info} picture={picture} />
      {layersOf(info).map((module) => (
        <Column key={module.path} info={info} module={module} activations={activations} scope={scope} />
      ))}
    </div>
  )
}

/** The picture, with the part that the number under the cursor looks at. */
function PictureColumn({
  info,
  picture,
}: {
  readonly info: RunInfo
  readonly picture: () => Numbers | undefined
}): JSX.Element {
  const lab = useLab()
  const { size, tint } = pictureOf(info)
  const channels = info.inputShape[0]
  const shown = lab.selection.shown.value
  const place = lab.selection.place.value
  const canvas = useCanvas((context, width, height) => {
    const numbers = picture()
    if (!numbers) return
    const scale = tint === 'ink' ? 1 : largestSize(numbers.values)
    for (let channel = 0; channel < channels; channel++) {
      const own = fitted(size, width, height / channels)
      const at = { ...own, y: own.y + (channel * height) / channels }
      drawMap(context, numbers.values, size, at, { from: channel * size[0] * size[1], scale, tint })
      const module = shown && 'module' in shown && info.modules.find(({ path }) => path === shown.module)
      if (module && module.outputShape.length === 3) {
        const [rows, columns] = module.outputShape.slice(1)
        const field = fieldOf(info, module.path, [Math.min(place[0], rows - 1), Math.min(place[1], columns - 1)])
        frameCells(context, size, at, [
          field.top,
          field.left,
          field.bottom - field.top + 1,
          field.right - field.left + 1,
        ])
      }
    }
  })
  return (
    <section class="layer-column">
      <h3>picture</h3>
      <p class="stamp">{shape(info.inputShape)}</p>
      <div class="layer-picture" style={{ aspectRatio: `${size[1]} / ${size[0] * channels}` }}>
        <canvas ref={canvas} role="img" aria-label="What the network is given" />
      </div>
    </section>
  )
}

function Column({
  info,
  module,
  activations,
  scope,
}: {
  readonly info: RunInfo
  readonly module: ModuleInfo
  readonly activations: Activations
  readonly scope: Scope
}): JSX.Element {
  const { selection } = useLab()
  const [all, setAll] = useState(false)
  const { path, kind, outputShape } = module
  const isLast = info.modules.filter(({ composite }) => !composite).at(-1)?.path === path
  const units = outputShape[0]
  const count = all ? units : Math.min(units, most)
  const shown = selection.shown.value
  const pinned = selection.pinned.value
  const chosen = shown?.kind === 'unit' && shown.module === path ? shown.unit : undefined
  return (
    <section class="layer-column">
      <h3>{words(kind)}</h3>
      <p class="stamp">{shape(outputShape)}</p>
      {/* biome-ignore lint/a11y/useSemanticElements: a group of buttons, not of form fields */}
      <div
        role="group"
        class={outputShape.length === 1 ? 'layer-tiles single' : 'layer-tiles'}
        aria-label={`${words(kind)} ${path}`}
        onKeyDown={(event) => rove(event, 2)}
      >
        {Array.from({ length: count }, (_, unit) => (
          <Tile
            key={unit}
            module={module}
            unit={unit}
            label={isLast ? info.labels[unit] : undefined}
            activations={activations}
            scope={scope}
            isShown={chosen === unit}
            isPinned={pinned?.kind === 'unit' && pinned.module === path && pinned.unit === unit}
            isStop={unit === (chosen ?? 0)}
          />
        ))}
      </div>
      {units > most && (
        <button type="button" class="quiet small" onClick={() => setAll(!all)}>
          {all ? `first ${most}` : `all ${units}`}
        </button>
      )}
    </section>
  )
}

function Tile({
  module: { path, outputShape },
  unit,
  label,
  activations,
  scope,
  isShown,
  isPinned,
  isStop,
}: {
  readonly module: ModuleInfo
  readonly unit: number
  readonly label: string | undefined
  readonly activations: Activations
  readonly scope: Scope
  readonly isShown: boolean
  readonly isPinned: boolean
  readonly isStop: boolean
}): JSX.Element {
  const { selection } = useLab()
  const size = [outputShape[1] ?? 1, outputShape[2] ?? 1] as const
  const canvas = useCanvas((context, width, height) => {
    const found = activations.value?.modules.find((module) => module.path === path)
    if (!found) return
    drawMap(context, found.numbers.values, size, fitted(size, width, height), {
      from: unit * size[0] * size[1],
      scale: scaleOf(activations, path, unit, scope),
    })
  })
  const ref = { kind: 'unit', module: path, unit } as const
  const preview = (): void => {
    selection.hovered.value = ref
  }
  return (
    <button
      type="button"
      data-rove
      class={isShown ? 'map-tile shown' : 'map-tile'}
      tabIndex={isStop ? 0 : -1}
      aria-pressed={isPinned}
      aria-label={`${outputShape.length === 1 ? 'Unit' : 'Map'} ${unit + 1}${label ? `, ${label}` : ''}`}
      onPointerEnter={(event) => event.pointerType === 'mouse' && preview()}
      onFocus={preview}
      onBlur={() => {
        selection.hovered.value = undefined
      }}
      onClick={() => selection.pin(ref)}
      onKeyDown={(event) => event.key === 'Escape' && selection.letGo()}
    >
      <canvas ref={canvas} />
      {label && <span aria-hidden="true">{label}</span>}
    </button>
  )
}
