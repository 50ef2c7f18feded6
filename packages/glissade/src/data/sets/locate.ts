/**
 * Where a named set's files are: in the folder that the user names, in GLISSADE_DATA, among what was fetched before; or
 * fetched now, where the user says so. What the files are: catalogue.ts.
 */
import { fail } from '../../errors.ts'
import { type DownloadProgress, downloadBytes } from '../../io/download.ts'
import { cacheFolder, environment, hasFiles, pathKind, readFile } from '../../io/files.ts'
import type { SetFacts } from './catalogue.ts'
import type { SetFile } from './origins.ts'

/** Where a named set comes from. */
export interface SetOptions {
  /** A folder with the files, as the catalogue lists them, or those files alone. Default: GLISSADE_DATA. */
  readonly folder?: string
  /** Fetch what is not there. Default false: nothing is asked of the network unasked. */
  readonly download?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: DownloadProgress) => void
}

/** What is said of every set beside its samples. */
export interface SetInfo {
  readonly origin: string
  readonly licence: string
  readonly notes: readonly string[]
}

export const infoOf = ({ origin, licence, notes }: SetFacts): SetInfo => ({ origin, licence, notes })

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** Where a file could be, the nearest first. */
async function placesOf(path: string, { folder }: SetOptions): Promise<string[]> {
  const roots = [folder, environment('GLISSADE_DATA')].filter((root) => root !== undefined)
  const named = roots.flatMap((root) => [`${root}/${path}`, `${root}/${baseName(path)}`])
  return hasFiles() ? [...named, `${await cacheFolder()}/data/${path}`] : named
}

/** The path of a file that is already here. */
export async function findFile(path: string, options: SetOptions): Promise<string | undefined> {
  for (const place of await placesOf(path, options)) if ((await pathKind(place)) === 'file') return place
  return undefined
}

/** The bytes of a set's file. Errors: `data-missing`, `download-failed`. */
export async function setFile(
  about: SetFacts,
  file: SetFile,
  options: SetOptions,
): Promise<{ bytes: Uint8Array; path: string }> {
  const found = await findFile(file.path, options)
  if (found !== undefined) return { bytes: await readFile(found), path: found }
  const { url, sha256, md5 } = file
  if (url === undefined || !options.download) return missing(about, file, await placesOf(file.path, options))
  const { signal, onProgress } = options
  const bytes = await downloadBytes(url, {
    name: file.path,
    ...(sha256 !== undefined && { sha256 }),
    ...(md5 !== undefined && { md5 }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  })
  return { bytes, path: url }
}

function missing(about: SetFacts, file: SetFile, looked: readonly string[]): never {
  const mega = (about.bytes / 1e6).toFixed(about.bytes < 1e6 ? 2 : 0)
  const fetched =
    file.url === undefined
      ? ''
      : `, or pass { download: true } to fetch about ${mega} MB from ${new URL(file.url).host}`
  return fail('data-missing', {
    what: `${about.title} (${file.path})`,
    looked: looked.length > 0 ? looked : ['no folder, for none was named'],
    fix: `Name a folder with the file, by { folder } or GLISSADE_DATA${fetched}.`,
  })
}
