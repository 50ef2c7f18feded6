/** Texts among the inputs: how many letters of an input are a text, and what follows each. */
import { nn } from 'glissade'
import { placeOf } from './inputs.ts'
import type { Input } from './protocol.ts'
import type { Run } from './run.ts'

export interface Words {
  /** The letters that are shown; empty where the input is no text. */
  readonly tokens: Int32Array
  /** What follows each, -1 where nothing is known. */
  readonly targets: Int32Array
}

/**
 * The letters of an input without what only fills it up. A network that reads both ways sees what fills up, so there
 * all is shown.
 */
export async function wordsOf(run: Run, input: Input): Promise<Words> {
  const { data, model } = run
  if (data.task !== 'token') return { tokens: new Int32Array(), targets: new Int32Array() }
  const [context] = data.inputShape
  const place = placeOf(run, input)
  const cut = (values: ArrayLike<number>): Int32Array =>
    Int32Array.from({ length: context }, (_, i) => values[(place as number) * context + i])
  if (place !== undefined) {
    const [tokens, targets] = [cut(data.inputs), cut(data.targets)]
    const length = looksAhead(model) ? context : targets.findLastIndex((target) => target >= 0) + 1
    return { tokens: tokens.slice(0, length), targets: targets.slice(0, length) }
  }
  const values = Int32Array.from((input as { values: Float32Array }).values)
  const length = looksAhead(model) ? context : Math.max(1, values.findLastIndex((token) => token > 0) + 1)
  const tokens = values.slice(0, length)
  return { tokens, targets: Int32Array.from(tokens, (_, i) => (i + 1 < length ? tokens[i + 1] : -1)) }
}

/** Whether what is said at a place follows from letters after it too. */
export function looksAhead(model: nn.Module): boolean {
  if (model instanceof nn.LanguageModel) return false
  return model
    .modules()
    .some(
      (module) =>
        module instanceof nn.MultiHeadAttention || ('bidirectional' in module && module.bidirectional === true),
    )
}

/** Refuses what goes on from a beginning where the network cannot. */
export function checkGoesOn(run: Run): void {
  if (run.data.task !== 'token') throw new Error('This network does not say what letter comes next.')
  if (looksAhead(run.model))
    throw new Error('This network reads in both directions: it cannot go on from a beginning alone.')
}
