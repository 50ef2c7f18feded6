/** `glissade profile`: runs are watched without being changed, and told by kernel, module and part of the best. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile, getBackend, nn, setBackend, type Tensor, tensor } from 'glissade'
import { afterEach, describe, expect, test } from 'vitest'
import { findProgram } from '../src/profile/load.ts'
import { commonPath, familiesOf, type KernelLine, middle, programText, reportOf } from '../src/profile/report.ts'
import { type Plan, type Seen, Watch } from '../src/profile/watch.ts'
import type { Ceiling } from '../src/roofline/roofline.ts'

const folders: string[] = []
afterEach(async () => {
  await setBackend('auto')
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

test('a watched program computes the same, and every second run is timed', async () => {
  await setBackend('wasm', { threads: 1 })
  const model = nn.sequential(nn.linear(8, 4), nn.relu())
  const x = tensor(Array.from({ length: 16 }, (_, i) => i / 8 - 1)).reshape([2, 8])
  await model.forward(x).realized()
  const expected = [...(await compile((x: Tensor) => model.forward(x))(x).then((y) => y.data()))]
  const watch = new Watch(await getBackend())
  await setBackend(watch.backend)
  const forward = compile((x: Tensor) => model.forward(x))
  for (let i = 0; i < 6; i++) expect([...(await (await forward(x)).data())]).toEqual(expected)
  const [seen] = watch.programs.filter(({ runs }) => runs === 6)
  expect(seen.plain).toHaveLength(3)
  expect(seen.timed).toHaveLength(2)
  expect(seen.first).toHaveLength(seen.plan.launches.length)
  expect(seen.total).toBeGreaterThanOrEqual(seen.plain[0] + seen.plain[1])
  const [report] = reportOf([seen], undefined)
  expect(report.kernels.map(({ path }) => path)).toContain('0')
  expect(programText(report, 1, 5)).toContain('6 runs')
  forward.release()
})

const ceiling: Ceiling = { vectors: 'v', threads: 1, flops: 1e9, levels: [{ bytes: 1e9, rate: 1e9 }] }

/** Launches of two kernels, the second one in a loop of three turns. */
function seen(timed: number[][]): Seen {
  const kernel = (kind: string, flops: number, bytes: number) => ({ kind, flops, bytes, tasks: 1 })
  const launch = (kernel: number, path: string) => ({ kernel, path, label: 'add', slots: [] })
  const plan = {
    kernels: [kernel('contract', 1e6, 10), kernel('map', 10, 2e6)],
    launches: [launch(0, 'a'), launch(1, 'b'), launch(1, 'a')],
    repeats: [{ first: 1, end: 2, count: 3 }],
    arguments: [{ role: 'input', dtype: 'float32', length: 256 }],
    arenaBytes: 2048,
  } as unknown as Plan
  const times = timed.map((each) => Float64Array.from(each))
  return { plan, compiled: 5, runs: 4, total: 100, plain: [9, 11, 10], timed: times, first: Float64Array.of(9, 9, 9) }
}

