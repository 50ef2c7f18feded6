/**
 * Archives in memory: zip and tar, gzipped or not. Nothing is written to disk; files come out as bytes by name.
 *
 * What an archive says is not believed: names that climb out, links, entries outside the archive, sizes and checksums
 * that lie, and more bytes than the limit are refused. The walk over each kind of archive: zip.ts, tar.ts.
 */

import { refuse, sourceBytes, sourceName } from './bytes.ts'
import { gunzip } from './gzip.ts'
import type { Source } from './model-file.ts'
import { tarEntries } from './tar.ts'
import { isZip, readZip, type ZipEntry } from './zip.ts'

export interface ArchiveOptions {
  /** Only files whose names pass; default all. */
  readonly filter?: (name: string) => boolean
  /** At most so many bytes come out of the archive; default 2 GiB. */
  readonly limit?: number
  /** At most so many files; default 200,000. */
  readonly fileLimit?: number
}

/** One file as an archive lists it. */
export interface ArchiveEntry {
  /** As the archive has it, with / between folders. */
  readonly name: string
  readonly kind: 'file' | 'folder' | 'other'
  /** For messages, where it is `other`: "a symbolic link". */
  readonly says: string
  /** In bytes, unpacked. */
  readonly size: number
  read(): Promise<Uint8Array>
}

const defaults = { limit: 2 ** 31, fileLimit: 200_000 }

/** The files of a zip, tar or tar.gz, by name. Errors: `data-missing`, `file-format`. */
export async function loadArchive(source: Source, options: ArchiveOptions = {}): Promise<Map<string, Uint8Array>> {
  return parseArchive(await sourceBytes(source), options, sourceName(source, 'archive'))
}

/** As loadArchive, from bytes. */
export async function parseArchive(
  bytes: Uint8Array,
  options: ArchiveOptions = {},
  file = 'archive',
): Promise<Map<string, Uint8Array>> {
  const { filter, limit, fileLimit } = { filter: () => true, ...defaults, ...options }
  const entries = await openArchive(bytes, limit, file)
  const found = new Map<string, Uint8Array>()
  let total = 0
  let count = 0
  for (const entry of entries) {
    const name = safeName(entry.name, file)
    if (++count > fileLimit) refuse(file, 'files', `more than ${fileLimit}`, `at most ${fileLimit}`, 'Raise fileLimit.')
    if (entry.kind === 'folder') continue
    if (entry.kind === 'other') {
      refuse(file, `entry ${name}`, entry.says, 'a file or a folder', 'Pack the archive without it.')
    }
    if (!filter(name)) continue
    if (found.has(name))
      refuse(file, `entry ${name}`, 'the same name twice', 'each name once', 'Pack the archive again.')
    total += entry.size
    if (total > limit) {
      refuse(file, 'size unpacked', `more than ${limit} bytes`, `at most ${limit}`, 'Raise the limit if it is meant.')
    }
    found.set(name, await entry.read())
  }
  return found
}

async function openArchive(bytes: Uint8Array, limit: number, file: string): Promise<Iterable<ArchiveEntry>> {
  if (isZip(bytes)) return [...readZip(bytes, file).values()].map(fromZip)
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b
  // A tar holds a header and up to one block of filling for each file beside what counts for the limit.
  return tarEntries(packed ? await gunzip(bytes, { file, limit: 2 * limit + 2 ** 20 }) : bytes, file)
}

const fromZip = ({ name, size, link, read }: ZipEntry): ArchiveEntry => ({
  name,
  kind: link ? 'other' : name.endsWith('/') ? 'folder' : 'file',
  says: 'a symbolic link',
  size,
  read,
})

/** A relative name that stays where it is unpacked. Errors: `file-format`. */
export function safeName(name: string, file: string): string {
  const parts = name.split(/[/\\]/)
  const climbs = parts.includes('..') || /^([/\\]|[A-Za-z]:)/.test(name) || name.includes('\0')
  if (climbs) {
    const shown = JSON.stringify(name.slice(0, 100))
    refuse(
      file,
      'name',
      shown,
      'a name inside the archive’s own folder',
      'Do not use this archive: it was made to harm.',
    )
  }
  return parts.filter((part) => part !== '' && part !== '.').join('/')
}
