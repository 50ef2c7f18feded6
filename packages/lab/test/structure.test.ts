/** The house rules of the lab, as ARCHITECTURE.md has them: who may import whom, what reaches the page, file heads. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const src = fileURLToPath(new URL('../src', import.meta.url))

/** Who may import whom: a file imports from its own row and from rows above. */
const rows = [['spec'], ['worker'], ['ui'], ['state'], ['views'], ['take', 'studio', 'trail'], ['app']]

/** The only ways against the order, and why. (The longest file is worker/protocol.ts: all that is said, in one place.) */
const exceptions: readonly { readonly to: string; readonly why: string }[] = [
  { to: 'app/routes.ts', why: 'the address is a signal that every page may follow and set' },
]

interface Import {
  readonly from: string
  readonly to: string
  readonly typesOnly: boolean
}

const files = readdirSync(src, { withFileTypes: true, recursive: true })
  .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
  .map((entry) => join(entry.parentPath, entry.name))
  .sort()
const short = (path: string): string => relative(src, path).replaceAll('\\', '/')

const imports = files.flatMap((path): Import[] => {
  const text = readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
  const found = [...text.matchAll(/^\s*(?:import|export)\s+(type\s)?[^'"`;]*?from\s+'([^']+)'/gm)]
  const later = [...text.matchAll(/\bimport\(\s*'([^']+)'/g)].map(([, to]) => ({ from: path, to, typesOnly: false }))
  return [...found.map(([, types, to]) => ({ from: path, to, typesOnly: types !== undefined })), ...later]
})
const inside = imports
  .filter(({ to }) => to.startsWith('.'))
  .map(({ from, to, typesOnly }) => ({ from: short(from), to: short(resolve(dirname(from), to)), typesOnly }))
const homeOf = (path: string): string => path.split('/')[0]
const rowOf = (path: string): number => rows.findIndex((row) => row.includes(homeOf(path)))

describe('the lab', () => {
  test('imports go one way', () => {
    const wrong = inside.filter(
      ({ from, to }) => rowOf(to) > rowOf(from) && !exceptions.some((exception) => exception.to === to),
    )
    expect(wrong).toEqual([])
  })

  test('the library is in the worker only, and the page knows of the worker only what they say to each other', () => {
    const library = imports.filter(({ from, to }) => to === 'glissade' && homeOf(short(from)) !== 'worker')
    expect(library.map(({ from }) => short(from))).toEqual([])
    const reached = inside.filter(
      ({ from, to }) => homeOf(from) !== 'worker' && homeOf(to) === 'worker' && !(to === 'worker/protocol.ts'),
    )
    expect(reached).toEqual([])
  })

  test.each(files.map(short))('%s says what it is, and is no longer than a file may be', (name) => {
    const text = readFileSync(join(src, name), 'utf8')
    expect(text.startsWith('/**')).toBe(true)
    expect(text.split('\n').length).toBeLessThanOrEqual(name === 'worker/protocol.ts' ? 1000 : 800)
  })
})
