/**
 * WebAssembly's width, 128 bits: a module made by hand measures multiply-adds and reads, in one worker or several. Where
 * the engine has relaxed SIMD the multiply-add is one instruction, else a product and a sum.
 */
import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { attempts, type Ceiling, levelBytes, type Missing, sampleMs } from './roofline.ts'

/** As in native.ts: sums that do not wait for each other, within 16 registers. */
const chains = 12
const lanes = 4
const page = 65536
const reads = 8

// The binary format: https://webassembly.github.io/spec/core/binary/
const [i32, v128] = [0x7f, 0x7b]
const simd = (code: number): number[] => [0xfd, ...unsigned(code)]
const op = {
  block: 0x03,
  end: 0x0b,
  branchIf: 0x0d,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  i32Const: 0x41,
  i32Sub: 0x6b,
  i32Add: 0x6a,
  load: simd(0x00),
  splat: simd(0x13),
  add: simd(0xe4),
  mul: simd(0xe6),
  madd: simd(0x105),
}
const f32Const = (value: number): number[] => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)]

function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)]
}

function signed(value: number): number[] {
  const done = value >= -64 && value < 64
  return done ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)]
}

const sized = (bytes: readonly number[]): number[] => [...unsigned(bytes.length), ...bytes]
const section = (id: number, ...items: number[][]): number[] => [
  id,
  ...sized([...unsigned(items.length), ...items.flat()]),
]
const local = (code: number, index: number): number[] => [code, ...unsigned(index)]
const int = (value: number): number[] => [op.i32Const, ...signed(value)]

/** A loop that ends when the local `counter`, less `step` each time, is 0. */
const repeat = (counter: number, step: number, body: readonly number[]): number[] => [
  ...[op.block, 0x40],
  ...body,
  ...[...local(op.get, counter), ...int(step), op.i32Sub, ...local(op.tee, counter)],
  ...[op.branchIf, 0, op.end],
]

/** The sum of `count` locals from `first` on. */
const summed = (first: number, count: number): number[] => [
  ...local(op.get, first),
  ...Array.from({ length: count - 1 }, (_, i) => [...local(op.get, first + 1 + i), ...op.add]).flat(),
]

/** x = x · factor + term, so often, in each chain. (times: i32) → v128 */
function multiplyAdds(fused: boolean): number[] {
  const [times, factor, term, first] = [0, 1, 2, 3]
  const body = Array.from({ length: chains }, (_, i) => {
    const product = [...local(op.get, first + i), ...local(op.get, factor)]
    const sum = fused
      ? [...product, ...local(op.get, term), ...op.madd]
      : [...product, ...op.mul, ...local(op.get, term), ...op.add]
    return [...sum, ...local(op.set, first + i)]
  })
  const begin = [
    [factor, 0.999],
    [term, 0.001],
    ...Array.from({ length: chains }, (_, i) => [first + i, i / chains]),
  ].flatMap(([index, value]) => [...f32Const(value), ...op.splat, ...local(op.set, index)])
  return [
    1,
    ...unsigned(2 + chains),
    v128,
    ...begin,
    ...repeat(times, 1, body.flat()),
    ...summed(first, chains),
    op.end,
  ]
}

/** The sum of so many bytes from address 0 on. (bytes: i32) → v128 */
function readAll(): number[] {
  const [bytes, first, address] = [0, 1, 1 + reads]
  const body = Array.from({ length: reads }, (_, i) => {
    const vector = [...local(op.get, address), ...op.load, 4, ...unsigned(16 * i)]
    return [...local(op.get, first + i), ...vector, ...op.add, ...local(op.set, first + i)]
  }).flat()
  const step = 16 * reads
  const forward = [...local(op.get, address), ...int(step), op.i32Add, ...local(op.set, address)]
  return [2, reads, v128, 1, i32, ...repeat(bytes, step, [...body, ...forward]), ...summed(first, reads), op.end]
}

function moduleBytes(fused: boolean): Uint8Array<ArrayBuffer> {
  const text = (name: string): number[] => sized([...new TextEncoder().encode(name)])
  // a vector cannot go to JavaScript: the functions return its first lane
  const firstLane = [...simd(0x1f), 0]
  const withLane = (code: readonly number[]): number[] => sized([...code.slice(0, -1), ...firstLane, op.end])
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [0x60, 1, i32, 1, 0x7d]),
    ...section(3, [0], [0]),
    ...section(5, [0, ...unsigned(levelBytes[levelBytes.length - 1] / page)]),
    ...section(7, [...text('add'), 0, 0], [...text('read'), 0, 1], [...text('memory'), 2, 0]),
    ...section(10, withLane(multiplyAdds(fused)), withLane(readAll())),
  ])
}

/** Text, since the workers of a test would otherwise have to read TypeScript. */
const workerSource = `
const { parentPort, workerData } = require('node:worker_threads')
const { module, threads, gate, levels, ms, attempts, steps } = workerData
const { add, read, memory } = new WebAssembly.Instance(module).exports
// pages that were never written are all the same one
new Uint8Array(memory.buffer).fill(1)
const tasks = [() => add(steps), ...levels.map((bytes) => () => read(bytes))]
let round = 0
const together = () => {
  round++
  if (Atomics.add(gate, 0, 1) + 1 === round * threads) Atomics.notify(gate, 0)
  for (let now; (now = Atomics.load(gate, 0)) < round * threads; ) Atomics.wait(gate, 0, now, 100)
}
// the engine compiles better what has run for a while
for (const task of tasks) for (const end = performance.now() + 2 * ms; performance.now() < end; ) task()
const rates = tasks.map((task) => {
  const tries = []
  for (let i = 0; i < attempts; i++) {
    together()
    const from = performance.now()
    let count = 0
    let to
    do { task(); count++; to = performance.now() } while (to < from + ms)
    tries.push((1000 * count) / (to - from))
  }
  return tries
})
parentPort.postMessage(rates)
`

/** How often a chain is added to in one call: some microseconds. */
const steps = 4096

/** Ceilings for each of these numbers of threads, in the same order. */
export async function measureSimd128(threads: readonly number[]): Promise<(Ceiling | Missing)[]> {
  // As the library's backend does: the V8 of Node 20 has relaxed SIMD behind a flag.
  if (process.versions.v8.startsWith('11.3.')) setFlagsFromString('--experimental-wasm-relaxed-simd')
  const fused = WebAssembly.validate(moduleBytes(true))
  const bytes = moduleBytes(fused)
  if (!WebAssembly.validate(bytes)) return threads.map(() => ({ missing: 'this engine has no SIMD' }))
  const module = new WebAssembly.Module(bytes)
  const found: Ceiling[] = []
  for (const count of threads) {
    const levels = levelBytes.map((all) => Math.floor(all / count / (16 * reads)) * 16 * reads)
    const gate = new Int32Array(new SharedArrayBuffer(4))
    const workerData = { module, threads: count, gate, levels, ms: sampleMs, attempts, steps }
    const rates = await Promise.all(Array.from({ length: count }, () => ratesOf(workerData)))
    const best = (task: number): number =>
      Math.max(...rates[0][task].map((_, i) => rates.reduce((sum, own) => sum + own[task][i], 0)))
    found.push({
      vectors: fused ? 'relaxed SIMD128' : 'SIMD128',
      threads: count,
      flops: best(0) * 2 * lanes * chains * steps,
      levels: levelBytes.map((all, i) => ({ bytes: all, rate: best(i + 1) * levels[i] })),
    })
  }
  return found
}

/** Calls a second of each task, in each attempt. */
function ratesOf(workerData: object): Promise<number[][]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(workerSource, { eval: true, workerData })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}
