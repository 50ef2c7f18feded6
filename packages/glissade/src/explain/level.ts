/**
 * How coarsely a recording is followed: operation by operation, or from one named tensor to the next.
 *
 * Used by chain-rule.ts, which goes towards the loss, and made-of.ts, which goes the other way.
 */
import { isFloat } from '../dtype.ts'
import type { Tensor } from '../tensor.ts'
import { matchesPattern } from './capture.ts'
import type { Operation } from './operation.ts'

/** A name of a value: of a module's output, or of a tap in it. */
export interface Station {
  readonly name: string
  readonly id: number
  /** The step, in a loop that is written out, as `t3`; it ends the name. Else empty. */
  readonly step: string
  readonly tap: boolean
}

/**
 * Where one goes in a single stride: to the next operation that does more than move numbers, to the next tensor that a
 * module gave back, or that or a tap; or to the next of these whose name fits a pattern as that of `capture`.
 */
export type Level = 'operations' | 'modules' | 'taps' | { readonly names: string }

/** What a tensor that ends a stride at this level is called there; undefined for those that do not. */
export function endsAt(
  level: Level,
  stations: readonly Station[],
  tensors: readonly Tensor[],
): (tensor: Tensor) => string | undefined {
  if (level === 'operations') return (tensor) => (passesOn(tensor) ? undefined : '')
  const stops = new Map<Tensor, string>()
  for (const { name, id, step, tap } of stations) {
    const short = step === '' ? name : name.slice(0, -step.length - 1)
    const fits =
      typeof level === 'object'
        ? matchesPattern(name, level.names) || matchesPattern(short, level.names)
        : !tap || level === 'taps'
    // The innermost module of those that gave the tensor back comes first.
    if (fits && !stops.has(tensors[id])) stops.set(tensors[id], name)
  }
  return (tensor) => stops.get(tensor)
}

/** Whether an operation hands numbers on as they are: movements, casts, and wrappers of the one value they take. */
export function passesOn({ op, inputs, dtype }: Tensor): boolean {
  if (op.kind === 'move') return true
  if (op.kind === 'wrap') return inputs.every((input) => input === inputs[0]) || op.barrier === true
  // An elementwise operation of one float that gives another type of float can only be a cast.
  return op.kind === 'map' && inputs.length === 1 && isFloat(inputs[0].dtype) && inputs[0].dtype !== dtype
}

/** What a person calls an operation: as it is called at a level, a name of its own, or the operation in its module. */
export function nameOf({ op, path, names }: Operation, atLevel = ''): string {
  const known = atLevel === '' ? names.find((each) => each !== '') : atLevel
  return known ?? (path === '' ? op : `${path}: ${op}`)
}

/** The largest `limit` of some products, and what the others add up to. */
export function largest<P extends { readonly product: number }>(
  products: P[],
  limit: number,
): { readonly terms: readonly P[]; readonly sum: number; readonly rest: Rest } {
  products.sort((a, b) => Math.abs(b.product) - Math.abs(a.product))
  const add = (some: readonly P[]): number => some.reduce((sum, { product }) => sum + product, 0)
  const left = products.slice(limit)
  return { terms: products.slice(0, limit), sum: add(products), rest: { count: left.length, sum: add(left) } }
}

/** How many terms are not listed, and what they add up to. */
export interface Rest {
  readonly count: number
  readonly sum: number
}

/** How many terms are listed where nothing else is asked for. */
export const defaultLimit = 20
