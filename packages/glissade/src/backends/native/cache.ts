/**
 * Compiled programs on disk: shared objects under the hash of what made them, each with a checksum
 * beside it. The folder must belong to the user and be writable by nobody else, since what lies in it
 * is loaded as code; where there is no such folder, a private temporary one serves until the process
 * ends. Files are written beside and renamed, so that no reader ever sees half of one.
 * Not here: how a program is compiled (toolchain.ts) and loaded (native.ts).
 */
import { createHash, randomUUID } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const onlyOwner = 0o700
const writableByOthers = 0o022

/** Where programs are kept unless said otherwise. */
export function defaultCacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env['GLISSADE_CACHE']) return env['GLISSADE_CACHE']
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'glissade', 'native')
}

export function digest(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** How many programs and plans the folder holds; the ones used longest ago make room. */
const keptPrograms = 1000

/** The age in milliseconds at which a file that is no finished program was surely abandoned. */
const strayAge = 24 * 3600 * 1000

const ageOf = (path: string): number => Date.now() - statSync(path).mtimeMs

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Makes a folder and those above it. (Node's own `recursive` never ends below /proc.) */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  const above = dirname(folder)
  if (above !== folder) makeFolder(above)
  try {
    mkdirSync(folder, { mode: onlyOwner })
  } catch (error) {
    // Another process may have been faster.
    if (!existsSync(folder)) throw error
  }
}

/** Why `folder` cannot hold code that will be run, or undefined where it can. It is made if missing. */
export function refuseFolder(folder: string): string | undefined {
  try {
    makeFolder(folder)
    const found = lstatSync(folder)
    if (found.isSymbolicLink()) return 'it is a symbolic link'
    if (!found.isDirectory()) return 'it is not a folder'
    const user = process.getuid?.()
    if (user !== undefined && found.uid !== user) return 'it belongs to another user'
    if ((found.mode & writableByOthers) !== 0) return 'other users may write to it'
    const probe = join(folder, `.probe-${randomUUID()}`)
    writeFileSync(probe, '')
    rmSync(probe, { force: true })
    return undefined
  } catch (error) {
    return message(error)
  }
}

let temporary: string | undefined

/** A folder of this process only, removed when it ends. */
function temporaryFolder(): string {
  if (temporary === undefined || !existsSync(temporary)) {
    const folder = mkdtempSync(join(tmpdir(), 'glissade-'))
    chmodSync(folder, onlyOwner)
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
    temporary = folder
  }
  return temporary
}

const warned = new Set<string>()

function warn(folder: string, reason: string): void {
  if (warned.has(folder)) return
  warned.add(folder)
  process.emitWarning(
    `The native backend cannot keep compiled programs in ${folder}: ${reason}. It uses a temporary folder, and compiles again in the next process. Set GLISSADE_CACHE to a folder that only you can write.`,
    'GlissadeWarning',
  )
}

export class DiskCache {
  #folder: string
  #temporary = false
  #pruned = false

  constructor(folder: string) {
    this.#folder = folder
    const reason = refuseFolder(folder)
    if (reason !== undefined) this.fallBack(reason)
  }

  get folder(): string {
    return this.#folder
  }

  /** Whether programs outlive this process. */
  get lasting(): boolean {
    return !this.#temporary
  }

  /** Leave a folder that turned out unusable (full, or mounted without the right to run code). */
  fallBack(reason: string): void {
    if (this.#temporary) throw new Error(`no folder can hold compiled programs: ${reason}`)
    warn(this.#folder, reason)
    this.#temporary = true
    this.#folder = temporaryFolder()
  }

  path(name: string): string {
    return join(this.#folder, name)
  }

  /** A file name that nobody else uses, in this process or another, for writing beside. */
  scratchPath(name: string): string {
    return join(this.#folder, `${randomUUID()}-${name}`)
  }

  /** The path of the whole, undamaged file `name`, or undefined. */
  find(name: string): string | undefined {
    const path = this.path(name)
    try {
      const expected = readFileSync(`${path}.sha256`, 'utf8')
      if (digest(readFileSync(path)) !== expected) return undefined
      const now = new Date()
      utimesSync(path, now, now)
      return path
    } catch {
      return undefined
    }
  }

  /** Removes the programs used longest ago, and what processes that died have left. */
  #prune(): void {
    if (this.#pruned) return
    this.#pruned = true
    try {
      const files = readdirSync(this.#folder).map((name) => ({ name, age: ageOf(join(this.#folder, name)) }))
      const programs = files.filter(({ name }) => /^[0-9a-f]{64}\.(so|json)$/.test(name)).sort((a, b) => a.age - b.age)
      for (const { name } of programs.slice(keptPrograms)) this.remove(name)
      const strays = files.filter(({ name, age }) => age > strayAge && !/^(toolchain-)?[0-9a-f]{64}\./.test(name))
      for (const { name } of strays) rmSync(join(this.#folder, name), { force: true })
    } catch {
      // Another process may be tidying up too; there is always a next time.
    }
  }

  /** Takes in the finished file `from` under `name`. The checksum comes last: without it nothing is found. */
  adopt(from: string, name: string): string {
    const path = this.path(name)
    const sum = this.scratchPath('sum')
    const expected = digest(readFileSync(from))
    rmSync(`${path}.sha256`, { force: true })
    renameSync(from, path)
    writeFileSync(sum, expected)
    renameSync(sum, `${path}.sha256`)
    this.#prune()
    return path
  }

  readText(name: string): string | undefined {
    const path = this.find(name)
    return path === undefined ? undefined : readFileSync(path, 'utf8')
  }

  /** Keeps a small text; a folder that cannot take it loses nothing but time. */
  keepText(name: string, text: string): void {
    try {
      const beside = this.scratchPath('text')
      writeFileSync(beside, text)
      this.adopt(beside, name)
    } catch {
      // The next process works it out again.
    }
  }

  remove(name: string): void {
    rmSync(this.path(`${name}.sha256`), { force: true })
    rmSync(this.path(name), { force: true })
  }
}
