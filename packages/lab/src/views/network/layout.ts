/**
 * Where everything of a diagram stands, in pixels: nodes, pictures, links. A pure function of columns and width.
 *
 * From left to right, each column centred on one line; what is too wide scrolls. What columns are: columns.ts.
 */
import type { Column, Diagram } from './columns.ts'

export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** A unit with a place of its own. */
export interface Node extends Box {
  readonly unit: number
}

export interface PlacedColumn extends Box {
  readonly column: Column
  readonly nodes: readonly Node[]
  /** Rows and columns of the one picture that stands for all units. */
  readonly picture?: Box & { readonly rows: number; readonly columns: number }
  /** Units that are not drawn. */
  readonly hidden: number
}

/** One weight between two nodes. */
export interface Link {
  readonly weight: string
  readonly element: number
  /** How many numbers of the weight belong to it: 1, or those of a kernel. */
  readonly count: number
  readonly from: Node
  readonly to: Node
  readonly toColumn: string
  readonly fromColumn: string
}

/** That a column's output goes into another's, where links are not drawn one by one. */
export interface Flow {
  readonly from: PlacedColumn
  readonly to: PlacedColumn
  /** It passes others: drawn as an arc. */
  readonly skips: boolean
}

export interface Layout {
  readonly width: number
  readonly height: number
  readonly columns: readonly PlacedColumn[]
  readonly links: readonly Link[]
  readonly flows: readonly Flow[]
  /** Where groups' names stand, above the columns. */
  readonly top: number
}

export interface LayoutOptions {
  /** What there is room for. */
  readonly width: number
  readonly zoom: number
  /** Columns of which all units are drawn. */
  readonly all: ReadonlySet<string>
  /** Whether a unit is a picture of its own, and not one number. */
  readonly surfaces: boolean
  /** The longest names of inputs and of outputs, in letters: what stands beside the network must have room. */
  readonly names?: { readonly inputs: number; readonly outputs: number }
}

/** Names are cut off at this width, in pixels. */
const longestName = 116
/** Units drawn of a column unless all are asked for. */
const fewUnits = 10
const fewMaps = 8
/** Heights of what stands above columns: the name, and each level of groups. */
export const headHeight = 44
export const groupHeight = 26

const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1)

interface Sized {
  readonly column: Column
  readonly width: number
  readonly height: number
  readonly drawn: number
  readonly across: number
  readonly node: { readonly width: number; readonly height: number; readonly gap: number }
  readonly rows: number
  readonly columns: number
}

/** How large a column is, before it has a place. */
function sized(column: Column, { all, surfaces }: LayoutOptions, scale: number): Sized {
  const { look, shape, units, id } = column
  if (look === 'rows') {
    const isSequence = shape.length === 2
    const [rows, columns] = isSequence ? shape : nearlySquare(size(shape))
    // Rows of equal sequences stand at equal heights, so that a time can be followed from left to right.
    const high = isSequence ? Math.max(2, Math.min(18, 216 / rows)) : Math.max(1.5, Math.min(12, 120 / rows))
    const wide = isSequence ? Math.max(1.5, Math.min(18, 120 / columns)) : high
    return {
      column,
      width: Math.max(18, columns * wide) * scale,
      height: rows * high * scale,
      drawn: 0,
      across: 1,
      node: { width: 0, height: 0, gap: 0 },
      rows,
      columns,
    }
  }
  const few = look === 'maps' ? fewMaps : fewUnits
  const drawn = all.has(id) || units <= few ? units : few - 2
  const [high, wide] = look === 'maps' ? shape.slice(-2) : [1, 1]
  const isNumber = look === 'units' && !surfaces
  const side = (isNumber ? 26 : look === 'maps' && units === 1 ? 74 : 46) * scale
  const ratio = Math.min(2.5, Math.max(0.4, wide / high))
  const gap = Math.max(4, (surfaces ? 10 : 6) * scale)
  const node = { width: side * Math.sqrt(ratio), height: side / Math.sqrt(ratio), gap }
  // All of many stand in several columns, so that they stay in sight.
  const across = drawn > 16 ? Math.ceil(drawn / 16) : 1
  const down = Math.ceil(drawn / across)
  return {
    column,
    width: across * node.width + (across - 1) * gap,
    height: down * (node.height + gap) - gap,
    drawn,
    across,
    node,
    rows: 0,
    columns: 0,
  }
}

/** Rows and columns for so many numbers of one axis. */
function nearlySquare(count: number): [number, number] {
  const rows = Math.ceil(Math.sqrt(count))
  return [rows, Math.ceil(count / rows)]
}

