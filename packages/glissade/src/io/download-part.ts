/**
 * Parts of files that are being fetched: `name.<version>.<host>-<process>.part`, or `….free.part` once nobody writes it.
 *
 * A part belongs to one process. Taking one over is a rename, which only one of two processes can do. Who fetches:
 * download.ts.
 */
import { load } from './files.ts'

export interface Part {
  readonly path: string
  readonly bytes: number
  /** What the server called the version of the file (its ETag), hashed into the name of the part. */
  readonly validator: string
}

const free = 'free'

/** A name for a new part of this process. */
export async function partName(path: string, validator: string): Promise<string> {
  const { randomUUID } = await load<typeof import('node:crypto')>('crypto')
  return `${path}.${encode(validator)}.${await owner()}-${randomUUID().slice(0, 8)}.part`
}

/** Takes over what an earlier process, or an earlier try, left of `path`: the longest; shorter ones are removed. */
export async function adoptPart(path: string): Promise<Part | undefined> {
  const fs = await load<typeof import('node:fs/promises')>('fs/promises')
  const { basename, dirname, join } = await load<typeof import('node:path')>('path')
  const folder = dirname(path)
  const found: Part[] = []
  for (const name of await fs.readdir(folder).catch((): string[] => [])) {
    if (!name.startsWith(`${basename(path)}.`) || !name.endsWith('.part')) continue
    const [version, holder] = name.slice(basename(path).length + 1, -'.part'.length).split('.')
    if (holder === undefined || !(await isFree(holder))) continue
    const validator = decode(version)
    const own = await partName(path, validator)
    try {
      await fs.rename(join(folder, name), own)
      found.push({ path: own, bytes: (await fs.stat(own)).size, validator })
    } catch {
      // Another process was faster.
    }
  }
  found.sort((a, b) => b.bytes - a.bytes)
  for (const part of found.slice(1)) await fs.rm(part.path, { force: true })
  const [longest] = found
  // Without a version nobody could say whether the file is still the same.
  if (longest && (longest.bytes === 0 || longest.validator === '')) {
    await fs.rm(longest.path, { force: true })
    return undefined
  }
  return longest
}

/** Leaves a part for the next try. */
export async function givePartBack(part: Part, path: string): Promise<void> {
  const fs = await load<typeof import('node:fs/promises')>('fs/promises')
  const { randomUUID } = await load<typeof import('node:crypto')>('crypto')
  const left = `${path}.${encode(part.validator)}.${free}-${randomUUID().slice(0, 8)}.part`
  await fs.rename(part.path, left).catch(() => undefined)
}

/** Versions stand in names of files in hexadecimal digits. */
const encode = (validator: string): string =>
  Array.from(new TextEncoder().encode(validator.slice(0, 64)), (byte) => byte.toString(16).padStart(2, '0')).join('')
const decode = (text: string): string =>
  new TextDecoder().decode(Uint8Array.from(text.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16)))

/** This process, as it stands in names: its machine and its number. */
async function owner(): Promise<string> {
  const os = await load<typeof import('node:os')>('os')
  return `${os.hostname().replace(/[^A-Za-z0-9]/g, '_')}-${process.pid}`
}

/** Whether nobody writes a part: it was given back, or its process, on this machine, has ended. */
async function isFree(holder: string): Promise<boolean> {
  if (holder.startsWith(`${free}-`)) return true
  const os = await load<typeof import('node:os')>('os')
  const [host, pid] = holder.split('-')
  if (host !== os.hostname().replace(/[^A-Za-z0-9]/g, '_')) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
