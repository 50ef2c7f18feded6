/** Who takes part: each engine with each of its backends, at each number of threads that it can use. */
import { fileURLToPath } from 'node:url'

export interface Contestant {
  readonly engine: string
  readonly backend: string
  readonly threads: number
  /** Keeps compiled programs on disk. */
  readonly caches: boolean
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** The kinds of work that it is for; all if left out. */
  readonly works?: readonly string[]
}

interface Kind extends Pick<Contestant, 'engine' | 'backend' | 'works'> {
  readonly language: 'typescript' | 'python'
  readonly caches?: boolean
  /** Uses one thread whatever it is told. */
  readonly single?: boolean
  /** Takes minutes where others take seconds: takes part only where its backend is named. */
  readonly slow?: boolean
}

const kinds: readonly Kind[] = [
  { engine: 'glissade', backend: 'native', language: 'typescript', caches: true },
  { engine: 'glissade', backend: 'wasm', language: 'typescript' },
  { engine: 'openblas', backend: 'numpy', language: 'python', works: ['matmul'] },
  { engine: 'pytorch', backend: 'eager', language: 'python', works: ['matmul', 'digits', 'tiny'] },
  // in Node, tfjs has no threads
  { engine: 'tfjs', backend: 'wasm', language: 'typescript', single: true, works: ['matmul', 'digits', 'tiny'] },
  // only for what its wasm backend cannot do
  { engine: 'tfjs', backend: 'cpu', language: 'typescript', single: true, slow: true, works: ['digits'] },
  { engine: 'jax-js', backend: 'wasm', language: 'typescript', single: true },
]

/** What --engine may name. */
export const engineNames: readonly string[] = [...new Set(kinds.map(({ engine }) => engine))]

/** Whether the engine is not Glissade; with a language, also whether it is used from that one. */
export function isRival(engine: string, language?: Kind['language']): boolean {
  return (
    engine !== 'glissade' && kinds.some((kind) => kind.engine === engine && (!language || kind.language === language))
  )
}

export interface Choice {
  readonly engines: readonly string[]
  readonly backends?: readonly string[]
  readonly threads: readonly number[]
  /** The Python that has numpy and torch. */
  readonly python: string
}

/** Those left out unless their backend is named, by engine and backend. */
export const slowOnes: readonly string[] = kinds
  .filter(({ slow }) => slow)
  .map((kind) => `${kind.engine} ${kind.backend}`)

export function chooseContestants({ engines, backends, threads, python }: Choice): Contestant[] {
  return kinds
    .filter(({ engine, backend, slow }) => engines.includes(engine) && (backends?.includes(backend) ?? !slow))
    .flatMap((kind) => (kind.single ? [1] : threads).map((count) => contestant(kind, count, python)))
}

function contestant(
  { language, engine, backend, caches = false, works }: Kind,
  threads: number,
  python: string,
): Contestant {
  const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
  const command =
    language === 'python'
      ? [python, here(`../rivals/${engine}.py`), backend, String(threads)]
      : [process.execPath, here('./serve.mjs'), engine, backend, String(threads)]
  const env = {
    OPENBLAS_NUM_THREADS: String(threads),
    OMP_NUM_THREADS: String(threads),
    MKL_NUM_THREADS: String(threads),
  }
  return { engine, backend, threads, caches, command, env, works }
}

/** As in messages and tables: `glissade wasm ×2`. */
export function label({ engine, backend, threads }: Pick<Contestant, 'engine' | 'backend' | 'threads'>): string {
  return `${engine} ${backend} ×${threads}`
}
