/** The studio: everything to build and watch a network. The bar is run-bar.tsx; what is seen: views/. */
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { firstSpec } from '../spec/presets.ts'
import { useLab } from '../state/ask.ts'
import { views } from '../views/index.ts'
import { RunBar } from './run-bar.tsx'
import './studio.css'

export function Studio(): JSX.Element {
  const lab = useLab()
  useEffect(() => {
    document.title = 'Studio · Glissade lab'
    if (!lab.spec.peek()) void lab.open(firstSpec)
  }, [lab])
  const info = lab.info.value
  return (
    <div class="studio">
      <h1 class="hidden-text">Studio</h1>
      <RunBar />
      <div class="desk">
        {info &&
          views
            .filter((view) => view.fits(info))
            .map(({ id, Component }) => <Component key={id} run={info.run} info={info} />)}
      </div>
    </div>
  )
}
