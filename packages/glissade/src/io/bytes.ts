/**
 * Where the readers of data take bytes and text from: a path, an address, or the bytes themselves; and how they refuse
 * a file. The readers of models have their own beginning: source.ts.
 */
import { fail } from '../errors.ts'
import { readFile } from './files.ts'
import type { Source } from './model-file.ts'
import { shorten } from './source.ts'

/** A name for messages: the path, or `what` where bytes were given. */
export function sourceName(source: Source, what: string): string {
  return typeof source === 'string' ? source : what
}

const address = /^(https?|blob|data):/

/** The bytes of a path or of an http(s), blob or data address. Errors: `data-missing`, `file-format`. */
export async function sourceBytes(source: Source): Promise<Uint8Array> {
  if (typeof source === 'string') return address.test(source) ? fetchBytes(source) : readFile(source)
  if (source instanceof Uint8Array) return source
  const received = source === null ? 'null' : typeof source
  return fail('value-invalid', {
    what: 'source',
    received,
    expected: 'a path, an address, or bytes in a Uint8Array',
    fix: 'Pass new Uint8Array(buffer) for an ArrayBuffer.',
  })
}

async function fetchBytes(url: string): Promise<Uint8Array> {
  const response = await fetch(url)
  if (!response.ok) {
    fail('data-missing', { what: 'The file', looked: [`${url} (${response.status})`], fix: 'Check the address.' })
  }
  return new Uint8Array(await response.arrayBuffer())
}

/** The text of a file in UTF-8, without a byte order mark. Errors: as sourceBytes; `file-format` for other encodings. */
export async function sourceText(source: Source, what: string): Promise<string> {
  const bytes = await sourceBytes(source)
  return decodeText(bytes, sourceName(source, what))
}

/** Errors: `file-format`. */
export function decodeText(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    return refuse(file, 'text', 'bytes that are not UTF-8', 'text in UTF-8', 'Convert the file to UTF-8.', cause)
  }
}

/** Refuses a file: every reader's way to say what is wrong with one. */
export function refuse(
  file: string,
  what: string,
  received: string,
  expected: string,
  fix: string,
  cause?: unknown,
): never {
  return fail('file-format', { file, what, received: shorten(received), expected, fix }, cause)
}
