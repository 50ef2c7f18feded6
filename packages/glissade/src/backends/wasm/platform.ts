/**
 * What differs between Node and browsers: threads, their number, and how to name the engine.
 *
 * Everything of Node is reached at run time, so the same file runs, bundled, in a page. Next: pool.ts.
 */
import type { Worker as NodeWorker } from 'node:worker_threads'

/** A started worker. */
export interface WorkerHandle {
  /** While held, the worker keeps a Node process alive. A worker starts held. */
  hold(): void
  letGo(): void
  stop(): Promise<void>
}

export interface WorkerEvents {
  message(value: unknown): void
  /** It has stopped, or never started. Not called after `stop`. */
  failure(reason: string): void
}

export interface Platform {
  readonly cores: number
  /** For people: "Node 24.1, V8 13.6". */
  readonly engine: string
  /** Whether memory can be shared with workers, and if not, why. */
  readonly sharing: true | string
  /** Start a worker on the text of a script with `data`; may throw. */
  startWorker(source: string, data: object, events: WorkerEvents): WorkerHandle
}

export async function detectPlatform(): Promise<Platform> {
  const isNode = typeof process !== 'undefined' && typeof process.versions?.node === 'string'
  return isNode ? nodePlatform() : browserPlatform()
}

/**
 * Make an engine that has relaxed SIMD behind a flag accept it in all modules compiled from now on, in workers too.
 *
 * That is Node 20: its V8 11.3 is one version before the one that turned the finished feature on. True where it did
 * something.
 */
export async function turnOnRelaxed(): Promise<boolean> {
  if (typeof process === 'undefined' || !process.versions?.v8?.startsWith('11.3.')) return false
  const module = 'node:v8'
  const v8: typeof import('node:v8') = await import(/* @vite-ignore */ module)
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd')
  return true
}

async function nodePlatform(): Promise<Platform> {
  // Names in variables: a bundler for pages must not try to resolve them.
  const threadsModule = 'node:worker_threads'
  const osModule = 'node:os'
  const threads: typeof import('node:worker_threads') = await import(/* @vite-ignore */ threadsModule)
  const os: typeof import('node:os') = await import(/* @vite-ignore */ osModule)
  return {
    cores: os.availableParallelism(),
    engine: `Node ${process.versions.node}, V8 ${process.versions.v8}`,
    sharing: true,
    startWorker: (source, data, events) =>
      nodeHandle(new threads.Worker(source, { eval: true, workerData: data, execArgv: [], name: 'glissade' }), events),
  }
}

function nodeHandle(worker: NodeWorker, events: WorkerEvents): WorkerHandle {
  let stopped = false
  let failed = false
  const fails = (reason: string): void => {
    if (!stopped && !failed) events.failure(reason)
    failed = true
  }
  worker.on('message', events.message)
  worker.on('error', (error) => fails(error instanceof Error ? error.message : String(error)))
  worker.on('exit', (code) => fails(`it ended with code ${code}`))
  return {
    hold: () => worker.ref(),
    letGo: () => worker.unref(),
    stop: async () => {
      stopped = true
      await worker.terminate()
    },
  }
}

function browserPlatform(): Platform {
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true
  return {
    cores: globalThis.navigator?.hardwareConcurrency ?? 1,
    engine: 'browser',
    sharing:
      isolated && typeof SharedArrayBuffer === 'function'
        ? true
        : 'this page is not cross-origin isolated (its server must send Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)',
    startWorker: (source, data, events) => {
      const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
      const worker = new Worker(url, { name: 'glissade' })
      let stopped = false
      worker.onmessage = (event) => events.message(event.data)
      worker.onerror = (event) => {
        event.preventDefault()
        if (!stopped) events.failure(event.message || 'the page may not start workers from blob: addresses')
      }
      worker.postMessage(data)
      return {
        hold: () => {},
        letGo: () => {},
        stop: async () => {
          stopped = true
          worker.terminate()
          URL.revokeObjectURL(url)
        },
      }
    },
  }
}
