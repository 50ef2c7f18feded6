/**
 * The command as people run it: the compiled program, as a process of its own, with its output, its files and its exit
 * codes. `npm test` compiles it first.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encode } from 'fast-png'
import { data } from 'glissade'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const command = fileURLToPath(new URL('../bin/glissade.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'glissade-command-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function start(
  args: readonly string[],
  env: Record<string, string> = {},
): { child: ChildProcess; ended: Promise<Ended>; until: (text: string) => Promise<void> } {
  const child = spawn(process.execPath, [command, ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', ...env },
  })
  let [out, err] = ['', '']
  const waiting: { text: string; resolve: () => void }[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
    for (const one of waiting) if (out.includes(one.text)) one.resolve()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, out, err })))
  const until = (text: string): Promise<void> =>
    Promise.race([new Promise<void>((resolve) => waiting.push({ text, resolve })), ended.then(() => undefined)])
  return { child, ended, until }
}

const glissade = (args: readonly string[], env?: Record<string, string>): Promise<Ended> => start(args, env).ended
const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? ''

/** Few steps, so that the test is short; the accuracy is what they give. */
const short = ['run', 'digits', '--epochs', '1', '--batch', '100', '--seed', '3']

describe('run digits', { timeout: 240_000 }, () => {
  let whole: Ended
  beforeAll(async () => {
    whole = await glissade([...short, '--out', 'whole'])
  }, 240_000)

  test('shows how it goes and what was learned', () => {
    expect(whole).toMatchObject({ code: 0, err: '' })
    expect(whole.out).toMatch(/digits +8 000 to train, 2 000 to test/)
    expect(whole.out).toMatch(/^epoch 1\/1 {2}loss \d\.\d{4} {2}accuracy +\d+\.\d\d % +[\d ]+ images\/s/m)
    // ten rows of the confusion matrix, with as many digits as there are in the test
    const rows = [...whole.out.matchAll(/^(\d) │([\d· ]+?)\s+[\d.]+ %$/gm)]
    expect(rows.map(([, digit]) => digit).join('')).toBe('0123456789')
    const counts = rows
      .flatMap(([, , cells]) => cells.trim().split(/\s+/))
      .map((cell) => (cell === '·' ? 0 : Number(cell)))
    expect(counts.length).toBe(100)
    expect(counts.reduce((a, b) => a + b)).toBe(2000)
    const right = counts.filter((_, i) => i % 11 === 0).reduce((a, b) => a + b)
    expect(lastLine(whole.out)).toBe(`test accuracy ${(right / 20).toFixed(2)} %`)
    expect(right / 20).toBeGreaterThan(88)
    expect(whole.out).toContain('most confidently wrong')
    expect(whole.out).toContain('whole/model.safetensors')
  })

  test('the same seed gives the same model, and --quiet prints one line', async () => {
    const again = await glissade([...short, '--out', 'again', '--quiet'])
    expect(again.out).toBe(`${lastLine(whole.out)}\n`)
    expect(weights('again').equals(weights('whole'))).toBe(true)
  })

  test('Ctrl-C saves after the step, and --resume goes on as if nothing had happened', async () => {
    const run = start([...short, '--out', 'cut'])
    await run.until('settings')
    run.child.kill('SIGINT')
    const ended = await run.ended
    expect(ended.code).toBe(130)
    expect(ended.err).toContain('stopping after this step')
    expect(ended.out).toMatch(/interrupted in epoch 1 after step \d+; saved in cut\n.*--resume cut/)
    const resumed = await glissade(['run', 'digits', '--resume', 'cut'])
    expect(resumed).toMatchObject({ code: 0, err: '' })
    expect(lastLine(resumed.out)).toBe(lastLine(whole.out))
    expect(weights('cut').equals(weights('whole'))).toBe(true)
    expect(existsSync(join(folder, 'cut/training.safetensors'))).toBe(false)
    const over = await glissade(['run', 'digits', '--resume', 'cut'])
    expect(over.code).toBe(1)
    expect(over.err).toContain('was not interrupted')
  })

  test('a resumed run keeps its settings', async () => {
    const run = start([...short, '--out', 'kept'])
    await run.until('settings')
    run.child.kill('SIGINT')
    await run.ended
    const other = await glissade(['run', 'digits', '--resume', 'kept', '--batch', '50'])
    expect(other.code).toBe(1)
    expect(other.err).toMatch(/--batch: received 50; expected 100/)
  })

  /** The bytes of the parameters: the file without its header, in which times stand. */
  function weights(run: string): Buffer {
    const file = readFileSync(join(folder, run, 'model.safetensors'))
    return file.subarray(8 + Number(file.readBigUInt64LE(0)))
  }

  describe('then', () => {
    test('inspect shows layers and parameters', async () => {
      const { code, out } = await glissade(['inspect', 'whole'])
      expect(code).toBe(0)
      expect(out).toMatch(/0\.weight +F32 +\[16, 1, 5, 5\] +400/)
      expect(out).toMatch(/^0 +conv2d +.*416$/m)
      const { total } = JSON.parse((await glissade(['inspect', 'whole', '--json'])).out)
      expect(total.parameters).toBe(215_370)
    })

    test('predict reads a picture of a digit', async () => {
      const { test: digits } = await data.digits()
      const { x, y } = await digits.batchAt([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
      const [pixels, labels] = [await x.data(), await y.data()]
      let right = 0
      for (let i = 0; i < 10; i++) {
        // as on paper: dark on light, three times as large, with a rim
        const grey = Uint8Array.from({ length: 100 * 100 }, (_, at) => {
          const [px, py] = [Math.floor(((at % 100) - 8) / 3), Math.floor((Math.floor(at / 100) - 8) / 3)]
          const inside = px >= 0 && px < 28 && py >= 0 && py < 28
          return 255 - (inside ? Math.round(255 * pixels[i * 784 + py * 28 + px]) : 0)
        })
        writeFileSync(join(folder, 'digit.png'), encode({ width: 100, height: 100, channels: 1, depth: 8, data: grey }))
        const { code, out } = await glissade(['predict', 'whole', 'digit.png', '--json'])
        expect(code).toBe(0)
        const { answer, probabilities } = JSON.parse(out)
        expect(Object.values<number>(probabilities).reduce((a, b) => a + b)).toBeCloseTo(1, 4)
        if (answer === String(labels[i])) right++
      }
      expect(right).toBeGreaterThanOrEqual(8)
      const { out } = await glissade(['predict', 'whole', 'digit.png'])
      expect(out).toMatch(/it is a \d \(\d+\.\d % sure\)/)
    })

    test('a model file that was cut short is refused in words', async () => {
      const copy = join(folder, 'short.safetensors')
      writeFileSync(copy, readFileSync(join(folder, 'whole/model.safetensors')))
      truncateSync(copy, 5000)
      for (const args of [
        ['inspect', copy],
        ['predict', copy, 'digit.png'],
      ]) {
        const { code, err, out } = await glissade(args)
        expect({ code, out }).toEqual({ code: 1, out: '' })
        expect(err).toMatch(/^glissade: .*short\.safetensors: .*cut short/)
        expect(err).not.toContain('    at ')
      }
    })
  })
})

describe('mistakes end in words', () => {
  test.each([
    [['predict', 'nowhere.safetensors', 'x.png'], /nowhere\.safetensors/],
    [['inspect', 'nowhere.safetensors'], /nowhere\.safetensors.*Check the path/],
    [['run', 'digits', '--epochs', '0'], /whole number of at least 1/],
    [['run', 'digits', '--resume', 'nowhere'], /nowhere/],
    [['run', 'digits', '--backend', 'cuda'], /Allowed choices are auto, native, wasm, reference/],
    [['dance'], /unknown command 'dance'/],
  ])('glissade %j', async (args, text) => {
    const { code, err } = await glissade(args)
    expect(code).toBe(1)
    expect(err).toMatch(text)
    expect(err).not.toContain('    at ')
  })
})

describe('doctor', { timeout: 120_000 }, () => {
  test('tells of every backend whether it works, how fast it is, or why not', async () => {
    const { code, out } = await glissade(['doctor', '--json'])
    expect(code).toBe(0)
    const { backends, chosen } = JSON.parse(out)
    expect(backends.map(({ name }: { name: string }) => name)).toEqual(['native', 'wasm', 'reference'])
    expect(backends.find(({ name }: { name: string }) => name === chosen).works).toBe(true)
    for (const backend of backends) {
      if (backend.works) expect(backend.gflops).toBeGreaterThan(0)
      else expect(backend.reason).not.toBe('')
    }
  })

  test('says what is missing where there is no C compiler', async () => {
    const { out } = await glissade(['doctor'], { PATH: '/nowhere', CC: '' })
    expect(out).toMatch(/native\n +why +\S/)
    expect(out).toMatch(/programs run on wasm/)
  })
})
