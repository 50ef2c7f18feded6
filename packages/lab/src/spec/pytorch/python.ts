/** Python literals and calls, and the refusal of what a program cannot say. */

/** What has no counterpart in PyTorch, in words for a person. */
export class NoCounterpartError extends Error {}

export function literal(value: unknown): string {
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (value === undefined || value === null) return 'None'
  if (Array.isArray(value)) return `(${value.map(literal).join(', ')}${value.length === 1 ? ',' : ''})`
  if (typeof value === 'string') return JSON.stringify(value)
  return String(value)
}

/** `nn.Conv2d(1, 8, 3, padding=1)`: arguments in order, then those with names; what is undefined is left out. */
export function call(name: string, ordered: readonly unknown[], named: Readonly<Record<string, unknown>> = {}): string {
  const options = Object.entries(named).filter(([, value]) => value !== undefined)
  return `${name}(${[...ordered.map(literal), ...options.map(([key, value]) => `${key}=${literal(value)}`)].join(', ')})`
}

export const indented = (text: string, by = 1): string =>
  text
    .split('\n')
    .map((line) => (line === '' ? line : '    '.repeat(by) + line))
    .join('\n')
