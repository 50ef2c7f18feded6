/**
 * Decoding with a state that goes from token to token, as in recurrent networks: prompts are read token by token, and
 * one compiled step serves all. With a key-value cache: cached.ts.
 */
import { fail } from '../errors.ts'
import { type Flat, flattenTree } from '../ops/derived/tree.ts'
import { type CompiledFunction, compile } from '../run/compile.ts'
import { sameShape } from '../shape.ts'
import { fromArray, type Tensor } from '../tensor.ts'
import { calledInEvaluation, type Decoding, type Scores, type StepModel, scoresOf } from './decoding.ts'

interface Steps {
  readonly init: CompiledFunction<[number], unknown>
  readonly advance: CompiledFunction<[Tensor, Tensor, unknown], { logits: Tensor; state: unknown }>
  readonly reorder: CompiledFunction<[Tensor, unknown], unknown>
}

const compiled = new WeakMap<StepModel, Steps>()

function stepsOf(model: StepModel): Steps {
  const known = compiled.get(model)
  if (known) return known
  const axis = model.stateAxis ?? 0
  const made: Steps = {
    init: compile((rows: number) => model.init(rows)),
    advance: compile((token: Tensor, active: Tensor, before: unknown) => {
      const { logits, state } = model.step(token, before)
      const [old, fresh] = [flattenTree('generate', 'state', before), flattenTree('generate', 'state', state)]
      if (fresh.form !== old.form || fresh.tensors.some(({ shape }, i) => !sameShape(shape, old.tensors[i].shape))) {
        fail('shape-mismatch', {
          op: 'generate: state',
          received: `${describe(fresh)} after a step`,
          expected: `${describe(old)}, as before it`,
          fix: 'Let init and step give states of one form.',
        })
      }
      // A row whose prompt has ended waits for the others.
      const kept = fresh.tensors.map((value, i) => {
        const rows = value.shape.map((n, at) => (at === axis ? n : 1))
        return active.reshape(rows).where(value, old.tensors[i])
      })
      return { logits, state: fresh.rebuild(kept) as unknown }
    }),
    reorder: compile((from: Tensor, state: unknown) => {
      const { tensors, rebuild } = flattenTree('generate', 'state', state)
      return rebuild(tensors.map((each) => each.take(from, axis))) as unknown
    }),
  }
  compiled.set(model, made)
  return made
}

const describe = ({ tensors, names }: Flat): string =>
  tensors.map(({ shape }, i) => `${names[i]} [${shape.join(', ')}]`).join(' and ') || 'no state'

/** Texts under way, `rows` of them, of at most `limit` tokens (which a state does not bound). */
export function decodeStepwise(model: StepModel, rows: number, limit: number): Decoding {
  const steps = stepsOf(model)
  const everyRow = new Int32Array(rows).fill(1)
  let state: unknown
  const advance = async (tokens: Int32Array, active: Int32Array): Promise<Scores> => {
    const result = await calledInEvaluation(model.module, () =>
      steps.advance(fromArray(tokens, [rows], 'int32'), fromArray(active, [rows], 'bool'), state),
    )
    state = result.state
    return scoresOf(result.logits, rows)
  }
  return {
    limit,
    async begin(texts) {
      state = await calledInEvaluation(model.module, () => steps.init(rows))
      const longest = texts.reduce((most, text) => Math.max(most, text.length), 0)
      let found: Float64Array | undefined
      let vocab = 0
      for (let t = 0; t < longest; t++) {
        const tokens = Int32Array.from(texts, (text) => text[Math.min(t, text.length - 1)])
        const scores = await advance(
          tokens,
          Int32Array.from(texts, (text) => Number(t < text.length)),
        )
        vocab = scores.vocab
        found ??= new Float64Array(rows * vocab)
        for (const [row, text] of texts.entries()) {
          if (text.length - 1 !== t) continue
          for (let i = row * vocab; i < (row + 1) * vocab; i++) found[i] = scores.data[i]
        }
      }
      return { data: found ?? [], vocab }
    },
    next: (tokens) => advance(Int32Array.from(tokens), everyRow),
    async reorder(from) {
      if (from.every((other, row) => other === row)) return
      state = await steps.reorder(fromArray(Int32Array.from(from), [rows], 'int32'), state)
    },
    end: () => {},
  }
}
