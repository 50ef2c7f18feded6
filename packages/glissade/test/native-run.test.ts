/** How the native backend runs programs: threads, arenas, the event loop, profiles, memory, mistakes. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Backend, Plan } from '../src/backends/backend.ts'
import * as k from '../src/kernel/build.ts'
import type { Kernel } from '../src/kernel/ir.ts'
import { Storage } from '../src/storage.ts'
import { buffer, freshFolder, kernelOf, planOf, runOnce, storageOf, working } from './native/harness.ts'

const cacheFolder = freshFolder()
let one: Backend
let two: Backend
let many: Backend
beforeAll(async () => {
  one = await working({ threads: 1, cacheFolder })
  two = await working({ threads: 2, cacheFolder })
  many = await working({ threads: 7, cacheFolder })
})
afterAll(() => Promise.all([one, two, many].map((backend) => backend.dispose())))

/** Each task adds up its own part of `a` in its own order, through scratch; `rounds` makes it long. */
function sums(tasks: number, length: number, rounds = 1): Kernel {
  const i = k.variable('i', 'index')
  const at = k.add(k.mul(k.task, k.index(length)), i)
  const total = k.variable('total', 'f32')
  return kernelOf(
    [buffer('a', 'f32', tasks * length, 'read'), buffer('out', 'f32', tasks)],
    [
      k.store('scratch', k.index(0), k.f32(0)),
      k.loop('round', k.index(0), k.index(rounds), 1, [
        k.mut('total', k.load('scratch', 'f32', k.index(0))),
        k.loop('i', k.index(0), k.index(length), 1, [
          k.set('total', k.add(k.mul(total, k.f32(0.999)), k.load('a', 'f32', at))),
        ]),
        k.store('scratch', k.index(0), total),
      ]),
      k.store('out', k.task, k.load('scratch', 'f32', k.index(0))),
    ],
    { tasks, scratch: 16, flops: 3 * tasks * length * rounds, bytes: 4 * tasks * length * rounds },
  )
}

/** out[i] = out[i] * 0.5 + i, a launch whose order against others shows in the result. */
function halve(length: number): Kernel {
  const value = k.add(
    k.mul(k.load('x', 'f32', k.task), k.f32(0.5)),
    k.convert('toF32', k.convert('indexToI32', k.task)),
  )
  return kernelOf([buffer('x', 'f32', length)], [k.store('x', k.task, value)], {
    tasks: length,
    flops: 2 * length,
    bytes: 8 * length,
  })
}

const noise = (length: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898) * 10 ** (i % 5))

