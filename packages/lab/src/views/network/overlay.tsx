/**
 * What stands over the picture of a network: names of layers, ways to open and fold, and for each unit a button without a
 * look of its own, so that keyboard and screen reader come everywhere. Arrow keys go between units and layers.
 */
import type { JSX, RefObject, TargetedKeyboardEvent } from 'preact'
import { useLab } from '../../state/ask.ts'
import type { Chosen } from '../../state/selection.ts'
import { Glyph } from '../../ui/controls.tsx'
import { count, number, shape, words } from '../../ui/format.ts'
import type { Numbers, RunInfo } from '../../worker/protocol.ts'
import { type Column, type Diagram, nameOf } from './columns.ts'
import type { Shown } from './draw.ts'
import { groupHeight, headHeight, type Layout, type PlacedColumn } from './layout.ts'

const moduleOf = ({ shown, id }: Column): string => shown ?? id

/** What an input or an output is called, where it has a name. */
export function unitName(column: Column, unit: number, info: RunInfo, diagram: Diagram): string | undefined {
  if (column.id === 'input') return info.features[unit]
  return column === diagram.columns[diagram.columns.length - 1] && info.labels.length === column.units
    ? info.labels[unit]
    : undefined
}

/** Names with the numbers as they are, for those who hear the page. */
export function labelNodes(
  root: HTMLElement | null,
  layout: Layout,
  shown: Shown & { ofSample(column: Column): Numbers | undefined },
  diagram: Diagram,
): void {
  for (const { column, nodes } of layout.columns) {
    const given = shown.ofSample(column)
    const bias = column.bias === undefined ? undefined : shown.parameter(column.bias)
    nodes.forEach(({ unit }) => {
      const button = root?.querySelector(`[data-place="${CSS.escape(`${column.id} ${unit}`)}"]`)
      if (!button) return
      const one = given?.values.length === column.units ? given.values[unit] : undefined
      const parts = [
        `${nameOf(column, diagram)}, unit ${unit + 1}`,
        button.getAttribute('data-name') ?? '',
        one === undefined ? '' : `${column.id === 'input' ? 'value' : 'output'} ${number(one)}`,
        bias ? `bias ${number(bias[unit])}` : '',
      ]
      button.setAttribute('aria-label', parts.filter((part) => part !== '').join(', '))
    })
  }
}

interface OverlayProps {
  readonly root: RefObject<HTMLDivElement | null>
  readonly layout: Layout
  readonly diagram: Diagram
  readonly info: RunInfo
  readonly all: ReadonlySet<string>
  onOpen(path: string): void
  onFold(path: string): void
  onAll(id: string): void
}

export function Overlay({ root, layout, diagram, info, all, onOpen, onFold, onAll }: OverlayProps): JSX.Element {
  const { selection } = useLab()
  const lastUnits = layout.columns[layout.columns.length - 1]
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields
    <div
      ref={root}
      class="overlay"
      role="group"
      aria-label="Units of the network; arrow keys go between units and layers, Enter pins"
      onKeyDown={(event) => {
        if (event.key === 'Escape') selection.letGo()
        walk(event)
      }}
    >
      {diagram.groups.map(({ path, kind, first, last, depth }) => (
        <div
          key={path}
          class="group"
          style={{
            left: `${layout.columns[first].x - 10}px`,
            width: `${layout.columns[last].x + layout.columns[last].width - layout.columns[first].x + 20}px`,
            top: `${(depth - 1) * groupHeight}px`,
            height: `${layout.height - (depth - 1) * groupHeight - 4}px`,
          }}
        >
          <button type="button" class="quiet" title={`Fold ${path}`} onClick={() => onFold(path)}>
            <Glyph name="minus" /> <span class="cut">{words(kind)}</span>
            <span class="hidden-text">{path}: fold</span>
          </button>
        </div>
      ))}
      {layout.columns.map((placed) => (
        <Head key={placed.column.id} placed={placed} layout={layout} diagram={diagram} onOpen={onOpen} />
      ))}
      {layout.columns.map((placed, at) => (
        <Units key={placed.column.id} placed={placed} info={info} diagram={diagram} isFirst={at === 0} />
      ))}
      {layout.columns.map(
        ({ column, hidden, x, y, width, height }) =>
          (hidden > 0 || all.has(column.id)) && (
            <button
              key={column.id}
              type="button"
              class="quiet more"
              title={hidden > 0 ? `Show all ${column.units}` : 'Show few'}
              style={{ left: `${x + width / 2 - 30}px`, top: `${y + height + 2}px` }}
              onClick={() => onAll(column.id)}
            >
              {hidden > 0 ? `${column.units - hidden} of ${column.units}` : 'fewer'}
              <span class="hidden-text">{hidden > 0 ? `of ${column.id}: show all` : `of ${column.id}: show few`}</span>
            </button>
          ),
      )}
      {layout.columns
        .filter(({ column }) => column === lastUnits.column || column.id === 'input')
        .flatMap(({ column, nodes }) =>
          nodes.map((node) => {
            const name = unitName(column, node.unit, info, diagram)
            if (name === undefined) return null
            const side =
              column.id === 'input'
                ? { right: `${layout.width - node.x + 10}px` }
                : { left: `${node.x + node.width + 8}px` }
            return (
              <span
                key={`${column.id} ${node.unit}`}
                class="unit-name"
                aria-hidden="true"
                style={{ ...side, top: `${node.y + node.height / 2 - 10}px` }}
              >
                {name}
              </span>
            )
          }),
        )}
    </div>
  )
}

