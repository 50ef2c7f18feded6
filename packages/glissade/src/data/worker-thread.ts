/**
 * One worker thread for samples, in Node or in a page: its script, how it is started, and how it is stopped.
 * What is asked of it: worker-source.ts.
 */
import type { Worker as NodeWorker } from 'node:worker_threads'
import { hasFiles, load } from '../io/files.ts'
import type { WorkerAnswer } from './worker-source.ts'

export interface WorkerThread {
  send(call: object): void
  /** While held, the worker keeps a Node process alive. */
  hold(): void
  letGo(): void
  stop(): Promise<void>
}

export interface WorkerEvents {
  message(answer: WorkerAnswer): void
  /** It has died, or never started. */
  failure(reason: string): void
}

/** Plain JavaScript, for it runs where nothing of this library is loaded. What comes back is copied: the module may keep its arrays. */
const script = `
const start = (data, answer) => {
  let work
  return async ({ call, position, seed, epoch }) => {
    try {
      work ??= import(data.module).then((module) => module.default)
      const prepare = await work
      if (typeof prepare !== 'function') throw new TypeError('its default export is no function')
      const item = data.items ? data.items[position] : position
      const sample = await prepare(item, { position, seed, epoch, options: data.options })
      answer({ call, sample })
    } catch (error) {
      const message = error && error.message !== undefined ? String(error.message) : String(error)
      answer({ call, error: { message, stack: (error && error.stack) || '' } })
    }
  }
}`

const nodeScript = `${script}
const { parentPort, workerData } = require('node:worker_threads')
parentPort.on('message', start(workerData, (value) => parentPort.postMessage(value)))`

const pageScript = `${script}
let handle
onmessage = ({ data }) => {
  if (handle) handle(data)
  else handle = start(data, (value) => postMessage(value))
}`

/** `data` is what the script begins with; a file's path as module becomes its address. */
export async function startDataWorker(data: { readonly module: string }, events: WorkerEvents): Promise<WorkerThread> {
  return hasFiles() ? startInNode(data, events) : startInPage(data, events)
}

async function startInNode(data: { readonly module: string }, events: WorkerEvents): Promise<WorkerThread> {
  const threads = await load<typeof import('node:worker_threads')>('worker_threads')
  const { pathToFileURL } = await load<typeof import('node:url')>('url')
  const module = /^(file|data|https?|node):/.test(data.module) ? data.module : pathToFileURL(data.module).href
  const worker: NodeWorker = new threads.Worker(nodeScript, { eval: true, workerData: { ...data, module } })
  let stopped = false
  worker.on('message', events.message)
  worker.on('error', (error: Error) => events.failure(error.stack ?? error.message))
  worker.on('exit', (code) => {
    if (!stopped) events.failure(`its worker ended with code ${code}`)
  })
  worker.unref()
  return {
    send: (call) => worker.postMessage(call),
    hold: () => worker.ref(),
    letGo: () => worker.unref(),
    stop: async () => {
      stopped = true
      await worker.terminate()
    },
  }
}

function startInPage(data: { readonly module: string }, events: WorkerEvents): WorkerThread {
  const url = URL.createObjectURL(new Blob([pageScript], { type: 'text/javascript' }))
  const worker = new Worker(url, { name: 'glissade data' })
  const module = new URL(data.module, globalThis.location?.href).href
  worker.onmessage = (event) => events.message(event.data as WorkerAnswer)
  worker.onerror = (event) => {
    event.preventDefault()
    events.failure(event.message || 'the page may not start workers from blob: addresses')
  }
  worker.postMessage({ ...data, module })
  return {
    send: (call) => worker.postMessage(call),
    hold: () => undefined,
    letGo: () => undefined,
    stop: async () => {
      worker.terminate()
      URL.revokeObjectURL(url)
    },
  }
}
