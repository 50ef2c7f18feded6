/**
 * A network as columns, from what the graph says of its modules: layers with what follows them at every place, blocks that
 * can be opened, and which column feeds which. A pure function; where columns stand on the page: layout.ts.
 */
import type { ModuleInfo, RunInfo } from '../../worker/protocol.ts'

/** How a column is drawn: a node for each unit, a picture for each unit, or one picture of rows × columns. */
export type Look = 'units' | 'maps' | 'rows'

export interface Column {
  /** The path of its first module; 'input' of the input. */
  readonly id: string
  /** The module and those merged into it, in the order in which they run; none for the input. */
  readonly parts: readonly ModuleInfo[]
  /** The module whose output is drawn; undefined for the input. */
  readonly shown: string | undefined
  readonly kinds: readonly string[]
  readonly look: Look
  readonly shape: readonly number[]
  readonly unitAxis: number
  /** How many units it has. */
  readonly units: number
  /** Counts layers from 1, as people do; the input is 0. */
  readonly number: number
  /** The columns that feed it. */
  readonly from: readonly string[]
  /** [out, in, …] of a linear layer or a convolution, whose weights are drawn as links. */
  readonly weight?: { readonly name: string; readonly shape: readonly number[] }
  readonly bias?: string
  /** Modules inside that are not shown. */
  readonly block: boolean
  /** Whether its numbers are tokens, which are read and not coloured. */
  readonly tokens?: boolean
}

/** A module that is shown opened, over its columns. */
export interface Group {
  readonly path: string
  readonly kind: string
  readonly first: number
  readonly last: number
  readonly depth: number
}

export interface Diagram {
  readonly columns: readonly Column[]
  readonly groups: readonly Group[]
}

/** The most units that are drawn as nodes, and not as one picture. */
export const mostNodes = 64

/** So many columns fit beside each other; a network of more is shown folded. */
const mostColumns = 8

type Modules = ReadonlyMap<string, ModuleInfo>

const byPath = ({ modules }: RunInfo): Modules => new Map(modules.map((module) => [module.path, module]))

/** Modules that ran, in order; a container that did not run by itself stands for those inside. */
function childrenOf(module: ModuleInfo, all: Modules): ModuleInfo[] {
  return module.children.flatMap((path) => {
    const child = all.get(path)
    if (!child) return []
    return child.from.length === 0 && child.composite ? childrenOf(child, all) : [child]
  })
}

/** What is open at first: as deep as the columns fit beside each other. */
export function openAtFirst(info: RunInfo): ReadonlySet<string> {
  let open: ReadonlySet<string> = new Set([''])
  for (;;) {
    const { columns } = columnsOf(info, open)
    const next = columns.find(({ block, parts }) => block && parts[0].children.length > 0)
    if (!next) return open
    const wider = new Set([...open, next.id])
    if (columnsOf(info, wider).columns.length > mostColumns + 1) return open
    open = wider
  }
}

/** What adds nothing of its own to look at: it keeps the shape, at every place or in its mean and variance only. */
const joins = (module: ModuleInfo, before: Column, holder: ReadonlyMap<string, string>): boolean =>
  !module.composite &&
  before.parts.length > 0 &&
  (module.parameters.length === 0 || (!before.block && /norm/i.test(module.kind))) &&
  module.outputShape.join() === before.shape.join() &&
  module.inputShape.join() === before.shape.join() &&
  // It is given what the column gives, and nothing that passes beside it.
  module.from.includes(before.shown as string) &&
  module.from.every((path) => holder.get(path) === before.id)

/** `open`: modules that are shown by those inside; and `+` with a column's id: its parts stand apart. */
export function columnsOf(info: RunInfo, open: ReadonlySet<string>): Diagram {
  const all = byPath(info)
  const columns: Column[] = [inputColumn(info)]
  const groups: Group[] = []
  /** The column in which each module's output is found. */
  const holder = new Map<string, string>([['', 'input']])
  const hold = (module: ModuleInfo, id: string): void => {
    holder.set(module.path, id)
    for (const child of module.children) {
      const inside = all.get(child)
      if (inside) hold(inside, id)
    }
  }
  const add = (module: ModuleInfo, depth: number, isFirst: boolean): void => {
    if (module.composite && open.has(module.path)) {
      const first = columns.length
      childrenOf(module, all).forEach((child, i) => add(child, depth + 1, i === 0))
      if (module.path !== '') {
        groups.push({ path: module.path, kind: module.kind, first, last: columns.length - 1, depth })
        holder.set(module.path, columns[columns.length - 1].id)
      }
      return
    }
    const before = columns[columns.length - 1]
    if (!isFirst && joins(module, before, holder) && !open.has(`+${before.id}`)) {
      columns[columns.length - 1] = {
        ...before,
        parts: [...before.parts, module],
        kinds: [...before.kinds, module.kind],
        shown: module.path,
      }
      holder.set(module.path, before.id)
      return
    }
    const sources = module.from.flatMap((path) => holder.get(path) ?? [])
    const column = columnOf(module, columns.length, sources.length > 0 ? [...new Set(sources)] : [before.id])
    hold(module, column.id)
    columns.push(column)
  }
  const root = all.get('')
  if (root) add(root, 0, true)
  groups.sort((a, b) => a.depth - b.depth)
  return { columns, groups }
}

const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1)

function lookOf(shape: readonly number[]): Look {
  if (shape.length >= 3) return 'maps'
  if (shape.length === 2) return 'rows'
  return size(shape) <= mostNodes ? 'units' : 'rows'
}

function columnOf(module: ModuleInfo, number: number, from: readonly string[]): Column {
  const { path, kind, outputShape, unitAxis, parameters } = module
  const own = (name: string) => parameters.find((each) => each.name === (path === '' ? name : `${path}.${name}`))
  const weight = /^(linear|conv[123]d)$/.test(kind) ? own('weight') : undefined
  const bias = weight && own('bias')
  return {
    id: path,
    parts: [module],
    shown: path,
    kinds: [kind],
    look: lookOf(outputShape),
    shape: outputShape,
    unitAxis,
    units: outputShape[unitAxis] ?? 1,
    number,
    from,
    ...(weight && { weight }),
    ...(bias && { bias: bias.name }),
    block: module.composite,
  }
}

function inputColumn({ inputShape, task, spec }: RunInfo): Column {
  // Tokens stand below each other, as the rows of what the layers make of them do.
  const tokens = task === 'token' || spec.data.kind === 'text'
  const shape = tokens ? [...inputShape, 1] : inputShape
  return {
    id: 'input',
    parts: [],
    shown: undefined,
    kinds: ['input'],
    look: lookOf(shape),
    shape,
    unitAxis: 0,
    units: shape[0] ?? 1,
    number: 0,
    from: [],
    block: false,
    tokens,
  }
}

/** What a column is called: `layer 2`, `input`, `output`; by its path where layers stand inside others. */
export function nameOf(column: Column, { columns, groups }: Diagram): string {
  if (column.id === 'input') return 'input'
  if (groups.length > 0 || columns.some(({ block }) => block)) return column.id
  return column === columns[columns.length - 1] ? 'output' : `layer ${column.number}`
}

/** A network with everything open, in which every module that is a layer has its column. */
export const allOpen = (info: RunInfo): Diagram =>
  columnsOf(info, new Set(info.modules.filter(({ composite }) => composite).map(({ path }) => path)))

/** The column that a module belongs to. */
export const columnFor = ({ columns }: Diagram, module: string): Column | undefined =>
  columns.find(({ id, parts }) => id === module || parts.some(({ path }) => path === module))
