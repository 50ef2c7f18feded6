/** What is drawn is aligned, and readable without colour and without Unicode. */
import pc from 'picocolors'
import { describe, expect, test } from 'vitest'
import { drawBar, drawBars, drawConfusion, drawTable } from '../src/terminal/charts.ts'
import { crop, drawPicture, sideBySide } from '../src/terminal/pixels.ts'
import { bytes, duration, grouped, speaksUnicode, type Terminal } from '../src/terminal/style.ts'

const terminal = (color: boolean, unicode: boolean): Terminal => ({
  color,
  unicode,
  colors: pc.createColors(color),
  columns: 80,
  live: false,
})
const plain = terminal(false, true)
const ascii = terminal(false, false)

test('numbers for people', () => {
  expect([999, 1000, 1234567].map(grouped)).toEqual(['999', '1 000', '1 234 567'])
  expect([0.04, 9.96, 59, 61, 3725].map(duration)).toEqual(['40 ms', '10.0 s', '59 s', '1 min 1 s', '1 h 2 min'])
  expect([12, 2048, 5 * 1024 ** 3].map(bytes)).toEqual(['12 B', '2.0 KiB', '5.0 GiB'])
})

test('the locale decides on Unicode', () => {
  expect(speaksUnicode({ LANG: 'de_DE.UTF-8' }, 'linux')).toBe(true)
  expect(speaksUnicode({}, 'linux')).toBe(true)
  expect(speaksUnicode({ LC_ALL: 'C', LANG: 'de_DE.UTF-8' }, 'linux')).toBe(false)
  expect(speaksUnicode({ TERM: 'linux' }, 'linux')).toBe(false)
  expect(speaksUnicode({}, 'win32')).toBe(false)
  expect(speaksUnicode({ WT_SESSION: 'x' }, 'win32')).toBe(true)
})

describe('pictures', () => {
  const corner = { width: 2, height: 3, pixels: [1, 0, 0, 0, 1, 1] }
  test('two rows to a line', () => {
    expect(drawPicture(corner, plain)).toEqual(['▀ ', '▀▀'])
    expect(drawPicture(corner, ascii)).toEqual(['+ ', '++'])
  })
  test('in greys, each line ending with a reset', () => {
    expect(drawPicture({ width: 1, height: 2, pixels: [1, 0] }, terminal(true, true))).toEqual([
      '\x1b[38;5;255;48;5;232m▀\x1b[0m',
    ])
  })
  test('cropped', () => {
    expect(Array.from(crop({ width: 3, height: 3, pixels: [0, 0, 0, 0, 7, 0, 0, 0, 0] }, 1).pixels)).toEqual([7])
  })
  test('side by side, as many as fit', () => {
    expect(sideBySide([['ab'], ['cd', 'ef'], ['gh']], 2, 7, 3)).toEqual(['ab   cd', '     ef', '', 'gh'])
  })
})

test('a confusion matrix is aligned and shows what was found', () => {
  const lines = drawConfusion(
    [
      [98, 2],
      [0, 1000],
    ],
    ['0', '1'],
    plain,
  )
  expect(lines).toEqual(['  │    0    1   found', '──┼───────────', '0 │   98    2   98.0 %', '1 │    · 1000  100.0 %'])
})

test('bars are as long as their share', () => {
  expect(drawBar(0.5, 4, true)).toBe('██  ')
  expect(drawBar(0.54, 4, true)).toBe('██▏ ')
  expect(drawBar(0.5, 4, false)).toBe('##..')
  const lines = drawBars([0.25, 0.75], ['a', 'b'], plain, 8)
  expect(lines).toEqual(['a ██        25.0 %', 'b ██████    75.0 %'])
})

test('a table is aligned', () => {
  expect(
    drawTable(
      [
        ['name', 'n'],
        ['x', '10'],
      ],
      [1],
    ),
  ).toEqual(['name   n', 'x     10'])
})
