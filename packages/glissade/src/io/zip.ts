/**
 * ZIP archives, as .npz, .pt and .keras files are: read by their directory, written without compression or with.
 *
 * Nothing of an archive is believed before it is checked: entries must lie inside the file and not overlap, sizes must
 * be possible for the method, the bytes must have the checksum, and names are only names (no path is ever made of
 * them). Stored entries need no package; deflated ones are inflated by fflate (PKWARE, APPNOTE.TXT 6.3.10).
 */
import { crc32 } from './checksum.ts'
import { optionalPackage } from './packages.ts'
import { shorten, type Wrong, wrongIn } from './source.ts'

export interface ZipEntry {
  readonly name: string
  /** The size after inflating. */
  readonly size: number
  /** Whether it is a symbolic link of Unix, whose bytes are where it leads. */
  readonly link: boolean
  /** The bytes, checked. */
  read(): Promise<Uint8Array>
}

const signatures = {
  local: 0x04034b50,
  directory: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
}
const methods = { stored: 0, deflated: 8 }
const lengths = { local: 30, directory: 46, end: 22, end64: 56, locator64: 20 }
const longestComment = 0xffff
const encrypted = 1
/** A field of 16 or 32 bits that says: look into the zip64 record. */
const [elsewhere16, elsewhere32] = [0xffff, 0xffffffff]
const zip64Extra = 1
/** Deflate makes at most 1032 bytes of one (a match of 258 from two bits); more is a lie. */
const mostInflation = 1032
/** All entries together: more than any machine that this runs on would take. */
const mostBytes = 2 ** 36

export function isZip(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) === signatures.local
}

/** The entries of an archive by name. Errors: `file-format`, and on reading `package-missing`. */
export function readZip(bytes: Uint8Array, file: string, what = 'zip archive'): Map<string, ZipEntry> {
  const wrong = wrongIn(file, what)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const { count, offset, size, end } = findDirectory(view, wrong)
  if (offset + size > end) wrong('directory', `bytes ${offset} to ${offset + size}`, `a range before byte ${end}`)
  const entries = new Map<string, ZipEntry>()
  const ranges: { name: string; from: number; to: number }[] = []
  let at = offset
  let total = 0
  for (let i = 0; i < count; i++) {
    if (at + lengths.directory > offset + size || view.getUint32(at, true) !== signatures.directory)
      wrong(`directory entry ${i}`, 'something else', `one of ${count} entries`)
    const entry = readEntry(view, bytes, at, offset + size, wrong)
    if (entries.has(entry.name)) wrong('directory', `'${entry.name}' twice`, 'each name once')
    const range = locate(view, entry, offset, wrong)
    ranges.push({ name: entry.name, ...range })
    total += entry.size
    if (total > mostBytes) wrong('sizes', `${total} bytes inflated`, `at most ${mostBytes}`)
    const packed = bytes.subarray(range.to - entry.packed, range.to)
    entries.set(entry.name, {
      name: entry.name,
      size: entry.size,
      link: entry.link,
      read: () => unpack(entry, packed, file, wrong),
    })
    at = entry.next
  }
  ranges.sort((a, b) => a.from - b.from)
  for (let i = 1; i < ranges.length; i++) {
    if (ranges[i].from < ranges[i - 1].to)
      wrong(
        'entries',
        `'${ranges[i - 1].name}' and '${ranges[i].name}' over the same bytes`,
        'entries that do not overlap',
      )
  }
  return entries
}

interface Directory {
  readonly count: number
  readonly offset: number
  readonly size: number
  readonly end: number
}

