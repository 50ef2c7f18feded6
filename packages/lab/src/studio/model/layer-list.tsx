/**
 * The model as a list of layers, from input to output: added, taken out, moved and sized right there.
 *
 * Each row says what comes out of it; what does not fit is said at its row. Layers inside a layer stand below it, in the
 * same way. The same model as code: code-editor.tsx.
 */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { type LayerEntry, layerEntry, newLayer } from '../../spec/catalogue.ts'
import {
  getIn,
  insertLayer,
  moveLayer,
  type Place,
  removeLayer,
  setIn,
  setLayerOption,
  unitsOption,
} from '../../spec/edit.ts'
import { dimsText, outputPlace } from '../../spec/shapes.ts'
import type { LayerSpec } from '../../spec/spec.ts'
import { useLab } from '../../state/ask.ts'
import { IconButton } from '../../ui/controls.tsx'
import { OptionFields } from '../option-fields.tsx'
import { AddLayer } from './add-layer.tsx'

/** What is being dragged: the list it is of, and its place there. */
let dragged: { readonly list: string; readonly at: number } | undefined

/** After a row has moved or gone, the keyboard goes on at the row that has its place, with the same tool. */
function refocus(from: Element, at: number, tool: string): void {
  const rows = from.closest('ol')
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      const row = rows?.children[Math.min(at, (rows?.children.length ?? 1) - 1)]
      const button = row?.querySelector<HTMLButtonElement>(`:scope > .layer-row [data-tool="${tool}"]`)
      const other = row?.querySelector<HTMLButtonElement>(':scope > .layer-row .layer-tools button:not(:disabled)')
      if (button?.disabled) other?.focus()
      else button?.focus()
    }),
  )
}

interface ListProps {
  readonly layers: readonly LayerSpec[]
  /** Where the list stands in the model. */
  readonly list: Place
  /** The library's name of what holds it; '' is the model. */
  readonly path: string
  readonly depth?: number
}

const titleOf = (layer: LayerSpec): string => layerEntry(layer.kind)?.title ?? layer.kind

export function LayerList({ layers, list, path, depth = 0 }: ListProps): JSX.Element {
  return (
    <ol class={depth === 0 ? 'layers' : 'layers inner'}>
      {layers.map((layer, at) => (
        // Rows of equal kind may change places: a row is its place.
        <LayerRow
          key={`${at} ${layer.kind}`}
          layer={layer}
          layers={layers}
          list={list}
          at={at}
          path={path === '' ? `${at}` : `${path}.${at}`}
          depth={depth}
        />
      ))}
    </ol>
  )
}

function LayerRow({
  layer,
  layers,
  list,
  at,
  path,
  depth,
}: {
  readonly layer: LayerSpec
  readonly layers: readonly LayerSpec[]
  readonly list: Place
  readonly at: number
  readonly path: string
  readonly depth: number
}): JSX.Element {
  const lab = useLab()
  const [open, setOpen] = useState<'options' | 'add' | undefined>(undefined)
  const [over, setOver] = useState(false)
  const { editor } = lab
  const model = lab.spec.value?.model as LayerSpec
  const entry = layerEntry(layer.kind)
  const title = titleOf(layer)
  const name = `${title}, layer ${at + 1}`
  const out = editor.fitted.value?.shapes.get(path)?.out
  const problem = editor.fitted.value?.problems.find((each) => each.path === path)
  const edit = (next: LayerSpec, key = ''): Promise<boolean> => editor.change({ model: next }, key)
  const move = (event: Event, to: number): void => {
    void edit(moveLayer(model, list, at, to))
    refocus(event.currentTarget as Element, to, to < at ? 'up' : 'down')
  }
  const options = (entry?.options ?? []).filter(({ follows, name }) => !follows && name !== unitsOption(layer.kind))
  const isOutput = depth === 0 && outputPlace(model) === at
  return (
    <li
      class={`layer${problem ? ' wrong' : ''}${over ? ' over' : ''}`}
      onDragOver={(event) => {
        if (dragged?.list !== list.join()) return
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        if (dragged?.list !== list.join()) return
        event.preventDefault()
        setOver(false)
        void edit(moveLayer(model, list, dragged.at, at))
      }}
      onMouseEnter={() => {
        if (!editor.behind.peek()) lab.selection.hovered.value = { kind: 'module', module: path }
      }}
      onMouseLeave={() => {
        lab.selection.hovered.value = undefined
      }}
    >
      <div class="layer-row">
        <span
          class="grip"
          aria-hidden="true"
          draggable
          title="Drag to another place"
          onDragStart={(event) => {
            dragged = { list: list.join(), at }
            event.dataTransfer?.setData('text/plain', title)
          }}
          onDragEnd={() => {
            dragged = undefined
          }}
        >
          ⠿
        </span>
        <span class="layer-name" title={entry?.about}>
          {title}
        </span>
        <Units layer={layer} place={[...list, at]} name={name} isOutput={isOutput} />
        <span class="layer-out figures" title="What comes out of it, for one sample">
          {out ? `→ ${dimsText(out)}` : ''}
        </span>
        <span class="layer-tools">
          <IconButton
            glyph="back"
            class="icon quiet up"
            name={`Move ${name} up`}
            disabled={at === 0}
            data-tool="up"
            onClick={(event) => move(event, at - 1)}
          />
          <IconButton
            glyph="back"
            class="icon quiet down"
            name={`Move ${name} down`}
            disabled={at === layers.length - 1}
            data-tool="down"
            onClick={(event) => move(event, at + 1)}
          />
          <button
            type="button"
            class="quiet"
            aria-expanded={open === 'options'}
            aria-label={`Options of ${name}`}
            disabled={options.length === 0}
            onClick={() => setOpen(open === 'options' ? undefined : 'options')}
          >
            …
          </button>
          <IconButton
            glyph="plus"
            class="icon quiet"
            name={`Add a layer after ${name}`}
            aria-expanded={open === 'add'}
            data-tool="add"
            onClick={() => setOpen(open === 'add' ? undefined : 'add')}
          />
          <IconButton
            glyph="close"
            class="icon quiet"
            name={`Remove ${name}`}
            data-tool="remove"
            onClick={(event) => {
              void edit(removeLayer(model, list, at))
              refocus(event.currentTarget, at, 'remove')
            }}
          />
        </span>
      </div>
      {problem && (
        <p class="problem" role="status">
          {problem.message}
        </p>
      )}
      {open === 'options' && (
        <div class="layer-more">
          <p class="muted small">{entry?.about}</p>
          <OptionFields
            options={options}
            values={layer}
            onChange={(option, value) =>
              edit(setLayerOption(model, [...list, at], option, value), `option ${path} ${option}`)
            }
          />
        </div>
      )}
      {open === 'add' && (
        <AddLayer
          after={out}
          onClose={(from) => {
            setOpen(undefined)
            refocus(from, at, 'add')
          }}
          onChoose={(kind, from) => {
            setOpen(undefined)
            refocus(from, at + 1, 'add')
            void edit(insertLayer(model, list, at + 1, newLayer(kind)))
          }}
        />
      )}
      <Inside layer={layer} place={[...list, at]} path={path} depth={depth} entry={entry} />
    </li>
  )
}

