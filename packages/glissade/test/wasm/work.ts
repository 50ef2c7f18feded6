/** The same small piece of work for a plain Node process and for a page: a product of matrices, checked. */
import type { Backend, Plan } from '../../src/backends/backend.ts'
import { createWasm, type WasmOptions } from '../../src/backends/wasm/wasm.ts'
import { Storage } from '../../src/storage.ts'
import { matmulKernel, noise } from './kernels.ts'

export interface WorkReport {
  readonly description: string
  readonly threads: number
  /** Whether the run was handed to workers or sliced, rather than done at once. */
  readonly waited: boolean
  readonly milliseconds: number
  /** Beats of a 5 ms timer while the run went on. */
  readonly beats: number
  readonly largestError: number
  /** A number that any changed bit of the result changes. */
  readonly checksum: number
}

export async function working(options: WasmOptions = {}): Promise<Backend> {
  const probe = await createWasm(options)
  if ('reason' in probe) throw new Error(`${probe.reason}. ${probe.fix}`)
  return probe.backend
}

export function productPlan(n: number, repeat: number, launches: number): Plan {
  const kernel = matmulKernel(n, repeat)
  const slots = [0, 1, 2].map((argument) => ({ kind: 'argument', argument }) as const)
  return {
    kernels: [kernel],
    launches: Array.from({ length: launches }, () => ({ kernel: 0, slots, label: 'product', path: '' })),
    arguments: (['input', 'input', 'output'] as const).map((role) => ({ role, dtype: 'float32', length: n * n })),
    arenaBytes: 0,
    flops: kernel.flops * launches,
    bytes: 0,
  }
}

/** Multiply two matrices of `n` often enough to take a while, and look at the result and the clock. */
export async function doWork(options: WasmOptions = {}, n = 128, launches = 60): Promise<WorkReport> {
  const backend = await working(options)
  const executable = await backend.compile(productPlan(n, 4, launches))
  const [a, b] = [noise(n * n), noise(n * n, 3)]
  const c = new Storage('float32', n * n)
  let beats = 0
  const timer = setInterval(() => beats++, 5)
  const start = performance.now()
  const running = executable.run([new Storage('float32', n * n, a), new Storage('float32', n * n, b), c])
  await running
  const milliseconds = performance.now() - start
  clearInterval(timer)
  const result = c.host()
  let largestError = 0
  let checksum = 0
  const bits = new Int32Array(result.buffer)
  for (let at = 0; at < n * n; at++) {
    let sum = 0
    for (let i = 0; i < n; i++) sum += a[Math.floor(at / n) * n + i] * b[i * n + (at % n)]
    largestError = Math.max(largestError, Math.abs(sum - result[at]))
    checksum = (Math.imul(checksum, 31) + bits[at]) | 0
  }
  const { description, threads } = backend
  return { description, threads, waited: running !== undefined, milliseconds, beats, largestError, checksum }
}
