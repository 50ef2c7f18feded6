/**
 * The discrete Fourier transform of real numbers, of any length, in float64: what spectrograms are made of.
 *
 * Lengths that are powers of two go by Cooley and Tukey's method (1965), others by Bluestein's (1970), which makes a
 * convolution of them. Tables are made once for each length.
 */

export class Fft {
  readonly size: number
  readonly #run: (re: Float64Array, im: Float64Array) => void
  readonly #re: Float64Array
  readonly #im: Float64Array

  constructor(size: number) {
    this.size = size
    this.#run = (size & (size - 1)) === 0 ? powerOfTwo(size) : anyLength(size)
    this.#re = new Float64Array(size)
    this.#im = new Float64Array(size)
  }

  /** |X_k|² for k = 0 … size / 2, of `size` real numbers, into `out`. */
  power(values: Float64Array, out: Float64Array): void {
    this.#re.set(values)
    this.#im.fill(0)
    this.#run(this.#re, this.#im)
    for (let k = 0; k < out.length; k++) out[k] = this.#re[k] ** 2 + this.#im[k] ** 2
  }
}

type Transform = (re: Float64Array, im: Float64Array) => void

/** In place: bits of positions reversed, then butterflies of rising width. */
function powerOfTwo(size: number): Transform {
  const cos = Float64Array.from({ length: size / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / size))
  const sin = Float64Array.from({ length: size / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / size))
  const reversed = new Uint32Array(size)
  for (let i = 1, bits = Math.log2(size); i < size; i++) reversed[i] = (reversed[i >> 1] >> 1) | ((i & 1) << (bits - 1))
  return (re, im) => {
    for (let i = 0; i < size; i++) {
      const j = reversed[i]
      if (j <= i) continue
      const [r, m] = [re[i], im[i]]
      re[i] = re[j]
      im[i] = im[j]
      re[j] = r
      im[j] = m
    }
    for (let half = 1; half < size; half *= 2) {
      const step = size / (2 * half)
      for (let start = 0; start < size; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const [i, j] = [start + k, start + k + half]
          const [c, s] = [cos[k * step], sin[k * step]]
          const r = re[j] * c - im[j] * s
          const m = re[j] * s + im[j] * c
          re[j] = re[i] - r
          im[j] = im[i] - m
          re[i] += r
          im[i] += m
        }
      }
    }
  }
}

/** X_k = w_k Σ (x_n w_n) / w_(k-n), with w_n = e^(-iπn²/N): a convolution, by transforms of a power of two. */
function anyLength(size: number): Transform {
  const long = 2 ** Math.ceil(Math.log2(2 * size - 1))
  const run = powerOfTwo(long)
  // n² is taken modulo 2N first: the angle of large ones would lose digits.
  const angle = Float64Array.from({ length: size }, (_, n) => (Math.PI * ((n * n) % (2 * size))) / size)
  const cos = angle.map(Math.cos)
  const sin = angle.map(Math.sin)
  const [kernelRe, kernelIm] = [new Float64Array(long), new Float64Array(long)]
  for (let n = 0; n < size; n++) {
    kernelRe[n] = cos[n]
    kernelIm[n] = sin[n]
    if (n > 0) {
      kernelRe[long - n] = cos[n]
      kernelIm[long - n] = sin[n]
    }
  }
  run(kernelRe, kernelIm)
  const [a, b] = [new Float64Array(long), new Float64Array(long)]
  return (re, im) => {
    a.fill(0)
    b.fill(0)
    for (let n = 0; n < size; n++) {
      a[n] = re[n] * cos[n] + im[n] * sin[n]
      b[n] = im[n] * cos[n] - re[n] * sin[n]
    }
    run(a, b)
    for (let k = 0; k < long; k++) {
      const r = a[k] * kernelRe[k] - b[k] * kernelIm[k]
      // The way back is the way there with conjugate numbers.
      b[k] = -(a[k] * kernelIm[k] + b[k] * kernelRe[k])
      a[k] = r
    }
    run(a, b)
    for (let k = 0; k < size; k++) {
      const [r, m] = [a[k] / long, -b[k] / long]
      re[k] = r * cos[k] + m * sin[k]
      im[k] = m * cos[k] - r * sin[k]
    }
  }
}
