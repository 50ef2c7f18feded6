/** The wasm backend in processes of its own: it keeps none alive, leaves none hanging, and works without threads. */
import { spawn } from 'node:child_process'
import { beforeAll, expect, test } from 'vitest'
import { bundle } from './wasm/bundle.ts'
import type { WorkReport } from './wasm/work.ts'

/** Longer than any of these takes, shorter than a hang. */
const LIMIT_MS = 30_000
let script = ''

beforeAll(async () => {
  script = await bundle('process.ts', 'node')
})

function run(flags: readonly string[], deed: string): Promise<{ code: number | null; output: string; errors: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...flags, script, deed], { timeout: LIMIT_MS })
    let [output, errors] = ['', '']
    child.stdout.on('data', (text) => (output += text))
    child.stderr.on('data', (text) => (errors += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output, errors }))
  })
}

test('a run keeps the process alive to its end, idle workers do not', async () => {
  const { code, output, errors } = await run([], 'work')
  expect({ code, errors }).toEqual({ code: 0, errors: '' })
  const report = JSON.parse(output) as WorkReport
  expect(report).toMatchObject({ threads: 2, waited: true })
  expect(report.largestError).toBeLessThan(1e-4)
})

test('process.exit ends busy workers', async () => {
  const start = performance.now()
  const { code, output } = await run([], 'leave')
  expect({ code, output }).toEqual({ code: 7, output: '"left"\n' })
  expect(performance.now() - start).toBeLessThan(LIMIT_MS / 2)
})

test('where workers are refused, one thread does the work and says why', async () => {
  const [major, minor] = process.versions.node.split('.').map(Number)
  const permission =
    major > 23 || (major === 23 && minor >= 5) || (major === 22 && minor >= 13)
      ? '--permission'
      : '--experimental-permission'
  const { code, output } = await run([permission, '--allow-fs-read=*'], 'work')
  expect(code).toBe(0)
  const report = JSON.parse(output) as WorkReport
  expect(report).toMatchObject({ threads: 1, waited: true })
  expect(report.description).toMatch(/1 thread: workers cannot be started \(.*restricted/)
  expect(report.largestError).toBeLessThan(1e-4)
  // Slices let the timer beat between launches.
  expect(report.beats).toBeGreaterThan(1)
})
