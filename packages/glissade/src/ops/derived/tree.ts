/**
 * Tensors in plain objects and arrays: how the loop over time names what it carries.
 *
 * A tree is a tensor, `undefined` for none, or an array or a plain object of trees. Its leaves have an order (that of
 * the arrays, and of the objects' keys by name) and names for messages. Who uses it: scan.ts.
 */
import { fail } from '../../errors.ts'
import { Tensor } from '../../tensor.ts'

/** A tree with its tensors taken out. */
export interface Flat {
  readonly tensors: readonly Tensor[]
  /** For each tensor where it stood: `carry.h`, `x[0]`, or the tree's own name. */
  readonly names: readonly string[]
  /** The structure as text: equal for trees of one form. */
  readonly form: string
  /** The same structure around other tensors. */
  readonly rebuild: (tensors: readonly Tensor[]) => unknown
}

/** Takes the tensors out of `tree`, which messages call `name`. Errors: value-invalid for anything but trees. */
export function flattenTree(op: string, name: string, tree: unknown): Flat {
  const tensors: Tensor[] = []
  const names: string[] = []
  const visit = (value: unknown, at: string): { form: string; build: (from: readonly Tensor[]) => unknown } => {
    if (value === undefined || value === null) return { form: '-', build: () => value }
    if (value instanceof Tensor) {
      const place = tensors.push(value.current()) - 1
      names.push(at)
      return { form: '*', build: (from) => from[place] }
    }
    if (Array.isArray(value)) {
      const parts = value.map((each, i) => visit(each, `${at}[${i}]`))
      return {
        form: `[${parts.map((part) => part.form).join()}]`,
        build: (from) => parts.map((part) => part.build(from)),
      }
    }
    if (isPlain(value)) {
      const parts = Object.keys(value)
        .sort()
        .map((key) => ({ key, ...visit(value[key], `${at}.${key}`) }))
      return {
        form: `{${parts.map(({ key, form }) => `${JSON.stringify(key)}:${form}`).join()}}`,
        build: (from) => Object.fromEntries(parts.map(({ key, build }) => [key, build(from)])),
      }
    }
    return fail('value-invalid', {
      what: `${op}: ${at}`,
      received:
        typeof value === 'object' ? `an object of class ${(value as object).constructor?.name}` : `a ${typeof value}`,
      expected: 'a tensor, none, or an array or plain object of these',
      fix: 'Make a tensor of numbers with tensor(), and hand modules in from outside.',
    })
  }
  const { form, build } = visit(tree, name)
  return { tensors, names, form, rebuild: build }
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype
