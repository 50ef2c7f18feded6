/** How a laid-out network is painted: flows, links, pictures of units, marks of biases, what is lit. */

import type { Atlas, Picture } from '../../ui/atlas.ts'
import { colours, css, largestSize } from '../../ui/colour.ts'
import type { Numbers } from '../../worker/protocol.ts'
import type { Column } from './columns.ts'
import { type Box, curveOf, type Flow, type Layout, type Link, type Node, type PlacedColumn } from './layout.ts'

/** The numbers that are there now. */
export interface Shown {
  /** Of a column: [units, …picture], or for one picture its rows and columns. */
  valuesOf(column: PlacedColumn): Numbers | undefined
  parameter(name: string): Float32Array | undefined
  /** What a token is called. */
  labelOf(token: number): string
  /** Whether pictures are surfaces, whose colours run into each other. */
  readonly surfaces: boolean
}

export interface Lit {
  readonly column?: string | undefined
  readonly unit?: number | undefined
  readonly link?: { readonly weight: string; readonly element: number } | undefined
  /** The row of pictures of sequences that other views look at. */
  readonly time?: number | undefined
}

/** How strongly a link counts: its weight, or the size of its kernel. */
export function strengthOf({ element, count }: Link, values: Float32Array): number {
  if (count === 1) return values[element]
  let sum = 0
  for (let i = 0; i < count; i++) sum += values[element + i] ** 2
  return Math.sqrt(sum)
}

/** The strongest `most` links with their strength between -1 and 1, relative to their layer. */
export function strongest(
  layout: Layout,
  shown: Shown,
  most: number,
): { readonly link: Link; readonly strength: number }[] {
  const byWeight = new Map<string, { link: Link; strength: number }[]>()
  for (const link of layout.links) {
    const values = shown.parameter(link.weight)
    if (!values || link.element >= values.length) continue
    const list = byWeight.get(link.weight) ?? []
    if (list.length === 0) byWeight.set(link.weight, list)
    list.push({ link, strength: strengthOf(link, values) })
  }
  const all: { link: Link; strength: number }[] = []
  for (const list of byWeight.values()) {
    const scale = largestSize(list.map(({ strength }) => strength))
    for (const { link, strength } of list) all.push({ link, strength: strength / scale })
  }
  if (all.length <= most) return all
  return all.sort((a, b) => Math.abs(b.strength) - Math.abs(a.strength)).slice(0, most)
}

/** Pictures of a column's units, or its one picture. */
export function picturesOf(placed: PlacedColumn, { valuesOf, surfaces }: Shown): Picture[] {
  const numbers = valuesOf(placed)
  if (!numbers) return []
  const { values, shape } = numbers
  const scale = largestSize(values)
  if (placed.column.tokens) return []
  if (placed.picture) {
    const { rows, columns } = placed.picture
    return [{ values, from: 0, rows, columns, scale, place: placed.picture, smooth: false }]
  }
  const [rows, columns] = shape.length > 2 ? shape.slice(-2) : [1, 1]
  const each = values.length / Math.max(1, shape[0] ?? 1)
  const drawn = Math.min(each, rows * columns)
  return placed.nodes
    .filter(({ unit }) => unit * each + drawn <= values.length)
    .map((node) => ({ values, from: node.unit * each, rows, columns, scale, place: node, smooth: surfaces }))
}

export function drawNetwork(
  context: CanvasRenderingContext2D,
  layout: Layout,
  shown: Shown,
  atlas: Atlas,
  { lit, most }: { readonly lit: Lit; readonly most: number },
): void {
  const { line, muted, accent, surface } = colours()
  context.lineCap = 'round'
  for (const flow of layout.flows) drawFlow(context, flow)
  drawLinks(context, strongest(layout, shown, most), lit)
  atlas.draw(
    context,
    layout.columns.flatMap((column) => picturesOf(column, shown)),
  )
  context.setLineDash([])
  for (const placed of layout.columns) if (placed.column.tokens) drawTokens(context, placed, shown)
  for (const { column, nodes, picture } of layout.columns) {
    context.lineWidth = 1
    context.strokeStyle = column.block ? muted : line
    for (const box of picture ? [picture] : nodes) {
      context.strokeRect(box.x + 0.5, box.y + 0.5, box.width - 1, box.height - 1)
      // A block has more inside: a second sheet behind the first.
      if (column.block) context.strokeRect(box.x + 4.5, box.y - 3.5, box.width - 1, box.height - 1)
    }
    const bias = column.bias === undefined ? undefined : shown.parameter(column.bias)
    if (bias) for (const node of nodes) drawBias(context, node, bias[node.unit], largestSize(bias), surface)
    if (picture && lit.time !== undefined && isSequence(column) && lit.time < picture.rows) {
      const high = picture.height / picture.rows
      context.strokeStyle = accent
      context.lineWidth = 1
      context.strokeRect(picture.x - 2, picture.y + lit.time * high, picture.width + 4, high)
    }
    if (lit.column !== column.id) continue
    context.strokeStyle = accent
    context.lineWidth = 2.5
    context.setLineDash([])
    const node = nodes.find(({ unit }) => unit === lit.unit)
    const strip = picture && lit.unit !== undefined ? unitIn(column, picture, lit.unit) : picture
    const boxes = node ? [node] : strip ? [strip] : lit.unit === undefined ? nodes : []
    for (const box of boxes) context.strokeRect(box.x - 2, box.y - 2, box.width + 4, box.height + 4)
  }
}

