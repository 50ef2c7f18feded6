/**
 * Where the numbers of a realized tensor are: in a host array, or resident in a backend's memory.
 *
 * A backend whose memory the host can address (native) works on the host array itself; one with a
 * memory of its own (wasm) may take long-lived storages in, and the host then reads a copy. Nobody
 * frees a storage by hand. Not here: what the numbers mean (tensor.ts).
 */
import { allocate, type DType, type TypedArray } from './dtype.ts'

/** A storage's place in a backend's own memory. */
export interface Resident {
  /** The backend that holds it. */
  readonly owner: object
  /** A copy of the present numbers. */
  read(): TypedArray
  write(data: TypedArray): void
  /** Give the memory back. Called when the storage moves, or when it is collected. */
  release(): void
}

const collected = new FinalizationRegistry<Resident>((resident) => resident.release())

export class Storage {
  /** Rises with every change in place, so that an expression built before it can be refused. */
  version = 0
  #host: TypedArray | undefined
  #resident: Resident | undefined

  readonly dtype: DType
  readonly length: number

  constructor(dtype: DType, length: number, host?: TypedArray) {
    this.dtype = dtype
    this.length = length
    this.#host = host
  }

  /** The host array, brought home from a backend where needed. Its owner may work on it in place. */
  host(): TypedArray {
    if (this.#resident) this.#bringHome()
    this.#host ??= allocate(this.dtype, this.length)
    return this.#host
  }

  /** The numbers, for reading only: resident storages stay where they are, and a copy is returned. */
  read(): TypedArray {
    return this.#resident ? this.#resident.read() : this.host()
  }

  /** Replace all numbers, wherever they are. */
  write(data: TypedArray): void {
    this.version++
    if (this.#resident) this.#resident.write(data)
    else this.host().set(data)
  }

  get resident(): Resident | undefined {
    return this.#resident
  }

  /** The numbers now live in `resident`, which already holds them. */
  moveTo(resident: Resident): void {
    if (this.#resident) collected.unregister(this)
    this.#resident = resident
    this.#host = undefined
    collected.register(this, resident, this)
  }

  #bringHome(): void {
    const resident = this.#resident as Resident
    this.#host = resident.read()
    this.#resident = undefined
    collected.unregister(this)
    resident.release()
  }
}
