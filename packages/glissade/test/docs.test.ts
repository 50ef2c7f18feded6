/**
 * The pages are run: every `ts` block of README.md and docs/ is type-checked and executed, a `text output` block must
 * be what the page's program printed, and every link must lead somewhere.
 *
 * The blocks of a page are one program, top to bottom, run in an empty folder of its own, where it may leave files. In
 * docs/errors.md each block stands alone: one marked `ts throws` must end in the error of its section, the others must
 * not end in an error. A block marked `ts sketch` is not run.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test, vi } from 'vitest'
import * as glissade from '../src/index.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const work = join(root, '.glissade/docs')

interface Block {
  readonly language: string
  readonly words: readonly string[]
  readonly text: string
  /** The `## heading` that it stands under. */
  readonly section: string
}

interface Page {
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
}

function readPage(path: string): Page {
  const text = readFileSync(join(root, path), 'utf8')
  const blocks: Block[] = []
  let section = ''
  let open: { language: string; words: string[]; lines: string[] } | undefined
  for (const line of text.split('\n')) {
    const fence = /^```(\w*)\s*(.*)$/.exec(line)
    if (open && fence) {
      blocks.push({ language: open.language, words: open.words, text: `${open.lines.join('\n')}\n`, section })
      open = undefined
    } else if (open) open.lines.push(line)
    else if (fence) open = { language: fence[1], words: fence[2].split(' ').filter(Boolean), lines: [] }
    else if (line.startsWith('## ')) section = line.slice(3).replaceAll('`', '').trim()
  }
  return { path, text, blocks }
}

function pagesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return folder === '' ? [] : pagesIn(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

const pages = [...pagesIn(''), ...pagesIn('docs')].map(readPage)
const isProgram = (block: Block): boolean => block.language === 'ts' && !block.words.includes('sketch')

/** A program taken from a page, as a file. */
interface Program {
  readonly title: string
  readonly file: string
  /** The code of the error that it must end in. */
  readonly throws?: string
  readonly page: Page
}

const programs: Program[] = pages.flatMap((page) => {
  const blocks = page.blocks.filter(isProgram)
  const name = page.path.replace(/\.md$/, '').replaceAll('/', '-')
  if (page.path !== 'docs/errors.md') {
    return blocks.length === 0 ? [] : [write(`${name}.ts`, page.path, page, blocks.map(({ text }) => text).join('\n'))]
  }
  return blocks.map((block, i) => {
    const throws = block.words.includes('throws') ? block.section : undefined
    return write(`${name}-${i}.ts`, `${block.section}, ${throws ? 'before' : 'after'}`, page, block.text, throws)
  })
})

function write(file: string, title: string, page: Page, text: string, throws?: string): Program {
  mkdirSync(work, { recursive: true })
  writeFileSync(join(work, file), `${text}\nexport {}\n`)
  return { title, file: join(work, file), throws, page }
}

afterAll(() => rmSync(work, { recursive: true, force: true }))

describe('the programs of the pages', () => {
  test('type-check', () => {
    writeFileSync(
      join(work, 'tsconfig.json'),
      JSON.stringify({
        extends: join(root, 'tsconfig.test.json'),
        compilerOptions: {
          noUnusedLocals: false,
          noUnusedParameters: false,
          typeRoots: [join(root, 'node_modules/@types')],
          paths: { glissade: [join(root, 'packages/glissade/src/index.ts')] },
        },
        include: ['./*.ts'],
      }),
    )
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const { stdout } = spawnSync(process.execPath, [compiler, '-p', work, '--pretty', 'false'], {
      encoding: 'utf8',
      cwd: work,
    })
    expect(stdout.split('\n').filter((line) => /^[\w-]+\.ts\(/.test(line))).toEqual([])
  })

  test.each(programs)('$title', { timeout: 240_000 }, async ({ file, throws, page }) => {
    const printed: string[] = []
    const log = vi.spyOn(console, 'log').mockImplementation((...values: unknown[]) => {
      printed.push(values.map(String).join(' '))
    })
    let error: unknown
    const before = process.cwd()
    const folder = mkdtempSync(join(tmpdir(), 'glissade-docs-'))
    process.chdir(folder)
    try {
      await import(/* @vite-ignore */ file)
    } catch (caught) {
      error = caught
    } finally {
      log.mockRestore()
      process.chdir(before)
      rmSync(folder, { recursive: true, force: true })
    }
    if (throws) expect(error).toMatchObject({ name: 'GlissadeError', code: throws })
    else if (error) throw error
    if (page.path === 'docs/errors.md') return
    const output = clean(printed.join('\n'))
    for (const block of page.blocks.filter(({ words }) => words.includes('output'))) {
      expect(output).toContain(clean(block.text))
    }
  })
})

const clean = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trimEnd()

describe('links', () => {
  test.each(pages.filter(({ text }) => /\]\(/.test(text)))('of $path lead somewhere', (page) => {
    const outside = page.text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '')
    const links = [...page.text.matchAll(/\]\(([^)\s]+)\)/g), ...outside.matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, to]) => to,
    )
    const broken = links.filter((to) => {
      if (/^[a-z]+:/.test(to)) return false
      const [path, anchor] = to.split('#')
      const target = path === '' ? join(root, page.path) : join(dirname(join(root, page.path)), path)
      if (!existsSync(target)) return true
      return anchor !== undefined && target.endsWith('.md') && !anchorsOf(relative(root, target)).includes(anchor)
    })
    expect(broken).toEqual([])
  })
})

describe('names', () => {
  /** All code between backticks on one line, which holds names rather than programs. */
  const codeOf = ({ text }: Page): string[] =>
    [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, code]) => code)
  const valueAt = (path: string): unknown =>
    path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], glissade)

  test.each(pages)('of the library on $path exist', (page) => {
    const families = /(?<![\w.])(?:nn|loss|metrics|optim|data|io|text|random)(?:\.(?!jsonl|ts\b)[A-Za-z]\w*)+/g
    const named = codeOf(page).flatMap((code) => [...code.matchAll(families)].map(([name]) => name))
    expect(named.filter((name) => valueAt(name) === undefined)).toEqual([])
  })

  const families = ['nn', 'nn.functional', 'nn.init', 'loss', 'metrics', 'optim', 'optim.schedule']
  test.each(families)('of %s are all in docs/coming-from-pytorch.md', (family) => {
    // A table names conv1d, or conv1d to 3d.
    const bare = (name: string): string => name.replace(/[123]d$/, '')
    const page = pages.find(({ path }) => path === 'docs/coming-from-pytorch.md') as Page
    const words = new Set(codeOf(page).flatMap((code) => (code.match(/\w+/g) ?? []).map(bare)))
    const functions = Object.entries(valueAt(family) as object)
      .filter(([name, value]) => typeof value === 'function' && /^[a-z]/.test(name))
      .map(([name, value]) => ({ name, value }))
    const known = new Set(functions.filter(({ name }) => words.has(bare(name))).map(({ value }) => value))
    expect(known.size).toBeGreaterThan(5)
    // A function of two names is named by one of them.
    expect(functions.filter(({ value }) => !known.has(value)).map(({ name }) => name)).toEqual([])
  })
})

/** The anchors that a heading gets: lower case, without punctuation, spaces as hyphens. */
function anchorsOf(path: string): string[] {
  return readFileSync(join(root, path), 'utf8')
    .split('\n')
    .filter((line) => /^#+ /.test(line))
    .map((line) =>
      line
        .replace(/^#+ /, '')
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    )
}
