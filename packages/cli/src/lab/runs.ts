/**
 * Runs that were made in Node, for the lab to look at: which there are, and their files. Only those that a run folder
 * consists of (io/run-folder.ts of the library) are given out.
 */
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'

/** What is told of each run in `index.json`. */
export interface RunListed {
  /** Its folder; '' is the folder itself. */
  readonly name: string
  readonly live: boolean
  /** When something was last written, in milliseconds since 1970. */
  readonly changed: number
  readonly files: readonly string[]
}

const allowed =
  /^(config\.json|metrics\.jsonl|summary\.json|(best|model)\.safetensors|checkpoints\/[\w.-]+\.safetensors)$/
/** How deep runs are looked for, and how many are listed. */
const deepest = 3
const most = 500

export class RunsFolder {
  readonly path: string
  readonly #root: string

  private constructor(path: string, root: string) {
    this.path = path
    this.#root = root
  }

  /** Errors: those of the file system, where there is no such folder. */
  static async open(path: string): Promise<RunsFolder> {
    const root = await realpath(path)
    if (!(await stat(root)).isDirectory()) throw new Error(`${path} is a file; give the folder that runs are in.`)
    return new RunsFolder(path, root)
  }

  /** `index.json`, or a file of a run as `name/file`. */
  async read(path: string): Promise<{ name: string; bytes: Buffer } | undefined> {
    if (path === 'index.json') {
      const list = await this.list()
      return { name: path, bytes: Buffer.from(JSON.stringify({ folder: basename(this.#root), runs: list })) }
    }
    const parts = path.split('/')
    const cut = parts.findIndex((_, i) => allowed.test(parts.slice(i).join('/')))
    if (cut < 0 || parts.some((part) => part === '..')) return undefined
    try {
      const file = await realpath(join(this.#root, path))
      if (!file.startsWith(this.#root + sep)) return undefined
      return { name: file, bytes: await readFile(file) }
    } catch {
      return undefined
    }
  }

  /** The runs, newest first. */
  async list(): Promise<RunListed[]> {
    const found: RunListed[] = []
    await this.#look('', 0, found)
    return found.sort((a, b) => b.changed - a.changed)
  }

  async #look(name: string, depth: number, found: RunListed[]): Promise<void> {
    if (depth > deepest || found.length >= most) return
    const folder = join(this.#root, name)
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    const names = entries.map((entry) => entry.name)
    const models = names.filter((each) => each.endsWith('.safetensors'))
    if (names.includes('metrics.jsonl') || models.length > 0) {
      const checkpoints = await readdir(join(folder, 'checkpoints')).catch(() => [])
      const files = [...names, ...checkpoints.map((each) => `checkpoints/${each}`)].filter((each) => allowed.test(each))
      const times = await Promise.all(
        files.map(async (each) => (await stat(join(folder, each)).catch(() => undefined))?.mtimeMs ?? 0),
      )
      found.push({ name, live: names.includes('lock.json'), changed: Math.max(0, ...times), files })
      return
    }
    for (const entry of entries) {
      if (entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
        await this.#look(name === '' ? entry.name : `${name}/${entry.name}`, depth + 1, found)
    }
  }
}
