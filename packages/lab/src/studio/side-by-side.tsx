/** Two runs side by side: their losses over one another, and every view of the studio twice. */
import type { JSX } from 'preact'
import { useLab } from '../state/ask.ts'
import { IconButton } from '../ui/controls.tsx'
import { compare } from '../views/compare/compare.tsx'
import type { RunInfo } from '../worker/protocol.ts'
import { chosenViews, layoutOf } from './layout.ts'

export function SideBySide({ info }: { readonly info: RunInfo }): JSX.Element | null {
  const lab = useLab()
  const besideRun = lab.beside.value
  const other = besideRun === undefined ? undefined : lab.runs.value.get(besideRun)
  if (!other || other.info.run === info.run) return null
  const both = [info, other.info]
  const { right, others } = layoutOf(info)
  const shown = [
    ...right.filter(({ id }) => id !== 'curves'),
    ...others.filter(({ id }) => chosenViews.value.includes(id)),
  ]
  return (
    <section class="side-by-side" aria-label="Two runs side by side">
      <compare.Component run={info.run} info={info} />
      <div class="pair">
        {both.map(({ run }) => (
          <div class="row" key={run}>
            <h2>Run {run}</h2>
            <button type="button" class="small" onClick={() => toggle(lab, run)}>
              {lab.runs.value.get(run)?.progress.running ? 'Pause' : 'Train'}
            </button>
            {run !== info.run && (
              <IconButton
                glyph="close"
                name="Show one run only"
                class="icon quiet"
                onClick={() => lab.compare(undefined)}
              />
            )}
          </div>
        ))}
        {shown.flatMap(({ id, Component, fits }) =>
          both.map((each) => (
            <div class="cell" key={`${id} ${each.run}`}>
              {fits(each) && <Component run={each.run} info={each} />}
            </div>
          )),
        )}
      </div>
    </section>
  )
}

const toggle = (lab: ReturnType<typeof useLab>, run: number): Promise<boolean> =>
  lab.runs.peek().get(run)?.progress.running ? lab.pause(run) : lab.train(run)