function drawTokens(context: CanvasRenderingContext2D, placed: PlacedColumn, shown: Shown): void {
  const { picture } = placed
  const values = shown.valuesOf(placed)?.values
  if (!values || !picture) return
  const high = picture.height / picture.rows
  context.fillStyle = colours().ink
  context.font = `${Math.min(14, high * 0.95)}px system-ui`
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  for (let row = 0; row < picture.rows; row++)
    context.fillText(shown.labelOf(values[row]), picture.x + picture.width / 2, picture.y + (row + 0.5) * high)
}

function drawFlow(context: CanvasRenderingContext2D, { from, to, skips }: Flow): void {
  const { line } = colours()
  const [x, toX] = [from.x + from.width + 4, to.x - 4]
  const [y, toY] = [from.y + from.height / 2, to.y + to.height / 2]
  context.strokeStyle = line
  context.fillStyle = line
  context.setLineDash([])
  context.lineWidth = skips ? 1.5 : 3
  context.beginPath()
  if (skips) {
    const low = Math.max(from.y + from.height, to.y + to.height) + 14
    context.moveTo(from.x + from.width / 2, from.y + from.height + 4)
    context.bezierCurveTo(
      from.x + from.width / 2,
      low,
      to.x + to.width / 2,
      low,
      to.x + to.width / 2,
      to.y + to.height + 4,
    )
    context.stroke()
    return
  }
  context.moveTo(x, y)
  context.bezierCurveTo((x + toX) / 2, y, (x + toX) / 2, toY, toX - 6, toY)
  context.stroke()
  context.beginPath()
  context.moveTo(toX, toY)
  context.lineTo(toX - 8, toY - 5)
  context.lineTo(toX - 8, toY + 5)
  context.fill()
}

function drawLinks(
  context: CanvasRenderingContext2D,
  links: readonly { readonly link: Link; readonly strength: number }[],
  lit: Lit,
): void {
  const { positive, negative, muted, accent } = colours()
  const touches = (link: Link): boolean =>
    (lit.column === link.toColumn && lit.unit === link.to.unit) ||
    (lit.column === link.fromColumn && lit.unit === link.from.unit)
  const some = lit.unit !== undefined && links.some(({ link }) => touches(link))
  for (const { link, strength } of links) {
    const isLit = lit.link?.weight === link.weight && lit.link.element === link.element
    const [x, y, middle, toX, toY] = curveOf(link)
    const size = Math.min(1, Math.abs(strength))
    const alpha = (0.25 + 0.65 * size) * (some && !touches(link) ? 0.25 : 1)
    context.lineWidth = link.count > 1 ? 0.4 + 2 * size : 0.6 + 3.4 * size
    context.strokeStyle =
      link.count > 1 ? muted : css(strength < 0 ? negative : positive, Number.isFinite(strength) ? alpha : 1)
    context.globalAlpha = link.count > 1 ? 0.6 * alpha : 1
    // The second cue: what is below zero is dashed.
    context.setLineDash(link.count === 1 && strength < 0 ? [5, 5 + context.lineWidth] : [])
    if (isLit) {
      context.strokeStyle = accent
      context.lineWidth += 2
    }
    context.beginPath()
    context.moveTo(x, y)
    context.bezierCurveTo(middle, y, middle, toY, toX, toY)
    context.stroke()
    context.globalAlpha = 1
  }
}

/** Whether its picture has a row for each place of a sequence. */
export const isSequence = ({ shape, unitAxis, tokens }: Column): boolean =>
  shape.length === 2 && (unitAxis === 1 || tokens === true)

/** Where a unit is in the one picture of its column: a strip through all rows, or a cell. */
function unitIn(column: Column, picture: Box & { readonly rows: number; readonly columns: number }, unit: number): Box {
  const [wide, high] = [picture.width / picture.columns, picture.height / picture.rows]
  const { x, y } = picture
  if (column.shape.length === 2 && column.unitAxis === 1) return { ...picture, x: x + unit * wide, width: wide }
  if (column.shape.length === 2) return { ...picture, y: y + unit * high, height: high }
  const [row, along] = [Math.floor(unit / picture.columns), unit % picture.columns]
  return { x: x + along * wide, y: y + row * high, width: wide, height: high }
}

/** Where the mark of a node's bias stands: at its lower left corner. */
export const biasMark = ({ x, y, height }: Node): { readonly x: number; readonly y: number } => ({
  x: x - 6,
  y: y + height - 4,
})

function drawBias(context: CanvasRenderingContext2D, node: Node, value: number, scale: number, ground: string): void {
  const { positive, negative } = colours()
  const { x, y } = biasMark(node)
  const radius = 2 + 3 * Math.min(1, Math.abs(value) / scale)
  context.setLineDash([])
  context.beginPath()
  context.arc(x, y, radius, 0, 2 * Math.PI)
  context.fillStyle = value < 0 ? ground : css(positive)
  context.strokeStyle = css(value < 0 ? negative : positive)
  context.lineWidth = 1.5
  context.fill()
  context.stroke()
}
