/**
 * The network as a picture, whatever it is: layers from left to right, units with what they respond to (or what they gave
 * for the chosen sample), weights as links. Hover shows, click pins, arrow keys walk.
 *
 * What columns there are: columns.ts; where they stand: layout.ts; how they are painted: draw.ts; what stands over the
 * picture for keyboard and screen reader: overlay.tsx; the card below: detail.tsx.
 */
import { useSignalEffect } from '@preact/signals'
import type { JSX, TargetedMouseEvent } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { useLab, useQuestion } from '../../state/ask.ts'
import { useAtMost, useQuestions } from '../../state/ask-many.ts'
import type { Chosen } from '../../state/selection.ts'
import { Atlas } from '../../ui/atlas.ts'
import { IconButton, Panel, Slider } from '../../ui/controls.tsx'
import { invalidate, useCanvas } from '../../ui/frame.ts'
import { Legend } from '../../ui/legend.tsx'
import type { Numbers } from '../../worker/protocol.ts'
import type { View, ViewProps } from '../view.ts'
import { type Column, columnsOf, openAtFirst } from './columns.ts'
import { Detail } from './detail.tsx'
import { biasMark, drawNetwork, isSequence, type Lit, type Shown } from './draw.ts'
import { distanceTo, type Layout, layoutOf, type PlacedColumn } from './layout.ts'
import './network.css'
import { labelNodes, Overlay } from './overlay.tsx'

/** Responses are read at size × size places of the plane: enough for pictures of this size. */
const size = 24
/** The most links that are drawn at first. */
const mostLinks = 400

/** The module whose output a column shows, under which its units are chosen. */
export const moduleOf = ({ shown, id }: Column): string => shown ?? id