describe('threads', () => {
  // a short run begins at once, on the calling thread, and the pool comes to help; a long one is waited for
  test.each([
    ['at once', 1, undefined],
    ['beside the event loop', 30, Promise],
  ])('1, 2 and 7 threads give the same bits, run after run, %s', async (_, rounds, answer) => {
    const [tasks, length] = [301, 700]
    const a = noise(tasks * length)
    const results: Float32Array[] = []
    for (const backend of [one, two, many]) {
      const out = new Float32Array(tasks)
      const executable = await backend.compile(planOf([sums(tasks, length, rounds)], [a, out]))
      for (let round = 0; round < 20; round++) {
        out.fill(Number.NaN)
        const running = executable.run([a, out].map(storageOf))
        expect(running?.constructor).toBe(answer)
        await running
        results.push(out.slice())
      }
      executable.release()
    }
    const want = new Float32Array(tasks)
    for (let t = 0; t < tasks; t++) {
      let total = 0
      for (let i = 0; i < rounds * length; i++)
        total = Math.fround(Math.fround(total * Math.fround(0.999)) + a[t * length + (i % length)])
      want[t] = total
    }
    for (const result of results) expect(result).toEqual(want)
  })

  test('launches run in order, each complete before the next, large and small mixed', async () => {
    const length = 40_000
    const small = 64
    const bodies = [halve(length), halve(small), halve(small), halve(length), halve(small), halve(length)]
    const run = async (backend: Backend): Promise<Float32Array> => {
      const x = new Float32Array(length)
      const executable = await backend.compile(planOf(bodies, [x]))
      for (let round = 0; round < 50; round++) await executable.run([storageOf(x)])
      executable.release()
      return x
    }
    const want = new Float32Array(length)
    for (let round = 0; round < 50; round++) {
      for (const body of bodies)
        for (let i = 0; i < body.tasks; i++) want[i] = Math.fround(Math.fround(want[i] * 0.5) + i)
    }
    for (const backend of [one, two, many]) expect(await run(backend)).toEqual(want)
  })

  test('every task of a turn runs once, whether threads are more than its chunks or fewer, and before the next turn', async () => {
    // guessed to be long, so that they are shared out task by task
    const heavy = (length: number): Kernel => ({ ...halve(length), flops: 1e6 * length })
    const bodies = [heavy(5), heavy(2), heavy(33), heavy(3), heavy(7)]
    const [turns, length] = [40, 33]
    const run = async (backend: Backend): Promise<Float32Array> => {
      const x = new Float32Array(length)
      const repeats = [{ first: 1, end: 4, count: turns }]
      const executable = await backend.compile({ ...planOf(bodies, [x]), repeats })
      for (let round = 0; round < 20; round++) await executable.run([storageOf(x)])
      executable.release()
      return x
    }
    const want = new Float32Array(length)
    const once = ({ tasks }: Kernel): void => {
      for (let i = 0; i < tasks; i++) want[i] = Math.fround(Math.fround(want[i] * 0.5) + i)
    }
    for (let round = 0; round < 20; round++) {
      once(bodies[0])
      for (let turn = 0; turn < turns; turn++) bodies.slice(1, 4).forEach(once)
      once(bodies[4])
    }
    for (const backend of [one, two, many]) expect(await run(backend)).toEqual(want)
  })

  test('backends of one process work side by side', async () => {
    const [tasks, length] = [64, 5000]
    const a = noise(tasks * length)
    const outs = [one, two, many].map(() => new Float32Array(tasks))
    await Promise.all([one, two, many].map((backend, b) => runOnce(backend, [sums(tasks, length)], [a, outs[b]])))
    expect(outs[1]).toEqual(outs[0])
    expect(outs[2]).toEqual(outs[0])
  })
})

describe('slots', () => {
  test('the arena holds what passes between launches; outputs may be fresh arrays at each run', async () => {
    const n = 48
    const copy = (from: string, to: string, add: number): Kernel =>
      kernelOf(
        [buffer(from, 'f32', n, 'read'), buffer(to, 'f32', n, 'write')],
        [k.store(to, k.task, k.add(k.load(from, 'f32', k.task), k.f32(add)))],
        { tasks: n },
      )
    const argument = (index: number) => ({ kind: 'argument', argument: index }) as const
    const arena = (offset: number) => ({ kind: 'arena', offset, length: n }) as const
    const plan: Plan = {
      kernels: [copy('a', 'b', 1), copy('c', 'd', 10)],
      launches: [
        { kernel: 0, slots: [argument(0), arena(64)], label: 'first', path: '' },
        { kernel: 1, slots: [arena(64), arena(512)], label: 'second', path: '' },
        { kernel: 0, slots: [arena(512), argument(1)], label: 'third', path: '' },
      ],
      arguments: [
        { role: 'input', dtype: 'float32', length: n },
        { role: 'output', dtype: 'float32', length: n },
      ],
      arenaBytes: 1024,
      flops: 0,
      bytes: 0,
    }
    const executable = await two.compile(plan)
    for (let round = 0; round < 3; round++) {
      const output = new Storage('float32', n)
      expect(executable.run([storageOf(new Float32Array(n).fill(round)), output])).toBeUndefined()
      expect([...output.host()]).toEqual(new Array(n).fill(round + 12))
      expect(two.memory().arenas).toBeGreaterThanOrEqual(1024)
    }
    executable.release()
  })

  test('small arrays, which the collector may move, and views into larger ones', async () => {
    const big = new Float32Array(100)
    const executable = await one.compile(planOf([halve(4)], [new Float32Array(4)]))
    for (let round = 0; round < 200; round++) {
      const small = new Float32Array(4)
      executable.run([storageOf(small)])
      expect([...small]).toEqual([0, 1, 2, 3])
    }
    executable.run([storageOf(big.subarray(7, 11))])
    expect([...big.subarray(6, 12)]).toEqual([0, 0, 1, 2, 3, 0])
    executable.release()
  })
})

