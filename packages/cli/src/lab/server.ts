/**
 * The lab's server: the files of the built page, and on request the folders of runs, to this machine only.
 *
 * It listens on loopback, answers nobody who came by another name (so that no page from elsewhere can reach it through
 * the browser), reads only, and sends the headers that let the page use threads and nothing but itself. Where runs are
 * read: runs.ts.
 */
import { readFile, realpath } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, sep } from 'node:path'
import type { RunsFolder } from './runs.ts'

export interface LabServer {
  readonly address: string
  close(): Promise<void>
}

export interface LabServerOptions {
  /** Where the built page is. */
  readonly page: string
  readonly runs?: RunsFolder
  /** Where it listens; 0: anywhere that is free. If it is taken, the next free one is used. */
  readonly port: number
}

const host = '127.0.0.1'
/** How many ports are tried. */
const tries = 20

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
}

const headers: Readonly<Record<string, string>> = {
  // Together they let the page share memory with its workers.
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  // Styles of elements are set by scripts; blob: is where the threads of the library come from.
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-cache',
}

export async function serveLab({ page, runs, port }: LabServerOptions): Promise<LabServer> {
  const root = await realpath(page)
  const server = createServer((request, response) => {
    answer(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500, headers)
      response.end()
    })
  })
  await listen(server, port)
  const own = (server.address() as AddressInfo).port
  const names = new Set([`${host}:${own}`, `localhost:${own}`])

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refuse = (status: number, text: string): void => {
      response.writeHead(status, { ...headers, 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`)
    }
    const { origin, host: asked } = request.headers
    if (!names.has(asked ?? '')) return refuse(403, `This lab answers at http://${host}:${own} only.`)
    if (origin !== undefined && !names.has(origin.replace(/^http:\/\//, '')))
      return refuse(403, 'Pages from elsewhere are not answered.')
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return refuse(405, 'There is only something to read here.')
    const path = pathOf(request.url)
    if (path === undefined) return refuse(400, 'This is no address of a file.')
    const found = path.startsWith('/runs/') ? await runs?.read(path.slice('/runs/'.length)) : await fileAt(root, path)
    if (!found) return refuse(404, 'There is nothing here.')
    const type = types[extname(found.name)] ?? 'application/octet-stream'
    response.writeHead(200, { ...headers, 'Content-Type': type, 'Content-Length': found.bytes.length })
    response.end(request.method === 'HEAD' ? undefined : found.bytes)
  }

  return {
    address: `http://${host}:${own}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listen(server: Server, first: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const attempt = (port: number): void => {
      server.once('error', (problem: NodeJS.ErrnoException) => {
        if (problem.code === 'EADDRINUSE' && first !== 0 && port < first + tries) attempt(port + 1)
        else reject(problem)
      })
      server.listen(port, host, () => {
        server.removeAllListeners('error')
        resolve()
      })
    }
    attempt(first)
  })
}

/** The path that is asked for, without what follows it; undefined for what is no path. */
function pathOf(url = '/'): string | undefined {
  try {
    const path = decodeURIComponent(new URL(url, 'http://localhost').pathname)
    return path.includes('\0') ? undefined : path
  } catch {
    return undefined
  }
}

/** A file within a folder, however it is asked for. */
async function fileAt(root: string, path: string): Promise<{ name: string; bytes: Buffer } | undefined> {
  try {
    const name = await realpath(join(root, path.endsWith('/') ? `${path}index.html` : path))
    if (!name.startsWith(root + sep)) return undefined
    return { name, bytes: await readFile(name) }
  } catch {
    return undefined
  }
}
