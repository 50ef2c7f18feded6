/**
 * A tokenizer as data: the parts of a tokenizer.json file, each checked against a closed list.
 *
 * The format is that of the Hugging Face tokenizers library (version 1.0 of the file). What the parts do: normalize.ts,
 * split.ts, models.ts, special.ts, decode.ts; how they work together: tokenizer.ts.
 */
import { fail } from '../errors.ts'

/** The entries of special tokens that have the first numbers, for a file that is made here. */
export function specialSpecs(tokens: readonly string[]): object[] {
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
  return tokens.map((content, id) => ({ id, content, ...plain }))
}

/** Reads the fields of one part of a file; each complains with the part's place in it. */
export class Fields {
  readonly type: string
  readonly where: string
  readonly #file: string
  readonly #values: Readonly<Record<string, unknown>>

  constructor(value: unknown, where: string, file: string) {
    this.where = where
    this.#file = file
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.#values = {}
      this.type = ''
      this.wrong(value, 'an object')
    }
    this.#values = value as Record<string, unknown>
    this.type = typeof this.#values.type === 'string' ? this.#values.type : ''
  }

  wrong(received: unknown, expected: string): never {
    const text = String(JSON.stringify(received))
    return fail('file-format', {
      file: this.#file,
      what: this.where,
      received: text.length > 80 ? `${text.slice(0, 80)}…` : text,
      expected,
      fix: 'Save the tokenizer again, or build it in code.',
    })
  }

  raw(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined
  }

  text(name: string, otherwise?: string): string {
    const value = this.raw(name) ?? otherwise
    return typeof value === 'string' ? value : this.wrong({ [name]: value }, `a text '${name}'`)
  }

  /** A text, or undefined where it is null or missing. */
  maybeText(name: string): string | undefined {
    return this.raw(name) === undefined || this.raw(name) === null ? undefined : this.text(name)
  }

  flag(name: string, otherwise?: boolean): boolean {
    const value = this.raw(name) ?? otherwise
    return typeof value === 'boolean' ? value : this.wrong({ [name]: value }, `true or false as '${name}'`)
  }

  whole(name: string, otherwise?: number): number {
    const value = this.raw(name) ?? otherwise
    return Number.isSafeInteger(value) && (value as number) >= 0
      ? (value as number)
      : this.wrong({ [name]: value }, `a whole number '${name}'`)
  }

  list(name: string): readonly unknown[] {
    const value = this.raw(name)
    return Array.isArray(value) ? value : this.wrong({ [name]: value }, `a list '${name}'`)
  }

  /** One of the texts `known`. */
  choice<T extends string>(name: string, known: readonly T[], otherwise?: T): T {
    const value = this.text(name, otherwise)
    return known.find((each) => each === value) ?? this.wrong({ [name]: value }, `one of ${known.join(', ')}`)
  }

  part(name: string): Fields {
    return new Fields(this.raw(name), `${this.where}.${name}`, this.#file)
  }

  parts(name: string): Fields[] {
    return this.list(name).map((value, i) => new Fields(value, `${this.where}.${name}.${i}`, this.#file))
  }

  /** Tokens and their numbers. */
  vocabulary(name: string): Map<string, number> {
    const value = this.raw(name)
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      this.wrong({ [name]: value }, 'an object of tokens and their numbers')
    const entries = Object.entries(value as Record<string, unknown>)
    const bad = entries.find(([, id]) => !Number.isSafeInteger(id) || (id as number) < 0)
    if (bad) this.wrong({ [bad[0]]: bad[1] }, 'a whole number for each token')
    return new Map(entries as [string, number][])
  }

  /** The `pattern` of a part: a text taken literally, or a regular expression. */
  pattern(name = 'pattern'): RegExp {
    const given = this.raw(name)
    if (typeof given === 'string') return new RegExp(escaped(given), 'gu')
    const { raw } = { raw: this.part(name) }
    const literal = raw.maybeText('String')
    if (literal !== undefined) return new RegExp(escaped(literal), 'gu')
    const source = raw.text('Regex')
    try {
      return new RegExp(translate(source), 'gu')
    } catch {
      return this.wrong(source, 'a regular expression that JavaScript can do')
    }
  }
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, (c) => (c === '-' ? '\\x2d' : `\\${c}`))

/** White space as Unicode has it; JavaScript's \s has U+FEFF besides, and lacks U+0085. */
const space = '\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'

/** From the dialect of Oniguruma to JavaScript's: white space, groups that ignore case, escapes that /u forbids. */
function translate(source: string): string {
  let result = ''
  let inClass = false
  /** For each open group, whether case is ignored inside. */
  const groups: boolean[] = []
  for (let i = 0; i < source.length; i++) {
    const ignoring = groups.at(-1) ?? false
    const c = source[i]
    if (c === '\\') {
      const next = source[++i] ?? ''
      if (next === 's') result += inClass ? space : `[${space}]`
      else if (next === 'S' && !inClass) result += `[^${space}]`
      else if (/[A-Za-z0-9^$\\.*+?()[\]{}|/]/.test(next) || (inClass && next === '-')) result += `\\${next}`
      else result += next
    } else if (inClass) {
      if (c === ']') inClass = false
      result += c
    } else if (c === '[') {
      inClass = true
      result += c
      if (source[i + 1] === '^') result += source[++i]
    } else if (c === '(') {
      const flagged = source.startsWith('(?i:', i)
      groups.push(ignoring || flagged)
      result += flagged ? '(?:' : c
      if (flagged) i += 3
    } else if (c === ')') {
      groups.pop()
      result += c
    } else if (ignoring && /[a-z]/i.test(c)) result += `[${c.toLowerCase()}${c.toUpperCase()}${longS(c)}]`
    else result += c
  }
  return result
}

/** Ignoring case, s also matches the long ſ, and k the Kelvin sign. */
const longS = (c: string): string => (/s/i.test(c) ? 'ſ' : /k/i.test(c) ? '\u212a' : '')
