/** Layers, as `nn.*`: classes by the field's names, and for each a function that makes one. Their base: module.ts. */
export * from './activation.ts'
export * from './container.ts'
export * from './conv.ts'
export * from './dropout.ts'
export * from './flatten.ts'
export * as functional from './functional.ts'
export * as init from './init.ts'
export * from './linear.ts'
export { type Layer, type LayerConfig, Module, Parameter } from './module.ts'
export * from './pool.ts'
export * from './recurrent.ts'
export {
  type CellOptions,
  GRUCell,
  gruCell,
  LSTMCell,
  type LSTMState,
  lstmCell,
  RNNCell,
  type RnnCellOptions,
  type RnnNonlinearity,
  rnnCell,
} from './recurrent-cells.ts'
