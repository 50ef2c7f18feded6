/**
 * Work that is kept in this browser, in IndexedDB: what was set up, weights with all that training goes on from, and the
 * curves. It never leaves the browser. When something is kept: keeper.ts; how it is opened again: arrive.ts.
 */
import type { LabSpec } from '../spec/spec.ts'
import type { ScorePoint } from '../state/curves.ts'
import type { Stamp } from '../worker/protocol.ts'

/** The curves of a run, as far as they were. */
export interface KeptCurves {
  readonly stride: number
  readonly steps: Float64Array
  readonly mean: Float32Array
  readonly low: Float32Array
  readonly high: Float32Array
  readonly scores: readonly ScorePoint[]
}

/** What a list of saves needs to know. */
export interface SavedHead {
  readonly id: string
  /** As a person called it; '' if the page kept it by itself. */
  readonly name: string
  /** In a few words. */
  readonly about: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly stamp: Pick<Stamp, 'step' | 'epoch'>
}

export interface Saved extends SavedHead {
  readonly spec: LabSpec
  readonly session: Uint8Array
  readonly curves: KeptCurves
}

/** What the browser would not do, in words for a person. */
export class StoreError extends Error {}

const heads = 'heads'
const bodies = 'bodies'
/** So many that the page kept by itself; older ones make room. */
const mostByItself = 5

let opened: Promise<IDBDatabase> | undefined

function database(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('glissade-lab', 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore(heads, { keyPath: 'id' })
      request.result.createObjectStore(bodies, { keyPath: 'id' })
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
  opened.catch(() => {
    opened = undefined
  })
  return opened
}

function wordsFor(problem: unknown): StoreError {
  const name = (problem as DOMException | undefined)?.name
  return new StoreError(
    name === 'QuotaExceededError'
      ? 'The browser has no room left for this. Forget an older one, or save a file.'
      : 'This browser keeps nothing for the page, as in a private window. Save a file, or copy a link.',
  )
}

/** Does something in one transaction: all of it, or nothing. Errors: StoreError. */
async function within<T>(
  mode: IDBTransactionMode,
  work: (heads: IDBObjectStore, bodies: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  try {
    const transaction = (await database()).transaction([heads, bodies], mode)
    const request = work(transaction.objectStore(heads), transaction.objectStore(bodies))
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error)
      transaction.onerror = () => reject(transaction.error ?? request.error)
    })
    return request.result
  } catch (problem) {
    throw wordsFor(problem)
  }
}

/** What there is, newest first. */
export async function listSaved(): Promise<SavedHead[]> {
  const found = await within('readonly', (heads) => heads.getAll() as IDBRequest<SavedHead[]>)
  return found.sort((a, b) => b.at - a.at)
}

export async function keep(saved: Saved): Promise<void> {
  const { id, name, about, at, stamp } = saved
  await within('readwrite', (heads, bodies) => {
    heads.put({ id, name, about, at, stamp } satisfies SavedHead)
    return bodies.put(saved)
  })
  if (name !== '') return
  const byItself = (await listSaved()).filter((each) => each.name === '')
  for (const old of byItself.slice(mostByItself)) await forget(old.id)
}

export const load = (id: string): Promise<Saved | undefined> =>
  within('readonly', (_, bodies) => bodies.get(id) as IDBRequest<Saved | undefined>)

export async function forget(id: string): Promise<void> {
  await within('readwrite', (heads, bodies) => {
    heads.delete(id)
    return bodies.delete(id)
  })
}

export async function forgetAll(): Promise<void> {
  await within('readwrite', (heads, bodies) => {
    heads.clear()
    return bodies.clear()
  })
}
