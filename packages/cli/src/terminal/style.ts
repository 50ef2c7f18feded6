/**
 * What this terminal can show: colours, characters beyond ASCII, how many columns. Everything that prints asks here,
 * so that the same output is readable in a terminal, in a log file and on a screen without Unicode.
 */
import pc from 'picocolors'

export interface Terminal {
  readonly colors: ReturnType<typeof pc.createColors>
  readonly color: boolean
  readonly unicode: boolean
  readonly columns: number
  /** Whether a line can be drawn again in place. */
  readonly live: boolean
}

type Env = Readonly<Record<string, string | undefined>>

/** The terminal behind `stream`. */
export function terminalOf(stream: NodeJS.WriteStream, env: Env = process.env): Terminal {
  // picocolors knows NO_COLOR, FORCE_COLOR, --no-color and CI, but judges by standard output
  const color =
    pc.isColorSupported && (stream.isTTY || env.FORCE_COLOR !== undefined || process.argv.includes('--color'))
  return {
    color,
    colors: pc.createColors(color),
    unicode: speaksUnicode(env, process.platform),
    columns: stream.columns ?? (Number(env.COLUMNS) || 80),
    live: stream.isTTY === true && env.TERM !== 'dumb' && !env.CI,
  }
}

/** Most do today; not those whose locale names another character set, nor the old Windows console. */
export function speaksUnicode(env: Env, platform: string): boolean {
  if (platform === 'win32') return env.WT_SESSION !== undefined || env.TERM_PROGRAM !== undefined
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG
  return env.TERM !== 'linux' && (locale === undefined || locale === '' || /utf-?8/i.test(locale))
}

export function percent(part: number, digits = 1): string {
  return `${(100 * part).toFixed(digits)} %`
}

/** 12345 as 12 345. */
export function grouped(n: number): string {
  return Math.round(n)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ' ')
}

export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–'
  if (seconds < 0.1) return `${Math.round(1000 * seconds)} ms`
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  const whole = Math.round(seconds)
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60]
  return h > 0 ? `${h} h ${m} min` : `${m} min ${s} s`
}

export function bytes(n: number): string {
  if (n < 1024) return `${n} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length, Math.floor(Math.log2(n) / 10))
  return `${(n / 1024 ** power).toFixed(1)} ${units[power - 1]}`
}
