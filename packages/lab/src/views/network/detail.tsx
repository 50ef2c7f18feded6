/** The line below the network: what is under the pointer or pinned, with its numbers as they are. */
import type { JSX } from 'preact'
import { useLab } from '../../state/ask.ts'
import { useText } from '../../state/ask-many.ts'
import type { Chosen } from '../../state/selection.ts'
import { StampText } from '../../ui/controls.tsx'
import { number, shape, words } from '../../ui/format.ts'
import type { RunId, RunInfo } from '../../worker/protocol.ts'
import { WeightCard } from '../unit/weight-card.tsx'
import { columnFor, type Diagram, nameOf } from './columns.ts'
import { unitName } from './overlay.tsx'

interface DetailProps {
  readonly run: RunId
  readonly info: RunInfo
  readonly diagram: Diagram
}

export function Detail({ run, info, diagram }: DetailProps): JSX.Element {
  const { selection } = useLab()
  const chosen = selection.shown.value
  const isPinned = selection.hovered.value === undefined && chosen !== undefined
  return (
    <div class="detail" aria-live="off">
      {chosen === undefined ? (
        <span class="muted">Point at a unit or a link to see its numbers; click to keep them in sight.</span>
      ) : chosen.kind === 'weight' ? (
        <WeightCard run={run} info={info} name={chosen.name} element={chosen.element} />
      ) : (
        <UnitLine run={run} info={info} diagram={diagram} chosen={chosen} />
      )}
      {isPinned && (
        <button type="button" class="quiet" onClick={() => selection.letGo()}>
          let go
        </button>
      )}
    </div>
  )
}

function UnitLine({
  run,
  info,
  diagram,
  chosen,
}: DetailProps & { readonly chosen: Exclude<Chosen, { kind: 'weight' }> }): JSX.Element {
  const { selection } = useLab()
  const column = columnFor(diagram, chosen.module)
  const single = column && column.id !== 'input' && column.shape.length <= 1 && chosen.kind === 'unit'
  const main = column?.parts[0]
  const terms = useText(
    'terms',
    single && main && main.outputShape.join() === column.shape.join()
      ? {
          run,
          module: main.path,
          index: column.shape.length === 0 ? [] : [chosen.unit],
          input: selection.input.value,
          then: column.parts.slice(1).map(({ path }) => path),
        }
      : undefined,
  ).value
  if (!column) return <span>{chosen.module || 'the whole network'}</span>
  const label = chosen.kind === 'unit' ? unitName(column, chosen.unit, info, diagram) : undefined
  const last = terms?.then[terms.then.length - 1]
  return (
    <>
      <strong>
        {nameOf(column, diagram)}
        {chosen.kind === 'unit' && `, unit ${chosen.unit + 1}`}
        {label && ` (${label})`}
      </strong>
      <span class="muted">
        {column.kinds.map(words).join(' + ')} · {shape(column.shape)}
      </span>
      {terms && chosen.kind === 'unit' && terms.index[0] === chosen.unit && (
        <>
          <dl class="facts figures">
            {terms.bias && (
              <div>
                <dt>bias</dt>
                <dd>{number(terms.bias.value)}</dd>
              </div>
            )}
            <div>
              <dt>{terms.rule === 'sum' ? 'sum' : 'output'}</dt>
              <dd>{number(terms.value)}</dd>
            </div>
            {last && (
              <div>
                <dt>output</dt>
                <dd>{number(last.value)}</dd>
              </div>
            )}
          </dl>
          <span class="muted">for the chosen sample, forward,</span> <StampText stamp={terms.stamp} />
        </>
      )}
    </>
  )
}
