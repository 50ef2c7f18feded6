/** Where the page begins: the lab's state, the frame around all pages, and the page that the address names. */
import { render } from 'preact'
import '../ui/theme.css'
import '../ui/controls.css'
import { LabProvider } from '../state/ask.ts'
import { followSpeed, Lab } from '../state/lab.ts'
import { Shell } from './shell.tsx'

const lab = new Lab()
followSpeed(lab)

const root = document.getElementById('app')
if (root) {
  render(
    <LabProvider value={lab}>
      <Shell />
    </LabProvider>,
    root,
  )
}

// For tests, which compare what is shown with what the worker says.
declare global {
  var glissadeLab: Lab | undefined
}
globalThis.glissadeLab = lab
