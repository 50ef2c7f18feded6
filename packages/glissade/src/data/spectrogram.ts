/**
 * Spectrograms of sound: power, mel and log-mel, and MFCC; parameters, defaults and numbers as in torchaudio.
 *
 * Sound is [channels, samples], or one channel as a plain array; what comes is [channels, bins, frames], or [bins,
 * frames]. On the host, in float64 inside. Other rates: resample.ts.
 */
import { fail } from '../errors.ts'
import { isNdArray, type NdArray } from '../io/nd-array.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { Fft } from './fft.ts'

/** One channel, or [channels, samples]. */
export type SoundLike = Float32Array | Float64Array | NdArray

export interface SpectrogramOptions {
  /** Samples of a transform; default 400. */
  readonly nFft?: number
  /** Samples of the window, which is put in the middle of the transform; default nFft. */
  readonly winLength?: number
  /** Samples from one frame to the next; default half a window. */
  readonly hopLength?: number
  /** Default 'hann'. */
  readonly window?: 'hann' | 'hamming' | 'rectangular'
  /** 2: power, 1: magnitude. Default 2. */
  readonly power?: number
  /** Frames in the middle of which a sample is, the sound mirrored at its ends; default true. */
  readonly center?: boolean
}

export interface MelOptions extends SpectrogramOptions {
  /** Default 16000. */
  readonly sampleRate?: number
  /** Default 128. */
  readonly nMels?: number
  /** In hertz; default 0. */
  readonly fMin?: number
  /** In hertz; default half the sample rate. */
  readonly fMax?: number
  /** How pitch is measured: O'Shaughnessy's formula ('htk'), or Slaney's, which is linear at first. Default 'htk'. */
  readonly melScale?: 'htk' | 'slaney'
  /** 'slaney': each band's area is 1, as librosa has it; default none. */
  readonly norm?: 'slaney'
}

export interface MfccOptions extends MelOptions {
  /** Default 40. */
  readonly nMfcc?: number
}

interface Channels {
  readonly channels: readonly ArrayLike<number>[]
  /** The axes in front: [channels] or none. */
  readonly lead: readonly number[]
}

/** Errors: `shape-mismatch`. */
export function channelsOf(op: string, sound: SoundLike): Channels {
  if (sound instanceof Float32Array || sound instanceof Float64Array) return { channels: [sound], lead: [] }
  const fits = isNdArray(sound) && (sound.shape.length === 1 || sound.shape.length === 2)
  if (!fits) {
    const received = isNdArray(sound) ? `[${sound.shape.join(', ')}]` : sound === null ? 'null' : typeof sound
    const expected = 'samples, or [channels, samples]'
    return fail('shape-mismatch', { op, received, expected, fix: 'Pass a sound as io.loadWav gives it.' })
  }
  const { data, shape } = sound
  if (shape.length === 1) return { channels: [data], lead: [] }
  const [count, length] = shape
  const channels = Array.from({ length: count }, (_, c) => data.subarray(c * length, (c + 1) * length))
  return { channels, lead: [count] }
}

/** Channels one after the other as one array; float32. */
export function joined(
  parts: readonly ArrayLike<number>[],
  lead: readonly number[],
  shape: readonly number[],
): NdArray {
  const size = shape.reduce((a, b) => a * b, 1)
  const out = new Float32Array(parts.length * size)
  for (const [c, part] of parts.entries()) out.set(part, c * size)
  return { data: out, shape: [...lead, ...shape] }
}

/** The mean of the channels: [samples] as one channel. sound: [channels, samples] → [1, samples]. */
export function mono(sound: SoundLike): NdArray {
  const { channels } = channelsOf('mono', sound)
  const out = new Float32Array(channels[0]?.length ?? 0)
  for (let i = 0; i < out.length; i++) {
    let sum = 0
    for (const channel of channels) sum += channel[i]
    out[i] = sum / channels.length
  }
  return { data: out, shape: [1, out.length] }
}

interface Frames {
  readonly bins: number
  readonly count: number
  /** [bins, frames], in float64. */
  readonly data: Float64Array
}

/** Windows of periodic form, as for analysis. */
const windows: Record<NonNullable<SpectrogramOptions['window']>, (phase: number) => number> = {
  hann: (phase) => 0.5 - 0.5 * Math.cos(phase),
  hamming: (phase) => 0.54 - 0.46 * Math.cos(phase),
  rectangular: () => 1,
}

/** What is made once for a set of options. */
class Analysis {
  readonly #fft: Fft
  readonly #window: Float64Array
  readonly #nFft: number
  readonly #hop: number
  readonly #center: boolean
  readonly #power: number

