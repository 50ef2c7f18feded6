/**
 * Which backend runs things: chosen in code, by GLISSADE_BACKEND, or the fastest that works here.
 *
 * Each backend is loaded only when asked for, so that a page never fetches the native one. Not here: what a
 * backend must do (backends/backend.ts).
 */
import type { Backend, BackendOptions, BackendProbe } from '../backends/backend.ts'
import { environmentVariable, inNode } from '../backends/environment.ts'
import { fail } from '../errors.ts'

/** `reference` walks the graph in float64; `interpreter` runs kernels in plain JavaScript. Both are for checking. */
export type BackendName = 'native' | 'wasm' | 'interpreter' | 'reference'

export const backendNames: readonly BackendName[] = ['native', 'wasm', 'interpreter', 'reference']

/** The reference is no backend of kernels; it stands here for its name and is recognized by `isReference`. */
const reference: Backend = {
  name: 'reference',
  target: { lanes: 4, fma: false, tile: { rows: 1, vectors: 1 }, l1: 32768, l2: 262144 },
  threads: 1,
  description: 'reference, float64, walks the graph',
  compile: () => Promise.reject(new Error('the reference backend runs graphs, not plans')),
  memory: () => ({ resident: 0, arenas: 0 }),
  dispose: async () => {},
}

export function isReference(backend: Backend): boolean {
  return backend === reference
}

/** Tries to set up one backend; says why where it cannot. */
export async function probeBackend(name: BackendName, options?: BackendOptions): Promise<BackendProbe> {
  if (name === 'reference') return { backend: reference }
  if (name === 'interpreter')
    return { backend: (await import('../backends/reference/interpreter.ts')).interpreterBackend() }
  if (name === 'wasm') return (await import('../backends/wasm/wasm.ts')).createWasm(options)
  if (!inNode()) return { reason: 'it compiles C, which needs Node', fix: 'Use wasm in the browser.' }
  return (await import('../backends/native/native.ts')).createNative(options)
}

let chosen: Promise<Backend> | undefined

/** The backend in use; the first call chooses it. */
export function getBackend(): Promise<Backend> {
  chosen ??= choose()
  return chosen
}

/**
 * Runs everything from now on with the named backend, or one made by hand. `auto` takes what GLISSADE_BACKEND says, else
 * native where it works, else wasm. Values that a former backend holds move over when they are next used.
 */
export async function setBackend(backend: BackendName | 'auto' | Backend, options?: BackendOptions): Promise<Backend> {
  const next =
    typeof backend === 'object'
      ? Promise.resolve(backend)
      : backend === 'auto'
        ? choose(options)
        : named(backend, options)
  // A choice that fails leaves the former one in place.
  const ready = await next
  chosen = Promise.resolve(ready)
  return ready
}

async function choose(options?: BackendOptions): Promise<Backend> {
  const wish = environmentVariable('GLISSADE_BACKEND')
  if (!wish || wish === 'auto') return automatic(options)
  return named(wish as BackendName, options)
}

async function named(name: BackendName, options?: BackendOptions): Promise<Backend> {
  if (!backendNames.includes(name)) fail('backend-unknown', { received: name, known: backendNames })
  const probe = await probeBackend(name, options)
  if ('backend' in probe) return probe.backend
  return fail('backend-unavailable', { backend: name, ...probe })
}

async function automatic(options?: BackendOptions): Promise<Backend> {
  const native = await probeBackend('native', options)
  if ('backend' in native) return native.backend
  const wasm = await probeBackend('wasm', options)
  if ('backend' in wasm) return wasm.backend
  return (await import('../backends/reference/interpreter.ts')).interpreterBackend()
}
