/**
 * From kernels to functions in memory: prints them, looks in the disk cache, compiles what is not
 * there (large programs in several compiler processes at once) and loads the result.
 *
 * A cached file that is damaged or will not load is compiled again; a folder that will not take files
 * is left for a temporary one. Not here: what runs the functions (native.ts, runtime.ts).
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { fail } from '../../errors.ts'
import type { Kernel } from '../../kernel/ir.ts'
import { type DiskCache, digest } from './cache.ts'
import { addressOf, type Koffi, type Library } from './koffi.ts'
import { printKernel, printProgram, tableSymbol } from './print-c.ts'
import { CompileError, compileShared, firstLines, type Toolchain } from './toolchain.ts'

/** Text worth a compiler process of its own: starting one costs about as much as compiling this. */
const partLength = 12_000

export interface LoadedKernels {
  /** The address of each kernel, in the order given. */
  readonly functions: readonly number[]
  unload(): void
}

export class Programs {
  readonly toolchain: Toolchain
  readonly #koffi: Koffi
  readonly #cache: DiskCache
  readonly #processes: number

  constructor(koffi: Koffi, toolchain: Toolchain, cache: DiskCache, processes: number) {
    this.#koffi = koffi
    this.toolchain = toolchain
    this.#cache = cache
    this.#processes = processes
  }

  async loadKernels(kernels: readonly Kernel[]): Promise<LoadedKernels> {
    const texts = kernels.map(printKernel)
    const parts = split([...new Set(texts)], this.#processes)
    const libraries: Library[] = []
    const addresses = new Map<string, number>()
    try {
      for (const { library, part } of await Promise.all(
        parts.map(async (part) => ({ part, library: await this.loadSource(printProgram(part)) })),
      )) {
        libraries.push(library)
        const table = new BigUint64Array(part.length)
        library.func(`void ${tableSymbol}(uintptr_t out)`)(addressOf(this.#koffi, table))
        part.forEach((text, k) => {
          addresses.set(text, Number(table[k]))
        })
      }
    } catch (error) {
      for (const library of libraries) library.unload()
      throw error
    }
    return {
      functions: texts.map((text) => addresses.get(text) as number),
      unload: () => {
        for (const library of libraries) library.unload()
      },
    }
  }

  /** The library compiled from a C source: from the cache, or compiled now. */
  async loadSource(source: string, extraFlags: readonly string[] = []): Promise<Library> {
    const { command, version, flags } = this.toolchain
    const key = digest(JSON.stringify([command, version, flags, extraFlags, source]))
    const name = `${key}.so`
    const found = this.#cache.find(name)
    if (found !== undefined) {
      try {
        return this.#koffi.load(found)
      } catch {
        this.#cache.remove(name)
      }
    }
    try {
      return await this.#build(name, source, extraFlags)
    } catch (error) {
      if (error instanceof CompileError && !/no space left|read-only file system|disk quota/i.test(error.output)) {
        this.#refuse(source, key, error)
      }
      if (!this.#cache.lasting) throw this.#hopeless(error)
      this.#cache.fallBack(reasonOf(error))
    }
    try {
      return await this.#build(name, source, extraFlags)
    } catch (error) {
      throw this.#hopeless(error)
    }
  }

  async #build(name: string, source: string, extraFlags: readonly string[]): Promise<Library> {
    const from = this.#cache.scratchPath('program.c')
    const to = this.#cache.scratchPath('program.so')
    try {
      writeFileSync(from, source)
      await compileShared(this.toolchain, from, to, extraFlags)
      return this.#koffi.load(this.#cache.adopt(to, name))
    } finally {
      rmSync(from, { force: true })
      rmSync(to, { force: true })
    }
  }

  /** The compiler said no to a program: keep the source, so that the message can be followed up. */
  #refuse(source: string, key: string, error: CompileError): never {
    const kept = this.#cache.path(`failed-${key.slice(0, 16)}.c`)
    const beside = this.#cache.scratchPath('failed.c')
    writeFileSync(beside, source)
    renameSync(beside, kept)
    fail('backend-failed', {
      backend: 'native',
      reason: `${error.message}:\n${firstLines(error.output)}\n(the program is kept in ${kept})`,
      fix: "Choose another compiler with the environment variable CC, or another backend with setBackend('wasm')",
    })
  }

  #hopeless(error: unknown): Error {
    try {
      fail('backend-failed', {
        backend: 'native',
        reason: `a compiled program could not be written or loaded in ${this.#cache.folder} (${reasonOf(error)})`,
        fix: 'Free some space, or set GLISSADE_CACHE to a folder from which programs may be loaded',
      })
    } catch (failure) {
      return failure as Error
    }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof CompileError) return firstLines(error.output, 2)
  return error instanceof Error ? error.message : String(error)
}

/** Shares texts out over at most `limit` parts of about equal length, always in the same way. */
function split(texts: readonly string[], limit: number): string[][] {
  const total = texts.reduce((sum, text) => sum + text.length, 0)
  const count = Math.max(1, Math.min(limit, texts.length, Math.ceil(total / partLength)))
  const parts = Array.from({ length: count }, () => ({ texts: [] as string[], length: 0 }))
  for (const text of [...texts].sort((a, b) => b.length - a.length)) {
    const least = parts.reduce((best, part) => (part.length < best.length ? part : best))
    least.texts.push(text)
    least.length += text.length
  }
  return parts.map((part) => part.texts)
}
