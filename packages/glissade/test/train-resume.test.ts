/** A run that was stopped and goes on has the same bits as one that never was: on native and wasm, and after SIGKILL. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BackendName, probeBackend } from '../src/run/backend.ts'
import { type OptimizerName, type Trained, train } from './train/recipe.ts'

const folder = mkdtempSync(join(tmpdir(), 'glissade-resume-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let made = 0
const fresh = (): string => join(folder, `run${made++}`)

const native = 'backend' in (await probeBackend('native', { threads: 1 }))
if (!native) console.log('resuming on native: skipped, because it does not work here')
const backends: BackendName[] = native ? ['native', 'wasm'] : ['wasm']
const cases = backends.flatMap((backend) =>
  (['cosine', 'plateau'] as const).map((optimizer): [BackendName, OptimizerName] => [backend, optimizer]),
)

const whole = new Map<string, Promise<Trained>>()
const uninterrupted = (backend: BackendName, optimizer: OptimizerName): Promise<Trained> => {
  const known = whole.get(backend + optimizer) ?? train(backend, optimizer)
  whole.set(backend + optimizer, known)
  return known
}

/** Stops at step `at`; the seed of the second process does not matter, since everything comes from the checkpoint. */
async function stopped(backend: BackendName, optimizer: OptimizerName, at: number, run: string): Promise<void> {
  const stop = new AbortController()
  const { steps } = await train(backend, optimizer, {
    run,
    resume: true,
    signal: stop.signal,
    on: {
      step: (event) => {
        if (event.steps === at) stop.abort()
      },
    },
  })
  expect(steps).toBe(at)
}

describe.each(cases)('on %s with %s', (backend, optimizer) => {
  it('a run without checkpoints and one with them are the same', async () => {
    expect(await train(backend, optimizer, { run: fresh() })).toEqual(await uninterrupted(backend, optimizer))
  })

  // 3: in the middle of an epoch and of an accumulation; 5: before a validation; 7: at the end of an epoch, before its
  // validation; 10: both.
  it('stopped in the middle and at the end of epochs, and gone on with', async () => {
    const run = fresh()
    for (const at of [3, 5, 7, 10, 20]) await stopped(backend, optimizer, at, run)
    const resumed = await train(backend, optimizer, { run, resume: true }, 99)
    expect(resumed).toEqual(await uninterrupted(backend, optimizer))
    // And a run that is over stays as it is.
    const again = await train(backend, optimizer, { run, resume: true }, 98)
    expect(again).toEqual(resumed)
  })
})

describe('killed between two steps', () => {
  // Below node_modules, so that the child finds the package that native needs.
  const place = mkdtempSync(fileURLToPath(new URL('../../../node_modules/.glissade-child-', import.meta.url)))
  const script = join(place, 'child.mjs')
  afterAll(() => rmSync(place, { recursive: true, force: true }))
  beforeAll(async () => {
    const input = { child: fileURLToPath(new URL('./train/child.ts', import.meta.url)) }
    const names = { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' }
    await build({ input, platform: 'node', logLevel: 'silent', output: { dir: place, format: 'esm', ...names } })
  })

  function child(...args: string[]): Promise<{ signal: string | null; output: string; errors: string }> {
    return new Promise((resolve, reject) => {
      const running = spawn(process.execPath, [script, ...args], { timeout: 120_000 })
      let [output, errors] = ['', '']
      running.stdout.on('data', (text) => (output += text))
      running.stderr.on('data', (text) => (errors += text))
      running.on('error', reject)
      running.on('close', (_, signal) => resolve({ signal, output, errors }))
    })
  }

  it.each(backends)('on %s', async (backend) => {
    const run = fresh()
    for (const at of [2, 8, 20]) {
      const { signal, errors } = await child(backend, 'cosine', run, String(at))
      expect({ signal, errors }).toEqual({ signal: 'SIGKILL', errors: '' })
      expect(readdirSync(run)).toContain('lock.json')
    }
    const { signal, output, errors } = await child(backend, 'cosine', run, '0')
    expect({ signal, errors }).toEqual({ signal: null, errors: '' })
    expect(JSON.parse(output)).toEqual(await uninterrupted(backend, 'cosine'))
    // Every step is told once, in order.
    const lines = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trim().split('\n')
    const steps = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'step')
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 28 }, (_, i) => i + 1))
    expect(readdirSync(run).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  it('with the newest checkpoint cut short: refused, or the one before, as asked', async () => {
    const run = fresh()
    await stopped('wasm', 'cosine', 3, run)
    await stopped('wasm', 'cosine', 9, run)
    const checkpoints = join(run, 'checkpoints')
    expect(readdirSync(checkpoints)).toEqual([
      'step-000000003.safetensors',
      'step-000000007.safetensors',
      'step-000000009.safetensors',
    ])
    truncateSync(join(checkpoints, 'step-000000009.safetensors'), 2000)
    await expect(train('wasm', 'cosine', { run, resume: true })).rejects.toThrow(
      /step-000000009\.safetensors.*cut short/s,
    )
    const resumed = await train('wasm', 'cosine', { run, resume: { fallback: true } })
    expect(resumed).toEqual(await uninterrupted('wasm', 'cosine'))
  })
})
