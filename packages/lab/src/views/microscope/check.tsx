/** The proof: the weight is moved a little to both sides, and the loss says its slope itself. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import type { WeightRef } from '../../state/selection.ts'
import { StampText } from '../../ui/controls.tsx'
import { number } from '../../ui/format.ts'
import { Formula } from '../../ui/formula.tsx'
import type { LossPart, Questions, RunId } from '../../worker/protocol.ts'
import { tex } from './words.ts'

type Check = Questions['gradientCheck']['answer']

/** Below this relative error nothing but rounding is left. */
const agrees = 1e-4
/** A gradient of this size is rounding in the difference of two losses. */
const nothing = 1e-9

function meaningOf({ error, kink, measured, exact }: Check): string {
  if (Math.max(Math.abs(measured), Math.abs(exact)) < nothing)
    return 'Both are 0, but for rounding: the loss does not notice this weight.'
  if (kink)
    return 'The loss has a kink exactly here, as ReLU has at 0: the slopes to both sides differ, and the gradient is one of them.'
  if (error < agrees) return 'They agree: the chain rule found the slope that the loss really has.'
  return 'They differ by more than rounding explains. The loss bends strongly here, or the gradient is wrong.'
}

export function CheckPart({
  run,
  weight,
  of,
  onChecked,
}: {
  readonly run: RunId
  readonly weight: WeightRef
  readonly of: LossPart
  onChecked?(error: number): void
}): JSX.Element {
  const { client } = useLab()
  const [check, setCheck] = useState<Check | 'asked' | undefined>(undefined)
  const [problem, setProblem] = useState<string | undefined>(undefined)
  useEffect(() => setCheck(undefined), [JSON.stringify([run, weight, of])])
  const ask = async (): Promise<void> => {
    setCheck('asked')
    setProblem(undefined)
    try {
      const found = await client.ask('gradientCheck', { run, ...weight, of })
      setCheck(found)
      onChecked?.(found.error)
    } catch (problem) {
      setCheck(undefined)
      setProblem(problem instanceof Error ? problem.message : String(problem))
    }
  }
  return (
    <section class="micro-part" aria-labelledby="micro-check">
      <h3 id="micro-check">Measured, to check it</h3>
      <p class="row">
        <button type="button" disabled={check === 'asked'} onClick={() => void ask()}>
          Check by finite differences
        </button>
        <span class="muted">Moves the weight a little both ways and measures the loss, in float64.</span>
      </p>
      <div role="status">
        {problem && <p>{problem}</p>}
        {check && check !== 'asked' && (
          <>
            <Formula
              display
              tex={`\\frac{L(w + ${tex(check.step, { digits: 2 })}) - L(w - ${tex(check.step, { digits: 2 })})}{2 \\cdot ${tex(check.step, { digits: 2 })}}`}
              words={`Measured slope ${number(check.measured, 8)}`}
            />
            <dl class="sums figures">
              <div>
                <dt>measured</dt>
                <dd>{number(check.measured, 8)}</dd>
              </div>
              <div>
                <dt>gradient, in float64</dt>
                <dd>{number(check.exact, 8)}</dd>
              </div>
              <div>
                <dt>gradient, as training computes it</dt>
                <dd>{number(check.gradient, 8)}</dd>
              </div>
              <div>
                <dt>relative error</dt>
                <dd>{number(check.error, 2)}</dd>
              </div>
            </dl>
            <p>
              {meaningOf(check)} <StampText stamp={check.stamp} />
            </p>
          </>
        )}
      </div>
    </section>
  )
}
