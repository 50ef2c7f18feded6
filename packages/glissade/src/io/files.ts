/**
 * Files, where there are any: Node's modules are loaded when first used, so that everything else runs in a browser.
 *
 * Nothing else here or in data/ names a Node module: what needs one asks `load`. What is in the files: the
 * readers beside this file.
 */
import { fail } from '../errors.ts'

/** The names are kept from bundlers, which would look for them when building for a browser. */
export const load = async <T>(name: string): Promise<T> => (await import(/* @vite-ignore */ `node:${name}`)) as T

/** Whether this is Node (or another runtime with its modules). */
export function hasFiles(): boolean {
  return typeof process !== 'undefined' && process.versions?.node !== undefined
}

function needFiles(what: string): void {
  if (hasFiles()) return
  fail('value-invalid', {
    what,
    received: 'a path, where there are no files',
    expected: 'bytes',
    fix: 'Fetch what is to be read and pass its bytes; write with the function that gives bytes, as io.formatModel.',
  })
}

/** Errors: `data-missing`. */
export async function readFile(path: string): Promise<Uint8Array> {
  needFiles('readFile')
  const fs = await load<typeof import('node:fs/promises')>('fs/promises')
  try {
    return await fs.readFile(path)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') fail('data-missing', { what: 'The file', looked: [path], fix: 'Check the path.' }, cause)
    fail(
      'file-format',
      { file: path, what: 'reading', received: message, expected: 'a readable file', fix: 'Check its permissions.' },
      cause,
    )
  }
}

/**
 * Writes beside `path` and renames, so that a crash, a full disk or another process leaves either the old file or the
 * new one, whole.
 */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  needFiles('replaceFile')
  const fs = await load<typeof import('node:fs/promises')>('fs/promises')
  const { randomUUID } = await load<typeof import('node:crypto')>('crypto')
  const beside = `${path}.${randomUUID()}.part`
  try {
    const file = await fs.open(beside, 'wx')
    try {
      await file.writeFile(bytes)
      // Without this, a power cut after the rename could leave an empty file under the new name.
      await file.sync()
    } finally {
      await file.close()
    }
    await fs.rename(beside, path)
  } catch (cause) {
    await fs.rm(beside, { force: true }).catch(() => undefined)
    const { message } = cause as Error
    fail(
      'file-format',
      {
        file: path,
        what: 'writing',
        received: message,
        expected: 'room and permission',
        fix: 'Nothing was changed; choose another place.',
      },
      cause,
    )
  }
}

/** The folder of an installed package, looked for from here and from the working directory; and where it looked. */
export async function packageFolder(name: string): Promise<{ folder: string | undefined; looked: string[] }> {
  if (!hasFiles()) return { folder: undefined, looked: [] }
  const { createRequire } = await load<typeof import('node:module')>('module')
  const path = await load<typeof import('node:path')>('path')
  const { fileURLToPath } = await load<typeof import('node:url')>('url')
  const starts = [path.dirname(fileURLToPath(import.meta.url)), process.cwd()]
  for (const start of starts) {
    // By place, not by resolving: packages may leave their package.json out of what can be imported.
    for (const above of createRequire(path.join(start, 'any.js')).resolve.paths(name) ?? []) {
      const folder = path.join(above, name)
      if ((await pathKind(path.join(folder, 'package.json'))) === 'file') return { folder, looked: starts }
    }
  }
  return { folder: undefined, looked: starts.map((start) => `${start} and above`) }
}

/** An environment variable, or undefined where there is none or it is empty. */
export function environment(name: string): string | undefined {
  return hasFiles() ? process.env[name] || undefined : undefined
}

/** What is at `path`; undefined where nothing is. */
export async function pathKind(path: string): Promise<'file' | 'folder' | undefined> {
  if (!hasFiles()) return undefined
  const fs = await load<typeof import('node:fs/promises')>('fs/promises')
  try {
    return (await fs.stat(path)).isDirectory() ? 'folder' : 'file'
  } catch {
    return undefined
  }
}

/** The names in a folder, sorted, and which of them are folders. Errors: `data-missing`. */
export async function listFolder(path: string): Promise<{ name: string; folder: boolean }[]> {
  needFiles('listFolder')
  const fs = await load<typeof import('node:fs/promises')>('fs/promises')
  try {
    const entries = await fs.readdir(path, { withFileTypes: true })
    return entries
      .map((entry) => ({ name: entry.name, folder: entry.isDirectory() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (cause) {
    return fail('data-missing', { what: 'The folder', looked: [path], fix: 'Check the path.' }, cause)
  }
}

/** Where downloads are kept: GLISSADE_CACHE, or the user's cache folder, as XDG has it. */
export async function cacheFolder(): Promise<string> {
  needFiles('cacheFolder')
  const os = await load<typeof import('node:os')>('os')
  const own = environment('GLISSADE_CACHE')
  if (own !== undefined) return own
  const caches = environment('XDG_CACHE_HOME') ?? environment('LOCALAPPDATA') ?? `${os.homedir()}/.cache`
  return `${caches}/glissade`
}