function NetworkView({ run, info }: ViewProps): JSX.Element {
  const lab = useLab()
  const { selection } = lab
  const isPlane = info.spec.data.kind === 'plane' || info.spec.data.kind === 'points'
  const [opened, setOpened] = useState(() => ({ info, open: openAtFirst(info) }))
  // Another network begins as it is best seen.
  const { open } = useMemo(() => (opened.info === info ? opened : { open: openAtFirst(info) }), [opened, info])
  const setOpen = (now: ReadonlySet<string>): void => setOpened({ info, open: now })
  const [all, setAll] = useState<ReadonlySet<string>>(new Set())
  const [zoom, setZoom] = useState(1)
  const [most, setMost] = useState(mostLinks)
  const scroller = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const box = scroller.current
    if (!box) return
    const measure = (): void => setWidth(Math.floor(box.clientWidth))
    measure()
    const watcher = new ResizeObserver(measure)
    watcher.observe(box)
    return () => watcher.disconnect()
  }, [])

  const diagram = useMemo(() => columnsOf(info, open), [info, open])
  const names = useMemo(() => {
    const longest = (list: readonly string[]): number => Math.max(0, ...list.map(({ length }) => length))
    return { inputs: longest(info.features), outputs: info.task === 'token' ? 0 : longest(info.labels) }
  }, [info])
  const layout = useMemo(
    () => layoutOf(diagram, { width: Math.max(240, width), zoom, all, surfaces: isPlane, names }),
    [diagram, width, zoom, all, isPlane, names],
  )
  const modules = diagram.columns.flatMap(({ shown }) => shown ?? [])
  const relabel = useAtMost(1000, () => labelNodes(overlay.current, layout, shown, diagram))
  const responses = useQuestion('responses', isPlane ? { run, size } : undefined)
  const activations = useQuestions(
    'activations',
    { all: { run, modules, input: selection.input.value, aspect: 'value' } },
    relabel,
  )
  const drawn = [
    ...new Set([
      ...layout.links.map(({ weight }) => weight),
      ...diagram.columns.flatMap(({ bias, look }) => (bias && look !== 'rows' ? [bias] : [])),
    ]),
  ]
  const parameters = useQuestions(
    'parameter',
    Object.fromEntries(drawn.map((name) => [name, { run, name, aspect: 'value' as const }])),
    relabel,
  )

  const ofSample = (column: Column): Numbers | undefined => {
    const answer = activations.get('all')?.value
    return column.shown === undefined
      ? answer?.given
      : answer?.modules.find(({ path }) => path === column.shown)?.numbers
  }
  const shown: Shown & { ofSample(column: Column): Numbers | undefined } = {
    surfaces: isPlane,
    ofSample,
    labelOf: (token) => info.labels[token] ?? String(token),
    valuesOf: ({ column }) => {
      if (!isPlane) return ofSample(column)
      if (column.shown === undefined) return responses.value?.input
      return responses.value?.modules.find(({ path }) => path === column.shown)?.maps
    },
    parameter: (name) => parameters.get(name)?.value?.numbers.values,
  }

  const atlas = useRef<Atlas | undefined>(undefined)
  const overlay = useRef<HTMLDivElement>(null)
  const canvas = useCanvas((context) => {
    atlas.current ??= new Atlas()
    const lit = { ...litOf(selection.shown.peek(), layout), time: selection.time.peek() }
    drawNetwork(context, layout, shown, atlas.current, { lit, most })
  })
  useEffect(relabel, [layout])
  useSignalEffect(() => {
    void [selection.shown.value, selection.time.value]
    invalidate(canvas.current)
  })

  const at = (event: TargetedMouseEvent<HTMLElement>): Chosen | undefined => {
    const box = event.currentTarget.getBoundingClientRect()
    return hit(layout, event.clientX - box.left, event.clientY - box.top)
  }
  const drag = useRef<{ x: number; left: number; moved: boolean } | undefined>(undefined)
  const zoomBy = (factor: number): void => setZoom((now) => Math.min(3, Math.max(0.5, now * factor)))
  useEffect(() => {
    const box = scroller.current
    if (!box) return
    const turn = (event: WheelEvent): void => {
      if (!event.ctrlKey) return
      event.preventDefault()
      zoomBy(event.deltaY < 0 ? 1.15 : 1 / 1.15)
    }
    // Must be able to keep the page from zooming.
    box.addEventListener('wheel', turn, { passive: false })
    return () => box.removeEventListener('wheel', turn)
  }, [])

  return (
    <Panel
      title="Network"
      class="network"
      stamp={lab.runs.value.get(run)?.progress.stamp}
      actions={
        <div class="row zoom">
          <IconButton glyph="minus" name="Smaller" class="icon quiet" onClick={() => zoomBy(1 / 1.25)} />
          <IconButton glyph="plus" name="Larger" class="icon quiet" onClick={() => zoomBy(1.25)} />
          {zoom !== 1 && (
            <button type="button" class="quiet" onClick={() => setZoom(1)}>
              fit
            </button>
          )}
        </div>
      }
    >
      <div
        class="scroller"
        ref={scroller}
        onPointerDown={(event) => {
          if (event.pointerType === 'mouse' && event.button === 0 && event.target === canvas.current)
            drag.current = { x: event.clientX, left: event.currentTarget.scrollLeft, moved: false }
        }}
        onPointerMove={(event) => {
          const own = drag.current
          if (!own) return
          if (event.buttons === 0) drag.current = undefined
          else if (own.moved || Math.abs(event.clientX - own.x) > 4) {
            own.moved = true
            event.currentTarget.scrollLeft = own.left - (event.clientX - own.x)
          }
        }}
      >
        {/* biome-ignore lint/a11y/noStaticElementInteractions: units are buttons inside; links can be reached in the unit's view */}
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: keys click the buttons inside */}
        <div
          class="field-of-units"
          style={{ width: `${layout.width}px`, height: `${layout.height}px` }}
          onPointerMove={(event) => {
            if (event.pointerType !== 'touch') selection.hovered.value = at(event)
          }}
          onPointerLeave={() => {
            selection.hovered.value = undefined
          }}
          onClick={(event) => {
            if (drag.current?.moved) {
              drag.current = undefined
              return
            }
            // Keys click without a place; the button that has the focus says what it is.
            if (event.detail === 0) return
            const chosen = at(event)
            const time = timeAt(layout, event)
            if (time !== undefined) selection.time.value = time
            if (chosen) selection.pin(chosen)
          }}
        >
          <canvas
            ref={canvas}
            role="img"
            aria-label={`The network: ${diagram.columns.length - 1} layers from left to right`}
          />
          <Overlay
            root={overlay}
            layout={layout}
            diagram={diagram}
            info={info}
            onOpen={(path) => setOpen(new Set([...open, path]))}
            onFold={(path) =>
              setOpen(new Set([...open].filter((each) => each !== path && !each.startsWith(`${path}.`))))
            }
            onAll={(id) =>
              setAll(all.has(id) ? new Set([...all].filter((each) => each !== id)) : new Set([...all, id]))
            }
            all={all}
          />
        </div>
      </div>
      <div class="row network-foot">
        <Legend
          text={
            isPlane
              ? 'what each unit says at each place of the plane; full colour is the largest of its layer'
              : 'what each unit gave for the chosen sample; full colour is the largest of its layer'
          }
        />
        {layout.links.some((link) => link.count === 1) && (
          <p class="legend muted">
            Links are weights: the wider the larger, dashed below zero. Dots are biases, hollow below zero.
          </p>
        )}
        {layout.links.length > 40 && (
          <Slider
            label="Links, strongest first"
            min={0}
            max={layout.links.length}
            step={1}
            value={Math.min(most, layout.links.length)}
            show={(value) => `${value} of ${layout.links.length}`}
            onInput={(value) => setMost(value)}
          />
        )}
      </div>
      <Detail run={run} info={info} diagram={diagram} />
    </Panel>
  )
}

