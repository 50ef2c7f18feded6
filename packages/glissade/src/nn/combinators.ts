/**
 * Modules whose inside branches: a way around (Residual), several ways side by side (Parallel), and the choice of one
 * place along an axis (Select), with which a sequence layer ends. In a row: container.ts.
 */
import { fail } from '../errors.ts'
import { concat } from '../ops/derived/movement.ts'
import { sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { adoptAll } from './adopt.ts'
import type { Stages } from './container.ts'
import { type LayerConfig, Module, outputOf, type Stage } from './module.ts'

export interface ResidualOptions {
  /** What the way around does, where shapes change; by default nothing. */
  readonly shortcut?: Stage
}

/** x + body(x), or shortcut(x) + body(x) (He et al. 2015, arXiv 1512.03385). Both sides must have one shape. */
export class Residual extends Module {
  readonly body: Stage
  readonly shortcut: Stage | undefined

  constructor(body: Stage, { shortcut }: ResidualOptions = {}) {
    super()
    for (const [name, module] of Object.entries({ body, ...(shortcut && { shortcut }) })) {
      if (module instanceof Module) continue
      fail('value-invalid', {
        what: `residual: ${name}`,
        received: typeof module,
        expected: 'a module',
        fix: 'Make one of a function with nn.lambda(...).',
      })
    }
    this.body = body
    this.shortcut = shortcut
  }

  forward(x: Tensor): Tensor {
    const around = this.shortcut ? outputOf(this.shortcut.forward(x)) : x
    const through = outputOf(this.body.forward(x))
    if (!sameShape(around.shape, through.shape)) {
      fail('shape-mismatch', {
        op: 'residual',
        received: `[${through.shape.join(', ')}] from the body and [${around.shape.join(', ')}] from the way around`,
        expected: 'one shape',
        fix: 'Give a shortcut that makes the same shape, such as a linear layer or a convolution of size 1.',
      })
    }
    return around.add(through)
  }

  override config(): LayerConfig {
    return { kind: 'residual', body: this.body, ...(this.shortcut && { shortcut: this.shortcut }) }
  }
}

/** How the branches of a Parallel meet. */
export type Join = 'sum' | 'product' | 'concat' | 'list'

export interface ParallelOptions<J extends Join = Join> {
  /** What becomes of the outputs: their sum (default), product, one after the other along `axis`, or a list of them. */
  readonly join?: J
  /** For 'concat'; default 1, the channels of images. Sequences [B, T, C] take -1. */
  readonly axis?: number
}

const joins: readonly Join[] = ['sum', 'product', 'concat', 'list']

/**
 * The same input through several branches, named by place (`0.weight`) or by the keys of an object.
 *
 * x: [...s] → [...t], for the join 'list' a list of these.
 */
export class Parallel<J extends Join = 'sum'> extends Module {
  readonly join: J
  readonly axis: number
  readonly #names: readonly string[]
  readonly #named: boolean

  constructor(branches: Stages, { join = 'sum' as J, axis = 1 }: ParallelOptions<J> = {}) {
    super()
    this.join = join
    this.axis = axis
    this.#named = !Array.isArray(branches)
    this.#names = adoptAll(this, 'parallel', branches)
    if (this.#names.length === 0) {
      fail('value-invalid', {
        what: 'parallel: branches',
        received: 'none',
        expected: 'at least one module',
        fix: 'Give a list or an object of modules.',
      })
    }
    if (!joins.includes(join)) {
      const expected = joins.map((name) => `'${name}'`).join(', ')
      fail('value-invalid', { what: 'parallel: join', received: String(join), expected, fix: 'Choose one of these.' })
    }
    if (!Number.isInteger(axis)) {
      const expected = 'a whole number'
      fail('value-invalid', { what: 'parallel: axis', received: String(axis), expected, fix: 'Check the option.' })
    }
  }

  get branches(): Stage[] {
    return this.#names.map((name) => (this as unknown as Record<string, Stage>)[name])
  }

  forward(x: Tensor): J extends 'list' ? Tensor[] : Tensor {
    const outputs = this.branches.map((branch) => outputOf(branch.forward(x)))
    return this.#joined(outputs) as J extends 'list' ? Tensor[] : Tensor
  }

  #joined(outputs: Tensor[]): Tensor | Tensor[] {
    const join: Join = this.join
    if (join === 'list') return outputs
    if (join === 'concat') return concat(outputs, this.axis)
    const [first, ...rest] = outputs
    const other = rest.find((output) => !sameShape(output.shape, first.shape))
    if (other) {
      fail('shape-mismatch', {
        op: `parallel (${join})`,
        received: `[${first.shape.join(', ')}] and [${other.shape.join(', ')}]`,
        expected: 'one shape from all branches',
        fix: "Change the branches, or join them with 'concat'.",
      })
    }
    return rest.reduce((all, output) => (join === 'sum' ? all.add(output) : all.mul(output)), first)
  }

  override config(): LayerConfig {
    const { branches } = this
    return {
      kind: 'parallel',
      branches: this.#named ? Object.fromEntries(this.#names.map((name, i) => [name, branches[i]])) : branches,
      join: this.join,
      axis: this.axis,
    }
  }
}

/** What stands at one place along an axis, which goes away; places from the end are negative. */
export class Select extends Module {
  readonly axis: number
  readonly index: number

  constructor(axis: number, index: number) {
    super()
    for (const [name, value] of Object.entries({ axis, index })) {
      if (Number.isInteger(value)) continue
      const expected = 'a whole number'
      fail('value-invalid', { what: `select: ${name}`, received: String(value), expected, fix: 'Check the argument.' })
    }
    this.axis = axis
    this.index = index
  }

  forward(x: Tensor): Tensor {
    const axis = this.axis < 0 ? this.axis + x.rank : this.axis
    if (axis < 0 || axis >= x.rank) fail('axis-range', { op: 'select', axis: this.axis, rank: x.rank })
    const length = x.shape[axis]
    const place = this.index < 0 ? this.index + length : this.index
    if (place < 0 || place >= length) {
      fail('shape-mismatch', {
        op: 'select',
        received: `place ${this.index} on axis ${axis} of [${x.shape.join(', ')}]`,
        expected: length === 0 ? 'an axis that is not empty' : `${-length} to ${length - 1}`,
        fix: 'Check the place and the axis.',
      })
    }
    return x.slice([...new Array<undefined>(axis).fill(undefined), [place, place + 1]]).squeeze(axis)
  }

  override config(): LayerConfig {
    return { kind: 'select', axis: this.axis, index: this.index }
  }
}

export const residual = (body: Stage, options?: ResidualOptions): Residual => new Residual(body, options)
export const parallel = <J extends Join = 'sum'>(branches: Stages, options?: ParallelOptions<J>): Parallel<J> =>
  new Parallel(branches, options)
export const select = (axis: number, index: number): Select => new Select(axis, index)
/** The last step of a sequence. x: [B, T, C] → [B, C] */
export const takeLast = (): Select => new Select(1, -1)