/** The name of a column, which chooses its module; and what opens it. */
function Head({
  placed: { column, x, width },
  layout,
  diagram,
  onOpen,
}: {
  readonly placed: PlacedColumn
  readonly layout: Layout
  readonly diagram: Diagram
  onOpen(path: string): void
}): JSX.Element {
  const { selection } = useLab()
  const { id, kinds, parts, block } = column
  const at = layout.columns.findIndex((each) => each.column === column)
  const around = [layout.columns[at - 1], layout.columns[at + 1]].map((other) => other && other.x + other.width / 2)
  const middle = x + width / 2
  const room = Math.min(...around.map((other) => (other === undefined ? 180 : Math.abs(other - middle))), 180) - 6
  const name = nameOf(column, diagram)
  const title = id === 'input' ? 'input' : kinds.map(words).join(' + ')
  const sizes = shape(column.shape).replaceAll(' ', '')
  const text = (
    <>
      <span class="cut">{title}</span>
      <span class="muted cut">
        {name === 'output' && 'output '}
        {sizes}
      </span>
    </>
  )
  const style = { left: `${middle - room / 2}px`, width: `${room}px`, top: `${layout.top - headHeight}px` }
  if (id === 'input') {
    return (
      <div class="head" style={style}>
        <span class="cut">input</span>
        <span class="muted cut">{sizes}</span>
      </div>
    )
  }
  const inner = block ? id : `+${id}`
  const chosen = moduleOf(column)
  return (
    <div class="head" style={style}>
      <div class={`head-inner ${block || parts.length > 1 ? 'opens' : ''}`}>
        <button
          type="button"
          class="quiet"
          title={`${title}, ${shape(column.shape)}: ${count(parts.reduce((sum, part) => sum + sizeOf(part.parameters), 0))} weights`}
          onClick={(event) => {
            event.stopPropagation()
            selection.pin({ kind: 'module', module: chosen })
          }}
        >
          {text}
        </button>
        {(block || parts.length > 1) && (
          <button
            type="button"
            class="quiet opener"
            title={block ? `Open ${id}` : 'Show its parts apart'}
            onClick={(event) => {
              event.stopPropagation()
              onOpen(inner)
            }}
          >
            <Glyph name="plus" />
            <span class="hidden-text">{block ? `open ${id}` : `show the parts of ${title} apart`}</span>
          </button>
        )}
      </div>
    </div>
  )
}

const sizeOf = (parameters: readonly { readonly shape: readonly number[] }[]): number =>
  parameters.reduce((sum, each) => sum + each.shape.reduce((product, n) => product * n, 1), 0)

function Units({
  placed: { column, nodes, picture },
  info,
  diagram,
  isFirst,
}: {
  readonly placed: PlacedColumn
  readonly info: RunInfo
  readonly diagram: Diagram
  readonly isFirst: boolean
}): JSX.Element {
  const { selection } = useLab()
  const button = (
    key: string,
    box: typeof picture & {},
    chosen: Chosen,
    label: string,
    isTabbed: boolean,
    name = '',
  ) => (
    <button
      key={key}
      type="button"
      class="unit"
      data-place={key}
      data-column={column.id}
      data-name={name}
      aria-label={label}
      tabIndex={isTabbed ? 0 : -1}
      style={{ left: `${box.x}px`, top: `${box.y}px`, width: `${box.width}px`, height: `${box.height}px` }}
      onFocus={(event) => {
        if (!event.currentTarget.matches(':focus-visible')) return
        selection.hovered.value = chosen
      }}
      onBlur={() => {
        selection.hovered.value = undefined
      }}
      onClick={(event) => {
        if (event.detail === 0) selection.pin(chosen)
      }}
    />
  )
  if (picture) {
    const { rows, columns } = picture
    const label = `${nameOf(column, diagram)}, ${column.kinds.map(words).join(' and ')}, ${rows} × ${columns} numbers`
    return button(`${column.id} all`, picture, { kind: 'module', module: moduleOf(column) }, label, isFirst)
  }
  return (
    <>
      {nodes.map((node, at) =>
        button(
          `${column.id} ${node.unit}`,
          { ...node, rows: 1, columns: 1 },
          { kind: 'unit', module: moduleOf(column), unit: node.unit },
          `${nameOf(column, diagram)}, unit ${node.unit + 1}`,
          isFirst && at === 0,
          unitName(column, node.unit, info, diagram),
        ),
      )}
    </>
  )
}

/** Arrow keys: up and down within a layer, left and right to the nearest unit of the next. */
function walk(event: TargetedKeyboardEvent<HTMLDivElement>): void {
  const from = (event.target as HTMLElement).closest<HTMLElement>('.unit')
  if (!from) return
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>('.unit')]
  const names = [...new Set(all.map(({ dataset }) => dataset.column))]
  const own = all.filter(({ dataset }) => dataset.column === from.dataset.column)
  const at = own.indexOf(from)
  const middle = (element: HTMLElement): number => element.offsetTop + element.offsetHeight / 2
  const beside = (step: number): HTMLElement | undefined => {
    const name = names[names.indexOf(from.dataset.column) + step]
    return all
      .filter(({ dataset }) => name !== undefined && dataset.column === name)
      .sort((a, b) => Math.abs(middle(a) - middle(from)) - Math.abs(middle(b) - middle(from)))[0]
  }
  const ways: Readonly<Record<string, () => HTMLElement | undefined>> = {
    ArrowUp: () => own[at - 1],
    ArrowDown: () => own[at + 1],
    ArrowLeft: () => beside(-1),
    ArrowRight: () => beside(1),
    Home: () => own[0],
    End: () => own[own.length - 1],
  }
  const to = ways[event.key]
  if (!to) return
  // These keys do other things elsewhere on the page.
  event.preventDefault()
  event.stopPropagation()
  const next = to()
  if (!next) return
  for (const each of all) each.tabIndex = each === next ? 0 : -1
  next.focus()
}
