/** The schedules, as `optim.schedule.*`. */
export {
  constant,
  exponential,
  inverseSqrt,
  type Json,
  lambda,
  linear,
  multiStep,
  noam,
  polynomial,
  type Schedule,
  step,
} from './schedule.ts'
export { sequential, warmUp } from './schedule-compose.ts'
export { type CosineOptions, cosine, cosineRestarts, type OneCycleOptions, oneCycle } from './schedule-cycles.ts'
export { type PlateauOptions, reduceOnPlateau } from './schedule-plateau.ts'
