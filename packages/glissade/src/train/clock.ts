/** How fast training goes. Steps in which a program is compiled, the first of each batch size, do not count. */
export class Clock {
  #left: number
  #samples = 0
  #milliseconds = 0
  #last: number | undefined
  readonly #sizes = new Set<number>()

  /** `samples`: still to come. */
  constructor(samples: number) {
    this.#left = samples
  }

  /** A step with `size` samples has ended. */
  count(size: number): void {
    const now = performance.now()
    this.#left -= size
    if (this.#last !== undefined && this.#sizes.has(size)) {
      this.#samples += size
      this.#milliseconds += now - this.#last
    }
    this.#sizes.add(size)
    this.#last = now
  }

  /** Something else is done in between. */
  pause(): void {
    this.#last = undefined
  }

  get samplesPerSecond(): number {
    return this.#milliseconds === 0 ? 0 : (this.#samples / this.#milliseconds) * 1000
  }

  get eta(): number | undefined {
    return this.#milliseconds === 0 ? undefined : this.#left / this.samplesPerSecond
  }
}