export function layoutOf(diagram: Diagram, options: LayoutOptions): Layout {
  const { zoom, width } = options
  const narrow = width < 520
  const { inputs, outputs } = options.names ?? { inputs: 0, outputs: 0 }
  const margin = (letters: number): number => Math.min(longestName, Math.max(narrow ? 26 : 40, 20 + 8 * letters))
  const [left, right] = [margin(inputs), margin(outputs)]
  const least = narrow ? 30 : 44
  const count = diagram.columns.length
  const sumOf = (list: readonly Sized[]): number => list.reduce((sum, part) => sum + part.width, 0)
  // Everything becomes smaller until it fits, but not so small that nothing can be seen.
  const natural = sumOf(diagram.columns.map((column) => sized(column, options, 1)))
  const room = width - left - right - least * (count - 1)
  const scale = zoom * Math.max(narrow ? 0.6 : 0.55, Math.min(narrow ? 0.8 : 1, room / natural))
  const parts = diagram.columns.map((column) => sized(column, options, scale))
  const own = sumOf(parts)
  const between = (width * zoom - own - left - right) / Math.max(1, count - 1)
  const gap = Math.max(least, Math.min(150 * zoom, between))
  const depth = Math.max(0, ...diagram.groups.map((group) => group.depth))
  const top = depth * groupHeight + headHeight
  const tallest = Math.max(120 * zoom, ...parts.map(({ height }) => height))
  const total = own + gap * (count - 1) + left + right
  let x = left + Math.max(0, (width - total) / 2)
  const columns = parts.map((part): PlacedColumn => {
    const y = top + (tallest - part.height) / 2
    const { column, node, across, drawn } = part
    const box = { x, y, width: part.width, height: part.height }
    const nodes = Array.from({ length: drawn }, (_, at): Node => {
      const [row, along] = [Math.floor(at / across), at % across]
      return {
        unit: at,
        x: x + along * (node.width + node.gap),
        y: y + row * (node.height + node.gap),
        width: node.width,
        height: node.height,
      }
    })
    x += part.width + gap
    return {
      ...box,
      column,
      nodes,
      hidden: column.look === 'rows' ? 0 : column.units - drawn,
      ...(column.look === 'rows' && { picture: { ...box, rows: part.rows, columns: part.columns } }),
    }
  })
  const { links, flows } = connect(columns)
  return { width: Math.max(width, total), height: top + tallest + 30, columns, links, flows, top }
}

function connect(columns: readonly PlacedColumn[]): { links: Link[]; flows: Flow[] } {
  const [links, flows]: [Link[], Flow[]] = [[], []]
  columns.forEach((to, place) => {
    for (const id of to.column.from) {
      const at = columns.findIndex(({ column }) => column.id === id)
      const from = columns[at]
      if (!from) continue
      const { weight } = to.column
      const drawn = weight && place === at + 1 ? linksOf(from, to, weight) : []
      if (drawn.length > 0) links.push(...drawn)
      else flows.push({ from, to, skips: place > at + 1 })
    }
  })
  return { links, flows }
}

/** A link for each pair of nodes; none where one side is a single picture, or channels are grouped. */
function linksOf(
  from: PlacedColumn,
  to: PlacedColumn,
  weight: { readonly name: string; readonly shape: readonly number[] },
): Link[] {
  const [, width, ...kernel] = weight.shape
  const fits = from.column.units === width && from.column.look === to.column.look
  if (!fits || to.column.look === 'rows') return []
  const count = size(kernel)
  return to.nodes.flatMap((target) =>
    from.nodes.map((source) => ({
      weight: weight.name,
      element: (target.unit * width + source.unit) * count,
      count,
      from: source,
      to: target,
      fromColumn: from.column.id,
      toColumn: to.column.id,
    })),
  )
}

/** The curve of a link: its beginning, two points that pull it, its end. */
export function curveOf({ from, to }: Pick<Link, 'from' | 'to'>): readonly [number, number, number, number, number] {
  const [x, y] = [from.x + from.width, from.y + from.height / 2]
  const [toX, toY] = [to.x, to.y + to.height / 2]
  return [x, y, (x + toX) / 2, toX, toY]
}

/** How far a point is from a link. */
export function distanceTo(link: Link, px: number, py: number): number {
  const [x, y, middle, toX, toY] = curveOf(link)
  if (px < x - 4 || px > toX + 4) return Number.POSITIVE_INFINITY
  let nearest = Number.POSITIVE_INFINITY
  for (let i = 0; i <= 16; i++) {
    const t = i / 16
    const s = 1 - t
    const cx = s * s * s * x + 3 * s * s * t * middle + 3 * s * t * t * middle + t * t * t * toX
    const cy = s * s * s * y + 3 * s * s * t * y + 3 * s * t * t * toY + t * t * t * toY
    nearest = Math.min(nearest, Math.hypot(px - cx, py - cy))
  }
  return nearest
}