describe('waiting', () => {
  test('the event loop keeps its beat during a long run', async () => {
    const [tasks, length] = [64, 10_000]
    const out = new Float32Array(tasks)
    const executable = await two.compile(planOf([sums(tasks, length, 600)], [noise(tasks * length), out]))
    let beats = 0
    const timer = setInterval(() => beats++, 5)
    const before = performance.now()
    await executable.run([storageOf(noise(tasks * length)), storageOf(out)])
    const elapsed = performance.now() - before
    clearInterval(timer)
    executable.release()
    expect(elapsed).toBeGreaterThan(100)
    expect(beats).toBeGreaterThan(elapsed / 5 / 4)
  })

  test('a tiny program of thirty launches runs at once, in a few microseconds', async () => {
    const x = new Float32Array(16)
    const executable = await two.compile(
      planOf(
        Array.from({ length: 30 }, () => halve(16)),
        [x],
      ),
    )
    const storages = [storageOf(x)]
    let best = Number.POSITIVE_INFINITY
    for (let batch = 0; batch < 20; batch++) {
      const before = performance.now()
      for (let round = 0; round < 200; round++) expect(executable.run(storages)).toBeUndefined()
      best = Math.min(best, (performance.now() - before) / 200)
    }
    executable.release()
    expect(best).toBeLessThan(0.02)
  })
})

describe('profile', () => {
  test('gives a time for each launch, and the result', async () => {
    const [tasks, length] = [32, 4000]
    const a = noise(tasks * length)
    const [plain, timed] = [new Float32Array(tasks), new Float32Array(tasks)]
    const kernels = [sums(tasks, length, 1), sums(tasks, length, 100), sums(tasks, 10)]
    await runOnce(two, kernels, [a, plain])
    const executable = await two.compile(planOf(kernels, [a, timed]))
    const times = await executable.profile([storageOf(a), storageOf(timed)])
    executable.release()
    expect(timed).toEqual(plain)
    expect(times.length).toBe(3)
    expect(times[1]).toBeGreaterThan(times[0])
    expect(times[1]).toBeGreaterThan(5 * times[2])
    expect(times.every((time) => time >= 0)).toBe(true)
  })
})

