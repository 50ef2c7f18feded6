/**
 * Makes a picture of what a command printed, for the pages:
 * FORCE_COLOR=1 npx glissade doctor | node scripts/terminal-svg.mjs 'npx glissade doctor' > docs/pictures/doctor.svg
 *
 * Understands colours and weights (SGR sequences); blocks are drawn as rectangles, so that they meet exactly.
 */
import { readFileSync } from 'node:fs'

const cell = { width: 8.4, height: 18, baseline: 13.5 }
const margin = 16
const colours = {
  paper: '#16181d',
  ink: '#d8dbe2',
  standard: ['#16181d', '#e5746c', '#7bc77a', '#e3c078', '#6fa8e8', '#c792dc', '#62c4cf', '#d8dbe2'],
  bright: ['#6b7280', '#f08a83', '#95d994', '#f0d397', '#8bbcf5', '#d7aae8', '#80d8e2', '#ffffff'],
}

const command = process.argv[2]
const plain = { fg: colours.ink, bg: undefined, bold: false, dim: false }
const lines = parse(readFileSync(0, 'utf8').replace(/\n+$/, ''))
if (command)
  lines.unshift(
    [...`$ ${command}`].map((char, i) => ({ ...plain, char, dim: i < 2, bold: i >= 2 })),
    [],
  )
process.stdout.write(draw(lines))

/** Lines of cells, each a character with its style. */
function parse(text) {
  let style = plain
  return text.split('\n').map((line) => {
    const cells = []
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what this is about
    for (const [, codes, char] of line.matchAll(/\x1b\[([\d;?]*)[A-Za-z]|(.)/gu)) {
      if (char !== undefined) cells.push({ ...style, char })
      else if (!codes.includes('?')) style = restyle(style, codes.split(';').map(Number))
    }
    return cells
  })
}

function restyle(before, codes) {
  let style = { ...before }
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]
    if (code === 0) style = { ...plain }
    else if (code === 1) style.bold = true
    else if (code === 2) style.dim = true
    else if (code === 22) style.bold = style.dim = false
    else if (code >= 30 && code <= 37) style.fg = colours.standard[code - 30]
    else if (code >= 90 && code <= 97) style.fg = colours.bright[code - 90]
    else if (code === 39) style.fg = colours.ink
    else if (code === 49) style.bg = undefined
    else if (code === 38 || code === 48) {
      style[code === 38 ? 'fg' : 'bg'] = palette(codes[i + 2])
      i += 2
    }
  }
  return style
}

/** The 256-colour palette: 16 named, a cube of 6 by 6 by 6, 24 greys. */
function palette(n) {
  if (n < 16) return [...colours.standard, ...colours.bright][n]
  if (n >= 232) return hex([8 + 10 * (n - 232), 8 + 10 * (n - 232), 8 + 10 * (n - 232)])
  const level = (k) => (k === 0 ? 0 : 55 + 40 * k)
  return hex([Math.floor((n - 16) / 36), Math.floor((n - 16) / 6) % 6, (n - 16) % 6].map(level))
}

function hex(rgb) {
  return `#${rgb.map((value) => value.toString(16).padStart(2, '0')).join('')}`
}

function draw(lines) {
  const columns = Math.max(...lines.map((line) => line.length))
  const [width, height] = [columns * cell.width + 2 * margin, lines.length * cell.height + 2 * margin]
  const parts = lines.flatMap((line, row) => [...blocks(line, row), ...words(line, row)])
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${round(height)}" width="${round(width)}" height="${round(height)}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">
<rect width="100%" height="100%" rx="8" fill="${colours.paper}"/>
${parts.join('\n')}
</svg>
`
}

/** How much of a cell a block character fills: from x, y to x + w, y + h. */
function shapeOf(char) {
  const eighth = '▏▎▍▌▋▊▉'.indexOf(char)
  if (eighth >= 0) return [0, 0, (eighth + 1) / 8, 1]
  return { '█': [0, 0, 1, 1], '▀': [0, 0, 1, 0.5], '▄': [0, 0.5, 1, 0.5] }[char]
}

function* blocks(line, row) {
  const top = margin + row * cell.height
  const rect = (column, count, [x, y, w, h], fill, opacity) =>
    `<rect x="${round(margin + (column + x) * cell.width)}" y="${round(top + y * cell.height)}" width="${round((w + count - 1) * cell.width)}" height="${round(h * cell.height)}" fill="${fill}"${opacity} shape-rendering="crispEdges"/>`
  for (const [column, count, { bg }] of runs(line, (c) => c.bg)) if (bg) yield rect(column, count, [0, 0, 1, 1], bg, '')
  for (const [column, count, { char, fg, dim }] of runs(line, (c) => `${c.char}${c.fg}${c.dim}`)) {
    const shape = shapeOf(char)
    if (!shape) continue
    if (shape[2] === 1) yield rect(column, count, shape, fg, dim ? ' opacity="0.55"' : '')
    else for (let i = 0; i < count; i++) yield rect(column + i, 1, shape, fg, dim ? ' opacity="0.55"' : '')
  }
}

function* words(line, row) {
  const y = margin + row * cell.height + cell.baseline
  const isText = (c) => c.char !== ' ' && !shapeOf(c.char)
  for (const [column, count, first] of runs(line, (c) => (isText(c) ? `${c.fg}${c.bold}${c.dim}` : ''))) {
    if (!isText(first)) continue
    const text = line
      .slice(column, column + count)
      .map((c) => c.char)
      .join('')
    const style = `${first.bold ? ' font-weight="bold"' : ''}${first.dim ? ' opacity="0.55"' : ''}`
    yield `<text x="${round(margin + column * cell.width)}" y="${round(y)}" textLength="${round(count * cell.width)}" fill="${first.fg}"${style}>${escapeXml(text)}</text>`
  }
}

/** Neighbouring cells that are alike by `key`: where they begin, how many, the first. */
function* runs(line, key) {
  for (let from = 0; from < line.length; ) {
    let to = from + 1
    while (to < line.length && key(line[to]) === key(line[from])) to++
    yield [from, to - from, line[from]]
    from = to
  }
}

function escapeXml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

function round(n) {
  return Math.round(n * 100) / 100
}