function findDirectory(view: DataView, wrong: Wrong): Directory {
  const first = Math.max(0, view.byteLength - lengths.end - longestComment)
  let at = view.byteLength - lengths.end
  while (at >= first && view.getUint32(at, true) !== signatures.end) at--
  if (at < first) return wrong('end of the archive', 'nothing', 'the record that ends a zip archive: it is cut short')
  const plain = {
    count: view.getUint16(at + 10, true),
    size: view.getUint32(at + 12, true),
    offset: view.getUint32(at + 16, true),
    end: at,
  }
  if (plain.count !== elsewhere16 && plain.size !== elsewhere32 && plain.offset !== elsewhere32) return plain
  const locator = at - lengths.locator64
  if (locator < 0 || view.getUint32(locator, true) !== signatures.locator64) return plain
  const end64 = wide(view, locator + 8)
  if (end64 + lengths.end64 > locator || view.getUint32(end64, true) !== signatures.end64)
    return wrong('zip64 record', `nothing at byte ${end64}`, 'the directory of a large archive')
  return { count: wide(view, end64 + 32), size: wide(view, end64 + 40), offset: wide(view, end64 + 48), end: end64 }
}

const wide = (view: DataView, at: number): number => Number(view.getBigUint64(at, true))

interface Listed {
  readonly name: string
  readonly method: number
  readonly crc: number
  readonly packed: number
  readonly size: number
  readonly local: number
  readonly link: boolean
  /** Where the next entry of the directory begins. */
  readonly next: number
}

function readEntry(view: DataView, bytes: Uint8Array, at: number, end: number, wrong: Wrong): Listed {
  const [nameLength, extraLength, commentLength] = [28, 30, 32].map((place) => view.getUint16(at + place, true))
  const extra = at + lengths.directory + nameLength
  const next = extra + extraLength + commentLength
  if (next > end) wrong('directory', 'an entry beyond its end', 'entries inside it')
  const name = new TextDecoder().decode(bytes.subarray(at + lengths.directory, extra))
  if (view.getUint16(at + 8, true) & encrypted) wrong(`entry '${name}'`, 'an encrypted entry', 'one without password')
  const method = view.getUint16(at + 10, true)
  if (method !== methods.stored && method !== methods.deflated)
    wrong(
      `entry '${name}'`,
      `compression method ${method}`,
      'stored (0) or deflated (8)',
      'Pack it again without other methods.',
    )
  const fields = [24, 20, 42].map((place) => view.getUint32(at + place, true))
  if (fields.includes(elsewhere32)) readZip64(view, extra, extra + extraLength, fields, name, wrong)
  const [size, packed, local] = fields
  if (method === methods.stored && packed !== size)
    wrong(`entry '${name}'`, `${packed} bytes stored for ${size}`, 'the same size')
  if (size > packed * mostInflation)
    wrong(`entry '${name}'`, `${packed} bytes said to become ${size}`, `at most ${packed * mostInflation}`)
  return { name, method, crc: view.getUint32(at + 16, true), packed, size, local, link: isLink(view, at), next }
}

/** The maker of the entry, and the kinds of files in the high half of the attributes that it gives, where it is Unix. */
const unix = { maker: 3, kinds: 0xf000, link: 0xa000 }

function isLink(view: DataView, at: number): boolean {
  return view.getUint8(at + 5) === unix.maker && (view.getUint16(at + 40, true) & unix.kinds) === unix.link
}

/** Puts the numbers that did not fit into 32 bits in place, in the order in which the record has them. */
function readZip64(view: DataView, from: number, to: number, fields: number[], name: string, wrong: Wrong): void {
  for (let at = from; at + 4 <= to; ) {
    const [id, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)]
    at += 4
    if (at + length > to) break
    if (id === zip64Extra) {
      let place = at
      for (const [i, field] of fields.entries()) {
        if (field !== elsewhere32) continue
        if (place + 8 > at + length) break
        fields[i] = wide(view, place)
        place += 8
      }
      return
    }
    at += length
  }
  wrong(`entry '${name}'`, 'no zip64 sizes', 'sizes of 64 bits')
}

