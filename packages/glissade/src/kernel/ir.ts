/**
 * The loop-nest language: all that a backend must understand.
 *
 * A kernel is one loop nest over scalars and vectors. It reads and writes flat buffers of 32-bit
 * elements; shapes, strides and gradients are gone. It runs as `tasks` independent tasks: each writes
 * its own part of the output and adds up in its own fixed order, so results cannot depend on how many
 * threads share the tasks out. That is the whole parallel model.
 *
 * Vectors have `lanes` elements (the target's width); scalars have 1. There is no implicit
 * widening: `splat` says it. Not here: how loops are chosen (compile/), how words are spelled
 * (backends/). Next: build.ts (constructors), print.ts, interpret.ts, verify.ts.
 */

/**
 * `f32` and `i32` are elements, `mask` is a truth value per lane (never stored), `index` is a scalar
 * that counts elements and loop turns: 64 bits in native, 32 in wasm, never negative when used
 * as an address.
 */
export type Type = 'f32' | 'i32' | 'mask' | 'index'

/**
 * f32: neg abs sqrt floor round (half to even) · i32: neg abs · mask: not
 */
export type UnaryFn = 'neg' | 'abs' | 'sqrt' | 'floor' | 'round' | 'not'

/**
 * f32: add sub mul div min max (a NaN on either side gives NaN).
 * i32: add sub mul div (wrap around; div truncates, x / 0 = 0, never traps) min max and or xor
 *      shl shr (arithmetic) ushr (logical); shift counts 0 to 31.
 * index: add sub mul, div and mod (truncating, divisor a positive constant), min max.
 * mask: and or.
 */
export type BinaryFn =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'mod'
  | 'min'
  | 'max'
  | 'and'
  | 'or'
  | 'xor'
  | 'shl'
  | 'shr'
  | 'ushr'

/** On f32, i32 and index; the result is a mask. Any comparison with NaN is false. */
export type CompareFn = 'lt' | 'le' | 'eq'

/**
 * toF32: i32 → f32 · toI32: f32 → i32 (towards zero, saturating, NaN → 0) ·
 * asF32, asI32: the same bits · maskToI32: 0 or 1 · i32ToMask: not zero ·
 * indexToI32, i32ToIndex (scalar, sign-extending).
 */
export type ConvertFn = 'toF32' | 'toI32' | 'asF32' | 'asI32' | 'maskToI32' | 'i32ToMask' | 'indexToI32' | 'i32ToIndex'

interface Typed {
  readonly type: Type
  readonly lanes: number
}

export type Expr =
  /** `value` in every lane. i32 as a signed integer; mask as 0 or 1. */
  | (Typed & { readonly op: 'const'; readonly value: number })
  /** A loop variable, `let`, `mut`, or the predefined index variable `task`. */
  | (Typed & { readonly op: 'var'; readonly name: string })
  | (Typed & { readonly op: 'unary'; readonly fn: UnaryFn; readonly a: Expr })
  | (Typed & { readonly op: 'binary'; readonly fn: BinaryFn; readonly a: Expr; readonly b: Expr })
  /** a · b + c, rounded once where the target has it, twice where not. f32 only. */
  | (Typed & { readonly op: 'fma'; readonly a: Expr; readonly b: Expr; readonly c: Expr })
  | (Typed & { readonly op: 'compare'; readonly fn: CompareFn; readonly a: Expr; readonly b: Expr })
  /** Lane by lane, where `mask` is true `a`, else `b`. Both sides are computed. */
  | (Typed & { readonly op: 'select'; readonly mask: Expr; readonly a: Expr; readonly b: Expr })
  | (Typed & { readonly op: 'convert'; readonly fn: ConvertFn; readonly a: Expr })
  /** The scalar `a` (not an index) in every lane. */
  | (Typed & { readonly op: 'splat'; readonly a: Expr })
  /** i32: 0, 1, 2 … lanes - 1. */
  | (Typed & { readonly op: 'ramp' })
  /**
   * `lanes` consecutive elements from `index` (any alignment of four bytes). With `valid` memory
   * is touched only where it holds; the value is 0 elsewhere. It is a scalar mask, or one for each lane.
   */
  | (Typed & { readonly op: 'load'; readonly buffer: string; readonly index: Expr; readonly valid?: Expr })
  /**
   * Lane by lane, the element at `index` (a vector of i32). With `valid` (a vector mask) memory is
   * touched only in its true lanes; the value is 0 elsewhere.
   */
  | (Typed & { readonly op: 'gather'; readonly buffer: string; readonly index: Expr; readonly valid?: Expr })
  /**
   * Lane k is lane `order[k]` of `a` and `b` one after the other. Both have as many lanes as the value, or half as many.
   * f32 and i32.
   */
  | (Typed & { readonly op: 'pick'; readonly order: readonly number[]; readonly a: Expr; readonly b: Expr })
  /** All lanes of `a` into one scalar: halves are combined pairwise until one lane is left. */
  | (Typed & { readonly op: 'reduceLanes'; readonly fn: 'add' | 'mul' | 'min' | 'max'; readonly a: Expr })

