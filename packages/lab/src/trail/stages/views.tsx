/** Stages made of views of the studio. */
import type { JSX } from 'preact'
import type { View } from '../../views/view.ts'
import type { Stage, StageProps } from '../chapter.ts'

/** A stage that shows these views, side by side where there is room. */
export function stageOf(...views: readonly View[]): Stage {
  return function Views({ run, info }: StageProps): JSX.Element {
    return (
      <div class="stage-views">
        {views
          .filter((view) => view.fits(info))
          .map(({ id, Component }) => (
            <Component key={id} run={run} info={info} />
          ))}
      </div>
    )
  }
}
