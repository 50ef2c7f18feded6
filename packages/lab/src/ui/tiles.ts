/**
 * Where the numbers of an array stand in a picture: vectors as rows, matrices as they are, what has more axes as tiles of
 * its last two. Pure functions; who paints them: picture.tsx.
 */
export interface Tiles {
  /** How many tiles stand below and beside each other, and how many there are. */
  readonly down: number
  readonly across: number
  readonly count: number
  /** Rows and columns of a tile. */
  readonly rows: number
  readonly columns: number
  /** The side of a cell, and the space between tiles, in pixels. */
  readonly cellWidth: number
  readonly cellHeight: number
  readonly gap: number
  readonly width: number
  readonly height: number
}

const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1)

/** Longer vectors go on in the next row. */
const longestRow = 64

/** `width`, `height`: what there is room for. Cells are never smaller than a pixel, so the picture may be wider. */
export function tilesOf(shape: readonly number[], width: number, height: number): Tiles {
  const [rows, columns] =
    shape.length >= 2 ? shape.slice(-2) : [Math.ceil(size(shape) / longestRow) || 1, Math.min(longestRow, size(shape))]
  const count = shape.length > 2 ? size(shape.slice(0, -2)) : 1
  // Kernels stand in a table, outputs below each other; maps side by side.
  const across =
    shape.length >= 4 && shape[1] > 1
      ? size(shape.slice(1, -2))
      : Math.min(count, Math.max(1, Math.round(Math.sqrt((count * width * rows) / (height * columns)))))
  const down = Math.ceil(count / across)
  const gap = count > 1 ? 3 : 0
  const fit = (room: number, tiles: number, cells: number): number => (room - gap * (tiles - 1)) / (tiles * cells)
  const most = Math.min(shape.length <= 2 ? 22 : 12, fit(width, across, columns), fit(height, down, rows))
  const cell = Math.max(1, most)
  // A few numbers in a row may be wide.
  const cellWidth = shape.length <= 1 ? Math.max(cell, Math.min(22, fit(width, 1, columns))) : cell
  const cellHeight = shape.length <= 1 ? Math.max(cell, 14) : Math.max(cell, rows === 1 ? 14 : 0)
  return {
    down,
    across,
    count,
    rows,
    columns,
    cellWidth,
    cellHeight,
    gap,
    width: across * columns * cellWidth + (across - 1) * gap,
    height: down * rows * cellHeight + (down - 1) * gap,
  }
}

/** The upper left corner of a tile. */
export function tileAt({ across, rows, columns, cellWidth, cellHeight, gap }: Tiles, tile: number): [number, number] {
  return [(tile % across) * (columns * cellWidth + gap), Math.floor(tile / across) * (rows * cellHeight + gap)]
}

/** The number at a place of the picture, row-major; undefined where there is none. */
export function elementAt(tiles: Tiles, x: number, y: number): number | undefined {
  const { across, count, rows, columns, cellWidth, cellHeight, gap } = tiles
  const [wide, high] = [columns * cellWidth + gap, rows * cellHeight + gap]
  const [along, below] = [Math.floor(x / wide), Math.floor(y / high)]
  const [column, row] = [Math.floor((x - along * wide) / cellWidth), Math.floor((y - below * high) / cellHeight)]
  const tile = below * across + along
  const inside = x >= 0 && y >= 0 && along < across && tile < count && column < columns && row < rows
  return inside ? (tile * rows + row) * columns + column : undefined
}

/** The upper left corner of a number's cell. */
export function cellOf(tiles: Tiles, element: number): [number, number] {
  const { rows, columns, cellWidth, cellHeight } = tiles
  const tile = Math.floor(element / (rows * columns))
  const [x, y] = tileAt(tiles, tile)
  const rest = element - tile * rows * columns
  return [x + (rest % columns) * cellWidth, y + Math.floor(rest / columns) * cellHeight]
}

/** The index of an element of an array, row-major. */
export function indexOf(shape: readonly number[], element: number): number[] {
  const index: number[] = []
  let rest = element
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(rest % shape[axis])
    rest = Math.floor(rest / shape[axis])
  }
  return index
}

/** The index as text: `[2, 0]`. */
export const indexText = (shape: readonly number[], element: number): string =>
  `[${indexOf(shape, element).join(', ')}]`
