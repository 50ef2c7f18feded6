/** NaN in the data is found before a step is taken with it. */
import type { Columns } from '../data/dataset.ts'
import { isFloat } from '../dtype.ts'
import { fail } from '../errors.ts'

/** Refuses a batch that holds NaN. `where` says which batch it is. Errors: `not-finite`. */
export async function checkBatch(op: string, batch: Columns, where: string): Promise<void> {
  for (const [name, column] of Object.entries(batch)) {
    if (!isFloat(column.dtype)) continue
    const numbers = (await column.realized()).read()
    // One product each, and no branch: a sum of these is 0 unless something is not finite.
    let sum = 0
    for (let i = 0; i < numbers.length; i++) sum += numbers[i] * 0
    if (sum === 0) continue
    const at = numbers.findIndex((value: number) => Number.isNaN(value))
    // Infinities may be meant: the scores of masked places, say.
    if (at < 0) continue
    const perSample = numbers.length / (column.shape[0] ?? 1)
    const sample = Math.floor(at / perSample)
    let count = 0
    for (const value of numbers) if (Number.isNaN(value)) count++
    fail('not-finite', {
      what: `${op}: column ${name} of ${where}`,
      received: `NaN in sample ${sample} of the batch, element ${at % perSample} (${count} of ${numbers.length} numbers)`,
      where: '',
      fix: 'Fill or leave out missing values; or say { allowNaN: true } if the model knows what to do with them.',
    })
  }
}