export type Stmt =
  /** A name for a value. Names are unique in a kernel. */
  | { readonly op: 'let'; readonly name: string; readonly value: Expr }
  /** A variable with its first value; `set` changes it. */
  | { readonly op: 'mut'; readonly name: string; readonly value: Expr }
  | { readonly op: 'set'; readonly name: string; readonly value: Expr }
  /** `value.lanes` consecutive elements from `index`. */
  | { readonly op: 'store'; readonly buffer: string; readonly index: Expr; readonly value: Expr }
  /** Lane by lane, in lane order, to the elements at `index` (a vector of i32). */
  | { readonly op: 'scatter'; readonly buffer: string; readonly index: Expr; readonly value: Expr }
  /** `name` (an index) counts from `from` while below `to`, by the constant `step` > 0. */
  | {
      readonly op: 'for'
      readonly name: string
      readonly from: Expr
      readonly to: Expr
      readonly step: number
      readonly body: readonly Stmt[]
    }
  /** Runs `body` as long as the scalar mask `condition` holds; it is computed before each turn. */
  | { readonly op: 'while'; readonly condition: Expr; readonly body: readonly Stmt[] }
  | { readonly op: 'if'; readonly condition: Expr; readonly then: readonly Stmt[]; readonly else?: readonly Stmt[] }

export interface KernelBuffer {
  readonly name: string
  readonly type: 'f32' | 'i32'
  readonly access: 'read' | 'write' | 'readwrite'
  /** In elements. */
  readonly length: number
}

export type KernelKind = 'map' | 'reduce' | 'row' | 'pack' | 'contract' | 'scatter' | 'cumulate' | 'sort'

export interface Kernel {
  readonly kind: KernelKind
  /** In the order in which a launch names its slots. */
  readonly buffers: readonly KernelBuffer[]
  /**
   * Elements of thread-private memory, addressed as the buffers `scratch` (f32) and `scratchI` (i32):
   * the same bytes. Undefined at the start of each task.
   */
  readonly scratch: number
  /** The body runs once for each `task` from 0 to tasks - 1, in any order, in parallel. */
  readonly tasks: number
  readonly body: readonly Stmt[]
  /** Floating-point operations and bytes moved, for the profile. */
  readonly flops: number
  readonly bytes: number
}

/** What the compiler must know of a machine to choose loops. */
export interface Target {
  /** Elements in a vector register. */
  readonly lanes: number
  /** Whether `fma` is one instruction. */
  readonly fma: boolean
  /** The register tile of a matrix product: `rows` scalars times `vectors` vectors. */
  readonly tile: { readonly rows: number; readonly vectors: number }
  /** Bytes of the first- and second-level data caches of one core, for blocking. */
  readonly l1: number
  readonly l2: number
}
