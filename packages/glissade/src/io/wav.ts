/**
 * WAV: sound in RIFF chunks, 8, 16, 24 and 32 bit whole numbers and 32 and 64 bit floats, read and written.
 *
 * Compressed kinds (A-law, ADPCM, MP3 in a WAV) are refused. What is done with sound: data/audio.
 */
import { fail } from '../errors.ts'
import { refuse, sourceBytes, sourceName } from './bytes.ts'
import type { Source } from './model-file.ts'
import type { NdArray } from './nd-array.ts'

export interface Sound extends NdArray {
  /** [channels, samples] from -1 to 1. */
  readonly data: Float32Array<ArrayBuffer>
  /** In samples per second. */
  readonly sampleRate: number
}

/** Format codes of the fmt chunk (Microsoft, "Multimedia Programming Interface and Data Specifications"). */
const pcm = 1
const ieeeFloat = 3
/** The real format stands in the first two bytes of an identifier at the end of the chunk. */
const extensible = 0xfffe

type Read = (view: DataView, at: number) => number
const readers: Record<string, Read> = {
  [`${pcm}/8`]: (view, at) => (view.getUint8(at) - 128) / 128,
  [`${pcm}/16`]: (view, at) => view.getInt16(at, true) / 2 ** 15,
  [`${pcm}/24`]: (view, at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 2 ** 23,
  [`${pcm}/32`]: (view, at) => view.getInt32(at, true) / 2 ** 31,
  [`${ieeeFloat}/32`]: (view, at) => view.getFloat32(at, true),
  [`${ieeeFloat}/64`]: (view, at) => view.getFloat64(at, true),
}

/** Reads a WAV file. Errors: `data-missing`, `file-format`. */
export async function loadWav(source: Source): Promise<Sound> {
  return parseWav(await sourceBytes(source), sourceName(source, 'WAV file'))
}

/** The sound in the bytes of a WAV file: [channels, samples]. Errors: `file-format`. */
export function parseWav(bytes: Uint8Array, file = 'WAV file'): Sound {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const tag = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4))
  if (bytes.length < 12 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE') {
    refuse(
      file,
      'start',
      `${bytes.length} bytes, "${printable(tag(0))}"`,
      'RIFF and WAVE',
      'Check that it is a WAV file.',
    )
  }
  let format: Format | undefined
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true)
    const start = at + 8
    const name = tag(at)
    if (name === 'fmt ') {
      if (size < 16 || start + size > bytes.length) {
        refuse(file, 'chunk "fmt "', `${size} bytes`, 'at least 16, within the file', 'Get the file again.')
      }
      format = readFormat(view, start, size, file)
    } else if (name === 'data') {
      if (!format) return refuse(file, 'chunks', '"data" first', '"fmt " before "data"', 'Save the sound again.')
      if (start + size > bytes.length) {
        const received = `${bytes.length - start} bytes of sound`
        refuse(file, 'length', received, `${size}, as its header says`, 'It is cut short; get it again.')
      }
      return readSamples(view, start, size, format, file)
    }
    // Chunks begin at even places.
    at = start + size + (size % 2)
  }
  return refuse(file, 'chunks', 'no "data" within the file', '"fmt " and "data"', 'It may be cut short; get it again.')
}

const printable = (text: string): string => text.replace(/[^ -~]/g, '?')

interface Format {
  readonly channels: number
  readonly sampleRate: number
  readonly bytes: number
  readonly read: Read
}

function readFormat(view: DataView, at: number, size: number, file: string): Format {
  const listed = view.getUint16(at, true)
  const code = listed === extensible && size >= 40 ? view.getUint16(at + 24, true) : listed
  const channels = view.getUint16(at + 2, true)
  const sampleRate = view.getUint32(at + 4, true)
  const frame = view.getUint16(at + 12, true)
  const bits = view.getUint16(at + 14, true)
  const read = readers[`${code}/${bits}`]
  if (!read) {
    const expected = '8, 16, 24 or 32 bit whole numbers or 32 or 64 bit floats'
    refuse(file, 'format', `code ${code} with ${bits} bits`, expected, 'Convert the sound.')
  }
  const bytes = bits / 8
  if (channels === 0 || sampleRate === 0 || frame !== channels * bytes) {
    const received = `${channels} channels at ${sampleRate} Hz in frames of ${frame} bytes`
    refuse(file, 'format', received, `frames of channels times ${bytes} bytes`, 'Get the file again.')
  }
  return { channels, sampleRate, bytes, read }
}

function readSamples(view: DataView, start: number, size: number, format: Format, file: string): Sound {
  const { channels, sampleRate, bytes, read } = format
  const frame = channels * bytes
  if (size % frame !== 0) {
    refuse(file, 'length', `${size} bytes of sound`, `a multiple of ${frame}`, 'It may be cut short; get it again.')
  }
  const length = size / frame
  const data = new Float32Array(channels * length)
  for (let i = 0; i < length; i++) {
    for (let channel = 0; channel < channels; channel++) {
      data[channel * length + i] = read(view, start + i * frame + channel * bytes)
    }
  }
  return { data, shape: [channels, length], sampleRate }
}

/**
 * The bytes of a WAV file with 16 bit samples, or 32 bit floats. sound: [channels, samples] from -1 to 1, beyond
 * which 16 bit samples are clipped. Errors: `shape-mismatch`, `value-invalid`.
 */
export function formatWav(sound: NdArray, sampleRate: number, { float = false }: { float?: boolean } = {}): Uint8Array {
  const { data, shape } = sound
  if (shape.length !== 2 || shape[0] === 0) {
    const received = `[${shape.join(', ')}]`
    fail('shape-mismatch', { op: 'formatWav', received, expected: '[channels, samples]', fix: 'Reshape the sound.' })
  }
  if (!Number.isInteger(sampleRate) || sampleRate < 1) {
    const received = String(sampleRate)
    fail('value-invalid', { what: 'formatWav: sampleRate', received, expected: 'a whole number', fix: 'Check it.' })
  }
  const [channels, length] = shape
  const bytes = float ? 4 : 2
  const size = data.length * bytes
  const view = new DataView(new ArrayBuffer(44 + size))
  const tag = (at: number, text: string): void => [...text].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)))
  tag(0, 'RIFF')
  view.setUint32(4, 36 + size, true)
  tag(8, 'WAVEfmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, float ? ieeeFloat : pcm, true)
  view.setUint16(22, channels, true)
  view.setUint32(24, sampleRate, true)
  view.setUint32(28, sampleRate * channels * bytes, true)
  view.setUint16(32, channels * bytes, true)
  view.setUint16(34, bytes * 8, true)
  tag(36, 'data')
  view.setUint32(40, size, true)
  for (let i = 0; i < length; i++) {
    for (let channel = 0; channel < channels; channel++) {
      const at = 44 + (i * channels + channel) * bytes
      const value = data[channel * length + i]
      if (float) view.setFloat32(at, value, true)
      else view.setInt16(at, Math.max(-(2 ** 15), Math.min(2 ** 15 - 1, Math.round(value * 2 ** 15))), true)
    }
  }
  return new Uint8Array(view.buffer)
}
