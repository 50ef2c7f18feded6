/** Numbers as people read them. */

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** A count: 12,345. */
export const count = (value: number): string => grouped.format(value)

/** A number in at most `digits` significant digits, of even width where it can be: 0.0123, −1.5, 3.2e−7. */
export function number(value: number, digits = 3): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞'
  if (value === 0) return '0'
  const size = Math.abs(value)
  const text =
    size >= 1e5 || size < 1e-3
      ? value
          .toExponential(Math.max(0, digits - 1))
          .replace('e+', 'e')
          .replace(/\.?0+e/, 'e')
      : value.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(size))))
  return text.replaceAll('-', '−')
}

/** 0.987 as 98.7 %. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

/** [3, 28, 28] as 3 × 28 × 28; a single number as "1". */
export const shape = (sizes: readonly number[]): string => (sizes.length === 0 ? '1' : sizes.join(' × '))

/** The name of a module as people read it: a layer's kind with its place. */
export const words = (kind: string): string =>
  kind
    .replace(/([a-z])([A-Z0-9])/g, '$1 $2')
    .replace(/(\d) D$/i, '$1d')
    .toLowerCase()

/** A term of a sum as it is written after others: " + 0.5", " − 0.5". */
export const added = (value: number, digits = 3): string =>
  value < 0 ? ` − ${number(-value, digits)}` : ` + ${number(value, digits)}`
