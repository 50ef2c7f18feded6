/** Run folders: locks, records, event files for TensorBoard. Whole training runs in them: train-run.test.ts. */
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { GlissadeError } from '../src/errors.ts'
import { crc32c } from '../src/io/checksum.ts'
import { RunFolder, readMetrics } from '../src/io/run-folder.ts'
import { boardWriter, formatEvent, frameRecord, histogramOf } from '../src/io/tensorboard.ts'

const folder = mkdtempSync(join(tmpdir(), 'glissade-run-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let made = 0
const fresh = (): string => join(folder, `run${made++}`)

const errorOf = (promise: Promise<unknown>): Promise<GlissadeError> =>
  promise.then(
    () => expect.fail('nothing was refused'),
    (error) => {
      expect(error).toBeInstanceOf(GlissadeError)
      return error as GlissadeError
    },
  )

describe('crc32c', () => {
  it.each([
    // RFC 3720, appendix B.4
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['rising', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['text', new TextEncoder().encode('123456789'), 0xe3069283],
  ])('of %s', (_, bytes, sum) => {
    expect(crc32c(bytes)).toBe(sum)
    expect(crc32c(bytes.subarray(5), crc32c(bytes.subarray(0, 5)))).toBe(sum)
  })
})

describe('event files', () => {
  it('are byte for byte what TensorBoard writes', () => {
    const golden = JSON.parse(readFileSync(new URL('./golden/tensorboard.json', import.meta.url), 'utf8'))
    const histogram = {
      min: -1.5,
      max: 2.5,
      count: 4,
      sum: 1.25,
      sumOfSquares: 9,
      limits: [-0.5, 0.75, 2.5],
      counts: [1, 2, 1],
    }
    const events = [
      { wallTime: 1700000000.25, fileVersion: 'brain.Event:2' },
      { wallTime: 1700000001.5, step: 7, restart: true },
      {
        wallTime: 1700000002.75,
        step: 300,
        values: [
          { tag: 'step/loss', scalar: 0.1 },
          { tag: 'step/zero', scalar: 0 },
          { tag: 'weights/größe', histogram },
        ],
      },
      { wallTime: 1700000003, step: 5_000_000_000, values: [{ tag: 'a', scalar: -2 }] },
    ]
    const records = events.map((event) => frameRecord(formatEvent(event)))
    expect(Buffer.concat(records).toString('hex')).toBe(golden.file)
  })

  it('histograms count every finite value once', () => {
    const { min, max, count, sum, limits, counts } = histogramOf([
      1,
      2,
      2.5,
      4,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      -1,
    ])
    expect({ min, max, count, sum }).toEqual({ min: -1, max: 4, count: 5, sum: 8.5 })
    expect(counts.reduce((a, b) => a + b)).toBe(5)
    expect(counts[0]).toBe(1)
    expect(counts[29]).toBe(1)
    expect(limits[29]).toBe(4)
    expect(histogramOf([3, 3, 3])).toMatchObject({ min: 3, max: 3, limits: [3], counts: [3] })
    expect(histogramOf([]).count).toBe(0)
  })

  it('are never two under one name', async () => {
    const path = fresh()
    const writers = await Promise.all([boardWriter(path), boardWriter(path, { from: 4 })])
    for (const writer of writers) await writer.close()
    expect(readdirSync(path)).toHaveLength(2)
  })
})

describe('a run folder', () => {
  it('keeps config and a line for each event', async () => {
    const path = fresh()
    const run = await RunFolder.open(path, { config: { lr: 0.1, broken: Number.NaN } })
    await run.begin(0)
    await run.record('step', 1, { loss: 2, accuracy: undefined, deep: { norm: 1 } })
    await run.record('step', 2, { loss: Number.NaN })
    await run.close()
    expect(JSON.parse(readFileSync(join(path, 'config.json'), 'utf8')).config).toEqual({ lr: 0.1, broken: 'NaN' })
    const lines = await readMetrics(path)
    expect(lines).toMatchObject([
      { event: 'step', step: 1, loss: 2, deep: { norm: 1 } },
      { event: 'step', step: 2, loss: 'NaN' },
    ])
    expect(lines[0]).not.toHaveProperty('accuracy')
    expect(existsSync(join(path, 'lock.json'))).toBe(false)
    expect(readdirSync(path).filter((name) => name.startsWith('events.out.tfevents.'))).toHaveLength(1)
  })

  it('is not begun twice, and goes on without what is done again', async () => {
    const path = fresh()
    const run = await RunFolder.open(path)
    await run.begin(0)
    for (const step of [1, 2, 3]) await run.record('step', step, { loss: step })
    await run.close()
    // A killed process leaves half a line.
    appendFileSync(join(path, 'metrics.jsonl'), '{"event":"st')
    expect((await errorOf(RunFolder.open(path))).message).toMatch(/holds a run.*resume: true/)
    const again = await RunFolder.open(path, { resume: true })
    expect(again.resumed).toBe(true)
    await again.begin(2)
    await again.record('step', 3, { loss: 30 })
    await again.close()
    expect((await readMetrics(path)).map(({ loss }) => loss)).toEqual([1, 2, 30])
  })

  it('refuses a line that is no event, with its number', async () => {
    const path = fresh()
    await (await RunFolder.open(path)).close()
    writeFileSync(join(path, 'metrics.jsonl'), '{"event":"step","step":1}\nnonsense\n')
    expect((await errorOf(readMetrics(path))).message).toMatch(/metrics\.jsonl: line 2: received nonsense/)
  })

  it('refuses a path that is a file', async () => {
    const path = join(folder, 'file')
    writeFileSync(path, '')
    expect((await errorOf(RunFolder.open(join(path, 'run')))).code).toBe('file-format')
  })
})

describe('the lock', () => {
  it('names its owner to the second, and is free when it is given back', async () => {
    const path = fresh()
    const run = await RunFolder.open(path)
    const error = await errorOf(RunFolder.open(path, { resume: true }))
    expect(error.code).toBe('run-locked')
    expect(error.message).toContain(`process ${process.pid} on ${hostname()}`)
    await run.close()
    await (await RunFolder.open(path, { resume: true })).close()
  })

  it('of a process that lives is kept, of one that is dead taken over', async () => {
    const path = fresh()
    await (await RunFolder.open(path)).close()
    const lock = join(path, 'lock.json')
    const owner = { started: '', host: hostname(), since: '2026-01-02T03:04:05.000Z', token: 'other' }
    // Process 1 is always there; it cannot be signalled by everyone, and lives all the same.
    writeFileSync(lock, JSON.stringify({ ...owner, pid: 1 }))
    expect((await errorOf(RunFolder.open(path, { resume: true }))).message).toContain('process 1 on')
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    writeFileSync(lock, JSON.stringify({ ...owner, pid }))
    await (await RunFolder.open(path, { resume: true })).close()
    // Half a lock, as a full disk might leave it.
    writeFileSync(lock, '{"pid":')
    await (await RunFolder.open(path, { resume: true })).close()
    // Another machine's cannot be asked.
    writeFileSync(lock, JSON.stringify({ ...owner, pid, host: 'elsewhere' }))
    expect((await errorOf(RunFolder.open(path, { resume: true }))).message).toContain('on elsewhere')
    rmSync(lock)
    expect(readdirSync(path).filter((name) => name.startsWith('lock'))).toEqual([])
  })

  it.skipIf(process.platform !== 'linux')('of a process whose number was given to another is taken over', async () => {
    const path = fresh()
    await (await RunFolder.open(path)).close()
    const owner = { pid: process.pid, started: 'another start', host: hostname(), since: '', token: 'other' }
    writeFileSync(join(path, 'lock.json'), JSON.stringify(owner))
    await (await RunFolder.open(path, { resume: true })).close()
  })

  it('that someone took away stops its former owner before it writes', async () => {
    const path = fresh()
    const run = await RunFolder.open(path)
    rmSync(join(path, 'lock.json'))
    const other = await RunFolder.open(path, { resume: true })
    const error = await errorOf(run.saveCheckpoint(1, { tensors: {}, state: null }, 3))
    expect(error.code).toBe('run-locked')
    expect(await run.checkpoints()).toEqual([])
    await run.close()
    expect(existsSync(join(path, 'lock.json'))).toBe(true)
    await other.close()
  })

  it('is won by one of many', async () => {
    const path = fresh()
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    await (await RunFolder.open(path)).close()
    const owner = { pid, started: '', host: hostname(), since: '', token: 'dead' }
    writeFileSync(join(path, 'lock.json'), JSON.stringify(owner))
    const tries = await Promise.allSettled(Array.from({ length: 20 }, () => RunFolder.open(path, { resume: true })))
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})
