/** The first page: the chapters of the trail, and the way to the studio. */
import type { JSX } from 'preact'

export function Contents(): JSX.Element {
  return (
    <div>
      <h1>See inside a network while it learns</h1>
      <p>
        <a href="#/studio">To the studio</a>
      </p>
    </div>
  )
}