/** How many units, with buttons for one more and one less. */
function Units({
  layer,
  place,
  name,
  isOutput,
}: {
  readonly layer: LayerSpec
  readonly place: Place
  readonly name: string
  readonly isOutput: boolean
}): JSX.Element | null {
  const lab = useLab()
  const option = unitsOption(layer.kind)
  if (!option) return <span class="units" />
  const value = Number(layer[option])
  const set = (next: number): void => {
    const model = lab.spec.peek()?.model
    if (model && next >= 1)
      void lab.editor.change({ model: setLayerOption(model, place, option, next) }, `units ${place.join()}`)
  }
  if (isOutput)
    return (
      <span class="units figures" title="The last layer gives what the data ask for.">
        {value} out
      </span>
    )
  return (
    <span class="units">
      <IconButton
        glyph="minus"
        class="icon quiet"
        name={`Fewer units in ${name}`}
        disabled={value <= 1}
        onClick={() => set(value - 1)}
      />
      <input
        type="text"
        inputMode="numeric"
        size={3}
        class="figures"
        aria-label={`Units in ${name}`}
        value={value}
        onChange={(event) => {
          const typed = Number(event.currentTarget.value)
          if (Number.isInteger(typed) && typed >= 1) set(typed)
          else event.currentTarget.value = String(value)
        }}
      />
      <IconButton glyph="plus" class="icon quiet" name={`More units in ${name}`} onClick={() => set(value + 1)} />
    </span>
  )
}

/** Layers that stand inside a layer. */
function Inside({
  layer,
  place,
  path,
  depth,
  entry,
}: {
  readonly layer: LayerSpec
  readonly place: Place
  readonly path: string
  readonly depth: number
  readonly entry: LayerEntry | undefined
}): JSX.Element | null {
  const lab = useLab()
  if (layer.kind === 'sequential')
    return (
      <LayerList
        layers={layer.layers as readonly LayerSpec[]}
        list={[...place, 'layers']}
        path={path}
        depth={depth + 1}
      />
    )
  const part = (steps: Place, inner: string, title: string): JSX.Element => {
    const body = getIn(layer, steps) as LayerSpec
    const held = body.kind === 'sequential' ? (body.layers as readonly LayerSpec[]) : undefined
    return (
      <div class="branch" key={inner}>
        <span class="muted small">{title}</span>
        {held ? (
          <LayerList layers={held} list={[...place, ...steps, 'layers']} path={inner} depth={depth + 1} />
        ) : (
          <button
            type="button"
            onClick={() => {
              const model = lab.spec.peek()?.model
              if (model)
                void lab.editor.change({
                  model: setIn(model, [...place, ...steps], { kind: 'sequential', layers: [body] }),
                })
            }}
          >
            {titleOf(body)}: open it as a list
          </button>
        )}
      </div>
    )
  }
  if (layer.kind === 'residual')
    return (
      <>
        {part(['body'], `${path}.body`, `${entry?.title}: what is added`)}
        {layer.shortcut !== undefined && part(['shortcut'], `${path}.shortcut`, 'around it')}
      </>
    )
  if (layer.kind !== 'parallel') return null
  const branches = layer.branches as readonly LayerSpec[]
  const setBranches = (next: readonly LayerSpec[]): void => {
    const model = lab.spec.peek()?.model
    if (model) void lab.editor.change({ model: setIn(model, [...place, 'branches'], next) })
  }
  return (
    <>
      {branches.map((_, i) => part(['branches', i], `${path}.${i}`, `branch ${i + 1}`))}
      <div class="row">
        <button type="button" onClick={() => setBranches([...branches, branches[branches.length - 1]])}>
          One more branch
        </button>
        <button type="button" disabled={branches.length < 2} onClick={() => setBranches(branches.slice(0, -1))}>
          One less
        </button>
      </div>
    </>
  )
}
