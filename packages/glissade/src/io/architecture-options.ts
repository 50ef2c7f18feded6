/**
 * What an option in a description may be: the checks that io/architecture-kinds.ts names for each.
 *
 * A check says whether a value from a file is of the right form and within bounds that no honest network comes near;
 * whether options fit together is for the layer itself to say.
 */

/** Whether a value is what an option may be. */
export type Check = (value: unknown) => boolean

/** What is more than a value: modules inside the layer, their number, and numbers that may be infinite (as text). */
export interface Nested {
  readonly nested: 'module' | 'list' | 'names' | 'modules' | 'number' | 'parts'
}
export type Option = Check | Nested

/** The largest size along an axis. */
const largest = 2 ** 31 - 1
/** The most repetitions that an option may ask for. */
const mostTimes = 1024
/** The most numbers in a list of sizes. */
const mostAxes = 16

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const listOf =
  (check: Check, most: number): Check =>
  (value) =>
    Array.isArray(value) && value.length <= most && value.every(check)

export const either =
  (...checks: readonly Check[]): Check =>
  (value) =>
    checks.some((check) => check(value))

export const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && words.includes(value)

export const whole: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= largest
export const anyWhole: Check = (value) => Number.isSafeInteger(value) && Math.abs(value as number) <= largest
export const number: Check = isNumber
export const flag: Check = (value) => typeof value === 'boolean'
export const nothing: Check = (value) => value === null
/** How often something is done that is not built. */
export const times: Check = (value) => whole(value) && (value as number) <= mostTimes

/** One size, or a list of them; with -1 for the one that is open. */
export const sizes: Check = either(whole, listOf(whole, mostAxes))
export const openSizes: Check = listOf(anyWhole, mostAxes)

const space = 3
/** One number for all axes in space, or one for each. */
export const perAxis: Check = either(whole, listOf(whole, space))
export const perAxisOrOpen: Check = either(whole, listOf(either(whole, nothing), space))
export const scales: Check = either(number, listOf(number, space))
export const padding: Check = either(oneOf('same', 'valid'), perAxis, listOf(perAxis, space))
export const sides: Check = either(anyWhole, listOf(anyWhole, 2 * space))

/** A plain object of which each key is known and each value fits. */
export const record =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.entries(value).every(([key, each]) => Object.hasOwn(fields, key) && fields[key](each))

/** A module; a list of modules; an object of them; either; how many are built; a number, also an infinite one. */
export const module: Nested = { nested: 'module' }
export const moduleList: Nested = { nested: 'list' }
export const moduleNames: Nested = { nested: 'names' }
export const modules: Nested = { nested: 'modules' }
export const parts: Nested = { nested: 'parts' }
export const anyNumber: Nested = { nested: 'number' }
