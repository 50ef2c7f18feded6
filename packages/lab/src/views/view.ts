/**
 * What a view is: a way of seeing something of a run, for any network that it fits.
 *
 * A view is one folder with a component; it takes everything from the lab's state and from questions to the worker, and
 * may stand in the studio, on a card of the trail, or beside another of its kind for another run. All views: index.ts.
 */
import type { FunctionComponent } from 'preact'
import type { RunId, RunInfo } from '../worker/protocol.ts'

export interface ViewProps {
  /** Which run it shows. */
  readonly run: RunId
  readonly info: RunInfo
}

export interface View {
  readonly id: string
  readonly title: string
  /** One sentence: what it shows, and what can be done with it. */
  readonly about: string
  /** Whether it has something to show of such a network. */
  fits(info: RunInfo): boolean
  readonly Component: FunctionComponent<ViewProps>
}
