/**
 * The house rules of ARCHITECTURE.md, held by a test: which way imports go, how long files are, what stands at
 * their head, and that every op and every error is documented.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { catalogue } from '../src/errors.ts'
import { ops } from '../src/ops/table.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const src = join(root, 'packages/glissade/src')

/** Who may import whom: a file imports from its own row and from rows above. A name is a folder or a file. */
const layers = [
  ['errors', 'dtype', 'shape', 'scope', 'storage', 'heap'],
  ['graph', 'tensor', 'print'],
  ['ops', 'create', 'random'],
  ['autodiff'],
  ['kernel'],
  ['compile'],
  ['backends'],
  ['run'],
  ['nn', 'optim', 'loss', 'metrics', 'text', 'data', 'io'],
  ['train', 'explain', 'generate'],
  ['index'],
]

/** The only ways against the order, and why. */
const exceptions = [
  { from: 'tensor', to: 'ops', why: 'methods call ops, ops build tensors' },
  { from: 'graph', to: 'ops', why: 'a graph is made of ops; the records import nothing of it back', typesOnly: true },
  { from: 'autodiff', to: 'backends', why: 'gradCheck measures on the definition of correct, backends/reference' },
  { from: 'compile', to: 'backends', why: 'a program is a Plan, the type in the contract backend.ts', typesOnly: true },
]

/** The only files that may ask for a Node module. */
const nodeFolders = ['backends', 'io', 'data']

