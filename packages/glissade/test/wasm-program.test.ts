/** Programs on the wasm backend: threads, the event loop, residents, memory that runs out, ends. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Worker } from 'node:worker_threads'
import { expect, test, vi } from 'vitest'
import type { Plan } from '../src/backends/backend.ts'
import { createWasm } from '../src/backends/wasm/wasm.ts'
import type { TypedArray } from '../src/dtype.ts'
import * as k from '../src/kernel/build.ts'
import { type Resident, Storage } from '../src/storage.ts'
import { wasmBackend } from './wasm/harness.ts'
import { matmulKernel, noise, sameBits, updateKernel } from './wasm/kernels.ts'
import { kernelOn, planOf, storageOf } from './wasm/plans.ts'

const LARGE = 1e9

test('a large program gives the same bits with 1, 2 and 5 threads, and the right ones', async () => {
  const n = 96
  const [a, b] = [noise(n * n), noise(n * n, 3)]
  const results: TypedArray[] = []
  for (const threads of [1, 2, 5]) {
    const backend = await wasmBackend({ threads })
    expect(backend.threads).toBe(threads)
    const executable = await backend.compile(planOf([matmulKernel(n)], ['input', 'input', 'output']))
    for (let run = 0; run < 3; run++) {
      const c = new Storage('float32', n * n)
      await executable.run([storageOf(a), storageOf(b), c])
      results.push(c.host())
    }
  }
  for (const result of results) expect(sameBits(result, results[0])).toBe(true)
  const exact = Float64Array.from({ length: n * n }, (_, at) => {
    let sum = 0
    for (let i = 0; i < n; i++) sum += a[Math.floor(at / n) * n + i] * b[i * n + (at % n)]
    return sum
  })
  expect(Math.max(...results[0].map((value, i) => Math.abs(value - exact[i])))).toBeLessThan(1e-4)
})

test('launches run in order, each after all tasks of the one before, however many threads there are', async () => {
  const length = 64
  const [i, last] = [k.variable('i', 'index'), k.sub(k.index(length - 1), k.task)]
  const arrays = { x: new Float32Array(length), y: new Float32Array(length) }
  // Each task reads what another task of the launch before wrote.
  const there = kernelOn(arrays, [k.store('y', k.task, k.add(k.load('x', 'f32', last), k.f32(1)))], { tasks: length })
  const back = kernelOn(
    arrays,
    [
      k.mut('sum', k.f32(0)),
      k.loop('i', k.index(0), k.index(length), 1, [
        k.set('sum', k.add(k.variable('sum', 'f32'), k.load('y', 'f32', i))),
      ]),
      k.store('x', k.task, k.div(k.variable('sum', 'f32'), k.f32(length))),
    ],
    { tasks: length },
  )
  const plan = planOf([there, back], [])
  const launches = Array.from({ length: 200 }, (_, n) => plan.launches[n % 2])
  for (const threads of [2, 4]) {
    const backend = await wasmBackend({ threads })
    const executable = await backend.compile({ ...plan, launches, flops: LARGE })
    const x = storageOf(new Float32Array(length))
    await executable.run([x, storageOf(new Float32Array(length))])
    expect([...x.host()]).toEqual(Array(length).fill(100))
  }
})

test('a small program runs at once, a large one leaves the event loop free', async () => {
  const backend = await wasmBackend({ threads: 2 })
  const small = await backend.compile(planOf([updateKernel(8, 4, 16)], ['state', 'input']))
  const x = storageOf(new Float32Array(8).fill(2))
  expect(small.run([x, storageOf(Float32Array.of(3))])).toBeUndefined()
  expect([...x.read()]).toEqual(Array(8).fill(7))

  const n = 256
  const large = await backend.compile(planOf([matmulKernel(n, 40)], ['input', 'input', 'output']))
  const gaps: number[] = []
  let beat = performance.now()
  const start = beat
  const timer = setInterval(() => {
    const now = performance.now()
    gaps.push(now - beat)
    beat = now
  }, 5)
  const running = large.run([storageOf(noise(n * n)), storageOf(noise(n * n)), new Storage('float32', n * n)])
  expect(running).toBeInstanceOf(Promise)
  await running
  clearInterval(timer)
  const took = performance.now() - start
  expect(took).toBeGreaterThan(60)
  // Other processes may take the core for a while; blocked, there would be no beat at all.
  expect(gaps.length).toBeGreaterThan(took / 5 / 4)
})

test('a state moves in once, can be read and written there, and goes home', async () => {
  const backend = await wasmBackend()
  const length = 1000
  const executable = await backend.compile(planOf([updateKernel(length, 100, 1)], ['state', 'input']))
  const before = backend.memory()
  expect(before.resident).toBe(0)
  const x = storageOf(new Float32Array(length).fill(1))
  const scale = storageOf(Float32Array.of(2))
  executable.run([x, scale])
  expect(x.resident?.owner).toBe(backend)
  expect(scale.resident).toBeUndefined()
  expect(backend.memory()).toEqual({ resident: length * 4, arenas: before.arenas })
  const place = x.resident
  executable.run([x, scale])
  expect(x.resident).toBe(place)
  const copy = x.read()
  expect(copy[999]).toBe(7)
  copy[0] = -1
  expect(x.read()[0]).toBe(7)
  x.write(new Float32Array(length).fill(10))
  executable.run([x, scale])
  expect(x.read()[0]).toBe(21)
  // Used as an input it is read where it is.
  const other = await backend.compile(planOf([updateKernel(length, 100, 1)], ['input', 'input']))
  other.run([x, scale])
  expect(x.resident).toBe(place)
  other.release()
  expect(x.host()[0]).toBe(43)
  expect(x.resident).toBeUndefined()
  expect(backend.memory()).toEqual(before)
  executable.run([x, scale])
  expect(x.host()[0]).toBe(87)
})

test('a state that lives in another backend is brought over', async () => {
  const [first, second] = [await wasmBackend(), await wasmBackend()]
  const plan = planOf([updateKernel(8, 8, 1)], ['state', 'input'])
  const [one, two] = [await first.compile(plan), await second.compile(plan)]
  const x = storageOf(new Float32Array(8))
  const scale = storageOf(Float32Array.of(2))
  one.run([x, scale])
  two.run([x, scale])
  expect(x.resident?.owner).toBe(second)
  expect(first.memory().resident).toBe(0)
  expect([...x.read()]).toEqual(Array(8).fill(3))
})

test('collected states give their memory back', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const backend = await wasmBackend()
  const executable = await backend.compile(planOf([updateKernel(1024, 1024, 1)], ['state', 'input']))
  let freed: Resident | undefined
  ;(() => {
    const x = new Storage('float32', 1024)
    executable.run([x, storageOf(Float32Array.of(2))])
    freed = x.resident
  })()
  expect(backend.memory().resident).toBe(4096)
  for (let i = 0; i < 100 && backend.memory().resident > 0; i++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  expect(backend.memory().resident).toBe(0)
  freed?.release()
  expect(backend.memory().resident).toBe(0)
})

test('memory that runs out: a clear error, nothing lost, and work goes on', async () => {
  const backend = await wasmBackend({ maxBytes: 4 << 20, threads: 1 })
  const length = 400_000
  const executable = await backend.compile(planOf([updateKernel(length, length, 1)], ['state', 'input']))
  const scale = storageOf(Float32Array.of(2))
  const states = [1, 2, 3].map((value) => storageOf(new Float32Array(length).fill(value)))
  executable.run([states[0], scale])
  executable.run([states[1], scale])
  const held = backend.memory()
  expect(() => executable.run([states[2], scale])).toThrow(
    expect.objectContaining({
      code: 'memory-exhausted',
      message: expect.stringMatching(
        /no room for 1600000 bytes more; .* of at most 4194304 .* smaller batch, raise maxBytes/,
      ),
    }),
  )
  expect(backend.memory()).toEqual(held)
  expect(states.map((state) => state.read()[length - 1])).toEqual([3, 5, 3])
  const wide: Plan = { ...planOf([updateKernel(8, 8, 1)], ['state', 'input']), arenaBytes: 1 << 20 }
  await expect(backend.compile(wide)).rejects.toThrow(/no room for .* That was for the arena/)
  expect(backend.memory()).toEqual(held)
  states[0].host()
  executable.run([states[2], scale])
  expect(states[2].read()[0]).toBe(7)
  await expect(backend.compile(wide)).rejects.toThrow(/no room/)
  states[1].host()
  const fits = await backend.compile(wide)
  const x = storageOf(new Float32Array(8))
  fits.run([x, scale])
  expect(x.host()[7]).toBe(1)
})

test('workers see memory that has grown, and code that stands in it', async () => {
  const backend = await wasmBackend({ threads: 2 })
  const plan = (length: number): Plan => planOf([updateKernel(length, length / 16, LARGE)], ['state', 'input'])
  const scale = storageOf(Float32Array.of(2))
  for (const length of [16, 1 << 20, 1 << 22]) {
    const x = storageOf(new Float32Array(length).fill(4))
    const executable = await backend.compile(plan(length))
    await executable.run([x, scale])
    await executable.run([x, scale])
    const result = x.host()
    expect([result[0], result[length - 1]]).toEqual([19, 19])
  }
})

test('a thousand runs and a hundred compiles hold a flat byte count', async () => {
  const backend = await wasmBackend({ threads: 2 })
  const scale = storageOf(Float32Array.of(0.5))
  const x = storageOf(new Float32Array(64))
  const small = await backend.compile(planOf([updateKernel(64, 8, 1)], ['state', 'input']))
  const large = await backend.compile(planOf([updateKernel(64, 8, LARGE)], ['state', 'input']))
  small.run([x, scale])
  await large.run([x, scale])
  const held = backend.memory()
  for (let i = 0; i < 500; i++) {
    small.run([x, scale])
    await large.run([x, scale])
  }
  for (let i = 0; i < 100; i++) {
    const executable = await backend.compile({
      ...planOf([updateKernel(64, 8, LARGE)], ['state', 'input']),
      arenaBytes: 1000 * i,
    })
    await executable.run([x, scale])
    executable.release()
    executable.release()
  }
  expect(backend.memory()).toEqual(held)
  await large.run([x, scale])
  expect(x.host()[63]).toBeCloseTo(2, 5)
  small.release()
  large.release()
  expect(backend.memory()).toEqual({ resident: 0, arenas: 0 })
})

test('profile gives a time for each launch, in workers and alone', async () => {
  const n = 128
  const many = matmulKernel(n, 30)
  const one = matmulKernel(n)
  const none = { ...one, tasks: 0 }
  const plan = planOf([one, none, many], ['input', 'input', 'output'])
  const storages = (): Storage[] => [storageOf(noise(n * n)), storageOf(noise(n * n)), new Storage('float32', n * n)]
  for (const flops of [LARGE, 0]) {
    const backend = await wasmBackend({ threads: 2 })
    const executable = await backend.compile({ ...plan, flops })
    const held = backend.memory()
    await executable.profile(storages())
    const start = performance.now()
    const [first, empty, last] = await executable.profile(storages())
    const took = performance.now() - start
    expect(empty).toBe(0)
    expect(first).toBeGreaterThan(0)
    expect(last).toBeGreaterThan(first * 3)
    expect(first + last).toBeLessThan(took + 0.1)
    expect(backend.memory()).toEqual(held)
  }
})

test('a worker that stops in the middle of a run ends the run with an error, and new workers take over', async () => {
  const backend = await wasmBackend({ threads: 2 })
  const arrays = { x: new Float32Array(16), at: new Int32Array(1) }
  const wild = kernelOn(
    arrays,
    [k.store('x', k.add(k.task, k.convert('i32ToIndex', k.load('at', 'i32', k.index(0)))), k.f32(1))],
    { tasks: 16 },
  )
  const executable = await backend.compile({ ...planOf([wild], ['state', 'input']), flops: LARGE })
  const x = storageOf(new Float32Array(16))
  const bad = executable.run([x, storageOf(Int32Array.of(2 ** 29 - 2 ** 20))])
  await expect(bad).rejects.toMatchObject({
    code: 'backend-failed',
    message: expect.stringMatching(/worker thread stopped.*memory access out of bounds.*last saved weights/),
  })
  await executable.run([x, storageOf(Int32Array.of(0))])
  expect([...x.host()]).toEqual(Array(16).fill(1))
})

test('a worker that dies while nothing runs is replaced unnoticed', async () => {
  const workers: Worker[] = []
  const note = (worker: Worker): unknown => workers.push(worker)
  process.on('worker', note)
  try {
    const backend = await wasmBackend({ threads: 2 })
    const executable = await backend.compile(planOf([updateKernel(16, 1, LARGE)], ['state', 'input']))
    const [x, scale] = [storageOf(new Float32Array(16)), storageOf(Float32Array.of(1))]
    await executable.run([x, scale])
    await workers[1].terminate()
    await executable.run([x, scale])
    expect(x.read()[15]).toBe(2)
    expect(workers).toHaveLength(4)
    const long = await backend.compile(planOf([matmulKernel(256, 200)], ['input', 'input', 'output']))
    const square = (): Storage => new Storage('float32', 256 * 256)
    const running = long.run([square(), square(), square()])
    const outcome = expect(running).rejects.toThrow(
      /worker thread stopped in the middle of a run \(it ended with code 1\)/,
    )
    await Promise.all([workers[2].terminate(), workers[3].terminate(), outcome])
    await executable.run([x, scale])
    expect(backend.threads).toBe(2)
  } finally {
    process.off('worker', note)
  }
})

test('one run at a time; a released program and a disposed backend say so', async () => {
  const backend = await wasmBackend({ threads: 1 })
  const plan = planOf([updateKernel(16, 4, LARGE)], ['state', 'input'])
  const executable = await backend.compile(plan)
  const [x, scale] = [storageOf(new Float32Array(16)), storageOf(Float32Array.of(1))]
  const running = executable.run([x, scale])
  await expect(executable.run([x, scale])).rejects.toThrow(/a run is still going on/)
  // Given up while it runs: it ends first.
  executable.release()
  await running
  expect(x.read()[0]).toBe(1)
  await expect(executable.run([x, scale])).rejects.toThrow(/was released/)
  const again = await backend.compile(plan)
  await expect(again.run([x])).rejects.toThrow(/received 1 storages; expected 2/)
  await again.run([x, scale])
  await backend.dispose()
  await backend.dispose()
  await expect(backend.compile(plan)).rejects.toThrow(/was disposed of/)
  await expect(again.run([x, scale])).rejects.toThrow(/its backend disposed of/)
  // What lived in it can still be brought home.
  expect(x.host()[0]).toBe(2)
})

test('disposing in the middle of a run ends it with an error', async () => {
  const backend = await wasmBackend({ threads: 2 })
  const executable = await backend.compile(planOf([matmulKernel(256, 200)], ['input', 'input', 'output']))
  const running = executable.run([storageOf(noise(65536)), storageOf(noise(65536)), new Storage('float32', 65536)])
  const outcome = expect(running).rejects.toThrow(/was disposed of/)
  await new Promise((resolve) => setTimeout(resolve, 20))
  await backend.dispose()
  await outcome
})

test('float64 is refused by name', async () => {
  const plan = planOf([updateKernel(8, 8, 1)], ['state', 'input'])
  const double: Plan = { ...plan, arguments: [{ role: 'state', dtype: 'float64', length: 8 }, plan.arguments[1]] }
  await expect((await wasmBackend()).compile(double)).rejects.toMatchObject({ code: 'reference-only' })
})

test('zero-length arguments, empty programs and launches without tasks do nothing', async () => {
  const backend = await wasmBackend()
  const empty = await backend.compile({ kernels: [], launches: [], arguments: [], arenaBytes: 0, flops: 0, bytes: 0 })
  expect(empty.run([])).toBeUndefined()
  const plan = planOf([{ ...updateKernel(8, 8, 1), tasks: 0 }], ['state', 'output'])
  const none = await backend.compile({
    ...plan,
    arguments: [
      { role: 'state', dtype: 'float32', length: 0 },
      { role: 'output', dtype: 'float32', length: 0 },
    ],
  })
  const [x, y] = [new Storage('float32', 0), new Storage('float32', 0)]
  expect(none.run([x, y])).toBeUndefined()
  expect(x.resident).toBeUndefined()
})

test('what an engine lacks is said with its remedy', async () => {
  const real = WebAssembly
  const lacking = (changes: object): object => Object.assign(Object.create(real) as object, changes)
  try {
    vi.stubGlobal('WebAssembly', undefined)
    expect(await createWasm()).toMatchObject({
      reason: expect.stringContaining('no WebAssembly'),
      fix: expect.stringContaining('Node 20'),
    })
    vi.stubGlobal('WebAssembly', lacking({ validate: () => false }))
    expect(await createWasm()).toMatchObject({ reason: expect.stringContaining('without SIMD') })
    class Refusing {
      constructor() {
        throw new RangeError('could not allocate memory')
      }
    }
    vi.stubGlobal('WebAssembly', lacking({ Memory: Refusing }))
    expect(await createWasm()).toMatchObject({
      reason: expect.stringContaining('could not allocate memory'),
      fix: expect.stringContaining('maxBytes'),
    })
  } finally {
    vi.unstubAllGlobals()
  }
  await expect(createWasm({ threads: 0 })).rejects.toThrow(/threads: received 0; expected a whole number from 1/)
  await expect(createWasm({ maxBytes: 1000 })).rejects.toThrow(/maxBytes: received 1000; expected at least 262144/)
  const probe = await createWasm({ threads: 3 })
  expect('backend' in probe && probe.backend.description).toMatch(/WebAssembly SIMD128.*Node \d+.*3 threads/)
})
