/**
 * What every reader of this folder begins with: the bytes of a path or of memory, a name for errors, and one way to
 * refuse a file.
 */
import { fail } from '../errors.ts'
import { readFile } from './files.ts'
import type { Source } from './model-file.ts'

/** Refuses the file: what was looked at, what it is, what it should be. */
export type Wrong = (what: string, received: string, expected: string, fix?: string) => never

/** A `Wrong` that names `file`. */
export function wrongIn(file: string, format: string): Wrong {
  return (what, received, expected, fix = `The file is damaged or no ${format}; get it again.`) =>
    fail('file-format', { file, what, received: shorten(received), expected, fix })
}

/** The bytes, and how errors call them: the path, or `otherwise`. */
export async function readSource(source: Source, otherwise: string): Promise<{ bytes: Uint8Array; file: string }> {
  if (typeof source === 'string') return { bytes: await readFile(source), file: source }
  if (source instanceof Uint8Array) return { bytes: source, file: otherwise }
  return fail('value-invalid', {
    what: otherwise,
    received: source === null ? 'null' : typeof source,
    expected: 'a path, or bytes in a Uint8Array',
    fix: 'Pass new Uint8Array(buffer) for an ArrayBuffer.',
  })
}

/** The most characters of a file that an error repeats. */
const longestQuote = 80

/** Text of a file as an error may show it: printable and short. */
export function shorten(text: string): string {
  const plain = text.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?')
  return plain.length > longestQuote ? `${plain.slice(0, longestQuote)}…` : plain
}

/** Where files beside the one that is read come from. */
export type FilesBeside = (location: string) => Promise<Uint8Array>

/** Refuses names of files that are not in the folder of the file that names them, or below. */
export function checkBeside(location: string, what: string, wrong: Wrong): void {
  const parts = location.split('/')
  const odd = /[\\:\0]/.test(location) || parts.some((part) => part === '' || part === '.' || part === '..')
  if (odd)
    wrong(
      what,
      `'${shorten(location)}'`,
      'the name of a file in the folder of the model',
      'Put the data beside the model.',
    )
}

/** The files beside `source`: those given, or those in its folder, each read once. */
export function filesBeside(
  source: Source,
  given: Readonly<Record<string, Uint8Array>> | undefined,
  wrong: Wrong,
): FilesBeside {
  if (given) {
    return async (location) =>
      Object.hasOwn(given, location)
        ? given[location]
        : wrong(
            'data',
            `'${shorten(location)}'`,
            `one of ${Object.keys(given).join(', ')}`,
            'Pass the file in `files`.',
          )
  }
  if (typeof source !== 'string')
    return async (location) =>
      wrong(
        'data',
        `'${shorten(location)}', a file beside the model`,
        'its bytes',
        'Pass the path of the model, or { files }.',
      )
  const folder = source.replace(/[^/\\]*$/, '')
  const known = new Map<string, Promise<Uint8Array>>()
  return (location) => {
    const bytes = known.get(location) ?? readFile(`${folder}${location}`)
    known.set(location, bytes)
    return bytes
  }
}