interface Import {
  readonly from: string
  readonly to: string
  readonly typesOnly: boolean
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')

function importsOf(path: string): Import[] {
  const text = withoutComments(readFileSync(path, 'utf8'))
  const found: Import[] = []
  for (const [, word, types, to] of text.matchAll(/^\s*(import|export)\s+(type\s)?[^'"`;]*?from\s+'([^']+)'/gm)) {
    found.push({ from: path, to, typesOnly: types !== undefined && word !== undefined })
  }
  for (const [, to] of text.matchAll(/(?:^\s*import\s+|\bimport\()\s*['"]([^'"]+)['"]/gm)) {
    found.push({ from: path, to, typesOnly: false })
  }
  return found
}

/** The folder or file directly in src that `path` belongs to. */
const homeOf = (path: string): string => relative(src, path).split(/[/\\]/)[0].replace(/\.ts$/, '')
const levelOf = (home: string): number => layers.findIndex((row) => row.includes(home))

const files = filesIn(src)
const imports = files.flatMap(importsOf)
const internal = imports
  .filter(({ to }) => to.startsWith('.'))
  .map((i) => ({ ...i, to: resolve(dirname(i.from), i.to) }))
const short = (path: string): string => relative(src, path)

describe('imports', () => {
  test('every file and folder of src has its place in the order', () => {
    const strangers = files.map(homeOf).filter((home) => levelOf(home) < 0)
    expect([...new Set(strangers)]).toEqual([])
  })

  test('go one way', () => {
    const against = internal.filter(({ from, to, typesOnly }) => {
      const [a, b] = [homeOf(from), homeOf(to)]
      if (levelOf(b) <= levelOf(a)) return false
      return !exceptions.some((e) => e.from === a && e.to === b && (!e.typesOnly || typesOnly))
    })
    expect(against.map(({ from, to }) => `${short(from)} → ${short(to)}`)).toEqual([])
  })

  test('the compiler knows backends by their contract only', () => {
    const inside = internal.filter(({ from, to }) => homeOf(from) === 'compile' && homeOf(to) === 'backends')
    expect(inside.map(({ to }) => short(to)).filter((to) => to !== join('backends', 'backend.ts'))).toEqual([])
  })

  test('the loop language imports nothing but dtype, and the names of the ops that it spells', () => {
    const others = internal.filter(({ from, to, typesOnly }) => {
      const names = typesOnly && short(from) === join('kernel', 'spell.ts') && short(to) === join('ops', 'table.ts')
      return homeOf(from) === 'kernel' && !['kernel', 'dtype'].includes(homeOf(to)) && !names
    })
    expect(others.map(({ from, to }) => `${short(from)} → ${short(to)}`)).toEqual([])
  })

  test('go in no circle, but for tensor ↔ ops', () => {
    const circles = circlesAmong(internal.filter(({ typesOnly }) => !typesOnly))
    const allowed = (circle: string[]): boolean => circle.every((path) => ['tensor', 'ops'].includes(homeOf(path)))
    expect(circles.filter((circle) => !allowed(circle)).map((circle) => circle.map(short).join(' → '))).toEqual([])
  })

  test('every imported file exists', () => {
    const known = new Set(files)
    expect(internal.filter(({ to }) => !known.has(to)).map(({ from, to }) => `${short(from)} → ${short(to)}`)).toEqual(
      [],
    )
  })

  test('Node’s own modules are asked for in backends, io and data only', () => {
    const node = imports.filter(({ from, to }) => to.startsWith('node:') && !nodeFolders.includes(homeOf(from)))
    expect(node.map(({ from, to }) => `${short(from)} → ${to}`)).toEqual([])
  })

  test('no package is required: what is optional is looked for at run time', () => {
    const packages = imports.filter(
      ({ from, to }) => !to.startsWith('.') && !to.startsWith('node:') && short(from) !== join('io', 'packages.ts'),
    )
    const optional = readFileSync(join(src, 'io/packages.ts'), 'utf8')
    expect(optional).not.toMatch(/^import .* from '[^.]/m)
    expect(packages.map(({ from, to }) => `${short(from)} → ${to}`)).toEqual([])
  })
})

/** Sets of files that import each other in a circle (Tarjan's strongly connected components). */
function circlesAmong(edges: readonly Import[]): string[][] {
  const next = new Map<string, string[]>()
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to])
  const order = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const found: string[][] = []
  const visit = (v: string): void => {
    order.set(v, order.size)
    low.set(v, order.get(v)!)
    stack.push(v)
    for (const w of next.get(v) ?? []) {
      if (!order.has(w)) visit(w)
      if (stack.includes(w)) low.set(v, Math.min(low.get(v)!, low.get(w)!))
    }
    if (low.get(v) !== order.get(v)) return
    const circle = stack.splice(stack.indexOf(v))
    if (circle.length > 1) found.push(circle)
  }
  for (const v of next.keys()) if (!order.has(v)) visit(v)
  return found
}

describe('the machine', () => {
  test('names of the page or of Node stand in backends, io and data only', () => {
    const missing = namesOfNeither()
    expect(missing.filter((line) => !nodeFolders.some((folder) => line.startsWith(`${folder}/`)))).toEqual([])
  })
})

/** What the compiler does not find when neither the page's nor Node's names are there, but what both have. */
function namesOfNeither(): string[] {
  const folder = mkdtempSync(join(root, 'node_modules/.glissade-types-'))
  try {
    writeFileSync(
      join(folder, 'both.d.ts'),
      `declare const console: { log(...a: unknown[]): void; warn(...a: unknown[]): void; error(...a: unknown[]): void }
       declare const performance: { now(): number }
       declare function setTimeout(f: () => void, ms?: number): unknown
       declare class AbortSignal { readonly aborted: boolean; throwIfAborted(): void }
       declare class TextEncoder { encode(text: string): Uint8Array<ArrayBuffer> }
       declare class TextDecoder { decode(bytes: Uint8Array): string }
       declare function queueMicrotask(f: () => void): void`,
    )
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: join(root, 'tsconfig.base.json'),
        compilerOptions: { lib: ['ES2024'], types: [], noEmit: true, declaration: false, sourceMap: false },
        include: [`${src}/**/*.ts`, './both.d.ts'],
      }),
    )
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const { stdout } = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], {
      cwd: src,
      encoding: 'utf8',
    })
    // TS2304, 2552, 2580, 2584, 2591: a name that is not there
    return stdout.split('\n').filter((line) => /error TS(2304|2552|2580|2584|2591):/.test(line))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('files', () => {
  const sizes = files
    .map((path) => ({ path: short(path), lines: readFileSync(path, 'utf8').split('\n').length - 1 }))
    .sort((a, b) => b.lines - a.lines)

  test('none is longer than 800 lines', () => {
    const median = sizes[Math.floor(sizes.length / 2)].lines
    console.log(`${sizes.length} files, median ${median} lines; the longest:`)
    for (const { path, lines } of sizes.slice(0, 10)) console.log(`${String(lines).padStart(5)}  ${path}`)
    expect(sizes.filter(({ lines }) => lines > 800)).toEqual([])
  })

  test('each begins by saying what it is', () => {
    const bare = files.filter((path) => !/^\/\*\*(\n \*)? \S/.test(readFileSync(path, 'utf8')))
    expect(bare.map(short)).toEqual([])
  })
})

describe('documentation', () => {
  test('every error has its paragraph in docs/errors.md, and every paragraph its error', () => {
    const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')
    const headings = [...page.matchAll(/^## `([a-z-]+)`$/gm)].map(([, code]) => code)
    expect(headings.sort()).toEqual(Object.keys(catalogue).sort())
  })

  test('every error of the catalogue is raised somewhere', () => {
    const text = files
      .filter((path) => homeOf(path) !== 'errors')
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n')
    expect(Object.keys(catalogue).filter((code) => !text.includes(`'${code}'`))).toEqual([])
  })

  test('every op says in a sentence what it is', () => {
    const bad = Object.entries(ops).filter(([name, op]) => op.name !== name || !/^[A-Z−\-0-9e].*\.$/su.test(op.doc))
    expect(bad.map(([name, op]) => `${name}: ${op.name}, ${op.doc}`)).toEqual([])
  })
})
