/**
 * Folders and files that grow, where there are any: what run folders need of Node. Whole files: files.ts.
 */
import { fail } from '../errors.ts'
import { hasFiles, load } from './files.ts'

function refuse(file: string, what: string, cause: unknown, fix: string): never {
  const received = (cause as Error).message
  return fail('file-format', { file, what, received, expected: 'room and permission', fix }, cause)
}

const another = 'Nothing was changed; choose another place.'

/** Joins the parts of a path with `/`, which every system that Node runs on understands. */
export function joinPath(...parts: readonly string[]): string {
  return parts.map((part, i) => (i < parts.length - 1 ? part.replace(/[/\\]+$/, '') : part)).join('/')
}

/** Makes a folder and those above it, where they are missing. Errors: `file-format`. */
export async function makeFolder(path: string): Promise<void> {
  if (!hasFiles()) {
    fail('value-invalid', {
      what: 'run folder',
      received: `'${path}', where there are no files`,
      expected: 'no folder',
      fix: 'Leave it out, and keep what the events tell.',
    })
  }
  const fs = await load<typeof import('node:fs/promises')>('fs/promises')
  await fs.mkdir(path, { recursive: true }).catch((cause) => refuse(path, 'making the folder', cause, another))
}

/** The names in a folder, sorted; none where there is no such folder. Errors: `file-format`. */
export async function listFolder(path: string): Promise<string[]> {
  const fs = await load<typeof import('node:fs/promises')>('fs/promises')
  try {
    return (await fs.readdir(path)).sort()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    return refuse(path, 'reading the folder', cause, 'Check the path and its permissions.')
  }
}

/** Removes a file, if it is there. Errors: `file-format`. */
export async function removeFile(path: string): Promise<void> {
  const fs = await load<typeof import('node:fs/promises')>('fs/promises')
  await fs.rm(path, { force: true }).catch((cause) => refuse(path, 'removing', cause, 'Check its permissions.'))
}

/** A file that grows at its end. */
export interface GrowingFile {
  readonly path: string
  /** Hands bytes to the system: they outlive this process, whatever ends it. Errors: `file-format`. */
  append(bytes: Uint8Array): Promise<void>
  /** Waits until the disk has them: they outlive a power cut. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** Opens a file to add to it, made if it is not there. Errors: `file-format`. */
export async function growFile(path: string): Promise<GrowingFile> {
  const fs = await load<typeof import('node:fs/promises')>('fs/promises')
  const file = await fs.open(path, 'a').catch((cause) => refuse(path, 'opening', cause, another))
  let size = (await file.stat()).size
  const room = 'Make room, or write less often.'
  return {
    path,
    append: async (bytes) => {
      try {
        for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at)).bytesWritten
        size += bytes.length
      } catch (cause) {
        // What a full disk left half written must not run into the next record.
        await file.truncate(size).catch(() => undefined)
        refuse(path, 'writing', cause, room)
      }
    },
    sync: () => file.sync().catch((cause) => refuse(path, 'writing', cause, room)),
    close: () => file.close(),
  }
}
