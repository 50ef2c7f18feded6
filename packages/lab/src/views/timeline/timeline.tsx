/**
 * The run as a line that can be scrubbed: any step as it was, marks of what was changed on the way, branches from here,
 * and all runs that are open. What two runs have in common and what not: compare/.
 */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLab, usePolled } from '../../state/ask.ts'
import { IconButton, Panel } from '../../ui/controls.tsx'
import { count } from '../../ui/format.ts'
import type { RunId } from '../../worker/protocol.ts'
import type { View, ViewProps } from '../view.ts'
import { BranchForm } from './branch-form.tsx'
import { Runs } from './runs.tsx'
import './timeline.css'

function TimelineView({ run }: ViewProps): JSX.Element {
  const [branching, setBranching] = useState(false)
  return (
    <Panel title="Time" class="timeline">
      <Runs />
      <Scrubber run={run} />
      <div class="row">
        <button type="button" aria-expanded={branching} onClick={() => setBranching(!branching)}>
          Branch from here…
        </button>
        <Where run={run} />
      </div>
      {branching && <BranchForm run={run} onDone={() => setBranching(false)} />}
    </Panel>
  )
}

/** The line itself. Arrow keys go one step, Page Up and Down a tenth, Home and End to its ends. */
function Scrubber({ run }: { readonly run: RunId }): JSX.Element | null {
  const lab = useLab()
  const progress = lab.runs.value.get(run)?.progress
  const [wanted, want] = useState<number | undefined>(undefined)
  if (!progress) return null
  const { begin, end, stamp } = progress
  const shown = wanted ?? stamp.step
  const seek = (step: number): void => {
    want(step)
    void lab.seek(step).then(() => want((latest) => (latest === step ? undefined : latest)))
  }
  return (
    <div class="scrubber">
      <IconButton
        glyph="back"
        name="One step back"
        disabled={shown <= begin}
        onClick={() => seek(Math.max(begin, shown - 1))}
      />
      <div class="line">
        <Marks run={run} begin={begin} end={end} />
        <input
          type="range"
          min={begin}
          max={Math.max(begin + 1, end)}
          step={1}
          value={shown}
          disabled={end === begin}
          aria-label="Step of the run"
          aria-valuetext={`step ${count(shown)} of ${count(end)}`}
          onInput={(event) => seek(Number(event.currentTarget.value))}
        />
      </div>
      <IconButton glyph="next" name="To the newest step" disabled={shown >= end} onClick={() => seek(end)} />
    </div>
  )
}

/** So many copies are marked at most; more would be a grey bar. */
const mostMarks = 64

/** Above the line: copies as fine ticks, changes as diamonds, branches as forks. */
function Marks({
  run,
  begin,
  end,
}: {
  readonly run: RunId
  readonly begin: number
  readonly end: number
}): JSX.Element | null {
  const lab = useLab()
  const timeline = usePolled('timeline', { run }, 1000)
  if (!timeline || end === begin) return null
  const at = (step: number): string => `${(100 * (step - begin)) / (end - begin)}%`
  const every = Math.ceil(timeline.copies.length / mostMarks)
  const branches = [...lab.runs.value.values()].filter(({ info }) => info.from?.run === run)
  return (
    <div class="marks">
      {Array.from(timeline.copies)
        .filter((step, i) => i % every === 0 && step <= end)
        .map((step) => (
          <i key={step} class="copy" style={{ left: at(step) }} />
        ))}
      {timeline.events
        .filter(({ step }) => step <= end)
        .slice(-mostMarks)
        .map(({ step, text }, i) => (
          <button
            key={`${step} ${i}`}
            type="button"
            class="event"
            style={{ left: at(step) }}
            title={`Step ${count(step)}: ${text}`}
            aria-label={`To step ${count(step)}: ${text}`}
            onClick={() => lab.seek(step)}
          />
        ))}
      {branches.map(({ info }) => (
        <button
          key={info.run}
          type="button"
          class="fork"
          style={{ left: at(info.from?.step ?? begin) }}
          title={`Run ${info.run} branches off at step ${count(info.from?.step ?? begin)}`}
          aria-label={`Show run ${info.run}, which branches off at step ${count(info.from?.step ?? begin)}`}
          onClick={() => lab.show(info.run)}
        />
      ))}
    </div>
  )
}

function Where({ run }: { readonly run: RunId }): JSX.Element | null {
  const progress = useLab().runs.value.get(run)?.progress
  if (!progress) return null
  const { stamp, end } = progress
  if (stamp.step === end)
    return <p class="muted small">You are at the newest step, {count(end)}. Slide to look back.</p>
  return (
    <p class="where small">
      You are looking at <b>step {count(stamp.step)}</b> of {count(end)}. Training on repeats the same steps. A change
      made here begins another future, and what comes after this step is forgotten; branch to keep both.
    </p>
  )
}

export const timeline: View = {
  id: 'timeline',
  title: 'Time',
  about: 'Any step of the run as it was, branches with one thing changed, and all open runs.',
  fits: () => true,
  Component: TimelineView,
}