/** What is lit in the picture for what is chosen anywhere. */
function litOf(chosen: Chosen | undefined, { columns }: Layout): Lit {
  if (!chosen) return {}
  if (chosen.kind === 'weight') {
    const link = { weight: chosen.name, element: chosen.element }
    const bias = columns.find(({ column }) => column.bias === chosen.name)
    return bias ? { column: bias.column.id, unit: chosen.element } : { link }
  }
  const holds = ({ column }: PlacedColumn): boolean =>
    column.parts.some(({ path }) => path === chosen.module) ||
    (column.id === 'input' && chosen.module === 'input') ||
    (column.block && chosen.module.startsWith(`${column.id}.`))
  const column = columns.find(holds)?.column
  // Of what is inside a folded block the whole block is lit.
  const own = column && (column.id === chosen.module || column.parts.some(({ path }) => path === chosen.module))
  return { column: column?.id, unit: chosen.kind === 'unit' && own ? chosen.unit : undefined }
}

const within = (
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
  px: number,
  py: number,
): boolean => px >= x && px <= x + width && py >= y && py <= y + height

/** The place in the sequence under the pointer. */
function timeAt({ columns }: Layout, event: TargetedMouseEvent<HTMLElement>): number | undefined {
  const box = event.currentTarget.getBoundingClientRect()
  const [x, y] = [event.clientX - box.left, event.clientY - box.top]
  const found = columns.find(({ column, picture }) => picture && isSequence(column) && within(picture, x, y))?.picture
  return found && Math.min(found.rows - 1, Math.floor(((y - found.y) / found.height) * found.rows))
}

/** What stands at a place of the picture: the mark of a bias, a unit, a cell of a picture, a link. */
function hit({ columns, links }: Layout, px: number, py: number): Chosen | undefined {
  for (const { column, nodes, picture } of columns) {
    if (picture && within(picture, px, py)) {
      if (column.id === 'input') return undefined
      const place = [(py - picture.y) / picture.height, (px - picture.x) / picture.width]
      const cell = [Math.floor(place[0] * picture.rows), Math.floor(place[1] * picture.columns)]
      const unit = column.shape.length === 2 ? cell[column.unitAxis] : cell[0] * picture.columns + cell[1]
      return unit < column.units ? { kind: 'unit', module: moduleOf(column), unit } : undefined
    }
    for (const node of nodes) {
      const mark = biasMark(node)
      if (column.bias !== undefined && Math.hypot(px - mark.x, py - mark.y) <= 6)
        return { kind: 'weight', name: column.bias, element: node.unit }
      if (within(node, px, py)) return { kind: 'unit', module: moduleOf(column), unit: node.unit }
    }
  }
  let [nearest, distance] = [undefined as (typeof links)[number] | undefined, 7]
  for (const link of links) {
    const away = distanceTo(link, px, py)
    if (away < distance) [nearest, distance] = [link, away]
  }
  return nearest && { kind: 'weight', name: nearest.weight, element: nearest.element }
}

export const network: View = {
  id: 'network',
  title: 'Network',
  about: 'Every layer and unit of the network, with the weights between them. Hover to look, click to keep.',
  fits: () => true,
  Component: NetworkView,
}
