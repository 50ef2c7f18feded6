/** Tables and bars: the confusion matrix of a classifier, and the probabilities of one answer. */
import { percent, type Terminal } from './style.ts'

/**
 * counts[truth][answer] as an aligned table: truth down, answers across, what was right on the diagonal, at the end of
 * each row how much of it was found.
 */
export function drawConfusion(
  counts: readonly (readonly number[])[],
  names: readonly string[],
  terminal: Terminal,
): string[] {
  const { colors, unicode } = terminal
  const width = Math.max(4, ...counts.flat().map((n) => String(n).length + 1), ...names.map((name) => name.length + 1))
  const label = Math.max(...names.map((name) => name.length))
  const none = unicode ? '·' : '.'
  const bar = unicode ? '│' : '|'
  const rule = unicode
    ? `${'─'.repeat(label + 1)}┼${'─'.repeat(width * names.length + 1)}`
    : `${'-'.repeat(label + 1)}+${'-'.repeat(width * names.length + 1)}`
  const cell = (n: number, right: boolean): string => {
    const text = (n === 0 ? none : String(n)).padStart(width)
    if (n === 0) return colors.dim(text)
    return right ? colors.green(text) : n >= 3 ? colors.red(text) : colors.yellow(text)
  }
  return [
    `${' '.repeat(label + 1)}${bar}${names.map((name) => colors.bold(name.padStart(width))).join('')}   found`,
    rule,
    ...counts.map((row, truth) => {
      const total = row.reduce((sum, n) => sum + n, 0)
      const found = total === 0 ? '' : percent(row[truth] / total)
      const cells = row.map((n, answer) => cell(n, answer === truth)).join('')
      return `${colors.bold(names[truth].padStart(label))} ${bar}${cells} ${found.padStart(8)}`
    }),
  ]
}

/** One line for each name: a bar as long as its share, and the share; the largest stands out. */
export function drawBars(
  shares: ArrayLike<number>,
  names: readonly string[],
  terminal: Terminal,
  width = 40,
): string[] {
  const { colors, unicode } = terminal
  const best = Array.from(shares).indexOf(Math.max(...Array.from(shares)))
  const label = Math.max(...names.map((name) => name.length))
  return names.map((name, i) => {
    const bar = drawBar(shares[i], width, unicode)
    const line = `${name.padStart(label)} ${i === best ? colors.green(bar) : bar} ${percent(shares[i]).padStart(7)}`
    return i === best ? colors.bold(line) : colors.dim(line)
  })
}

const eighths = ' ▏▎▍▌▋▊▉'

/** A bar of `width` columns of which `share` (0 to 1) is full. */
export function drawBar(share: number, width: number, unicode: boolean): string {
  const filled = Math.min(1, Math.max(0, share)) * width
  if (!unicode) return '#'.repeat(Math.round(filled)).padEnd(width, '.')
  const whole = Math.floor(filled)
  const rest = Math.floor((filled - whole) * 8)
  return `${'█'.repeat(whole)}${rest > 0 ? eighths[rest] : ''}`.padEnd(width)
}

/** A thin line of `width` columns of which `share` (0 to 1) is done. */
export function drawProgress(share: number, width: number, { colors, unicode, color }: Terminal): string {
  const done = Math.round(Math.min(1, Math.max(0, share)) * width)
  const [full, rest] = unicode ? ['━', color ? '━' : ' '] : ['#', '.']
  return colors.cyan(full.repeat(done)) + colors.dim(rest.repeat(width - done))
}

/** Rows of cells as aligned columns; columns named in `right` are aligned to the right. */
export function drawTable(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  return rows.map((row) =>
    row
      .map((text, column) => (right.includes(column) ? text.padStart(widths[column]) : text.padEnd(widths[column])))
      .join('  ')
      .trimEnd(),
  )
}
