/**
 * The stretch of memory in which programs run: staging, arena and scratch of whichever runs now.
 *
 * Nothing in it outlives a run, and one program runs at a time, so all programs share it: it is as
 * large as the most demanding one needs. It moves when that changes; programs compare `base`.
 */
import type { LinearMemory } from './memory.ts'

export class Workspace {
  readonly #memory: LinearMemory
  readonly #needs = new Map<object, number>()
  #base = 0
  #size = 0

  constructor(memory: LinearMemory) {
    this.#memory = memory
  }
  /** Its address, 0 where there is none. */
  get base(): number {
    return this.#base
  }
  get bytes(): number {
    return this.#size
  }

  /** From now on `program` needs `bytes`. Room is made by `fit`. */
  register(program: object, bytes: number): void {
    this.#needs.set(program, bytes)
  }
  forget(program: object): void {
    this.#needs.delete(program)
  }

  /** Take the size that the most demanding program needs. Not while a program runs. */
  fit(): void {
    const wanted = Math.max(0, ...this.#needs.values())
    if (wanted === this.#size) return
    const before = this.#size
    this.#release()
    try {
      this.#take(wanted)
    } catch (error) {
      // The block just freed is still there.
      this.#take(before)
      throw error
    }
  }

  #take(bytes: number): void {
    if (bytes > 0) this.#base = this.#memory.allocate(bytes, 'the arena of a program')
    this.#size = bytes
  }
  #release(): void {
    if (this.#size > 0) this.#memory.free(this.#base)
    this.#base = 0
    this.#size = 0
  }
}
