/**
 * Files from the network: with progress, resumed after an interruption, checked, and kept for the next time.
 *
 * What comes in is written beside its place under a name of this process's own and renamed when it is whole and right:
 * nobody ever sees half a file, and two processes may fetch the same one at once. What an interrupted process left is
 * gone on from. In a page the browser's own cache keeps files. Named sets use this: data/sets.
 */
import { fail, GlissadeError } from '../errors.ts'
import { adoptPart, givePartBack, type Part, partName } from './download-part.ts'
import { cacheFolder, hasFiles, load, pathKind, readFile } from './files.ts'

export interface DownloadProgress {
  readonly url: string
  /** Bytes so far, those of earlier tries included. */
  readonly received: number
  /** Bytes in all, where the server says. */
  readonly total: number | undefined
  readonly bytesPerSecond: number
  readonly secondsLeft: number | undefined
}

export interface DownloadOptions {
  /** What the file's bytes must hash to, in hexadecimal digits. In pages only sha256 can be checked. */
  readonly sha256?: string
  readonly md5?: string
  /** Where it is kept; default: a folder `data` in the cache folder (GLISSADE_CACHE, or the user's). */
  readonly folder?: string
  /** Its name there; default: the last part of the address. */
  readonly name?: string
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: DownloadProgress) => void
  /** How often it goes on after an error; default 2. */
  readonly retries?: number
  /** Seconds without a byte until a try counts as failed; default 30. */
  readonly patience?: number
}

/** Fetches a file, or finds it kept; its path. Errors: `download-failed`, `file-format`; and what `signal` says. */
export async function download(url: string, options: DownloadOptions = {}): Promise<string> {
  if (!hasFiles()) {
    const received = 'a page, where there are no files'
    fail('value-invalid', { what: 'download', received, expected: 'Node', fix: 'Use downloadBytes.' })
  }
  const folder = options.folder ?? `${await cacheFolder()}/data`
  const name = options.name ?? lastPart(url)
  if (!/^[^/\\]+(\/[^/\\]+)*$/.test(name) || name.split('/').includes('..')) {
    fail('value-invalid', { what: 'download: name', received: name, expected: 'a plain name', fix: 'Pass { name }.' })
  }
  const path = `${folder}/${name}`
  if ((await pathKind(path)) === 'file') return path
  const fs = await load<typeof import('node:fs/promises')>('fs/promises')
  const { dirname } = await load<typeof import('node:path')>('path')
  try {
    await fs.mkdir(dirname(path), { recursive: true })
  } catch (cause) {
    failed(url, (cause as Error).message, `a folder to write to at ${folder}`, 'Choose another { folder }.', cause)
  }
  const { retries = 2 } = options
  for (let attempt = 0; ; attempt++) {
    try {
      await fetchTo(url, path, options)
      return path
    } catch (error) {
      options.signal?.throwIfAborted()
      const again = error instanceof GlissadeError ? error.fields['again'] === true : true
      if (!again || attempt >= retries) throw asFailure(url, error)
    }
  }
}

/** As download, but the bytes; in a page too. */
export async function downloadBytes(url: string, options: DownloadOptions = {}): Promise<Uint8Array> {
  return hasFiles() ? readFile(await download(url, options)) : downloadInPage(url, options)
}

const lastPart = (url: string): string => {
  const part = new URL(url).pathname.split('/').at(-1) ?? ''
  return decodeURIComponent(part) || 'download'
}

function failed(url: string, received: string, expected: string, fix: string, cause?: unknown): never {
  return fail('download-failed', { url, received, expected, fix }, cause)
}

function asFailure(url: string, error: unknown): unknown {
  if (error instanceof GlissadeError) return error
  const { message, cause } = error as Error & { cause?: { message?: string } }
  const reason = [message, cause?.message].filter((text) => text).join(': ')
  try {
    return failed(url, reason, 'the file', 'Check the connection and try again: it goes on where it stopped.', error)
  } catch (made) {
    return made
  }
}

/** One try. Errors with `again: true` are worth another. */
async function fetchTo(url: string, path: string, options: DownloadOptions): Promise<void> {
  const fs = await load<typeof import('node:fs/promises')>('fs/promises')
  const old = await adoptPart(path)
  const watch = new Watch(options.signal, (options.patience ?? 30) * 1000)
  let part: Part | undefined = old
  try {
    let response = await ask(url, old?.bytes ?? 0, watch)
    const sameFile = old !== undefined && response.status === 206 && validatorOf(response) === old.validator
    if (old && !sameFile && response.status !== 200) {
      // The file has changed since, or the part is longer than it: from the start.
      await response.body?.cancel()
      response = await ask(url, 0, watch)
    }
    if (!response.ok || !response.body) refuseStatus(url, response.status)
    const from = sameFile ? old.bytes : 0
    if (!sameFile) {
      if (old) await fs.rm(old.path, { force: true })
      part = { path: await partName(path, validatorOf(response)), bytes: 0, validator: validatorOf(response) }
    }
    const own = part as Part
    const length = Number(response.headers.get('content-length') ?? Number.NaN)
    const total = Number.isFinite(length) ? from + length : undefined
    const received = await write(response.body as ReadableStream<Uint8Array>, own, from, total, url, watch, options)
    if (total !== undefined && received !== total) {
      fail('download-failed', {
        url,
        received: `${received} bytes`,
        expected: `${total}`,
        fix: 'Try again: it goes on where it stopped.',
        ...{ again: true },
      })
    }
    await checkFile(url, own.path, options)
    await fs.rename(own.path, path)
    part = undefined
  } catch (error) {
    if (watch.slow) {
      const received = `no byte for ${options.patience ?? 30} seconds`
      fail('download-failed', {
        url,
        received,
        expected: 'the file',
        fix: 'Check the connection and try again: it goes on where it stopped.',
        ...{ again: true },
      })
    }
    throw error
  } finally {
    watch.end()
    if (part) await givePartBack(part, path)
  }
}

