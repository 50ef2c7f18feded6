/** idx files: every type, gzipped or not, and damage. */
import { describe, expect, it } from 'vitest'
import * as io from '../src/io/index.ts'
import { readDamaged } from './damage.ts'

const u32 = (n: number): number[] => [n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]
const idx = (type: number, shape: number[], data: number[]): Uint8Array =>
  Uint8Array.from([0, 0, type, shape.length, ...shape.flatMap(u32), ...data])

describe('idx', () => {
  it('is read in every type', async () => {
    expect(io.parseIdx(idx(8, [2, 2], [0, 1, 254, 255]))).toEqual({
      data: Int32Array.of(0, 1, 254, 255),
      shape: [2, 2],
    })
    expect([...io.parseIdx(idx(9, [2], [255, 127])).data]).toEqual([-1, 127])
    expect([...io.parseIdx(idx(11, [2], [255, 254, 1, 0])).data]).toEqual([-2, 256])
    expect([...io.parseIdx(idx(12, [1], [255, 255, 255, 253])).data]).toEqual([-3])
    expect([...io.parseIdx(idx(13, [1], [0xbf, 0x40, 0, 0])).data]).toEqual([-0.75])
    expect([...io.parseIdx(idx(14, [1], [0x3f, 0xf8, 0, 0, 0, 0, 0, 0])).data]).toEqual([1.5])
    const packed = await io.gzip(idx(8, [3], [1, 2, 3]))
    expect([...(await io.loadIdx(packed)).data]).toEqual([1, 2, 3])
  })

  it.each([
    ['something else', Uint8Array.of(1, 2, 3, 4), /4 bytes that begin with 1, 2, 3, 4/],
    ['an unknown type', idx(10, [1], [1]), /type: received 10/],
    ['no axes', idx(8, [], [1]), /0 in 5 bytes/],
    ['too few numbers', idx(8, [2, 3], [1, 2]), /received 2 bytes of numbers; expected 6 for \[2, 3\]/],
    ['sizes that lie', idx(8, [0xffffffff, 0xffffffff], [1]), /expected 1844/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => io.parseIdx(bytes)).toThrow(message)
  })

  it('that is damaged is refused or read, and nothing else', async () => {
    const bytes = idx(
      8,
      [3, 4, 5],
      Array.from({ length: 60 }, (_, i) => i),
    )
    await readDamaged(bytes, (damaged) => io.parseIdx(damaged), { changes: 2000 })
    const packed = await io.gzip(bytes)
    await readDamaged(packed, (damaged) => io.loadIdx(damaged), { changes: 400 })
  })
})

describe('gzip', () => {
  it('goes both ways, up to a limit', async () => {
    const bytes = new Uint8Array(100_000).fill(7)
    const packed = await io.gzip(bytes)
    expect(packed.length).toBeLessThan(1000)
    expect(await io.gunzip(packed)).toEqual(bytes)
    await expect(io.gunzip(packed, { limit: 99_999 })).rejects.toThrow(/more than 99999 bytes/)
    expect((await io.gunzip(packed, { limit: 100_000 })).length).toBe(100_000)
    await expect(io.gunzip(packed.slice(0, -4))).rejects.toThrow(/gzip/)
    await expect(io.gunzip(new Uint8Array(3), { file: 'x.gz' })).rejects.toThrow(/x\.gz: gzip/)
  })
})
