/** A model's summary as a table for a terminal; the numbers themselves: summary.ts. */
import type { SummaryRow, SummaryTextOptions, SummaryTotals } from './summary.ts'

/** What stands between two columns. */
const gap = 2
/** No column of names is narrower than this, and none of shapes wider than that. */
const narrowestName = 16
const widestShape = 22

const steps = ['', ' k', ' M', ' G', ' T', ' P']

/** Three digits and a thousand's letter: 1.23 M. */
export function short(value: number, unit = ''): string {
  let step = 0
  let rest = value
  while (rest >= 999.5 && step < steps.length - 1) {
    rest /= 1000
    step++
  }
  const digits = step === 0 ? String(Math.round(rest)) : rest.toPrecision(3)
  return unit === '' ? digits + steps[step] : `${digits}${steps[step] || ' '}${unit}`
}

/** Whole numbers with commas: 1,199,882. */
const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',')

const fit = (text: string, width: number): string => (text.length <= width ? text : `${text.slice(0, width - 1)}…`)

/** Under the module around it: `  conv1 (Conv2d)`. */
function label(row: SummaryRow, rows: readonly SummaryRow[]): string {
  const around = rows
    .filter(({ path, depth }) => depth < row.depth && (path === '' || row.path.startsWith(`${path}.`)))
    .reduce((longest, { path }) => (path.length > longest.length ? path : longest), '')
  const name = around === '' ? row.path : row.path.slice(around.length + 1)
  const frozen = row.trainable === row.parameters ? '' : row.trainable === 0 ? ', frozen' : ', partly frozen'
  const times = row.calls > 1 ? `, ${row.calls} calls` : ''
  const kind = `${row.kind}${frozen}${times}`
  return `${'  '.repeat(row.depth)}${name === '' ? kind : `${name} (${kind})`}`
}

/** [64, 10], or of several outputs the first, and how many more. */
function shapes({ outputs, calls }: SummaryRow): string {
  if (outputs.length === 0) return calls === 0 ? 'not called' : ''
  return `[${outputs[0].join(', ')}]${outputs.length > 1 ? ` +${outputs.length - 1}` : ''}`
}

/** The table and the totals, no line longer than `columns`. */
export function summaryText(
  { rows, totals }: { readonly rows: readonly SummaryRow[]; readonly totals: SummaryTotals },
  { columns = 80, depth = Number.POSITIVE_INFINITY }: SummaryTextOptions = {},
): string {
  const shown = rows.filter((row) => row.depth <= depth)
  const cells = [
    ['Module', 'Output', 'Parameters', 'FLOPs', 'Bytes out'],
    ...shown.map((row) => [
      label(row, rows),
      shapes(row),
      row.parameters === 0 ? '' : grouped(row.parameters),
      row.flops === 0 ? '' : short(row.flops),
      row.activationBytes === 0 ? '' : short(row.activationBytes, 'B'),
    ]),
  ]
  const widest = (column: number): number => Math.max(...cells.map((row) => row[column].length))
  const numbers = [2, 3, 4].map(widest)
  const rest = columns - numbers.reduce((total, width) => total + width, 4 * gap)
  const shapeWidth = Math.min(widest(1), widestShape, Math.max(0, rest - narrowestName))
  const nameWidth = Math.max(1, Math.min(widest(0), rest - shapeWidth))
  const lines = cells.map(([name, shape, ...counts]) =>
    [
      fit(name, nameWidth).padEnd(nameWidth),
      fit(shape, shapeWidth).padEnd(shapeWidth),
      ...counts.map((count, i) => count.padStart(numbers[i])),
    ]
      .join(' '.repeat(gap))
      .trimEnd(),
  )
  const rule = '─'.repeat(Math.max(...lines.map((line) => line.length)))
  return [lines[0], rule, ...lines.slice(1), rule, ...footer(totals)].map((line) => fit(line, columns)).join('\n')
}

function footer(totals: SummaryTotals): string[] {
  const { parameters, trainable, buffers } = totals
  const trained = trainable === parameters ? 'all trained' : `${grouped(trainable)} of them trained`
  return [
    `Parameters   ${grouped(parameters)} (${short(totals.parameterBytes, 'B')}), ${trained}`,
    ...(buffers === 0 ? [] : [`Buffers      ${grouped(buffers)} (${short(totals.bufferBytes, 'B')})`]),
    `FLOPs        ${short(totals.flops)} for one forward pass`,
    `Activations  ${short(totals.activationBytes, 'B')} out of the innermost modules, input ${short(totals.inputBytes, 'B')}`,
  ]
}
