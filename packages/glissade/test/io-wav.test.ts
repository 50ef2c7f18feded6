/** WAV files: every width, both ways, other chunks, and damage. */
import { describe, expect, it } from 'vitest'
import * as io from '../src/io/index.ts'
import { readDamaged } from './damage.ts'

/** A WAV file by hand: format code, bits, channels, and the bytes of the samples. */
function wavBytes(
  code: number,
  bits: number,
  channels: number,
  samples: readonly number[],
  before: number[] = [],
): Uint8Array {
  const frame = (channels * bits) / 8
  const u32 = (n: number): number[] => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]
  const u16 = (n: number): number[] => [n & 255, n >> 8]
  const text = (s: string): number[] => [...s].map((c) => c.charCodeAt(0))
  const format = [...u16(code), ...u16(channels), ...u32(8000), ...u32(8000 * frame), ...u16(frame), ...u16(bits)]
  const body = [
    ...text('WAVE'),
    ...text('fmt '),
    ...u32(16),
    ...format,
    ...before,
    ...text('data'),
    ...u32(samples.length),
    ...samples,
  ]
  return Uint8Array.from([...text('RIFF'), ...u32(body.length), ...body])
}

const bytesOf = (array: { buffer: ArrayBufferLike }): number[] => [...new Uint8Array(array.buffer)]

describe('WAV', () => {
  it('is read in every width', () => {
    const near = (sound: io.Sound, expected: number[]): void => {
      expect(sound.data.length).toBe(expected.length)
      expected.forEach((value, i) => expect(sound.data[i]).toBeCloseTo(value, 6))
    }
    near(io.parseWav(wavBytes(1, 8, 1, [0, 128, 255])), [-1, 0, 127 / 128])
    near(io.parseWav(wavBytes(1, 16, 1, bytesOf(Int16Array.of(-32768, 0, 16384)))), [-1, 0, 0.5])
    near(io.parseWav(wavBytes(1, 24, 1, [0, 0, 0x80, 0, 0, 0x40, 1, 0, 0])), [-1, 0.5, 2 ** -23])
    near(io.parseWav(wavBytes(1, 32, 1, bytesOf(Int32Array.of(-(2 ** 31), 2 ** 30)))), [-1, 0.5])
    near(io.parseWav(wavBytes(3, 32, 1, bytesOf(Float32Array.of(-0.25, 0.75)))), [-0.25, 0.75])
    near(io.parseWav(wavBytes(3, 64, 1, bytesOf(Float64Array.of(-0.25, 0.75)))), [-0.25, 0.75])
    const stereo = io.parseWav(wavBytes(1, 16, 2, bytesOf(Int16Array.of(1, -1, 2, -2, 3, -3))))
    expect([stereo.shape, stereo.sampleRate]).toEqual([[2, 3], 8000])
    near(
      stereo,
      [1, 2, 3, -1, -2, -3].map((v) => v / 32768),
    )
  })

  it('may have other chunks of odd length before the sound', () => {
    const other = [...'LIST'].map((c) => c.charCodeAt(0)).concat([3, 0, 0, 0, 1, 2, 3, 0])
    expect(io.parseWav(wavBytes(1, 8, 1, [128, 255], other)).shape).toEqual([1, 2])
  })

  it('is written and read again', () => {
    const sound = io.ndArray(Float32Array.of(0, 0.5, -0.5, 1, -1, 2), [2, 3])
    const again = io.parseWav(io.formatWav(sound, 16000))
    expect([again.shape, again.sampleRate]).toEqual([[2, 3], 16000])
    for (const [i, value] of [0, 0.5, -0.5, 1, -1, 1].entries())
      expect(Math.abs(again.data[i] - value)).toBeLessThan(1e-4)
    expect([...io.parseWav(io.formatWav(sound, 16000, { float: true })).data]).toEqual([0, 0.5, -0.5, 1, -1, 2])
    expect(() => io.formatWav(io.ndArray(new Float32Array(3), [3]), 8000)).toThrow(/expected \[channels, samples\]/)
    expect(() => io.formatWav(sound, 0.5)).toThrow(/sampleRate/)
  })

  it.each([
    [
      'something else',
      new TextEncoder().encode('not a sound, but some text'),
      /received 26 bytes, "not "; expected RIFF/,
    ],
    ['compressed sound', wavBytes(6, 8, 1, [1, 2]), /code 6 with 8 bits/],
    ['half a frame', wavBytes(1, 16, 2, [1, 2, 3]), /3 bytes of sound; expected a multiple of 4/],
    ['no channels', wavBytes(1, 16, 0, []), /0 channels/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => io.parseWav(bytes)).toThrow(message)
  })

  it('that is damaged is refused or read, and nothing else', async () => {
    const bytes = wavBytes(1, 16, 2, bytesOf(Int16Array.from({ length: 40 }, (_, i) => i * 100)))
    expect(await readDamaged(bytes, (damaged) => io.parseWav(damaged), { changes: 2000 })).toBeGreaterThan(bytes.length)
  })
})
