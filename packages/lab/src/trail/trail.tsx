/** A chapter of the trail. */
import type { JSX } from 'preact'
import { route } from '../app/routes.ts'

export function Trail(): JSX.Element {
  const now = route.value
  return <h1>Chapter {now.page === 'trail' ? now.chapter : 1}</h1>
}
