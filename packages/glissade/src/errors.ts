/**
 * Every error that Glissade raises: its code, its fields and its text.
 *
 * A text says what was received, what was expected, and the fix. Each code has a paragraph in
 * docs/errors.md (a test holds the two together). Raise one with `fail(code, fields)`.
 */
import { currentScope } from './scope.ts'

type Shape = readonly number[]
const s = (shape: Shape): string => `[${shape.join(', ')}]`

/** One function per code; its parameter is the type of the error's fields. */
export const catalogue = {
  'shape-broadcast': (f: { op: string; a: Shape; b: Shape }) =>
    `${f.op}: shapes ${s(f.a)} and ${s(f.b)} do not fit together. From the right, sizes must be equal or one of them 1. Reshape or expand one of them.`,
  'shape-mismatch': (f: { op: string; received: string; expected: string; fix: string }) =>
    `${f.op}: received ${f.received}; expected ${f.expected}. ${f.fix}`,
  'axis-range': (f: { op: string; axis: number; rank: number }) =>
    `${f.op}: axis ${f.axis} is outside a tensor of ${f.rank} axes. Use ${f.rank === 0 ? 'a tensor with at least one axis' : `${-f.rank} to ${f.rank - 1}`}.`,
  'axis-repeated': (f: { op: string; axes: readonly number[] }) =>
    `${f.op}: the axes [${f.axes.join(', ')}] name one axis twice. Name each once.`,
  'dtype-mismatch': (f: { op: string; received: string; expected: string; fix: string }) =>
    `${f.op}: received ${f.received}; expected ${f.expected}. ${f.fix}`,
  'value-invalid': (f: { what: string; received: string; expected: string; fix: string }) =>
    `${f.what}: received ${f.received}; expected ${f.expected}. ${f.fix}`,
  'index-range': (f: { what: string; value: number; position: number; size: number }) =>
    `${f.what}: value ${f.value} at position ${f.position} is out of range; expected 0 to ${f.size - 1}. Check the labels or indices, or the number of classes.`,
  'grad-scalar': (f: { shape: Shape }) =>
    `grad: the function returned a tensor of shape ${s(f.shape)}; expected a single number. Reduce it with sum() or mean(), or pass the gradient of the output.`,
  'grad-unreachable': (f: { index: number; path: string }) =>
    `grad: the result does not depend on input ${f.index}${f.path ? ` (${f.path})` : ''}. Use that input in the function, or leave it out.`,
  'stale-value': (f: { path: string }) =>
    `${f.path || 'A tensor'}: its numbers were changed in place by a compiled step after this expression was built. Read the expression before the step, or build it again after.`,
  'trace-read': (f: { what: string }) =>
    `${f.what} was read while a function is being compiled; a traced tensor has no numbers yet. Return it from the function and read it outside.`,
  'trace-async': () =>
    'compile: the function returned a promise; expected tensors. Make it synchronous: await data outside and pass it in as arguments.',
  'reference-only': (f: { op: string; dtype: string; backend: string }) =>
    `${f.op}: ${f.dtype} works on the reference backend only; this one is ${f.backend}. Cast to float32, or choose the reference backend with setBackend('reference').`,
  'backend-unknown': (f: { received: string; known: readonly string[] }) =>
    `There is no backend '${f.received}'. Use one of ${f.known.join(', ')}, or 'auto'.`,
  'backend-unavailable': (f: { backend: string; reason: string; fix: string }) =>
    `The backend '${f.backend}' does not work here: ${f.reason}. ${f.fix}`,
  'backend-failed': (f: { backend: string; reason: string; fix: string }) => `${f.backend}: ${f.reason}. ${f.fix}`,
  'memory-exhausted': (f: { backend: string; wanted: number; held: number; limit: number; fix: string }) =>
    `${f.backend}: no room for ${f.wanted} bytes more; ${f.held} of at most ${f.limit} bytes are in use. ${f.fix}`,
  'module-name': (f: { name: string; known: readonly string[] }) =>
    `There is no parameter or module '${f.name}'. Known here: ${f.known.slice(0, 12).join(', ')}${f.known.length > 12 ? ', …' : ''}.`,
  'file-format': (f: { file: string; what: string; received: string; expected: string; fix: string }) =>
    `${f.file}: ${f.what}: received ${f.received}; expected ${f.expected}. ${f.fix}`,
  'weights-mismatch': (f: { file: string; problems: readonly string[]; fix: string }) =>
    `${f.file} does not fit the model:\n  ${f.problems.join('\n  ')}\n${f.fix}`,
  'data-missing': (f: { what: string; looked: readonly string[]; fix: string }) =>
    `${f.what} was not found; looked in ${f.looked.join(', ')}. ${f.fix}`,
  'worker-failed': (f: { module: string; reason: string; fix: string }) =>
    `The worker for ${f.module} failed: ${f.reason}. ${f.fix}`,
  'download-failed': (f: { url: string; received: string; expected: string; fix: string }) =>
    `${f.url}: received ${f.received}; expected ${f.expected}. ${f.fix}`,
  'package-missing': (f: { name: string; what: string; reason: string }) =>
    `${f.what} needs the package '${f.name}', which could not be loaded (${f.reason}). Install it with \`npm install ${f.name}\`.`,
  'run-locked': (f: { folder: string; owner: string; lock: string }) =>
    `${f.folder}: the run belongs to ${f.owner}. Wait until that process ends or choose another folder; if it runs no more, remove ${f.lock}.`,
  'not-finite': (f: { what: string; received: string; where: string; fix: string }) =>
    `${f.what}: received ${f.received}${f.where === '' ? '' : `; it began ${f.where}`}; expected finite numbers. ${f.fix}`,
  'gradient-wrong': (f: { input: number; measured: number; computed: number; tolerance: number }) =>
    `gradCheck: input ${f.input}: finite differences give ${f.measured}, the gradient gives ${f.computed}; they differ by more than ${f.tolerance}. Check the op's gradient, and that the sample is not at a kink.`,
} as const

export type ErrorCode = keyof typeof catalogue
export type ErrorFields<C extends ErrorCode> = Parameters<(typeof catalogue)[C]>[0]

/** An error of Glissade: `code` for programs, `fields` for what was received, `path` for the module. */
export class GlissadeError extends Error {
  override readonly name = 'GlissadeError'
  readonly code: ErrorCode
  readonly fields: Readonly<Record<string, unknown>>
  readonly path: string

  constructor(code: ErrorCode, fields: object, options?: ErrorOptions) {
    const { path } = currentScope()
    const text = (catalogue[code] as (f: object) => string)(fields)
    super(path === '' ? text : `in ${path}: ${text}`, options)
    this.code = code
    this.fields = { ...fields }
    this.path = path
  }
}

/** Raises the error `code`. */
export function fail<C extends ErrorCode>(
  code: C,
  ...rest: ErrorFields<C> extends undefined ? [] : [fields: ErrorFields<C>, cause?: unknown]
): never {
  const [fields, cause] = rest as [object | undefined, unknown]
  throw new GlissadeError(code, fields ?? {}, cause === undefined ? undefined : { cause })
}
