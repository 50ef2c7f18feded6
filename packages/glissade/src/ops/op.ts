/**
 * What an operation is: a record that says what it means.
 *
 * A record knows no device and no kernel. Its `kind` and declared properties are all that the
 * compiler may ask; nobody branches on a name. Its gradient is written in ops, so gradients can be
 * differentiated again and are right on every backend at once. The records stand in the files
 * beside this one, the table of all of them in table.ts.
 */
import type { DType } from '../dtype.ts'
import type { Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

export type Attrs = Readonly<Record<string, unknown>>

/** The numbers of a tensor in float64, row-major, as the reference backend holds them. */
export interface Values {
  readonly shape: Shape
  readonly data: Float64Array
}

interface OpBase<A extends Attrs = Attrs> {
  readonly name: string
  /** One sentence. */
  readonly doc: string
  dtype(inputs: readonly DType[], attrs: A): DType
  shape(inputs: readonly Shape[], attrs: A): Shape
  /**
   * The gradient of each input, given that of the output; `undefined` where there is none. `g` has
   * the shape of `node`; each result has the shape of its input.
   */
  readonly gradient?: (g: Tensor, node: Tensor) => readonly (Tensor | undefined)[]
}

/** Values that come from outside: host data, a program's argument. */
export interface LeafOp extends OpBase {
  readonly kind: 'leaf'
}

/** Values made from nothing but their position (and, for random bits, a key). */
export interface GenerateOp extends OpBase {
  readonly kind: 'generate'
  /** The element at `position` (row-major: `flat`). */
  element(position: readonly number[], flat: number, attrs: Attrs, inputs: readonly Values[]): number
}

/** One number from the numbers at the same position of the inputs. All shapes are equal. */
export interface MapOp extends OpBase {
  readonly kind: 'map'
  readonly arity: number
  /** In float64; `dtype` is the output's, `from` that of the first input. */
  scalar(x: readonly number[], dtype: DType, from: DType): number
  /** What recomputing costs, in simple operations; default 1. */
  readonly cost?: number
  /** For each input, the value of the other one that leaves it unchanged: [0, 0] for a sum. */
  readonly neutral?: readonly (number | undefined)[]
  /** For each input, the value that is the result, too, whatever the other one is, if finite and not 0: [0, 0] for a product. */
  readonly absorbing?: readonly (number | undefined)[]
}

/** Folds `attrs.axes` (ascending) away. */
export interface ReduceOp extends OpBase {
  readonly kind: 'reduce'
  /** The name of the map op that combines two values; associative and commutative. */
  readonly combine: 'add' | 'mul' | 'maximum' | 'minimum'
  /** The value of an empty reduction. */
  identity(dtype: DType): number
}

/** Index arithmetic, over numbers (reference), or over symbols (compiler). */
export interface IndexAlgebra<I, C> {
  constant(value: number): I
  add(a: I, b: I): I
  scale(a: I, factor: number): I
  /** Both for a positive divisor, rounding down. */
  floorDiv(a: I, divisor: number): I
  mod(a: I, divisor: number): I
  /** from <= a < to */
  within(a: I, from: number, to: number): C
  /** a is a multiple of divisor */
  divides(divisor: number, a: I): C
}

/** Where an element comes from: `index` of input number `input`, if all of `valid` hold. */
export interface Source<I, C> {
  readonly input: number
  readonly index: readonly I[]
  readonly valid: readonly C[]
}

/** Elements moved about, none changed. The element is the first valid source's, else `fill`. */
export interface MoveOp extends OpBase {
  readonly kind: 'move'
  sources<I, C>(algebra: IndexAlgebra<I, C>, index: readonly I[], node: MoveNode): readonly Source<I, C>[]
  fill?(attrs: Attrs): number
  /** The attributes of the same movement under a new first axis of `length`, along which nothing moves. */
  batch(attrs: Attrs, length: number): Attrs
  /** Whether nothing moves, given that the shape stays the same. */
  isIdentity?(attrs: Attrs, shape: Shape): boolean
}
export interface MoveNode {
  readonly inputs: readonly { readonly shape: Shape }[]
  readonly shape: Shape
  readonly attrs: Attrs
}

/** A sum of products over shared axes; see contract.ts. */
export interface ContractOp extends OpBase {
  readonly kind: 'contract'
  reference(inputs: readonly Values[], attrs: Attrs, shape: Shape): Float64Array
}

/** An op with a loop of its own, of which the compiler has a template by `kind`. */
export interface LoopOp extends OpBase {
  readonly kind: 'conv' | 'gather' | 'scatter' | 'cumulate' | 'sort'
  reference(inputs: readonly Values[], attrs: Attrs, shape: Shape): Float64Array
}

/** The first input, unchanged; what differs is how gradients pass or when it is computed. */
export interface WrapOp extends OpBase {
  readonly kind: 'wrap'
  /** The compiler must not merge this with an equal one, nor compute it before its other inputs. */
  readonly barrier?: boolean
}

/**
 * A loop over time: `attrs` (scan.ts) say one step. Its inputs are the first states, what is sliced step by step, and
 * what stays the same; it has several outputs, each of which is a node of its own.
 */
export interface ScanOp extends OpBase {
  readonly kind: 'scan'
}

/** One of the outputs of its only input, a loop over time. */
export interface OutputOp extends OpBase {
  readonly kind: 'output'
}

export type Op = LeafOp | GenerateOp | MapOp | ReduceOp | MoveOp | ContractOp | LoopOp | WrapOp | ScanOp | OutputOp
