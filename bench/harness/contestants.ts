/** Who takes part: each engine with each of its backends, at each number of threads that it can use. */
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Contestant {
  readonly engine: string
  readonly backend: string
  readonly threads: number
  /** Keeps compiled programs on disk. */
  readonly caches: boolean
  readonly command: readonly string[]
  /** Other ways to start it, tried in turn where it is not here: other Pythons. */
  readonly alternatives?: readonly (readonly string[])[]
  readonly env: Readonly<Record<string, string>>
  /** The kinds of work that it is for; all if left out. */
  readonly works?: readonly string[]
}

/** Which of the machine's peaks an engine could reach at best. */
export type Width = 'native' | 'simd128'

interface Kind extends Pick<Contestant, 'engine' | 'backend' | 'works'> {
  /** None: it is plain JavaScript. */
  readonly width?: Width
  /** In rivals/; of engines in Python. */
  readonly python?: string
  readonly caches?: boolean
  /** Uses one thread whatever it is told. */
  readonly single?: boolean
  /** Takes minutes where others take seconds: takes part only where its backend is named. */
  readonly slow?: boolean
}

const forwardWorks = ['digits-forward', 'gpt-generate']
const onnx = { python: 'onnx_runtime.py', works: forwardWorks }
/** What its wasm backend has no kernels to train. */
const tfjsConvolutions = ['cnn', 'resnet', 'unet']
const tfjs = { engine: 'tfjs', single: true }

const kinds: readonly Kind[] = [
  { engine: 'glissade', backend: 'native', width: 'native', caches: true },
  { engine: 'glissade', backend: 'wasm', width: 'simd128' },
  { engine: 'openblas', backend: 'numpy', width: 'native', python: 'openblas.py', works: ['matmul'] },
  { engine: 'pytorch', backend: 'eager', width: 'native', python: 'pytorch.py' },
  { engine: 'pytorch', backend: 'compile', width: 'native', python: 'pytorch.py', caches: true },
  { engine: 'jax', backend: 'cpu', width: 'native', python: 'jax_cpu.py', caches: true },
  { engine: 'onnxruntime', backend: 'cpu', width: 'native', ...onnx },
  // in Node, tfjs has no threads
  { ...tfjs, backend: 'wasm', width: 'simd128' },
  { ...tfjs, backend: 'cpu', slow: true, works: tfjsConvolutions },
  { engine: 'jax-js', backend: 'wasm', width: 'simd128', single: true },
]

/** What --engine may name. */
export const engineNames: readonly string[] = [...new Set(kinds.map(({ engine }) => engine))]

const own = 'glissade'

/** Whether the engine is not Glissade; with a language, also whether it is used from that one. */
export function isRival(engine: string, language?: 'typescript' | 'python'): boolean {
  const speaks = ({ python }: Kind): boolean => !language || (language === 'python') === (python !== undefined)
  return engine !== own && kinds.some((kind) => kind.engine === engine && speaks(kind))
}

/** The machine's peak that the engine is held against, if any. */
export function widthOf({ engine, backend }: Pick<Contestant, 'engine' | 'backend'>): Width | undefined {
  return kinds.find((kind) => kind.engine === engine && kind.backend === backend)?.width
}

export interface Choice {
  readonly engines: readonly string[]
  readonly backends?: readonly string[]
  readonly threads: readonly number[]
  /** Pythons that have some of numpy, torch, jax and onnxruntime, separated as in PATH. */
  readonly python: string
}

/** Those left out unless their backend is named, by engine and backend. */
export const slowOnes: readonly string[] = kinds
  .filter(({ slow }) => slow)
  .map((kind) => `${kind.engine} ${kind.backend}`)

export function chooseContestants({ engines, backends, threads, python }: Choice): Contestant[] {
  return kinds
    .filter(({ engine, backend, slow }) => engines.includes(engine) && (backends?.includes(backend) ?? !slow))
    .flatMap((kind) => (kind.single ? [1] : threads).map((count) => contestant(kind, count, python.split(delimiter))))
}

function contestant(
  { python, engine, backend, caches = false, works }: Kind,
  threads: number,
  pythons: readonly string[],
): Contestant {
  const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
  const [command, ...alternatives] = python
    ? pythons.map((name) => [name, here(`../rivals/${python}`), backend, String(threads)])
    : [[process.execPath, here('./serve.mjs'), engine, backend, String(threads)]]
  const env = {
    OPENBLAS_NUM_THREADS: String(threads),
    OMP_NUM_THREADS: String(threads),
    MKL_NUM_THREADS: String(threads),
  }
  return { engine, backend, threads, caches, command, alternatives, env, works }
}

/** As in messages and tables: `glissade wasm ×2`. */
export function label({ engine, backend, threads }: Pick<Contestant, 'engine' | 'backend' | 'threads'>): string {
  return `${engine} ${backend} ×${threads}`
}
