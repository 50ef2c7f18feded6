/**
 * Compressed bytes: gzip, zlib and raw deflate, with a limit on what comes out, so that a small file cannot fill the
 * memory. In Node its own zlib; in a page the streams that every browser has. Archives: archive.ts.
 */

import { refuse } from './bytes.ts'
import { hasFiles, load } from './files.ts'

export type Compression = 'gzip' | 'deflate' | 'deflate-raw'

export interface InflateOptions {
  /** At most so many bytes come out; default 4 GiB less one. */
  readonly limit?: number
  /** For messages. */
  readonly file?: string
}

const defaultLimit = 2 ** 32 - 1

/** Unpacks gzip (RFC 1952). Errors: `file-format` for what is damaged, cut short, or larger than the limit. */
export function gunzip(bytes: Uint8Array, options: InflateOptions = {}): Promise<Uint8Array> {
  return inflate(bytes, 'gzip', options)
}

/** As gunzip, for any of the three wrappings of deflate (RFC 1950 to 1952). */
export async function inflate(
  bytes: Uint8Array,
  kind: Compression,
  { limit = defaultLimit, file = 'compressed data' }: InflateOptions = {},
): Promise<Uint8Array> {
  const tooLarge = (cause?: unknown): never =>
    refuse(
      file,
      'size unpacked',
      `more than ${limit} bytes`,
      `at most ${limit}`,
      'Raise the limit if it is meant.',
      cause,
    )
  try {
    return hasFiles() ? await inflateInNode(bytes, kind, limit) : await inflateInPage(bytes, kind, limit)
  } catch (cause) {
    if (cause instanceof TooLarge || (cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') tooLarge(cause)
    const { message } = cause as Error
    return refuse(file, kind, message || 'damaged data', `whole ${kind} data`, 'Get the file again.', cause)
  }
}

/** Packs as gzip. */
export async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

class TooLarge extends Error {}

async function inflateInNode(bytes: Uint8Array, kind: Compression, limit: number): Promise<Uint8Array> {
  const zlib = await load<typeof import('node:zlib')>('zlib')
  const run = { gzip: zlib.gunzip, deflate: zlib.inflate, 'deflate-raw': zlib.inflateRaw }[kind]
  // Zlib wants a limit of at least one byte; what is empty is checked after.
  const options = { maxOutputLength: Math.min(Math.max(1, limit), 2 ** 32 - 1) }
  const out = await new Promise<Uint8Array>((resolve, reject) => {
    run(bytes, options, (error, result) => (error ? reject(error) : resolve(result)))
  })
  if (out.length > limit) throw new TooLarge()
  return new Uint8Array(out.buffer, out.byteOffset, out.byteLength)
}

async function inflateInPage(bytes: Uint8Array, kind: Compression, limit: number): Promise<Uint8Array> {
  const reader = new Blob([bytes as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream(kind))
    .getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    length += next.value.length
    if (length > limit) {
      await reader.cancel()
      throw new TooLarge()
    }
    parts.push(next.value)
  }
  const out = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
