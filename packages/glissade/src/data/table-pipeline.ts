/** Transforms of tables one after the other, as one; and transforms from their state. Each: table-transforms.ts. */
import { fail } from '../errors.ts'
import type { Table } from './table.ts'
import { OneHotEncoder, OrdinalEncoder } from './table-encoders.ts'
import { Imputer } from './table-imputer.ts'
import { MinMaxScaler, StandardScaler, type TableTransform, type TransformState } from './table-transforms.ts'

export class TablePipeline {
  readonly steps: readonly TableTransform[]

  constructor(steps: readonly TableTransform[]) {
    this.steps = steps
  }

  /** Fits each step on what the steps before it make of the table. */
  fit(table: Table): this {
    this.fitTransform(table)
    return this
  }

  fitTransform(table: Table): Table {
    return this.steps.reduce((so, step) => step.fitTransform(so), table)
  }

  transform(table: Table): Table {
    return this.steps.reduce((so, step) => step.transform(so), table)
  }

  /** Back, the last step first. */
  inverse(table: Table): Table {
    return this.steps.reduceRight((so, step) => step.inverse(so), table)
  }

  /** Plain JSON, for pipelineFromState. */
  state(): readonly TransformState[] {
    return this.steps.map((step) => step.state())
  }
}

/**
 * Steps one after the other, fitted on the training part alone.
 *
 * ```ts
 * const pipeline = data.tablePipeline([data.imputer(), data.standardScaler(), data.oneHotEncoder()])
 * const train = pipeline.fitTransform(data.table({ age: [30, null, 50], city: ['Rome', 'Oslo', 'Rome'] }))
 * const test = pipeline.transform(data.table({ age: [40], city: ['Oslo'] }))
 * ```
 */
export function tablePipeline(steps: readonly TableTransform[]): TablePipeline {
  return new TablePipeline(steps)
}

const kinds: Readonly<Record<string, new (options: never) => TableTransform>> = {
  standardScaler: StandardScaler,
  minMaxScaler: MinMaxScaler,
  imputer: Imputer,
  oneHotEncoder: OneHotEncoder,
  ordinalEncoder: OrdinalEncoder,
}

/** The pipeline that `state()` described. Errors: `value-invalid` for a kind that is not known. */
export function pipelineFromState(states: readonly TransformState[]): TablePipeline {
  return new TablePipeline(
    states.map((state) => {
      const make = typeof state?.kind === 'string' && Object.hasOwn(kinds, state.kind) ? kinds[state.kind] : undefined
      if (make) return new make(state.options as never).restore(state)
      const expected = Object.keys(kinds).join(', ')
      return fail('value-invalid', { what: 'pipeline', received: `'${state?.kind}'`, expected, fix: 'Check the file.' })
    }),
  )
}