describe('memory', () => {
  let own: Backend
  beforeEach(async () => {
    own = await working({ threads: 2, cacheFolder })
  })
  afterEach(() => own.dispose())

  test('is flat over thousands of runs, and given back on release', async () => {
    const before = own.memory().arenas
    const length = 30_000
    const plan: Plan = { ...planOf([halve(length)], [new Float32Array(length)]), arenaBytes: 1 << 20 }
    const executable = await own.compile(plan)
    const storages = [storageOf(new Float32Array(length))]
    const runs = async (count: number): Promise<void> => {
      for (let round = 0; round < count; round++) await executable.run(storages)
    }
    await runs(300)
    const arenas = own.memory().arenas
    expect(arenas).toBeGreaterThanOrEqual(before + (1 << 20))
    const resident = process.memoryUsage().rss
    await runs(3000)
    expect(own.memory().arenas).toBe(arenas)
    // The test runner itself grows by a few megabytes; a leak of one array a run would be 360.
    expect(process.memoryUsage().rss - resident).toBeLessThan(40 << 20)
    executable.release()
    expect(own.memory().arenas).toBeLessThanOrEqual(arenas - (1 << 20))
    expect(own.memory().resident).toBe(0)
  })

  test('programs made and released a hundred times leave nothing behind', async () => {
    const x = new Float32Array(1000)
    await runOnce(two, [halve(1000)], [x])
    const before = two.memory().arenas
    for (let round = 0; round < 100; round++) await runOnce(two, [halve(1000)], [x])
    expect(two.memory().arenas).toBe(before)
  })

  test('a release during a run waits for its end', async () => {
    const [tasks, length] = [64, 5000]
    const out = new Float32Array(tasks)
    const a = noise(tasks * length)
    const executable = await own.compile({ ...planOf([sums(tasks, length, 40)], [a, out]), arenaBytes: 1 << 20 })
    // The first run makes the arena, which the second one holds until its end.
    await executable.run([storageOf(a), storageOf(new Float32Array(tasks))])
    const running = executable.run([storageOf(a), storageOf(out)])
    executable.release()
    expect(own.memory().arenas).toBeGreaterThanOrEqual(1 << 20)
    await running
    expect(out.every((x) => x !== 0)).toBe(true)
    expect(own.memory().arenas).toBeLessThan(1 << 20)
    expect(() => executable.run([storageOf(a), storageOf(out)])).toThrow(/was released/)
  })

  test('programs take turns in one arena, as large as the largest needs', async () => {
    const n = 64
    /** Adds 1 to each element by way of the last elements of an arena of `bytes`. */
    const through = (bytes: number): Plan => {
      const step = (from: string, to: string, add: number): Kernel =>
        kernelOf(
          [buffer(from, 'f32', n, 'read'), buffer(to, 'f32', n, 'write')],
          [k.store(to, k.task, k.add(k.load(from, 'f32', k.task), k.f32(add)))],
          { tasks: n },
        )
      const middle = { kind: 'arena', offset: bytes - 4 * n, length: n } as const
      const slots = [{ kind: 'argument', argument: 0 }, middle] as const
      return {
        ...planOf([step('a', 'b', 1)], [new Float32Array(n), new Float32Array(n)]),
        kernels: [step('a', 'b', 1), step('c', 'd', 0)],
        launches: [
          { kernel: 0, slots, label: 'there', path: '' },
          { kernel: 1, slots: [...slots].reverse(), label: 'back', path: '' },
        ],
        arguments: [{ role: 'state', dtype: 'float32', length: n }],
        arenaBytes: bytes,
      }
    }
    const sizes = [1 << 12, 1 << 20, 1 << 16]
    const programs = await Promise.all(sizes.map((bytes) => own.compile(through(bytes))))
    const x = storageOf(new Float32Array(n))
    for (let round = 0; round < 3; round++) for (const program of programs) await program.run([x])
    expect([...x.host()]).toEqual(new Array(n).fill(9))
    expect(own.memory().arenas).toBeGreaterThanOrEqual(1 << 20)
    expect(own.memory().arenas).toBeLessThan((1 << 20) + (1 << 12))
    for (const program of programs) program.release()
    expect(own.memory().arenas).toBe(0)
  })

  test('an arena larger than any memory is refused with the numbers', async () => {
    const plan: Plan = { ...planOf([halve(4)], [new Float32Array(4)]), arenaBytes: 2 ** 50 }
    await expect(one.compile(plan)).rejects.toThrow(/1125899906842624 bytes/)
  })
})

describe('mistakes', () => {
  test('wrong storages, two runs at once, and a backend that is gone', async () => {
    const x = new Float32Array(200_000)
    const backend = await working({ threads: 2, cacheFolder })
    const executable = await backend.compile(planOf([halve(x.length)], [x]))
    expect(() => executable.run([])).toThrow(/0 storages came for 1 arguments/)
    expect(() => executable.run([storageOf(new Float32Array(3))])).toThrow(
      /argument 0 has 3 elements of float32; it must have 200000/,
    )
    const detached = new Float32Array(200_000)
    structuredClone(detached.buffer, { transfer: [detached.buffer] })
    expect(() => executable.run([storageOf(detached)])).toThrow(/argument 0 has 0 elements/)
    const first = executable.run([storageOf(x)])
    expect(() => executable.run([storageOf(x)])).toThrow(/while another is under way/)
    await first
    const last = executable.run([storageOf(x)])
    await Promise.all([last, backend.dispose()])
    expect(() => executable.run([storageOf(x)])).toThrow(/was released/)
    await expect(backend.compile(planOf([halve(4)], [new Float32Array(4)]))).rejects.toThrow(/disposed/)
    await backend.dispose()
    expect(backend.memory()).toEqual({ resident: 0, arenas: 0 })
  })

  test('no vectors of three lanes: the kernel is refused before any compiler sees it', async () => {
    const kernel = kernelOf([buffer('x', 'f32', 3)], [k.store('x', k.index(0), k.f32(1, 3))])
    await expect(one.compile(planOf([kernel], [new Float32Array(3)]))).rejects.toThrow(/no vectors of 3 lanes/)
  })
})

test('the backend says what it is', () => {
  expect(two.name).toBe('native')
  expect(two.threads).toBe(2)
  expect(two.description).toMatch(/, 2 threads$/)
  expect([4, 8, 16]).toContain(two.target.lanes)
  expect(two.target.l2).toBeGreaterThan(two.target.l1)
})
