/**
 * Storages that live in WebAssembly memory, so that parameters are not copied at each step.
 *
 * A storage moves in when a program first names it as `state`, and home again when the host asks for
 * its array. Reading and writing it in place works meanwhile. Next: program.ts.
 */
import { allocate, type DType, type TypedArray } from '../../dtype.ts'
import type { Resident, Storage } from '../../storage.ts'
import { align, type LinearMemory } from './memory.ts'

export class WasmResident implements Resident {
  readonly owner: object
  readonly address: number
  readonly #home: Residents
  readonly #dtype: DType
  readonly #length: number
  #released = false

  constructor(home: Residents, owner: object, address: number, dtype: DType, length: number) {
    this.owner = owner
    this.address = address
    this.#home = home
    this.#dtype = dtype
    this.#length = length
  }
  get #present(): TypedArray {
    if (this.#released) throw new Error('wasm: this storage was given back and can no longer be read here')
    return this.#home.memory.view(this.#dtype, this.address, this.#length)
  }
  read(): TypedArray {
    const copy = allocate(this.#dtype, this.#length)
    copy.set(this.#present)
    return copy
  }
  write(data: TypedArray): void {
    this.#present.set(data)
  }
  release(): void {
    if (this.#released) return
    this.#released = true
    this.#home.giveBack(this.address, this.#length * 4)
  }
}

export class Residents {
  readonly memory: LinearMemory
  #bytes = 0
  #blockBytes = 0

  constructor(memory: LinearMemory) {
    this.memory = memory
  }
  /** Bytes of all storages that live here. */
  get bytes(): number {
    return this.#bytes
  }
  /** The same, rounded up to what the memory handed out for them. */
  get blockBytes(): number {
    return this.#blockBytes
  }

  /** Move `storage` in; where that fails for want of memory it stays where it is. */
  moveIn(storage: Storage, owner: object): WasmResident {
    const bytes = storage.length * 4
    const address = this.memory.allocate(bytes, `a ${storage.dtype} storage of ${storage.length} elements`)
    try {
      this.memory.view(storage.dtype, address, storage.length).set(storage.host())
    } catch (error) {
      this.memory.free(address)
      throw error
    }
    const resident = new WasmResident(this, owner, address, storage.dtype, storage.length)
    this.#bytes += bytes
    this.#blockBytes += align(bytes)
    storage.moveTo(resident)
    return resident
  }

  giveBack(address: number, bytes: number): void {
    this.memory.free(address)
    this.#bytes -= bytes
    this.#blockBytes -= align(bytes)
  }
}
