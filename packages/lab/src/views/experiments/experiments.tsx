/**
 * Experiments: what happens to the answers when a unit is silent, holds a value, a number is another, or a layer does not
 * learn. Each is listed with what followed at once, and can be taken back. The form: trial-form.tsx.
 */
import type { JSX } from 'preact'
import { useLab, usePolled } from '../../state/ask.ts'
import { Panel } from '../../ui/controls.tsx'
import { count, number, percent, words } from '../../ui/format.ts'
import type { ExperimentReport, RunInfo, Trial } from '../../worker/protocol.ts'
import type { View, ViewProps } from '../view.ts'
import './experiments.css'
import { TrialForm } from './trial-form.tsx'

function ExperimentsView({ run, info }: ViewProps): JSX.Element {
  const lab = useLab()
  const reports = usePolled('experiments', { run }, 1000)?.experiments ?? []
  const isShown = lab.current.value === run
  return (
    <Panel title="Experiments" class="experiments">
      {isShown && <TrialForm info={info} />}
      {reports.length === 0 && (
        <p class="muted small">
          Nothing is changed by hand. What you try here acts in training and in every view; a reset ends it all.
        </p>
      )}
      <ol>
        {[...reports].reverse().map((report) => (
          <Report key={report.id} report={report} info={info} canUndo={isShown} />
        ))}
      </ol>
    </Panel>
  )
}

function Report({
  report,
  info,
  canUndo,
}: {
  readonly report: ExperimentReport
  readonly info: RunInfo
  readonly canUndo: boolean
}): JSX.Element {
  const lab = useLab()
  const { id, trial, stamp, active, old, consequence } = report
  const { before, after, changed, looked, examples } = consequence
  const answer = (value: number): string =>
    info.task === 'number' ? number(value) : (info.labels[value] ?? String(value))
  return (
    <li class={active ? '' : 'over'}>
      <div class="row">
        <b>{textOf(trial, old, info)}</b>
        <span class="stamp">
          {active ? '' : 'taken back · '}epoch {count(stamp.epoch)} · step {count(stamp.step)}
        </span>
        {active && canUndo && (
          <button type="button" class="small" onClick={() => lab.undoExperiment(id)}>
            Take back
          </button>
        )}
      </div>
      <dl class="figures">
        <div>
          <dt>test loss</dt>
          <dd>
            {number(before.loss)} → {number(after.loss)}
          </dd>
        </div>
        {before.accuracy !== undefined && after.accuracy !== undefined && (
          <div>
            <dt>accuracy</dt>
            <dd>
              {percent(before.accuracy)} → {percent(after.accuracy)}
            </dd>
          </div>
        )}
        <div>
          <dt>answers changed</dt>
          <dd>
            {count(changed)} of {count(looked)}
          </dd>
        </div>
      </dl>
      {examples.length > 0 && info.task !== 'token' && (
        <p class="examples small">
          {examples.map(({ index, from, to }) => (
            <button
              key={index}
              type="button"
              class="quiet small"
              title={`Look at test sample ${index}`}
              onClick={() => {
                lab.selection.input.value = { part: 'test', index }
              }}
            >
              test {index}: {answer(from)} → {answer(to)}
            </button>
          ))}
        </p>
      )}
    </li>
  )
}

function whereOf(module: string, { modules }: RunInfo): string {
  const kind = modules.find(({ path }) => path === module)?.kind
  return module === '' ? 'the model' : `layer ${module}${kind ? ` (${words(kind)})` : ''}`
}

function textOf(trial: Trial, old: number | undefined, info: RunInfo): string {
  if (trial.kind === 'freeze') return `${whereOf(trial.module, info)} frozen`
  if (trial.kind === 'overwrite')
    return `${trial.name}, number ${trial.element}: ${old === undefined ? '' : `${number(old)} → `}${number(trial.value)}`
  const { units, module, value, side } = trial
  const which = units.length === 1 ? `unit ${units[0]}` : `units ${units[0]} to ${units.at(-1)}`
  const place = side === 'input' ? `what ${whereOf(module, info)} is given` : whereOf(module, info)
  return value === 0 ? `${which} of ${place} off` : `${which} of ${place} held at ${number(value)}`
}

export const experiments: View = {
  id: 'experiments',
  title: 'Experiments',
  about: 'Switch units off, hold them at a value, overwrite numbers, freeze layers, and see what follows.',
  fits: () => true,
  Component: ExperimentsView,
}
