/** A Keras layer's options as the file has them: nothing is believed before it is checked. */
import { shorten, type Wrong } from '../source.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value of a key of its own. */
export function field(value: unknown, key: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

export function parseJson(text: string, what: string, wrong: Wrong): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  return isObject(value) ? value : wrong(what, shorten(text.slice(0, 40)), 'a JSON object')
}

/** No size of a network is larger. */
const largest = 2 ** 31

export class Config {
  readonly kind: string
  readonly name: string
  readonly raw: JsonObject
  /** The first number of Keras's version: some formulas changed. */
  readonly version: number
  readonly #wrong: Wrong

  constructor(kind: string, raw: JsonObject, version: number, wrong: Wrong) {
    this.kind = kind
    this.raw = raw
    this.version = version
    this.#wrong = wrong
    const name = field(raw, 'name')
    this.name = typeof name === 'string' ? name : kind
  }

  get label(): string {
    return `${shorten(this.kind)} '${shorten(this.name)}'`
  }

  fail(
    what: string,
    received: unknown,
    expected: string,
    fix = 'Save the model with other options, or build it in code and load its weights.',
  ): never {
    const text = typeof received === 'string' ? received : (JSON.stringify(received) ?? 'nothing')
    return this.#wrong(`${this.label}: ${what}`, text, expected, fix)
  }

  has(key: string): boolean {
    const value = field(this.raw, key)
    return value !== undefined && value !== null
  }
  whole(key: string, otherwise?: number, least = 1): number {
    const value = field(this.raw, key) ?? otherwise
    return Number.isInteger(value) && (value as number) >= least && (value as number) < largest
      ? (value as number)
      : this.fail(key, value, `a whole number of at least ${least}`)
  }
  number(key: string, otherwise?: number): number {
    const value = field(this.raw, key) ?? otherwise
    return typeof value === 'number' && Number.isFinite(value) ? value : this.fail(key, value, 'a number')
  }
  flag(key: string, otherwise: boolean): boolean {
    const value = field(this.raw, key) ?? otherwise
    return typeof value === 'boolean' ? value : this.fail(key, value, 'true or false')
  }
  text(key: string, otherwise?: string): string {
    const value = field(this.raw, key) ?? otherwise
    return typeof value === 'string' ? value : this.fail(key, value, 'a text')
  }
  /** One of some words. */
  word<W extends string>(key: string, words: readonly W[], otherwise: W): W {
    const value = this.text(key, otherwise)
    return words.find((word) => word === value) ?? this.fail(key, value, words.join(' or '))
  }
  /** Whole numbers. */
  wholes(key: string, least: number): number[] {
    const value = field(this.raw, key)
    const list = typeof value === 'number' ? [value] : value
    if (Array.isArray(list) && list.length <= 8 && list.every((n) => Number.isInteger(n) && n >= least && n < largest))
      return [...(list as number[])]
    return this.fail(key, value, `whole numbers of at least ${least}`)
  }
  /** One number for each axis in space, or one for all. */
  perAxis(key: string, rank: number, otherwise?: number): number[] {
    if (!this.has(key) && otherwise !== undefined) return new Array<number>(rank).fill(otherwise)
    const list = this.wholes(key, 1)
    if (list.length === 1) return new Array<number>(rank).fill(list[0])
    return list.length === rank ? list : this.fail(key, list, `${rank} numbers`)
  }
  /** [before, after] for each axis in space. */
  margins(key: string, rank: number): [number, number][] {
    const value = field(this.raw, key)
    const list = Array.isArray(value) ? value : new Array<Json>(rank).fill((value ?? null) as Json)
    const flat = rank === 1 && list.length === 2 && typeof list[0] === 'number' ? [list as Json] : list
    const pairs = flat.map((each): [number, number] => {
      const [before, after] = Array.isArray(each) ? each : [each, each]
      const fine = [before, after].every((n) => Number.isInteger(n) && (n as number) >= 0 && (n as number) < largest)
      return fine ? [before as number, after as number] : this.fail(key, value, 'pairs of whole numbers')
    })
    return pairs.length === rank ? pairs : this.fail(key, value, `${rank} pairs`)
  }
  /** A layer inside this one. */
  inner(key: string): { kind: string; config: JsonObject } {
    const value = field(this.raw, key)
    const [kind, config] = [field(value, 'class_name'), field(value, 'config')]
    return typeof kind === 'string' && isObject(config) ? { kind, config } : this.fail(key, value, 'a layer')
  }
}
