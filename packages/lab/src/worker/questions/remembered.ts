/** Work that several questions share: done once for each state of a run, and forgotten when its numbers change. */
import type { Live } from '../desk.ts'

interface Shelf {
  readonly version: number
  readonly made: Map<string, Promise<unknown>>
}

const shelves = new WeakMap<Live, Shelf>()

/** What `make` gives, for the run as it is now; `what` and `key` name it. What is given back must not be changed. */
export function remembered<T>(live: Live, what: string, key: unknown, make: () => Promise<T>): Promise<T> {
  let shelf = shelves.get(live)
  if (shelf?.version !== live.version) {
    shelf = { version: live.version, made: new Map() }
    shelves.set(live, shelf)
  }
  const name = `${what} ${JSON.stringify(key, plain)}`
  let made = shelf.made.get(name)
  if (!made) {
    made = make()
    shelf.made.set(name, made)
  }
  return made as Promise<T>
}

const plain = (_: string, value: unknown): unknown =>
  ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value
