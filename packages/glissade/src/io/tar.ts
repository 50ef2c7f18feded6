/**
 * The entries of a tar: ustar headers, long names of pax and GNU (POSIX.1-2017, pax; GNU tar manual).
 * What is refused beyond damage: archive.ts.
 */
import type { ArchiveEntry } from './archive.ts'
import { refuse } from './bytes.ts'

const block = 512
const decoder = new TextDecoder()

const kinds: Record<string, ArchiveEntry['kind']> = { '0': 'file', '\0': 'file', '7': 'file', '5': 'folder' }
const saysOf: Record<string, string> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a device',
  '4': 'a device',
  '6': 'a pipe',
}

/** In the order of the archive. Errors: `file-format`. */
export function tarEntries(bytes: Uint8Array, file: string): ArchiveEntry[] {
  const damaged = (what: string, received: string): never =>
    refuse(file, what, received, 'a zip, a tar, or a gzipped tar', 'It is damaged or cut short; get it again.')
  const entries: ArchiveEntry[] = []
  let long: { path?: string; size?: number } = {}
  let ended = false
  for (let at = 0; at + block <= bytes.length; ) {
    const header = bytes.subarray(at, at + block)
    if (header.every((byte) => byte === 0)) {
      ended = true
      break
    }
    const what = `header at ${at}`
    if (octal(header, 148, 8) !== checksumOf(header)) damaged(what, 'a wrong checksum')
    const size = long.size ?? octal(header, 124, 12)
    if (!Number.isSafeInteger(size) || size < 0) damaged(what, 'a size that is no number')
    const start = at + block
    if (start + size > bytes.length) damaged(what, `${size} bytes where ${bytes.length - start} are left`)
    const data = bytes.subarray(start, start + size)
    const type = String.fromCharCode(header[156])
    if (type === 'x') long = { ...long, ...paxOf(data, damaged) }
    else if (type === 'L') long = { ...long, path: text(data, 0, data.length) }
    else if (type !== 'g') {
      const ustar = text(header, 257, 5) === 'ustar'
      const prefix = ustar ? text(header, 345, 155) : ''
      const short = text(header, 0, 100)
      const name = long.path ?? (prefix === '' ? short : `${prefix}/${short}`)
      const kind = kinds[type] === 'file' && name.endsWith('/') ? 'folder' : (kinds[type] ?? 'other')
      const says = saysOf[type] ?? `an entry of type ${JSON.stringify(type)}`
      entries.push({ name, kind, says, size, read: async () => data.slice() })
      long = {}
    }
    at = start + Math.ceil(size / block) * block
  }
  if (!ended) damaged('end', entries.length === 0 ? `${bytes.length} bytes of something else` : 'no empty block')
  return entries
}

function text(bytes: Uint8Array, from: number, length: number): string {
  const field = bytes.subarray(from, from + length)
  const end = field.indexOf(0)
  return decoder.decode(end < 0 ? field : field.subarray(0, end))
}

/** A number in octal digits, or in base 256 where the first bit is set (GNU); NaN where it is neither. */
function octal(bytes: Uint8Array, from: number, length: number): number {
  if (bytes[from] & 0x80) {
    let value = bytes[from] & 0x7f
    for (let i = 1; i < length; i++) value = value * 256 + bytes[from + i]
    return value
  }
  const digits = text(bytes, from, length).trim()
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : Number.NaN
}

/** The sum of the header's bytes, its own field counted as spaces. */
function checksumOf(header: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < block; i++) sum += i >= 148 && i < 156 ? 0x20 : header[i]
  return sum
}

/** Records "length key=value\n" of a pax header: path and size are used. */
function paxOf(data: Uint8Array, damaged: (what: string, received: string) => never): { path?: string; size?: number } {
  const found: { path?: string; size?: number } = {}
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(0x20, at)
    const length = space < 0 ? Number.NaN : Number(decoder.decode(data.subarray(at, space)))
    if (!Number.isInteger(length) || length <= space - at || at + length > data.length) {
      return damaged('long name', 'a record of a wrong length')
    }
    const record = decoder.decode(data.subarray(space + 1, at + length - 1))
    const equals = record.indexOf('=')
    const key = record.slice(0, equals)
    if (key === 'path') found.path = record.slice(equals + 1)
    if (key === 'size') found.size = Number(record.slice(equals + 1))
    at += length
  }
  return found
}
