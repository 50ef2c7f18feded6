/**
 * Sound at another rate: windowed sinc as in torchaudio (J. O. Smith, "Digital Audio Resampling"), or straight lines.
 */
import { fail } from '../errors.ts'
import type { NdArray } from '../io/nd-array.ts'
import { checkWhole } from '../ops/derived/common.ts'
import { channelsOf, joined, type SoundLike } from './spectrogram.ts'

export interface ResampleOptions {
  /** 'sinc' lets nothing through that the new rate cannot hold; 'linear' is quick, and does. Default 'sinc'. */
  readonly method?: 'sinc' | 'linear'
  /** How many zeros of the sinc on each side; default 6. */
  readonly lowpassFilterWidth?: number
  /** The cut-off, as a share of what the lower rate can hold; default 0.99. */
  readonly rolloff?: number
}

/** sound: [..., T] → [..., ceil(T · to / from)]. Rates in whole hertz. Errors: `shape-mismatch`, `value-invalid`. */
export function resample(sound: SoundLike, from: number, to: number, options: ResampleOptions = {}): NdArray {
  checkWhole('resample: from', from, 1)
  checkWhole('resample: to', to, 1)
  const { method = 'sinc', lowpassFilterWidth = 6, rolloff = 0.99 } = options
  checkWhole('resample: lowpassFilterWidth', lowpassFilterWidth, 1)
  if (!(rolloff > 0 && rolloff <= 1) || !['sinc', 'linear'].includes(method)) {
    const received = `rolloff ${rolloff}, method '${method}'`
    const expected = "above 0 and at most 1; 'sinc' or 'linear'"
    fail('value-invalid', { what: 'resample', received, expected, fix: 'Check the options.' })
  }
  const { channels, lead } = channelsOf('resample', sound)
  const common = divisor(from, to)
  const [a, b] = [from / common, to / common]
  const change =
    a === b
      ? (samples: ArrayLike<number>) => samples
      : method === 'linear'
        ? (samples: ArrayLike<number>) => linear(samples, a, b)
        : sinc(a, b, lowpassFilterWidth, rolloff)
  const out = channels.map(change)
  return joined(out, lead, [out[0]?.length ?? 0])
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b)
}

function linear(samples: ArrayLike<number>, from: number, to: number): Float64Array {
  const last = samples.length - 1
  return Float64Array.from({ length: Math.ceil((samples.length * to) / from) }, (_, i) => {
    const at = Math.min((i * from) / to, last)
    const left = Math.floor(at)
    return samples[left] + (at - left) * (samples[Math.min(left + 1, last)] - samples[left])
  })
}

/** A filter for each of the `to` places that a result can have between samples; they come round again and again. */
function sinc(from: number, to: number, zeros: number, rolloff: number): (samples: ArrayLike<number>) => Float64Array {
  const rate = Math.min(from, to) * rolloff
  const width = Math.ceil((zeros * from) / rate)
  const length = 2 * width + from
  const filters = Array.from({ length: to }, (_, phase) =>
    Float64Array.from({ length }, (_, i) => {
      const time = Math.max(-zeros, Math.min(zeros, (-phase / to + (i - width) / from) * rate))
      // The window of Hann, over all zeros.
      const window = Math.cos((time * Math.PI) / zeros / 2) ** 2
      const angle = time * Math.PI
      return ((angle === 0 ? 1 : Math.sin(angle) / angle) * window * rate) / from
    }),
  )
  return (samples) => {
    const out = new Float64Array(Math.ceil((samples.length * to) / from))
    for (let i = 0; i < out.length; i++) {
      const start = Math.floor(i / to) * from - width
      const filter = filters[i % to]
      const [first, end] = [Math.max(0, -start), Math.min(length, samples.length - start)]
      let sum = 0
      for (let k = first; k < end; k++) sum += filter[k] * samples[start + k]
      out[i] = sum
    }
    return out
  }
}
