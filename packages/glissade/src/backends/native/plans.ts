/**
 * Plans on disk: a program that another process has compiled is not lowered again.
 *
 * They lie beside the compiled programs, under the same rules (cache.ts): in a folder that only the user writes,
 * whole or not at all. A plan is data, never code: its kernels are printed as C, and that text chooses the library that is
 * loaded (programs.ts), so that a plan can only lead to what the compiler would make of it. What is read is checked all
 * the same, and worth nothing if any of it is not as it should be. A plan belongs to the exact text of the compiler.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exactText } from '../../graph/graph.ts'
import type { Kernel, Target } from '../../kernel/ir.ts'
import { verifyKernel } from '../../kernel/verify.ts'
import type { Argument, Launch, Plan, PlanStore, Slot } from '../backend.ts'
import { type DiskCache, digest } from './cache.ts'
import { type FlatKernel, flattened, unfolded } from './flat-kernel.ts'

/** Where the library's own text lies, and what of it a plan depends on, beside the files at its root. */
const library = fileURLToPath(new URL('../../', import.meta.url))
const folders = ['graph', 'ops', 'kernel', 'compile']

/** The digest of the compiler's own files; undefined where they cannot be told apart, such as in a bundle. */
export function compilerDigest(at: string): string | undefined {
  if (!folders.every((folder) => existsSync(join(at, folder)))) return undefined
  const names = [
    ...readdirSync(at),
    ...folders.flatMap((folder) =>
      readdirSync(join(at, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
    ),
  ]
  return digest(
    ...names
      .filter((name) => /\.[jt]s$/.test(name) && !name.endsWith('.d.ts'))
      .sort()
      .flatMap((name) => [`/${name}\n`, readFileSync(join(at, name))]),
  )
}

let ownText: string | undefined

export class DiskPlans implements PlanStore {
  readonly #cache: DiskCache
  readonly #target: string

  constructor(cache: DiskCache, target: Target) {
    this.#cache = cache
    this.#target = JSON.stringify(target)
  }

  find(key: string): Plan | undefined {
    const name = this.#nameOf(key)
    const text = name === undefined ? undefined : this.#cache.readText(`${name}.json`)
    if (name === undefined || text === undefined) return undefined
    try {
      const { of, plan } = JSON.parse(text) as { of: string; plan: Plan & { kernels: FlatKernel[] } }
      if (of !== name) return undefined
      const whole = { ...plan, kernels: plan.kernels.map(unfolded) }
      check(whole)
      return whole
    } catch {
      return undefined
    }
  }

  keep(key: string, plan: Plan): void {
    const name = this.#nameOf(key)
    if (name === undefined) return
    const text = exactText({ of: name, plan: { ...plan, kernels: plan.kernels.map(flattened) } })
    this.#cache.keepText(`${name}.json`, text)
  }

  #nameOf(key: string): string | undefined {
    ownText ??= compilerDigest(library)
    return ownText === undefined ? undefined : digest(JSON.stringify([ownText, this.#target]), key)
  }
}

function must(holds: boolean): void {
  if (!holds) throw new Error('the plan is not whole')
}

/** Throws unless the plan's parts belong together. */
function check(plan: Plan): void {
  const { kernels, launches, repeats, arguments: given, arenaBytes } = plan
  for (const kernel of kernels) verifyKernel(kernel)
  for (const launch of launches) checkLaunch(launch, kernels[launch.kernel], given, arenaBytes)
  for (const { first, end, count } of repeats ?? [])
    must(first >= 0 && first <= end && end <= launches.length && count >= 0)
}

function checkLaunch({ slots }: Launch, { buffers }: Kernel, given: readonly Argument[], arenaBytes: number): void {
  must(slots.length === buffers.length)
  slots.forEach((slot, i) => {
    const { length } = buffers[i]
    const [start, end] = reach(slot, length)
    must(start >= 0 && end <= (slot.kind === 'argument' ? given[slot.argument].length : arenaBytes / 4))
  })
}

/** The first element that a buffer of `length` may touch in any turn, and the one after the last. */
function reach(slot: Slot, length: number): [number, number] {
  const start = slot.kind === 'argument' ? (slot.start ?? 0) : slot.offset / 4
  const furthest = (slot.moves ?? []).reduce((sum, { rows, stride }) => sum + (rows - 1) * stride, 0)
  return [start, start + furthest + length]
}
