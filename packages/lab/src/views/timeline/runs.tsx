/** The runs that are open: which is shown, which stands beside it, and away with one. */
import type { JSX } from 'preact'
import { differences } from '../../spec/differences.ts'
import { useLab } from '../../state/ask.ts'
import { IconButton } from '../../ui/controls.tsx'
import { count } from '../../ui/format.ts'

export function Runs(): JSX.Element | null {
  const lab = useLab()
  const runs = [...lab.runs.value.values()]
  if (runs.length < 2) return null
  return (
    <ul class="runs">
      {runs.map(({ info, progress }) => {
        const { run, from } = info
        const isShown = lab.current.value === run
        const isBeside = lab.beside.value === run
        const parent = from && lab.runs.value.get(from.run)
        const changed = parent ? differences(parent.info.spec, info.spec).map(({ text }) => text) : []
        return (
          <li key={run} class={isShown ? 'shown' : ''}>
            <button type="button" class="name" aria-pressed={isShown} onClick={() => lab.show(run)}>
              Run {run}
            </button>
            <span class="small muted">
              {from ? `from step ${count(from.step)} of run ${from.run}` : 'the first'}
              {changed.length > 0 && ` · ${changed.join(' · ')}`} · at step {count(progress.stamp.step)}
              {progress.running && ' · training'}
            </span>
            <span class="tools">
              <button
                type="button"
                class="quiet small"
                disabled={isShown}
                aria-pressed={isBeside}
                onClick={() => lab.compare(isBeside ? undefined : run)}
              >
                beside
              </button>
              <IconButton glyph="close" name={`Close run ${run}`} class="icon quiet" onClick={() => lab.close(run)} />
            </span>
          </li>
        )
      })}
    </ul>
  )
}
