/**
 * The backend's one WebAssembly memory: who has which bytes of it, and how it grows.
 *
 * The first LOWEST_BUFFER bytes are never handed out: the words by which threads are steered stand
 * there (pool.ts), and addresses below that bound may be folded into instructions (scopes.ts). Blocks
 * above it come from a list of free stretches, first fit, joined again when freed. A WebAssembly memory
 * can never shrink, so it grows by what is missing and not by doubling.
 */
import { type DType, type TypedArray, view } from '../../dtype.ts'
import { fail } from '../../errors.ts'
import { LOWEST_BUFFER } from './scopes.ts'

const PAGE = 1 << 16
/** All that 32-bit addresses reach. */
const MOST_PAGES = 1 << 16
/** Below this a request for memory is given up, whatever the engine says. */
const FEWEST_PAGES = 1 << 8
/** A cache line; also what plans assume of an arena. */
const ALIGNMENT = 64
/** Memory grows by at least this much, so that many small blocks do not grow it many times. */
const GROWTH = 1 << 20

export const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

interface Free {
  start: number
  end: number
}

export interface MemoryOptions {
  readonly shared: boolean
  /** The most bytes it may have; default: 4 GB, or what the engine lets a page reserve. */
  readonly maxBytes?: number
}

export class LinearMemory {
  readonly memory: WebAssembly.Memory
  readonly maximumPages: number
  readonly shared: boolean
  f32: Float32Array<ArrayBufferLike>
  i32: Int32Array<ArrayBufferLike>
  #free: Free[] = []
  readonly #sizes = new Map<number, number>()
  #end: number
  #used = 0

  constructor({ shared, maxBytes }: MemoryOptions) {
    this.shared = shared
    const wanted = maxBytes === undefined ? MOST_PAGES : Math.min(MOST_PAGES, Math.floor(maxBytes / PAGE))
    const initial = LOWEST_BUFFER / PAGE
    if (!(wanted >= initial)) {
      const fix = 'Raise maxBytes, or leave it out.'
      fail('value-invalid', {
        what: 'createWasm: maxBytes',
        received: String(maxBytes),
        expected: `at least ${LOWEST_BUFFER}`,
        fix,
      })
    }
    ;[this.memory, this.maximumPages] = reserve(initial, wanted, shared)
    this.#end = LOWEST_BUFFER
    this.f32 = new Float32Array(this.memory.buffer)
    this.i32 = new Int32Array(this.memory.buffer)
  }

  /** Bytes handed out. */
  get used(): number {
    return this.#used
  }

  /**
   * The address of `bytes` new bytes, 64-aligned, with whatever they held before. Throws where the
   * memory cannot grow by what is missing; nothing has changed then.
   */
  allocate(bytes: number, purpose: string): number {
    const size = Math.max(ALIGNMENT, align(bytes))
    let at = this.#free.findIndex((free) => free.end - free.start >= size)
    if (at < 0) {
      this.#grow(size, purpose)
      at = this.#free.length - 1
    }
    const free = this.#free[at]
    const address = free.start
    free.start += size
    if (free.start === free.end) this.#free.splice(at, 1)
    this.#sizes.set(address, size)
    this.#used += size
    return address
  }

  free(address: number): void {
    const size = this.#sizes.get(address)
    if (size === undefined) throw new Error(`wasm memory: ${address} is not the start of a block`)
    this.#sizes.delete(address)
    this.#used -= size
    this.#addFree(address, address + size)
  }

  /** The bytes from `address` on as elements. */
  view(dtype: DType, address: number, length: number): TypedArray {
    return view(dtype, this.memory.buffer, address, length)
  }

  #addFree(start: number, end: number): void {
    let at = this.#free.findIndex((free) => free.start >= end)
    if (at < 0) at = this.#free.length
    const before = this.#free[at - 1]
    const after = this.#free[at]
    const joinsBefore = before?.end === start
    const joinsAfter = after?.start === end
    if (joinsBefore && joinsAfter) {
      before.end = after.end
      this.#free.splice(at, 1)
    } else if (joinsBefore) before.end = end
    else if (joinsAfter) after.start = start
    else this.#free.splice(at, 0, { start, end })
  }

  /** Make the last free stretch at least `size` long. */
  #grow(size: number, purpose: string): void {
    const last = this.#free.at(-1)
    const tail = last && last.end === this.#end ? last.end - last.start : 0
    const missing = size - tail
    const limit = this.maximumPages * PAGE
    const room = limit - this.#end
    const pages = Math.ceil(Math.min(Math.max(missing, GROWTH), Math.max(room, missing)) / PAGE)
    try {
      if (pages * PAGE > room) throw new RangeError('the maximum is reached')
      this.memory.grow(pages)
    } catch (cause) {
      const fix = `That was for ${purpose}. Use a smaller batch, raise maxBytes, or use the native backend.`
      fail('memory-exhausted', { backend: 'wasm', wanted: size, held: this.#used, limit, fix }, cause)
    }
    this.f32 = new Float32Array(this.memory.buffer)
    this.i32 = new Int32Array(this.memory.buffer)
    const end = this.#end + pages * PAGE
    this.#addFree(this.#end, end)
    this.#end = end
  }
}

/** A memory with the largest maximum up to `wanted` pages that the engine grants. */
function reserve(initial: number, wanted: number, shared: boolean): [WebAssembly.Memory, number] {
  for (let maximum = wanted; ; maximum = Math.max(initial, maximum >> 1)) {
    try {
      return [new WebAssembly.Memory({ initial, maximum, shared }), maximum]
    } catch (error) {
      if (maximum <= FEWEST_PAGES || maximum === initial) throw error
    }
  }
}
