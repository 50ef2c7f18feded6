/**
 * Downloads from a server of this test's own: progress, checksums, going on after an interruption, two at once, and
 * servers that misbehave.
 */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as data from '../src/data/index.ts'
import * as io from '../src/io/index.ts'

const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 255)
const sha256 = createHash('sha256').update(content).digest('hex')
const md5 = createHash('md5').update(content).digest('hex')

let server: Server
let url = ''
let folder = ''
let requests: { range: string | undefined; encoding: string | undefined }[] = []
/** What the server does with the next requests; then it behaves. */
let behaviour: ((request: IncomingMessage, response: ServerResponse) => void)[] = []
let etag = '"one"'

function serve(request: IncomingMessage, response: ServerResponse): void {
  const { range } = request.headers
  const from = range ? Number(/bytes=(\d+)-/.exec(range)?.[1]) : 0
  const part = content.subarray(from)
  response.writeHead(range ? 206 : 200, {
    'content-length': part.length,
    etag,
    ...(range && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }),
  })
  response.end(part)
}

/** Sends the start of the file and hangs up. */
const hangUp =
  (bytes: number) =>
  (_: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(200, { 'content-length': content.length, etag })
    response.write(content.subarray(0, bytes), () => setTimeout(() => response.destroy(), 50))
  }

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push({ range: request.headers.range, encoding: request.headers['accept-encoding'] as string | undefined })
    const act = behaviour.shift() ?? serve
    act(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/files/some%20data.bin`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glissade-download-'))
  requests = []
  behaviour = []
  etag = '"one"'
  return () => rm(folder, { recursive: true, force: true })
})

const kept = async (): Promise<string[]> => (await readdir(folder)).sort()
const matches = async (path: string): Promise<boolean> => Buffer.compare(await readFile(path), content) === 0

describe('a download', () => {
  it('tells of its progress, is checked, and is kept', async () => {
    const seen: io.DownloadProgress[] = []
    const path = await io.download(url, { folder, sha256, md5, onProgress: (progress) => seen.push(progress) })
    expect(path).toBe(`${folder}/some data.bin`)
    expect(await matches(path)).toBe(true)
    expect(seen.at(-1)).toMatchObject({ url, received: 300_000, total: 300_000, secondsLeft: 0 })
    expect(seen.every(({ received }, i) => i === 0 || received > seen[i - 1].received)).toBe(true)
    expect(seen.at(-1)?.bytesPerSecond).toBeGreaterThan(0)
    expect(requests[0].encoding).toBe('identity')
    expect(await kept()).toEqual(['some data.bin'])
    await io.download(url, { folder })
    expect(requests.length).toBe(1)
    expect((await io.downloadBytes(url, { folder, name: 'sub/other.bin' })).length).toBe(300_000)
    expect(await readdir(`${folder}/sub`)).toEqual(['other.bin'])
  })

  it('goes on where it was interrupted, in the same call', async () => {
    behaviour = [hangUp(100_000)]
    const path = await io.download(url, { folder, sha256 })
    expect(await matches(path)).toBe(true)
    expect(requests.map(({ range }) => range)).toEqual([undefined, 'bytes=100000-'])
  })

  it('or in a later one', async () => {
    behaviour = [hangUp(120_000)]
    await expect(io.download(url, { folder, sha256, retries: 0 })).rejects.toMatchObject({ code: 'download-failed' })
    expect((await kept()).length).toBe(1)
    expect((await kept())[0]).toMatch(/^some data\.bin\..*free.*\.part$/)
    expect(await matches(await io.download(url, { folder, sha256 }))).toBe(true)
    expect(requests.at(-1)?.range).toBe('bytes=120000-')
    expect(await kept()).toEqual(['some data.bin'])
  })

  it('begins anew where the file has changed meanwhile, or ranges are not known', async () => {
    behaviour = [hangUp(50_000)]
    await expect(io.download(url, { folder, retries: 0 })).rejects.toThrow()
    etag = '"two"'
    expect(await matches(await io.download(url, { folder, sha256 }))).toBe(true)
    expect(requests.map(({ range }) => range)).toEqual([undefined, 'bytes=50000-', undefined])
    await rm(join(folder, 'some data.bin'))
    requests = []
    const plain = (_: IncomingMessage, response: ServerResponse): void => {
      response.writeHead(200, { 'content-length': content.length, etag })
      response.end(content)
    }
    behaviour = [hangUp(50_000), plain]
    expect(await matches(await io.download(url, { folder, sha256 }))).toBe(true)
    expect(requests.length).toBe(2)
  })

  it('with a wrong checksum keeps nothing', async () => {
    const wrong = '0'.repeat(64)
    const error = await io.download(url, { folder, sha256: wrong }).catch((e: unknown) => e as Error)
    expect(error).toMatchObject({ code: 'download-failed' })
    expect((error as Error).message).toContain(`received sha256 ${sha256}; expected ${wrong}`)
    expect(await kept()).toEqual([])
    expect(requests.length).toBe(1)
  })

  it('stops when it is told to, and can be gone on with', async () => {
    behaviour = [
      (_, response) => {
        response.writeHead(200, { 'content-length': content.length, etag })
        response.write(content.subarray(0, 80_000))
      },
    ]
    const controller = new AbortController()
    const running = io.download(url, {
      folder,
      signal: controller.signal,
      onProgress: ({ received }) => received >= 80_000 && controller.abort(new Error('enough')),
    })
    await expect(running).rejects.toThrow('enough')
    expect(await matches(await io.download(url, { folder, sha256 }))).toBe(true)
    expect(requests.at(-1)?.range).toBe('bytes=80000-')
    await expect(io.download(url, { folder, name: 'b', signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow(
      'no',
    )
  })

  it('of two at once gives both the same file', async () => {
    const paths = await Promise.all([1, 2, 3].map(() => io.download(url, { folder, sha256 })))
    expect(new Set(paths).size).toBe(1)
    expect(await matches(paths[0])).toBe(true)
    expect(await kept()).toEqual(['some data.bin'])
  })

  it('leaves alone what another process is writing, and takes over from one that died', async () => {
    const { hostname } = await import('node:os')
    const host = hostname().replace(/[^A-Za-z0-9]/g, '_')
    const version = Buffer.from(etag).toString('hex')
    const alive = `some data.bin.${version}.${host}-${process.ppid}-1.part`
    const dead = `some data.bin.${version}.${host}-${2 ** 22 + 1}-1.part`
    await writeFile(join(folder, alive), content.subarray(0, 10))
    await writeFile(join(folder, dead), content.subarray(0, 40_000))
    expect(await matches(await io.download(url, { folder, sha256 }))).toBe(true)
    expect(requests[0].range).toBe('bytes=40000-')
    expect(await kept()).toEqual(['some data.bin', alive])
  })

  it.each([
    ['a file that is not there', [404], 1, /status 404; expected the file. The file may have moved/],
    ['a server with trouble, three times', [503, 503, 503], 3, /status 503/],
  ] as const)('refuses %s', async (_, statuses, count, message) => {
    behaviour = statuses.map((status) => (_request, response) => {
      response.writeHead(status)
      response.end('an explanation that must not be kept')
    })
    await expect(io.download(url, { folder })).rejects.toThrow(message)
    expect(requests.length).toBe(count)
    expect(await kept()).toEqual([])
  })

  it('waits only so long for the next byte', async () => {
    behaviour = [() => undefined, () => undefined]
    const error = await io.download(url, { folder, retries: 1, patience: 0.2 }).catch((e: unknown) => e as Error)
    expect((error as Error).message).toMatch(/no byte for 0\.2 seconds/)
    expect(requests.length).toBe(2)
  })

  it('from nowhere, and with names that climb out, is refused', async () => {
    await expect(io.download('http://127.0.0.1:1/x', { folder, retries: 0 })).rejects.toMatchObject({
      code: 'download-failed',
    })
    for (const name of ['../x', 'a/../../x', '/x']) {
      await expect(io.download(url, { folder, name })).rejects.toThrow(/expected a plain name/)
    }
    await writeFile(join(folder, 'file'), '')
    await expect(io.download(url, { folder: join(folder, 'file/in') })).rejects.toMatchObject({
      code: 'download-failed',
    })
  })
})

describe('named sets', () => {
  it('are found in the cache, and in GLISSADE_DATA', async () => {
    const before = { cache: process.env.GLISSADE_CACHE, data: process.env.GLISSADE_DATA }
    try {
      process.env.GLISSADE_CACHE = folder
      delete process.env.GLISSADE_DATA
      await expect(data.names()).rejects.toThrow(/text\/names\.txt.*download: true/)
      await mkdir(join(folder, 'data/text'), { recursive: true })
      await writeFile(join(folder, 'data/text/names.txt'), 'ada\nbob\ncleo\ndan\n')
      expect((await data.names()).all.length).toBe(4)
      process.env.GLISSADE_CACHE = join(folder, 'elsewhere')
      await writeFile(join(folder, 'names.txt'), 'ada\nbob\n')
      process.env.GLISSADE_DATA = folder
      expect((await data.names()).all).toEqual(['ada', 'bob'])
    } finally {
      if (before.cache === undefined) delete process.env.GLISSADE_CACHE
      else process.env.GLISSADE_CACHE = before.cache
      if (before.data === undefined) delete process.env.GLISSADE_DATA
      else process.env.GLISSADE_DATA = before.data
    }
  })
})
