/** Checkpoints: bits in, the same bits out; what is damaged is refused; what cannot be written leaves the old one whole. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tensor } from '../src/create.ts'
import { GlissadeError } from '../src/errors.ts'
import {
  checkpointName,
  formatCheckpoint,
  type Json,
  listCheckpoints,
  loadCheckpoint,
  loadNewest,
  parseCheckpoint,
  pruneCheckpoints,
  saveCheckpoint,
} from '../src/io/checkpoint.ts'
import { formatSafetensors } from '../src/io/safetensors.ts'
import { setBackend } from '../src/run/backend.ts'
import '../src/run/realize.ts'

beforeAll(async () => {
  await setBackend('reference')
})
const folder = mkdtempSync(join(tmpdir(), 'glissade-checkpoint-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const refusal = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    () => expect.fail('nothing was refused'),
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(GlissadeError)
  return (error as GlissadeError).message
}

const single = Float32Array.of(1 / 3, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e-45)
const double = Float64Array.of(1 / 3, Math.PI, -0)
const tensors = {
  'model.weight': tensor(single),
  'model.exact': tensor(double),
  count: tensor(Int32Array.of(-7, 2 ** 31 - 1)),
  mask: tensor([true, false]),
}
const state = {
  epoch: 3,
  best: Number.NEGATIVE_INFINITY,
  losses: [1 / 3, Number.NaN, -0, 0],
  text: 'a "glissade.crc32c":"00000000" within',
  none: null,
}

describe('a checkpoint', () => {
  it('gives back the same bits, and numbers that JSON cannot say', async () => {
    const { tensors: read, state: found } = parseCheckpoint(await formatCheckpoint({ tensors, state }))
    expect(Object.keys(read).sort()).toEqual(Object.keys(tensors).sort())
    const bits = async (name: keyof typeof tensors): Promise<[Uint8Array, Uint8Array]> => {
      const [a, b] = [await tensors[name].data(), await read[name].data()]
      expect(read[name].dtype).toBe(tensors[name].dtype)
      expect(read[name].shape).toEqual(tensors[name].shape)
      return [new Uint8Array(a.buffer), new Uint8Array(b.buffer)]
    }
    for (const name of Object.keys(tensors) as (keyof typeof tensors)[]) {
      const [a, b] = await bits(name)
      expect(b).toEqual(a)
    }
    expect(found).toEqual(state)
    expect(Object.is((found as typeof state).losses[2], -0)).toBe(true)
    expect(Object.is((found as typeof state).losses[3], 0)).toBe(true)
  })

  it('is refused wherever a bit is turned or the end is missing', async () => {
    const bytes = await formatCheckpoint({ tensors, state })
    for (let at = 0; at < bytes.length; at += 1) {
      const damaged = Uint8Array.from(bytes)
      damaged[at] ^= 1 << (at % 8)
      expect(() => parseCheckpoint(damaged), `byte ${at}`).toThrow(GlissadeError)
    }
    for (const length of [0, 7, 8, 100, bytes.length - 1]) {
      expect(() => parseCheckpoint(bytes.subarray(0, length)), `length ${length}`).toThrow(
        /file-format|cut short|header/,
      )
    }
  })

  it('is told from a file of weights', async () => {
    const weights = await formatSafetensors({ a: tensor([1]) })
    expect(() => parseCheckpoint(weights, 'w.safetensors')).toThrow(
      /w\.safetensors: header: received no state of training/,
    )
  })
})

describe('checkpoints in a folder', () => {
  const at = (path: string, steps: number, value: Json): Promise<void> =>
    saveCheckpoint(join(path, checkpointName(steps)), { tensors: { a: tensor([steps]) }, state: value })

  it('are found newest first, and pruned with what was left half written', async () => {
    const path = join(folder, 'many')
    mkdirSync(path)
    for (const steps of [2, 10, 1, 1_000_000_000_0]) await at(path, steps, steps)
    writeFileSync(join(path, 'step-000000011.safetensors.1234.part'), 'half')
    writeFileSync(join(path, 'notes.txt'), 'mine')
    expect((await listCheckpoints(path)).map((file) => Number(/step-(\d+)/.exec(file)?.[1]))).toEqual([1e10, 10, 2, 1])
    await pruneCheckpoints(path, 2)
    expect(readdirSync(path)).toEqual(['notes.txt', 'step-000000010.safetensors', 'step-10000000000.safetensors'])
    expect((await loadNewest(path))?.state).toBe(1e10)
    expect(await loadNewest(join(folder, 'nowhere'))).toBeUndefined()
  })

  it('the one before serves where the newest is damaged, if asked', async () => {
    const path = join(folder, 'damaged')
    mkdirSync(path)
    for (const steps of [1, 2, 3]) await at(path, steps, steps)
    const [third, second, first] = await listCheckpoints(path)
    truncateSync(third, 50)
    const garbled = readFileSync(second)
    garbled[garbled.length - 1] ^= 255
    writeFileSync(second, garbled)
    expect(await refusal(loadNewest(path))).toMatch(/step-000000003\.safetensors.*cut short/)
    expect(await loadNewest(path, { fallback: true })).toMatchObject({
      state: 1,
      path: first,
      refused: [third, second],
    })
    expect(await refusal(loadCheckpoint(second))).toMatch(/checksum: received [0-9a-f]{8}; expected [0-9a-f]{8}/)
    truncateSync(first, 0)
    expect(await refusal(loadNewest(path, { fallback: true }))).toMatch(/step-000000001\.safetensors/)
  })

  it('that cannot be written leaves the old one whole', async () => {
    const path = join(folder, 'full')
    mkdirSync(path)
    await at(path, 1, 'old')
    const before = readFileSync(join(path, checkpointName(1)))
    chmodSync(path, 0o500)
    // The superuser may write everywhere; a folder in the place of the file stops even it.
    const isRoot = process.getuid?.() === 0
    if (!isRoot) expect(await refusal(at(path, 1, 'new'))).toMatch(/writing: received EACCES/)
    chmodSync(path, 0o700)
    mkdirSync(join(path, checkpointName(2)))
    expect(await refusal(at(path, 2, 'new'))).toMatch(/writing: received E(ISDIR|EXIST|NOTEMPTY)/)
    expect(readFileSync(join(path, checkpointName(1))).equals(before)).toBe(true)
    expect(readdirSync(path)).toEqual([checkpointName(1), checkpointName(2)])
  })
})
