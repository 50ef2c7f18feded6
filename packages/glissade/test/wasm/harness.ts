/** What the tests of the wasm backend share: backends that are stopped at the end, kernels on plain arrays. */
import { afterEach } from 'vitest'
import type { Backend, Executable } from '../../src/backends/backend.ts'
import { createWasm, type WasmOptions } from '../../src/backends/wasm/wasm.ts'
import type { Stmt } from '../../src/kernel/ir.ts'
import { type Buffers, type KernelOptions, kernelOn, planOf, storageOf } from './plans.ts'

const started: Backend[] = []

/** A wasm backend that is disposed of when the test ends. */
export async function wasmBackend(options: WasmOptions = {}): Promise<Backend> {
  const probe = await createWasm(options)
  if ('reason' in probe) throw new Error(`${probe.reason}. ${probe.fix}`)
  started.push(probe.backend)
  return probe.backend
}

afterEach(async () => {
  for (const backend of started.splice(0)) await backend.dispose()
})

/** Run `body` on copies of `arrays`; the copies as they were left. */
export async function runKernel(
  backend: Backend,
  arrays: Buffers,
  body: readonly Stmt[],
  options: KernelOptions = {},
): Promise<Record<string, Float32Array | Int32Array>> {
  const kernel = kernelOn(arrays, body, options)
  const executable: Executable = await backend.compile(planOf([kernel], []))
  const storages = Object.values(arrays).map((array) => storageOf(array.slice()))
  await executable.run(storages)
  executable.release()
  return Object.fromEntries(
    Object.keys(arrays).map((name, i) => [name, storages[i].host() as Float32Array | Int32Array]),
  )
}

const words = new Float32Array(1)
const wordBits = new Int32Array(words.buffer)
export function bitsOf(value: number): number {
  words[0] = value
  return wordBits[0]
}
export function floatOf(bits: number): number {
  wordBits[0] = bits
  return words[0]
}