describe('the report', () => {
  test('kernels by their median time, with what bounds them, loops with all turns', () => {
    const [{ kernels, run, temporaries, given }] = reportOf(
      [
        seen([
          [4, 20, 5],
          [2, 12, 4],
          [3, 15, 40],
        ]),
      ],
      ceiling,
    )
    expect(
      kernels.map(({ kind, path, milliseconds, turns, flops, bound }) => [
        kind,
        path,
        milliseconds,
        turns,
        flops,
        bound,
      ]),
    ).toEqual([
      ['map', 'b', 15, 3, 30, { milliseconds: 6, by: 'memory' }],
      ['map', 'a', 5, 1, 10, { milliseconds: 2, by: 'memory' }],
      ['contract', 'a', 3, 1, 1e6, { milliseconds: 1, by: 'compute' }],
    ])
    expect([run, temporaries, given]).toEqual([10, 2048, 1024])
  })

  test('module paths add up, and the text tells shares and what it leaves out', () => {
    const [report] = reportOf([seen([[3, 15, 5]])], ceiling)
    expect(report.paths).toEqual([
      { path: 'b', milliseconds: 15, bound: 6 },
      { path: 'a', milliseconds: 8, bound: 3 },
    ])
    const text = programText(report, 1, 1)
    expect(text).toContain(
      'program 1: 3 kernels, 4 runs, 10.0 ms a run, 23.0 ms in kernels, 39.1 % of the machine’s best',
    )
    expect(text).toMatch(/15\.000 +65\.2 % +0\.0 +0\.4 +40\.0 % +memory +map × 3 +1 +add +b/)
    expect(text).toContain('… and 2 more, 8.000 ms together')
    expect(text).toContain('… and 1 more, 8.000 ms together')
  })

  test('the same kernel in several places is one line', () => {
    const line = (code: number, path: string, milliseconds: number): KernelLine => {
      const bound = { milliseconds: 1, by: 'compute' } as const
      return { code, kind: 'map', label: 'add', path, milliseconds, turns: 1, flops: 10, bytes: 20, bound }
    }
    const families = familiesOf([line(0, 'blocks.0.a', 2), line(1, 'head', 4), line(0, 'blocks.1.a', 3)])
    expect(
      families.map(({ path, places, milliseconds, flops, bound }) => [
        path,
        places,
        milliseconds,
        flops,
        bound?.milliseconds,
      ]),
    ).toEqual([
      ['blocks.*.a', 2, 5, 20, 2],
      ['head', 1, 4, 10, 1],
    ])
    expect([commonPath('a.0.b', 'a.1.b'), commonPath('a', 'a.b'), commonPath('a', 'a')]).toEqual(['a.*.b', '*', 'a'])
  })

  test('a program that ran once is told by that run, one that never ran not at all', () => {
    const once = { ...seen([]), runs: 1 }
    expect(reportOf([once], undefined)[0].kernels[0]).toMatchObject({ milliseconds: 9, bound: undefined })
    expect(reportOf([{ ...once, runs: 0, first: undefined }], undefined)).toEqual([])
    expect([middle([3, 1, 2]), middle([4, 1, 2, 3]), middle([])]).toEqual([2, 2, 0])
  })

  test('the program that takes the most time comes first', () => {
    const reports = reportOf(
      [
        { ...seen([]), total: 1 },
        { ...seen([]), total: 2 },
      ],
      undefined,
    )
    expect(reports.map(({ total }) => total)).toEqual([2, 1])
  })
})

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** The compiled command (npm test compiles it first), on an example for a few steps. */
test('the command runs an example and tells where its time goes', { timeout: 120_000 }, () => {
  const command = join(root, 'packages/cli/bin/glissade.js')
  const args = [command, 'profile', 'xor', '--backend', 'wasm', '--threads', '1', '--steps', '9', '--json']
  const env = { ...process.env, STEPS: undefined, NODE_OPTIONS: undefined, VITEST: undefined }
  const out = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8', env })
  const { backend, machine, programs } = JSON.parse(out.trimEnd().split('\n').at(-1) ?? '')
  expect(backend).toMatchObject({ name: 'wasm', threads: 1 })
  expect(machine.flops).toBeGreaterThan(0)
  // Which program takes the most time is for the clock to say; only the training step runs nine times.
  const step = programs.find(({ runs }: { runs: number }) => runs >= 9)
  expect(step).toBeDefined()
  for (const { milliseconds, bound } of step.kernels) {
    expect(milliseconds).toBeGreaterThanOrEqual(0)
    expect(bound.milliseconds).toBeGreaterThanOrEqual(0)
  }
})

describe('finding a program', () => {
  test('by its path or as an example; what is nowhere is refused', () => {
    const folder = mkdtempSync(join(tmpdir(), 'glissade-profile-'))
    folders.push(folder)
    writeFileSync(join(folder, 'own.mjs'), '')
    expect(findProgram('own', folder)).toBe(join(folder, 'own.mjs'))
    expect(findProgram('own.mjs', folder)).toBe(join(folder, 'own.mjs'))
    expect(() => findProgram('nothing', folder)).toThrow(/The program nothing was not found; looked in .*examples/)
    expect(findProgram('xor', root)).toMatch(/examples\/xor\.ts$/)
  })
})
