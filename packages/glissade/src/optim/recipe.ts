/** Options that were checked but are not yet bound to a model: what optim.adam(...) and the like give back. */
import { fail } from '../errors.ts'
import { checkWhole } from '../ops/derived/common.ts'
import type { ParameterGroup, Selection, Trainable } from './groups.ts'
import { Optimizer, type OptimizerFactory } from './optimizer.ts'
import { checkOption, type Method, type RateOptions, type Rule, type SharedOptions } from './rule.ts'
import type { Schedule } from './schedule.ts'

/** One rule, and where its learning rate comes from: a number, a schedule, or the optimizer's (undefined). */
export interface Part {
  readonly rule: Rule
  readonly lr: number | Schedule | undefined
  readonly lrScale: number
}

/** Everything that an optimizer does, but for the parameters it does it to. */
export interface Plan {
  readonly name: string
  readonly groups: readonly (Part & { readonly parameters: Selection })[]
  /** For the parameters of no group. */
  readonly rest: Part
  readonly clipNorm: number | undefined
  readonly clipValue: number | undefined
  readonly accumulate: number
  readonly skipNonFinite: boolean
  readonly ema: number | undefined
}

export class Recipe implements OptimizerFactory {
  readonly plan: Plan

  constructor(plan: Plan) {
    this.plan = plan
  }

  for(target: Trainable): Optimizer {
    return new Optimizer(this.plan, target)
  }
}

/** Checks all options, those of groups too. Errors: value-invalid. */
export function recipe<O extends RateOptions>(method: Method<O>, options: O & SharedOptions<O>): Recipe {
  const { name } = method
  const { groups = [], clipNorm, clipValue, accumulate = 1, skipNonFinite = false, ema, ...own } = options
  for (const [option, limit] of Object.entries({ clipNorm, clipValue })) {
    checkOption(`${name}: ${option}`, limit, limit === undefined || limit > 0, 'a number above 0')
  }
  checkWhole(`${name}: accumulate`, accumulate, 1)
  checkOption(`${name}: ema`, ema, ema === undefined || (ema >= 0 && ema < 1), 'a number of at least 0 and below 1')
  const base = own as unknown as O
  const lr = base.lr ?? method.lr
  return new Recipe({
    name,
    clipNorm,
    clipValue,
    accumulate,
    skipNonFinite,
    ema,
    rest: { rule: ruleFor(method, base, lr), lr, lrScale: 1 },
    groups: groups.map((group, i) => planGroup(method, base, lr, group, i)),
  })
}

function planGroup<O extends RateOptions>(
  method: Method<O>,
  base: O,
  lr: number | Schedule,
  group: ParameterGroup<O>,
  place: number,
): Part & { parameters: Selection } {
  const { parameters, by, lrScale = 1, ...changed } = group
  const what = `${method.name}: groups[${place}]`
  checkOption(`${what}.lrScale`, lrScale, lrScale >= 0 && lrScale < Number.POSITIVE_INFINITY, 'a number of at least 0')
  if (!by) {
    const options = { ...base, ...(changed as unknown as Partial<O>) }
    const own = (changed as RateOptions).lr
    return { parameters, rule: ruleFor(method, options, own ?? lr), lr: own, lrScale }
  }
  const { plan } = by
  const others = Object.keys(changed)
  if (others.length > 0 || plan.groups.length > 0 || hasShared(plan)) {
    fail('value-invalid', {
      what: `${what}.by`,
      received: others.length > 0 ? `the options ${others.join(', ')} beside it` : 'an optimizer for all parameters',
      expected: 'an optimizer with options of its rule only, such as optim.adamW({ lr: 3e-4 })',
      fix: 'Give clipping, accumulation and the average to the outer optimizer, the other options to the inner one.',
    })
  }
  return { ...plan.rest, parameters, lrScale }
}

const hasShared = (plan: Plan): boolean =>
  plan.clipNorm !== undefined ||
  plan.clipValue !== undefined ||
  plan.accumulate !== 1 ||
  plan.skipNonFinite ||
  plan.ema !== undefined

function ruleFor<O>(method: Method<O>, options: O, lr: number | Schedule): Rule {
  if (typeof lr === 'number') {
    checkOption(`${method.name}: lr`, lr, lr >= 0 && lr < Number.POSITIVE_INFINITY, 'a number of at least 0')
    return method.rule(options, false)
  }
  const isSchedule = typeof lr === 'object' && lr !== null && typeof lr.at === 'function'
  checkOption(`${method.name}: lr`, lr, isSchedule, 'a number, or a schedule of optim.schedule')
  const cycled = lr.cyclesMomentum === true
  if (cycled && !method.momentum) {
    fail('value-invalid', {
      what: `${method.name}: lr`,
      received: `the schedule ${lr.kind}, which changes the momentum too`,
      expected: 'a schedule of the learning rate alone; this optimizer has no momentum to change',
      fix: 'Give the schedule the option { cycleMomentum: false }.',
    })
  }
  return method.rule(options, cycled)
}
