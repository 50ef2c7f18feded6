/** Variables and numbers that belong to a step: how they are made, supplied to programs, and read back from files. */
import { fail } from '../errors.ts'
import { activeTrace } from '../graph/trace.ts'
import { Module, type Parameter } from '../nn/module.ts'
import { leaf } from '../ops/leaf.ts'
import { withScope } from '../scope.ts'
import { fromArray, makeNode, type Tensor, Variable } from '../tensor.ts'
import type { Trainable } from './groups.ts'

/** The parameters by name; in a list their names are their places. */
export function parametersOf(target: Trainable): ReadonlyMap<string, Parameter> {
  if (target instanceof Module) return target.namedParameters()
  return new Map(target.map((parameter, i) => [String(i), parameter]))
}

/** A variable like `parameter`, which begins as `value`: a number everywhere, or a tensor that is copied. */
export function freshState(parameter: Parameter, path: string, value: number | Tensor): Variable {
  return withScope({ path, pass: 'update' }, () => {
    if (typeof value !== 'number') {
      // A copy: what another variable holds may be overwritten in place.
      const { storage } = value
      return new Variable(storage ? fromArray(storage.read().slice(), value.shape, value.dtype) : value)
    }
    const numbers = parameter.dtype === 'float64' ? new Float64Array(parameter.size) : new Float32Array(parameter.size)
    if (value !== 0) numbers.fill(value)
    return new Variable(fromArray(numbers, parameter.shape))
  })
}

/** A number of the host's as a tensor []: worked out anew at each run of a compiled program, at once outside one. */
export function suppliedNumber(value: () => number): Tensor {
  const trace = activeTrace()
  if (!trace) return fromArray(Float32Array.of(value()), [])
  const tensor = makeNode(leaf, [], { shape: [], dtype: 'float32' })
  trace.supplied.push({ tensor, supply: (storage) => storage.write(Float32Array.of(value())) })
  return tensor
}

/** Sets variables from saved tensors of the same names and shapes. Nothing is changed unless everything fits. */
export async function loadVariables(
  source: string,
  own: ReadonlyMap<string, Variable>,
  tensors: Readonly<Record<string, Tensor>>,
): Promise<void> {
  const problems = [...own].flatMap(([name, { shape }]) => {
    if (!Object.hasOwn(tensors, name)) return [`${name}: missing; expected [${shape.join(', ')}]`]
    const received = tensors[name].shape
    return received.join() === shape.join()
      ? []
      : [`${name}: received [${received.join(', ')}], expected [${shape.join(', ')}]`]
  })
  problems.push(...Object.keys(tensors).flatMap((name) => (own.has(name) ? [] : [`${name}: not in the optimizer`])))
  if (problems.length > 0) {
    fail('weights-mismatch', {
      file: source,
      problems,
      fix: 'Use the same optimizer and the same model as when it was saved.',
    })
  }
  const values = await Promise.all([...own.keys()].map((name) => tensors[name].realized()))
  for (const [i, variable] of [...own.values()].entries()) variable.write(values[i].read())
}