function ask(url: string, from: number, watch: Watch): Promise<Response> {
  watch.alive()
  return fetch(url, {
    signal: watch.signal,
    // Packed on the way, lengths and ranges would be those of something else.
    headers: { 'accept-encoding': 'identity', ...(from > 0 && { range: `bytes=${from}-` }) },
  })
}

function refuseStatus(url: string, status: number): never {
  // Errors of the server pass; those of the address do not.
  const again = status >= 500 || status === 429
  const fix = again ? 'Try again later.' : 'The file may have moved: fetch it by hand and pass { folder }.'
  return fail('download-failed', { url, received: `status ${status}`, expected: 'the file', fix, ...{ again } })
}

/** What tells two versions of a file apart. */
const validatorOf = (response: Response): string =>
  (response.headers.get('etag') ?? response.headers.get('last-modified') ?? '').slice(0, 64)

async function write(
  body: ReadableStream<Uint8Array>,
  part: Part,
  from: number,
  total: number | undefined,
  url: string,
  watch: Watch,
  { onProgress }: DownloadOptions,
): Promise<number> {
  const fs = await load<typeof import('node:fs/promises')>('fs/promises')
  const file = await fs.open(part.path, from > 0 ? 'r+' : 'w')
  const clock = new Rate(from)
  let received = from
  try {
    for await (const bytes of body as unknown as AsyncIterable<Uint8Array>) {
      watch.alive()
      for (let at = 0; at < bytes.length; )
        at += (await file.write(bytes, at, bytes.length - at, received + at)).bytesWritten
      received += bytes.length
      const bytesPerSecond = clock.count(received)
      const secondsLeft = total !== undefined && bytesPerSecond > 0 ? (total - received) / bytesPerSecond : undefined
      onProgress?.({ url, received, total, bytesPerSecond, secondsLeft })
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return received
}

async function checkFile(url: string, path: string, { sha256, md5 }: DownloadOptions): Promise<void> {
  const fs = await load<typeof import('node:fs')>('fs')
  const { createHash } = await load<typeof import('node:crypto')>('crypto')
  for (const [kind, expected] of Object.entries({ sha256, md5 })) {
    if (expected === undefined) continue
    const hash = createHash(kind)
    for await (const bytes of fs.createReadStream(path)) hash.update(bytes as Uint8Array)
    const received = hash.digest('hex')
    if (received === expected.toLowerCase()) continue
    // What is wrong is not gone on from.
    await fs.promises.rm(path, { force: true })
    failed(url, `${kind} ${received}`, expected, 'The file has changed or was damaged on its way; nothing was kept.')
  }
}

/** How fast it has been over the last seconds. */
class Rate {
  readonly #points: { at: number; bytes: number }[] = []
  static readonly seconds = 5

  constructor(bytes: number) {
    this.#points.push({ at: performance.now(), bytes })
  }

  count(bytes: number): number {
    const at = performance.now()
    this.#points.push({ at, bytes })
    while (this.#points.length > 2 && at - this.#points[0].at > Rate.seconds * 1000) this.#points.shift()
    const [first] = this.#points
    return at === first.at ? 0 : ((bytes - first.bytes) / (at - first.at)) * 1000
  }
}

/** Aborts when the user does, or when nothing has come for too long. */
class Watch {
  readonly #controller = new AbortController()
  readonly #outer: AbortSignal | undefined
  readonly #milliseconds: number
  #timer: ReturnType<typeof setTimeout> | undefined
  slow = false

  constructor(outer: AbortSignal | undefined, milliseconds: number) {
    this.#outer = outer
    this.#milliseconds = milliseconds
    outer?.throwIfAborted()
    outer?.addEventListener('abort', this.#abort)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  readonly #abort = (): void => this.#controller.abort(this.#outer?.reason)

  alive(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.slow = true
      this.#controller.abort()
    }, this.#milliseconds)
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#outer?.removeEventListener('abort', this.#abort)
  }
}

/** Under this name the page's cache keeps files. */
const pageCache = 'glissade-data'

async function downloadInPage(url: string, { sha256, signal, onProgress }: DownloadOptions): Promise<Uint8Array> {
  const cache = await globalThis.caches?.open(pageCache).catch(() => undefined)
  const kept = await cache?.match(url)
  if (kept) return new Uint8Array(await kept.arrayBuffer())
  const response = await fetch(url, { ...(signal && { signal }) })
  if (!response.ok || !response.body) refuseStatus(url, response.status)
  const length = Number(response.headers.get('content-length') ?? Number.NaN)
  const total = Number.isFinite(length) && !response.headers.has('content-encoding') ? length : undefined
  const clock = new Rate(0)
  const parts: Uint8Array<ArrayBuffer>[] = []
  let received = 0
  const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    parts.push(next.value)
    received += next.value.length
    const bytesPerSecond = clock.count(received)
    const secondsLeft = total !== undefined && bytesPerSecond > 0 ? (total - received) / bytesPerSecond : undefined
    onProgress?.({ url, received, total, bytesPerSecond, secondsLeft })
  }
  const whole = new Uint8Array(await new Blob(parts).arrayBuffer())
  if (sha256 !== undefined) {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', whole))
    const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
    if (found !== sha256.toLowerCase())
      failed(url, `sha256 ${found}`, sha256, 'The file has changed; nothing was kept.')
  }
  await cache?.put(url, new Response(whole)).catch(() => undefined)
  return whole
}
