/** Data, as `data.*`: sets of samples in memory, their batches and splits, and named sets. */
export { type BatchOptions, type Columns, Dataset, dataset, type SplitOptions } from './dataset.ts'
export { type Digits, type DigitsOptions, digits } from './digits.ts'
export { permutation } from './order.ts'
