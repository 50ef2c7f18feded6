/** Undo and redo over anything that is replaced and never changed: the specs of a lab. */
import { computed, signal } from '@preact/signals'

/** So many are kept; a spec may hold a whole table, which all versions share. */
const most = 200
/** Edits of one kind within this time are one: a slider that is dragged. */
const together = 1000

interface Entry<T> {
  readonly value: T
  readonly key: string
  readonly at: number
}

export class History<T> {
  readonly #past = signal<readonly Entry<T>[]>([])
  readonly #future = signal<readonly Entry<T>[]>([])
  readonly canUndo = computed(() => this.#past.value.length > 1)
  readonly canRedo = computed(() => this.#future.value.length > 0)

  /** The value as it is now. `key`: which kind of edit made it; such that follow each other quickly become one. */
  push(value: T, key = '', at = performance.now()): void {
    const past = this.#past.peek()
    const last = past[past.length - 1]
    if (last?.value === value) return
    const merges = last && key !== '' && last.key === key && at - last.at < together && past.length > 1
    this.#past.value = [...(merges ? past.slice(0, -1) : past), { value, key, at }].slice(-most)
    this.#future.value = []
  }

  /** The value before; undefined if there is none. */
  undo(): T | undefined {
    const past = this.#past.peek()
    if (past.length < 2) return undefined
    this.#future.value = [...this.#future.peek(), past[past.length - 1]]
    this.#past.value = past.slice(0, -1)
    return past[past.length - 2].value
  }

  redo(): T | undefined {
    const future = this.#future.peek()
    const next = future[future.length - 1]
    if (!next) return undefined
    this.#future.value = future.slice(0, -1)
    this.#past.value = [...this.#past.peek(), next]
    return next.value
  }
}