  constructor(options: SpectrogramOptions) {
    const { nFft = 400, window = 'hann', center = true, power = 2 } = options
    const { winLength = nFft } = options
    const { hopLength = Math.floor(winLength / 2) } = options
    checkWhole('spectrogram: nFft', nFft, 2)
    checkWhole('spectrogram: winLength', winLength, 1)
    checkWhole('spectrogram: hopLength', hopLength, 1)
    if (winLength > nFft || !Object.hasOwn(windows, window) || !(power > 0)) {
      const received = `winLength ${winLength}, window '${window}', power ${power}`
      const expected = `at most ${nFft}; 'hann', 'hamming' or 'rectangular'; above 0`
      fail('value-invalid', { what: 'spectrogram', received, expected, fix: 'Check the options.' })
    }
    this.#nFft = nFft
    this.#hop = hopLength
    this.#center = center
    this.#power = power
    this.#fft = new Fft(nFft)
    this.#window = new Float64Array(nFft)
    const margin = (nFft - winLength) >> 1
    for (let i = 0; i < winLength; i++) this.#window[margin + i] = windows[window]((2 * Math.PI * i) / winLength)
  }

  run(op: string, samples: ArrayLike<number>): Frames {
    const reach = this.#center ? this.#nFft >> 1 : 0
    const length = samples.length + 2 * reach
    if (length < this.#nFft || samples.length <= reach) {
      const expected = `at least ${Math.max(reach + 1, this.#nFft - 2 * reach)}, for nFft ${this.#nFft}`
      const fix = 'Pad the sound, or use a smaller nFft.'
      fail('shape-mismatch', { op, received: `${samples.length} samples`, expected, fix })
    }
    const count = 1 + Math.floor((length - this.#nFft) / this.#hop)
    const bins = (this.#nFft >> 1) + 1
    const data = new Float64Array(bins * count)
    const frame = new Float64Array(this.#nFft)
    const power = new Float64Array(bins)
    const last = samples.length - 1
    for (let f = 0; f < count; f++) {
      for (let i = 0; i < this.#nFft; i++) {
        let at = f * this.#hop + i - reach
        // Mirrored at the ends.
        if (at < 0) at = -at
        else if (at > last) at = 2 * last - at
        frame[i] = samples[at] * this.#window[i]
      }
      this.#fft.power(frame, power)
      for (let k = 0; k < bins; k++) data[k * count + f] = this.#power === 2 ? power[k] : power[k] ** (this.#power / 2)
    }
    return { bins, count, data }
  }
}

/** sound: [..., T] → [..., nFft / 2 + 1, frames]. Errors: `shape-mismatch`, `value-invalid`. */
export function spectrogram(sound: SoundLike, options: SpectrogramOptions = {}): NdArray {
  const { channels, lead } = channelsOf('spectrogram', sound)
  const analysis = new Analysis(options)
  const frames = channels.map((samples) => analysis.run('spectrogram', samples))
  return joined(
    frames.map(({ data }) => data),
    lead,
    [frames[0].bins, frames[0].count],
  )
}

// ---- mel ----

/** Slaney's scale (Auditory Toolbox, 1998): linear to 1000 Hz, where 15 mels are, then by 27 mels to 6.4 times. */
const slaney = { step: 200 / 3, bend: 1000, log: Math.log(6.4) / 27 }

function toMel(hertz: number, scale: 'htk' | 'slaney'): number {
  if (scale === 'htk') return 2595 * Math.log10(1 + hertz / 700)
  const { step, bend, log } = slaney
  return hertz < bend ? hertz / step : bend / step + Math.log(hertz / bend) / log
}

function toHertz(mel: number, scale: 'htk' | 'slaney'): number {
  if (scale === 'htk') return 700 * (10 ** (mel / 2595) - 1)
  const { step, bend, log } = slaney
  return mel < bend / step ? mel * step : bend * Math.exp(log * (mel - bend / step))
}

/** Triangular bands, evenly spread in mels: [nMels][bins]. */
export function melBands(options: MelOptions = {}): Float64Array[] {
  const { nFft = 400, sampleRate = 16000, nMels = 128, fMin = 0, melScale = 'htk', norm } = options
  const { fMax = sampleRate / 2 } = options
  checkWhole('melSpectrogram: nMels', nMels, 1)
  if (!(sampleRate > 0) || !(fMin >= 0) || !(fMax > fMin) || !['htk', 'slaney'].includes(melScale)) {
    const received = `sampleRate ${sampleRate}, fMin ${fMin}, fMax ${fMax}, melScale '${melScale}'`
    const expected = "frequencies with 0 ≤ fMin < fMax, and 'htk' or 'slaney'"
    fail('value-invalid', { what: 'melSpectrogram', received, expected, fix: 'Check the options.' })
  }
  const [low, high] = [toMel(fMin, melScale), toMel(fMax, melScale)]
  const corners = Array.from({ length: nMels + 2 }, (_, i) => toHertz(low + ((high - low) * i) / (nMels + 1), melScale))
  const bins = (nFft >> 1) + 1
  return Array.from({ length: nMels }, (_, m) => {
    const [from, middle, to] = corners.slice(m, m + 3)
    const scale = norm === 'slaney' ? 2 / (to - from) : 1
    return Float64Array.from({ length: bins }, (_, k) => {
      const hertz = ((sampleRate >> 1) * k) / (bins - 1)
      return scale * Math.max(0, Math.min((hertz - from) / (middle - from), (to - hertz) / (to - middle)))
    })
  })
}

function melFrames(op: string, sound: SoundLike, options: MelOptions): { frames: Frames[]; lead: readonly number[] } {
  const { channels, lead } = channelsOf(op, sound)
  const bands = melBands(options)
  const analysis = new Analysis(options)
  const frames = channels.map((samples) => {
    const { bins, count, data } = analysis.run(op, samples)
    const out = new Float64Array(bands.length * count)
    for (const [m, band] of bands.entries()) {
      for (let k = 0; k < bins; k++) {
        if (band[k] === 0) continue
        for (let f = 0; f < count; f++) out[m * count + f] += band[k] * data[k * count + f]
      }
    }
    return { bins: bands.length, count, data: out }
  })
  return { frames, lead }
}

const joinFrames = ({ frames, lead }: { frames: readonly Frames[]; lead: readonly number[] }): NdArray =>
  joined(
    frames.map(({ data }) => data),
    lead,
    [frames[0].bins, frames[0].count],
  )

/** sound: [..., T] → [..., nMels, frames]. Errors: as spectrogram. */
export function melSpectrogram(sound: SoundLike, options: MelOptions = {}): NdArray {
  return joinFrames(melFrames('melSpectrogram', sound, options))
}

/** So little is added that silence has a logarithm. */
const silence = 1e-6

/** ln(mel spectrogram + 1e-6): what networks are given. sound: [..., T] → [..., nMels, frames]. */
export function logMelSpectrogram(sound: SoundLike, options: MelOptions = {}): NdArray {
  const { frames, lead } = melFrames('logMelSpectrogram', sound, options)
  return joinFrames({
    frames: frames.map((own) => ({ ...own, data: own.data.map((v) => Math.log(v + silence)) })),
    lead,
  })
}

export interface DecibelOptions {
  /** Nothing is lower than so far below the loudest; default 80. */
  readonly topDb?: number
}

const faintest = 1e-10

/** 10 log10 of power, at most `topDb` below the loudest; any shape. */
export function powerToDb({ data, shape }: NdArray, { topDb = 80 }: DecibelOptions = {}): NdArray {
  return { data: Float32Array.from(decibels([Float64Array.from(data)], topDb)[0]), shape }
}

/** All parts are held against the loudest of all. */
function decibels(parts: readonly Float64Array[], topDb: number): Float64Array[] {
  const db = parts.map((part) => part.map((value) => 10 * Math.log10(Math.max(faintest, value))))
  let most = -Infinity
  for (const part of db) for (const value of part) most = Math.max(most, value)
  return db.map((part) => part.map((value) => Math.max(value, most - topDb)))
}

/** Mel-frequency cepstral coefficients: the cosine transform of the mel spectrogram in decibels.
 * sound: [..., T] → [..., nMfcc, frames]. Errors: as spectrogram. */
export function mfcc(sound: SoundLike, options: MfccOptions = {}): NdArray {
  const { nMfcc = 40, nMels = 128 } = options
  checkWhole('mfcc: nMfcc', nMfcc, 1)
  if (nMfcc > nMels) {
    const received = `${nMfcc} coefficients of ${nMels} mels`
    fail('value-invalid', { what: 'mfcc: nMfcc', received, expected: `at most ${nMels}`, fix: 'Change it.' })
  }
  const { frames, lead } = melFrames('mfcc', sound, options)
  const loudness = decibels(
    frames.map(({ data }) => data),
    80,
  )
  const out = frames.map(({ count }, c) => {
    const data = new Float64Array(nMfcc * count)
    for (let k = 0; k < nMfcc; k++) {
      // The orthonormal cosine transform of the second kind.
      const scale = Math.sqrt((k === 0 ? 1 : 2) / nMels)
      for (let m = 0; m < nMels; m++) {
        const weight = scale * Math.cos((Math.PI * k * (m + 0.5)) / nMels)
        for (let f = 0; f < count; f++) data[k * count + f] += weight * loudness[c][m * count + f]
      }
    }
    return { bins: nMfcc, count, data }
  })
  return joinFrames({ frames: out, lead })
}
