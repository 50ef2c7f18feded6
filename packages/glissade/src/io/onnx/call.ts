/**
 * What an operator of an ONNX graph is given: its inputs, as tensors or as numbers known now, and its attributes.
 *
 * Much of an exported graph is arithmetic on shapes. Its values are known when the graph is walked (`host`), so they
 * are computed at once by the reference and never become part of a program. The operators: ops-*.ts.
 */
import { evaluate } from '../../backends/reference/reference.ts'
import { fail } from '../../errors.ts'
import { sizeOf } from '../../shape.ts'
import { fromArray, type Tensor } from '../../tensor.ts'
import { shorten } from '../source.ts'
import type { Attribute, NodeProto } from './proto.ts'

/** A value of the graph. `host`: its numbers, where they do not depend on inputs or parameters. */
export interface Value {
  readonly tensor: Tensor
  readonly host?: ArrayLike<number>
}

/** Constants of more numbers stay expressions: they are part of the network, not of its shapes. */
const largestFolded = 2 ** 16

/** A graph inside a node, to be run on inputs in their order. */
export interface Body {
  readonly inputs: number
  run(inputs: readonly Tensor[]): Tensor[]
}

export type Operator = (call: Call) => Tensor | readonly Tensor[]

/** An int32 tensor of numbers known now. */
export function wholes(data: readonly number[], shape: readonly number[] = [data.length]): Tensor {
  return fromArray(Int32Array.from(data), shape, 'int32')
}

/** The value of `tensor`, with its numbers if `known` says that all it comes from is known. */
export function toValue(tensor: Tensor, known: boolean): Value {
  const value = tensor.current()
  if (!known || value.size > largestFolded) return { tensor: value }
  if (value.op.kind === 'leaf' && value.storage) return { tensor: value, host: value.storage.read() }
  const [{ data }] = evaluate([value])
  const array = value.dtype === 'float32' ? Float32Array.from(data) : Int32Array.from(data)
  return { tensor: fromArray(array, value.shape, value.dtype), host: array }
}

/** Whether `tensor` was made on the host by an operator, and is none of its inputs. */
export function isMade(tensor: Tensor, inputs: readonly (Value | undefined)[]): boolean {
  const value = tensor.current()
  const given = inputs.some((input) => input?.tensor.current() === value)
  return value.op.kind === 'leaf' && value.storage !== undefined && !given
}

export class Call {
  readonly node: NodeProto
  readonly opset: number
  readonly inputs: readonly (Value | undefined)[]
  /** The attributes that are tensors. */
  readonly constants: ReadonlyMap<string, Tensor>

  /** The attributes that are graphs: outputs for inputs. */
  readonly bodies: ReadonlyMap<string, Body>

  constructor(
    node: NodeProto,
    opset: number,
    inputs: readonly (Value | undefined)[],
    constants: ReadonlyMap<string, Tensor>,
    bodies: ReadonlyMap<string, Body>,
  ) {
    this.bodies = bodies
    this.node = node
    this.opset = opset
    this.inputs = inputs
    this.constants = constants
  }

  get label(): string {
    return `${this.node.op}${this.node.name === '' ? '' : ` '${shorten(this.node.name)}'`}`
  }

  fail(what: string, received: string, expected: string, fix = 'Export the model with other options.'): never {
    return fail('value-invalid', { what: `${this.label}: ${what}`, received, expected, fix })
  }

  // ---- inputs ----

  has(i: number): boolean {
    return this.inputs[i] !== undefined
  }
  maybe(i: number): Tensor | undefined {
    return this.inputs[i]?.tensor
  }
  tensor(i: number): Tensor {
    return this.inputs[i]?.tensor ?? this.fail(`input ${i}`, 'nothing', 'a tensor')
  }
  tensors(): Tensor[] {
    return this.inputs.map((_, i) => this.tensor(i))
  }
  /** The numbers of an input that must be known, such as a shape. */
  host(i: number): number[] {
    const value = this.inputs[i] ?? this.fail(`input ${i}`, 'nothing', 'a tensor')
    if (value.host) return Array.from(value.host)
    if (sizeOf(value.tensor.shape) === 0) return []
    return this.fail(
      `input ${i}`,
      'numbers that depend on the inputs',
      'numbers known when the model is built',
      'Shapes that depend on data are not supported; export with fixed ones.',
    )
  }
  maybeHost(i: number): number[] | undefined {
    return this.has(i) ? this.host(i) : undefined
  }

  // ---- attributes ----

  #attribute(name: string): Attribute | undefined {
    return this.node.attributes.get(name)
  }
  int(name: string, otherwise: number): number {
    const value = this.#attribute(name)?.i ?? otherwise
    return Number.isSafeInteger(value) ? value : this.fail(name, String(value), 'a whole number')
  }
  maybeInt(name: string): number | undefined {
    return this.#attribute(name)?.i
  }
  float(name: string, otherwise: number): number {
    return this.#attribute(name)?.f ?? otherwise
  }
  text(name: string, otherwise: string): string {
    return this.#attribute(name)?.s ?? otherwise
  }
  texts(name: string): string[] {
    return this.#attribute(name)?.strings ?? []
  }
  ints(name: string): number[] | undefined {
    const list = this.#attribute(name)?.ints
    return list && list.length > 0 ? list : undefined
  }
  floats(name: string): number[] | undefined {
    const list = this.#attribute(name)?.floats
    return list && list.length > 0 ? list : undefined
  }

  // ---- axes ----

  /** `axis` counted from the front. */
  axis(axis: number, rank: number): number {
    if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
      this.fail('axis', String(axis), `${-rank} to ${rank - 1}`)
    return axis < 0 ? axis + rank : axis
  }
  axes(list: readonly number[], rank: number): number[] {
    return list.map((axis) => this.axis(axis, rank))
  }
  /** An axis list that moved from an attribute to input `i` in some opset. */
  axesList(i: number, name = 'axes'): number[] | undefined {
    return this.maybeHost(i) ?? this.ints(name)
  }
}
