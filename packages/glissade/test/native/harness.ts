/** What the native tests share: one backend, kernels run on plain arrays, values that hurt. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { Backend, Executable, Plan } from '../../src/backends/backend.ts'
import { createNative, type NativeOptions } from '../../src/backends/native/native.ts'
import type { TypedArray } from '../../src/dtype.ts'
import type { Kernel, KernelBuffer, Stmt } from '../../src/kernel/ir.ts'
import { Storage } from '../../src/storage.ts'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A new empty folder, removed when the tests of the file are done. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'glissade-test-'))
  folders.push(folder)
  return folder
}

export async function working(options: NativeOptions = {}): Promise<Backend> {
  const probe = await createNative({ cacheFolder: freshFolder(), ...options })
  if ('reason' in probe) throw new Error(`${probe.reason} ${probe.fix}`)
  return probe.backend
}

export function kernelOf(
  buffers: readonly KernelBuffer[],
  body: readonly Stmt[],
  rest: Partial<Pick<Kernel, 'tasks' | 'scratch' | 'flops' | 'bytes'>> = {},
): Kernel {
  return { kind: 'map', buffers, body, tasks: 1, scratch: 0, flops: 0, bytes: 0, ...rest }
}

export const buffer = (
  name: string,
  type: 'f32' | 'i32',
  length: number,
  access: KernelBuffer['access'] = 'readwrite',
): KernelBuffer => ({
  name,
  type,
  length,
  access,
})

export const storageOf = (array: TypedArray): Storage =>
  new Storage(array instanceof Int32Array ? 'int32' : 'float32', array.length, array)

/** A plan whose kernels run one after the other on the same arguments. */
export function planOf(kernels: readonly Kernel[], arrays: readonly TypedArray[]): Plan {
  const slots = arrays.map((_, argument) => ({ kind: 'argument', argument }) as const)
  return {
    kernels,
    launches: kernels.map((kernel, k) => ({
      kernel: k,
      slots: slots.slice(0, kernel.buffers.length),
      label: `k${k}`,
      path: '',
    })),
    arguments: arrays.map((array) => ({
      role: 'state',
      dtype: array instanceof Int32Array ? 'int32' : 'float32',
      length: array.length,
    })),
    arenaBytes: 0,
    flops: kernels.reduce((sum, kernel) => sum + kernel.flops, 0),
    bytes: kernels.reduce((sum, kernel) => sum + kernel.bytes, 0),
  }
}

export async function runOnce(
  backend: Backend,
  kernels: readonly Kernel[],
  arrays: readonly TypedArray[],
): Promise<void> {
  const executable: Executable = await backend.compile(planOf(kernels, arrays))
  await executable.run(arrays.map(storageOf))
  executable.release()
}

/** Kernels with arrays of their own, and what must hold after they ran. */
export interface Job {
  readonly kernels: readonly Kernel[]
  readonly arrays: readonly TypedArray[]
  readonly check: () => void
}

/** Runs all jobs as one program: the compiler is started once. */
export async function runJobs(backend: Backend, jobs: readonly Job[]): Promise<void> {
  const arrays = jobs.flatMap((job) => job.arrays)
  const kernels = jobs.flatMap((job) => job.kernels)
  const slots: Plan['launches'][number]['slots'][] = []
  let first = 0
  for (const job of jobs) {
    const own = job.arrays.map((_, b) => ({ kind: 'argument', argument: first + b }) as const)
    for (const kernel of job.kernels) slots.push(own.slice(0, kernel.buffers.length))
    first += job.arrays.length
  }
  const plan = planOf(kernels, arrays)
  const launches = plan.launches.map((launch, l) => ({ ...launch, slots: slots[l] }))
  const executable = await backend.compile({ ...plan, launches })
  await executable.run(arrays.map(storageOf))
  executable.release()
  for (const job of jobs) job.check()
}

/** Numbers where float32 arithmetic shows its edges. */
// biome-ignore format: a table
export const hardFloats: readonly number[] = [
  0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3.7, -3.7, 1e-45, -1e-45, 1.17549435e-38, 3.4028235e38, -3.4028235e38,
  Infinity, -Infinity, NaN, 8388607.5, -8388607.5, 8388609, 16777216, 2147483520, 2147483648, -2147483648, -2147483904,
  1e10, -1e10, 0.49999997, -0.49999997, 123.456,
].map(Math.fround)

// biome-ignore format: a table
export const hardInts: readonly number[] = [
  0, 1, -1, 2, -2, 7, -7, 31, 1000, -1000, 65536, 123456789, -123456789, 2147483647, -2147483648, 2147483646,
]