/** Where the entry's bytes are, its own header included; all must come before the directory. */
function locate(
  view: DataView,
  { name, local, packed }: Listed,
  end: number,
  wrong: Wrong,
): { from: number; to: number } {
  if (local + lengths.local > end || view.getUint32(local, true) !== signatures.local)
    return wrong(`entry '${name}'`, `nothing at byte ${local}`, 'its header')
  const start = local + lengths.local + view.getUint16(local + 26, true) + view.getUint16(local + 28, true)
  if (start + packed > end)
    return wrong(`entry '${name}'`, `bytes ${start} to ${start + packed}`, `a range before byte ${end}`)
  return { from: local, to: start + packed }
}

async function unpack(entry: Listed, packed: Uint8Array, file: string, wrong: Wrong): Promise<Uint8Array> {
  let bytes = packed
  if (entry.method === methods.deflated) {
    const { inflateSync } = await optionalPackage('fflate', `Reading ${file}, which is compressed,`)
    try {
      // One more byte than is promised shows a stream that goes on; the buffer does not grow.
      bytes = inflateSync(packed, { out: new Uint8Array(entry.size + 1) })
    } catch (cause) {
      wrong(`entry '${entry.name}'`, `a broken stream (${shorten((cause as Error).message)})`, 'deflated data')
    }
  }
  if (bytes.length !== entry.size) wrong(`entry '${entry.name}'`, `${bytes.length} bytes`, `${entry.size}`)
  if (crc32(bytes) !== entry.crc) wrong(`entry '${entry.name}'`, 'another checksum', 'the one in the directory')
  return bytes
}

/** 1980-01-01, the first day that the format knows: files of the same content are then the same bytes. */
const firstDay = (1 << 5) | 1
const utf8Names = 0x0800
const version = 20

/** The bytes of an archive of these files. Without compression no package is needed. */
export async function formatZip(files: ReadonlyMap<string, Uint8Array>, compress = false): Promise<Uint8Array> {
  const deflate = compress ? (await optionalPackage('fflate', 'Compressing')).deflateSync : undefined
  const parts: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let at = 0
  for (const [name, bytes] of files) {
    const data = deflate ? deflate(bytes) : bytes
    const nameBytes = new TextEncoder().encode(name)
    const common = new DataView(new ArrayBuffer(26))
    const shorts = [version, utf8Names, deflate ? methods.deflated : methods.stored, 0, firstDay]
    shorts.forEach((value, i) => common.setUint16(2 * i, value, true))
    for (const [i, value] of [crc32(bytes), data.length, bytes.length].entries())
      common.setUint32(10 + 4 * i, value, true)
    common.setUint16(22, nameBytes.length, true)
    const local = new Uint8Array(lengths.local)
    new DataView(local.buffer).setUint32(0, signatures.local, true)
    local.set(new Uint8Array(common.buffer), 4)
    const entry = new Uint8Array(lengths.directory)
    const entryView = new DataView(entry.buffer)
    entryView.setUint32(0, signatures.directory, true)
    entryView.setUint16(4, version, true)
    entry.set(new Uint8Array(common.buffer), 6)
    entryView.setUint32(42, at, true)
    parts.push(local, nameBytes, data)
    directory.push(entry, nameBytes)
    at += local.length + nameBytes.length + data.length
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0)
  if (at + size >= elsewhere32 || files.size >= elsewhere16)
    wrongIn('zip archive', 'zip archive')(
      'size',
      `${at + size} bytes in ${files.size} files`,
      'less than 4 GiB and 65,535 files',
      'Write several files, or use safetensors.',
    )
  const end = new Uint8Array(lengths.end)
  const view = new DataView(end.buffer)
  view.setUint32(0, signatures.end, true)
  view.setUint16(8, files.size, true)
  view.setUint16(10, files.size, true)
  view.setUint32(12, size, true)
  view.setUint32(16, at, true)
  return joinBytes([...parts, ...directory, end])
}

/** All parts in one array. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
