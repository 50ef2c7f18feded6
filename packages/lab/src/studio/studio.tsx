/**
 * The studio: data at the left, the model in the middle, what comes out at the right, and below whatever else is wanted.
 *
 * The bars: run-bar.tsx; what stands where: layout.ts; what is seen: views/.
 */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useLab } from '../state/ask.ts'
import { isModelFile, openFile } from '../take/open-file.ts'
import { ReturnOffer, TakeBar } from '../take/take-bar.tsx'
import { DoctorLine } from '../views/doctor/doctor.tsx'
import { timeline } from '../views/timeline/timeline.tsx'
import type { RunInfo } from '../worker/protocol.ts'
import { DataPanel, takeFile } from './data/data-panel.tsx'
import { KeysDialog, useStudioKeys } from './keys.tsx'
import { chosenViews, layoutOf, toggleView } from './layout.ts'
import { ModelPanel } from './model/model-panel.tsx'
import { RunBar, SessionBar } from './run-bar.tsx'
import { SideBySide } from './side-by-side.tsx'
import './studio.css'
import { TrainingPanel } from './training-panel.tsx'

export function Studio(): JSX.Element {
  const lab = useLab()
  const [helping, help] = useState(false)
  useStudioKeys(() => help(true))
  useEffect(() => {
    document.title = 'Studio · Glissade lab'
    if (lab.spec.peek()) return
    // Slow enough that a person sees it learn; the dial goes on to full speed. What is opened: take/arrive.ts.
    lab.speed.value = 60
  }, [lab])
  const info = lab.info.value
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files may be dropped anywhere; they can be chosen too
    <div
      class="studio"
      onDragOver={(event) => {
        if (event.dataTransfer?.types.includes('Files')) event.preventDefault()
      }}
      onDrop={(event) => {
        const [file] = event.dataTransfer?.files ?? []
        if (!file) return
        event.preventDefault()
        void (isModelFile(file) ? openFile(lab, file) : takeFile(lab, file))
      }}
    >
      <h1 class="hidden-text">Studio</h1>
      <ReturnOffer />
      <div class="session-row">
        <SessionBar onHelp={() => help(true)} />
        <TakeBar />
      </div>
      <RunBar />
      {info && <timeline.Component run={info.run} info={info} />}
      {info && <DoctorLine run={info.run} onOpen={openDoctor} />}
      {info && <SideBySide info={info} />}
      {info && <Desk info={info} />}
      <KeysDialog open={helping} onClose={() => help(false)} />
    </div>
  )
}

function Desk({ info }: { readonly info: RunInfo }): JSX.Element {
  const { right, others } = layoutOf(info)
  const below = chosenViews.value.flatMap((id) => others.find((view) => view.id === id) ?? [])
  return (
    <>
      <div class="desk">
        <div class="column left">
          <DataPanel />
        </div>
        <div class="column middle">
          <ModelPanel />
          <TrainingPanel />
        </div>
        <div class="column right">
          {right.map(({ id, Component }) => (
            <Component key={id} run={info.run} info={info} />
          ))}
        </div>
      </div>
      {others.length > 0 && (
        <section class="more" aria-label="More views">
          <details class="views-menu" open={below.length === 0}>
            <summary>Views</summary>
            <div class="views-list">
              {others.map(({ id, title, about }) => (
                <button
                  key={id}
                  type="button"
                  aria-pressed={below.some((view) => view.id === id)}
                  onClick={() => toggleView(id)}
                >
                  <b>{title}</b>
                  <span class="muted small">{about}</span>
                </button>
              ))}
            </div>
          </details>
          <div class="shelf">
            {below.map(({ id, title, Component }) => (
              <div class="shelf-item" key={id}>
                <Component run={info.run} info={info} />
                <button type="button" class="quiet small" onClick={() => toggleView(id)}>
                  Put {title.toLowerCase()} away
                </button>
              </div>
            ))}
          </div>
        </section>
      )}
    </>
  )
}

/** Opens the doctor's view below and goes there. */
function openDoctor(): void {
  if (!chosenViews.peek().includes('doctor')) toggleView('doctor')
  requestAnimationFrame(() => document.querySelector('.panel.doctor')?.scrollIntoView({ block: 'center' }))
}
