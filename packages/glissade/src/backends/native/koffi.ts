/**
 * The part of koffi that the native backend uses, looked for at run time: it is an optional package.
 * Pointers travel as numbers (`uintptr_t`): addresses fit a double exactly, and cost no BigInt.
 */

type Callback<R> = (error: Error | null, result: R) => void

export type NativeFunction = {
  (...args: readonly unknown[]): number
  async(...args: readonly [...unknown[], Callback<number>]): void
}

export interface Library {
  func(prototype: string): NativeFunction
  unload(): void
}

export interface Koffi {
  readonly version: string
  load(path: string): Library
  address(array: ArrayBufferView): bigint
}

/** koffi, or why there is none. The name stands in a variable so that bundlers leave it alone. */
export async function findKoffi(name = 'koffi'): Promise<Koffi | { readonly problem: string }> {
  try {
    const module = (await import(/* @vite-ignore */ name)) as { readonly default?: Koffi } & Koffi
    return module.default ?? module
  } catch (error) {
    const text = error instanceof Error ? error.message.split('\n')[0] : String(error)
    return { problem: text }
  }
}

/** Where an array's first element is. Reading `buffer` moves small arrays out of the collector's reach. */
export function addressOf(koffi: Koffi, array: ArrayBufferView): number {
  void array.buffer
  return Number(koffi.address(array))
}
