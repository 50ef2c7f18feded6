/**
 * The next training step, one operation at a time: forward, backward, update, and then the step itself.
 *
 * What there is to walk through: walk.ts; the numbers come from a recording in the worker (questions/operations.ts).
 */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { usePaced } from '../../state/paced.ts'
import { largestSize } from '../../ui/colour.ts'
import { IconButton, Panel, Select, Toggle } from '../../ui/controls.tsx'
import { count, number, shape as shapeText } from '../../ui/format.ts'
import { Picture } from '../../ui/picture.tsx'
import type { Numbers, Questions, StepOperation } from '../../worker/protocol.ts'
import type { View, ViewProps } from '../view.ts'
import './operations.css'
import { beginnings, called, origin, type PassName, passName, walked } from './walk.ts'

function Shown({
  label,
  numbers,
  onPick,
  picked,
}: {
  readonly label: string
  readonly numbers: Numbers
  readonly onPick?: (element: number) => void
  readonly picked?: number
}): JSX.Element {
  const { shape, values } = numbers
  return (
    <figure class="operand">
      <figcaption>
        <b>{label}</b> <span class="muted">{shapeText(shape)}</span>
      </figcaption>
      {values.length === 1 ? (
        <output class="figures single">{number(values[0], 5)}</output>
      ) : (
        <Picture
          label={label}
          shape={shape.length === 1 ? [1, ...shape] : shape}
          values={() => values}
          scale={() => largestSize(values)}
          height={120}
          {...(picked !== undefined && { lit: () => [picked] })}
          {...(onPick && { onPick })}
        />
      )}
    </figure>
  )
}

/** How one element came about: the numbers it is made of, each with how much it counts. */
function MadeOf({
  all,
  answer,
  element,
}: {
  readonly all: readonly StepOperation[]
  readonly answer: Questions['operation']['answer']
  readonly element: number
}): JSX.Element | null {
  const { made, numbers } = answer
  if (made.every(({ terms }) => terms.length === 0)) return null
  return (
    <div class="made">
      <h3>
        Element {count(element)} = <span class="figures">{number(numbers.values[element], 5)}</span>
      </h3>
      <table class="figures">
        <thead>
          <tr>
            <th scope="col">from</th>
            <th scope="col">at</th>
            <th scope="col">number</th>
            <th scope="col">changes it by</th>
            <th scope="col">product</th>
          </tr>
        </thead>
        <tbody>
          {made.flatMap(({ id, terms, rest }) => [
            ...terms.map(({ position, value, local, product }) => (
              <tr key={`${id} ${position.join()}`}>
                <td>{called(origin(all, id))}</td>
                <td>{position.join(', ') || '–'}</td>
                <td>{number(value, 4)}</td>
                <td>{number(local, 4)}</td>
                <td>{number(product, 4)}</td>
              </tr>
            )),
            ...(rest.count > 0
              ? [
                  <tr key={`${id} rest`}>
                    <td colSpan={4}>{count(rest.count)} more</td>
                    <td>{number(rest.sum, 4)}</td>
                  </tr>,
                ]
              : []),
          ])}
        </tbody>
      </table>
    </div>
  )
}

function OperationsView({ run }: ViewProps): JSX.Element {
  const lab = useLab()
  const [everything, showEverything] = useState(false)
  const [wanted, want] = useState(0)
  const [element, setElement] = useState(0)
  const { value, problem } = usePaced('operations', { run })
  const all = value?.operations ?? []
  const list = walked(all, everything)
  const at = Math.max(0, Math.min(wanted, list.length - 1))
  const now = list[at]
  const size = now ? now.shape.reduce((product, n) => product * n, 1) : 1
  const chosen = Math.min(element, size - 1)
  const asked = usePaced('operation', now && { run, id: now.id, element: chosen })
  const answer = asked.ask && now && asked.ask.id === now.id && asked.ask.element === chosen ? asked.value : undefined
  const go = (to: number): void => {
    want(Math.max(0, Math.min(list.length - 1, to)))
    setElement(0)
  }
  const isLast = at === list.length - 1
  const next = (): void => {
    if (!isLast) return go(at + 1)
    go(0)
    void lab.advance(1)
  }
  return (
    <Panel
      title="Operations"
      stamp={value?.stamp}
      actions={<Toggle label="also what only moves numbers" on={everything} onChange={showEverything} />}
    >
      {problem && <p class="muted">{problem}</p>}
      {now && (
        <div class="operations">
          <div class="row walk">
            <IconButton glyph="back" name="Operation before" disabled={at === 0} onClick={() => go(at - 1)} />
            <button type="button" class="primary" onClick={next}>
              {isLast ? 'Make the step' : 'Next operation'}
            </button>
            <span class="figures">
              {count(at + 1)} of {count(list.length)}
            </span>
            <Select
              label="Go to"
              value={now.pass}
              options={beginnings(list).map(({ pass }) => ({ value: pass, text: passName(pass) }))}
              onChange={(pass: PassName) => go(beginnings(list).find((each) => each.pass === pass)?.at ?? 0)}
            />
          </div>
          <p aria-live="polite">
            <b>
              {passName(now.pass)}
              {now.path && ` · ${now.path}`} · {now.op}
            </b>
            <br />
            <span class="muted">
              {now.doc} {now.name && `It is called ${now.name}.`}
            </span>
          </p>
          {answer && (
            <>
              <div class="operands">
                {answer.inputs.map(({ id, numbers }) => (
                  <Shown key={id} label={called(origin(all, id))} numbers={numbers} />
                ))}
                <span class="arrow" aria-hidden="true">
                  →
                </span>
                <Shown label={now.name || 'result'} numbers={answer.numbers} onPick={setElement} picked={chosen} />
              </div>
              <MadeOf all={all} answer={answer} element={chosen} />
            </>
          )}
          <p class="muted small">
            The batch of the next step, {count(value?.samples ?? 0)} samples. Nothing is changed until the step is made.
          </p>
        </div>
      )}
    </Panel>
  )
}

export const operations: View = {
  id: 'operations',
  title: 'Operations',
  about: 'The next step one operation at a time, forward, backward and update, each with its numbers.',
  fits: () => true,
  Component: OperationsView,
}
