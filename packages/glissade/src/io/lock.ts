/**
 * One process at a time: a lock file that names its owner, and that a dead owner does not keep.
 *
 * The owner is known by its process number and by when it started, so that a number given again to another process is
 * no owner. A lock of another machine (a shared disk) cannot be checked and is believed. Used by run-folder.ts.
 */
import { fail } from '../errors.ts'
import { load } from './files.ts'

interface Owner {
  readonly pid: number
  /** When the process started, as the system counts it; empty where the system does not say. */
  readonly started: string
  readonly host: string
  /** When the lock was taken. */
  readonly since: string
  /** Tells apart locks of one process. */
  readonly token: string
}

export interface Lock {
  /** Raises `run-locked` if someone else has taken the lock meanwhile. */
  check(): Promise<void>
  release(): Promise<void>
}

/** Takes the lock at `path`, which stands for `folder`. Errors: `run-locked`, `file-format`. */
export async function takeLock(path: string, folder: string): Promise<Lock> {
  const fs = await load<typeof import('node:fs/promises')>('fs/promises')
  const { randomUUID } = await load<typeof import('node:crypto')>('crypto')
  const { hostname } = await load<typeof import('node:os')>('os')
  const own: Owner = {
    pid: process.pid,
    started: await startOf(process.pid),
    host: hostname(),
    since: new Date().toISOString(),
    token: randomUUID(),
  }
  // Written beside and linked, so that nobody ever reads half a lock.
  const beside = `${path}.${own.token}`
  try {
    await fs.writeFile(beside, JSON.stringify(own), { flag: 'wx' })
    for (;;) {
      try {
        await fs.link(beside, path)
        break
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
      }
      const owner = await ownerOf(path)
      if (owner === undefined) continue // released at this moment
      if (owner !== 'unreadable' && (await lives(owner, own.host))) refuse(folder, path, owner)
      await removeDead(path, own.host)
    }
  } catch (cause) {
    if ((cause as Error).name === 'GlissadeError') throw cause
    const received = (cause as Error).message
    fail(
      'file-format',
      {
        file: path,
        what: 'taking the lock',
        received,
        expected: 'a folder that can be written',
        fix: 'Choose another.',
      },
      cause,
    )
  } finally {
    await fs.rm(beside, { force: true }).catch(() => undefined)
  }
  return {
    check: async () => {
      const owner = await ownerOf(path)
      if (owner === undefined || owner === 'unreadable' || owner.token !== own.token)
        refuse(folder, path, owner === 'unreadable' ? undefined : owner)
    },
    release: async () => {
      const owner = await ownerOf(path)
      if (typeof owner === 'object' && owner.token === own.token) await fs.rm(path, { force: true })
    },
  }
}

function refuse(folder: string, lock: string, owner: Owner | undefined): never {
  const name = owner ? `process ${owner.pid} on ${owner.host}, since ${owner.since}` : 'nobody: the lock was removed'
  return fail('run-locked', { folder, owner: name, lock })
}

async function ownerOf(path: string): Promise<Owner | 'unreadable' | undefined> {
  const fs = await load<typeof import('node:fs/promises')>('fs/promises')
  try {
    const owner: unknown = JSON.parse(await fs.readFile(path, 'utf8'))
    const { pid, token } = (owner ?? {}) as Partial<Owner>
    return Number.isSafeInteger(pid) && typeof token === 'string' ? (owner as Owner) : 'unreadable'
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : 'unreadable'
  }
}

async function lives(owner: Owner, host: string): Promise<boolean> {
  if (owner.host !== host) return true
  try {
    process.kill(owner.pid, 0)
  } catch (cause) {
    // Not allowed to signal it: it is someone else's, and alive.
    if ((cause as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const started = await startOf(owner.pid)
  return started === '' || owner.started === '' || started === owner.started
}

/** When a process started: clock ticks since the machine did, and which start of the machine that was (Linux only). */
async function startOf(pid: number): Promise<string> {
  const fs = await load<typeof import('node:fs/promises')>('fs/promises')
  try {
    const status = await fs.readFile(`/proc/${pid}/stat`, 'utf8')
    // The second field is the name in brackets, which may itself hold spaces and brackets; the 22nd is the start.
    const ticks = status.slice(status.lastIndexOf(')') + 2).split(' ')[19]
    return `${(await fs.readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()}:${ticks}`
  } catch {
    return ''
  }
}

/** Longer than anyone takes to look at a lock and remove it. */
const guardMilliseconds = 10_000
const pauseMilliseconds = 20

/**
 * Removes the lock of a dead owner. Only one process at a time does so, or one could remove what another has just taken;
 * who comes second waits a little and looks again.
 */
async function removeDead(path: string, host: string): Promise<void> {
  const fs = await load<typeof import('node:fs/promises')>('fs/promises')
  const guard = `${path}.guard`
  try {
    await fs.writeFile(guard, '', { flag: 'wx' })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    const since = await fs.stat(guard).then(({ mtimeMs }) => mtimeMs, Date.now)
    // Its owner died within these few milliseconds of work.
    if (Date.now() - since > guardMilliseconds) await fs.rm(guard, { force: true })
    await new Promise<void>((resolve) => setTimeout(resolve, pauseMilliseconds))
    return
  }
  try {
    const owner = await ownerOf(path)
    if (owner === 'unreadable' || (owner && !(await lives(owner, host)))) await fs.rm(path, { force: true })
  } finally {
    await fs.rm(guard, { force: true })
  }
}
