/** What is wrong with a training, in words, with the numbers that show it, and buttons that apply the change to try. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useLab, usePolled } from '../../state/ask.ts'
import { Panel } from '../../ui/controls.tsx'
import { number, percent } from '../../ui/format.ts'
import type { Evidence, Finding, RunId } from '../../worker/protocol.ts'
import type { View, ViewProps } from '../view.ts'
import './doctor.css'

const every = 2000
const marks = { serious: '!!', warning: '!', note: 'i' } as const
const severities = { serious: 'serious', warning: 'worth a look', note: 'a note' } as const

function DoctorView({ run }: ViewProps): JSX.Element {
  const diagnosis = usePolled('doctor', { run }, every)
  return (
    <Panel title="Doctor" stamp={diagnosis?.stamp} class="doctor">
      {diagnosis && diagnosis.findings.length === 0 && (
        <p>
          Nothing is wrong that shows. <span class="muted">Looked at: {diagnosis.looked.join(', ')}.</span>
        </p>
      )}
      {diagnosis?.findings.map((finding) => (
        <FindingCard key={`${finding.name} ${finding.module ?? ''} ${finding.title}`} finding={finding} />
      ))}
    </Panel>
  )
}

function FindingCard({ finding }: { readonly finding: Finding }): JSX.Element {
  const lab = useLab()
  const { severity, title, text, evidence, remedies } = finding
  return (
    <article class={`finding ${severity}`}>
      <h3>
        <span class="mark" role="img" aria-label={severities[severity]}>
          {marks[severity]}
        </span>
        {title}
      </h3>
      <p>{text}</p>
      {evidence
        .filter(({ rows }) => rows.length > 0)
        .map((each) => (
          <Chart key={each.title} evidence={each} />
        ))}
      {remedies.length > 0 && (
        <div class="row">
          <span class="muted small">Try:</span>
          {remedies.map((remedy) => (
            <button key={remedy.text} type="button" onClick={() => lab.remedy(remedy)}>
              {remedy.text}
            </button>
          ))}
        </div>
      )}
    </article>
  )
}

/** More rows than this are drawn as columns without their names. */
const mostBars = 12

function Chart({ evidence: { title, rows, scale, unit } }: { readonly evidence: Evidence }): JSX.Element {
  const text = (value: number): string => (unit === 'share' ? percent(value) : number(value))
  const lengths = lengthsOf(
    rows.map(({ value }) => value),
    scale,
    unit === 'share',
  )
  if (rows.length > mostBars) {
    const marked = rows.find(({ mark }) => mark)
    const words = `${title}: from ${rows[0].name} ${text(rows[0].value)} to ${rows.at(-1)?.name} ${text(rows.at(-1)?.value ?? 0)}`
    return (
      <figure class="chart">
        <figcaption class="small muted">
          {title}
          {marked && ` · marked: ${marked.name}, ${text(marked.value)}`}
        </figcaption>
        <div class="columns" role="img" aria-label={words}>
          {rows.map(({ name, value, mark }, i) => (
            <i
              key={name}
              class={mark ? 'marked' : ''}
              style={{ height: `${100 * lengths[i]}%` }}
              title={`${name}: ${text(value)}`}
            />
          ))}
        </div>
        <div class="ends small muted figures">
          <span>
            {rows[0].name}: {text(rows[0].value)}
          </span>
          <span>
            {rows.at(-1)?.name}: {text(rows.at(-1)?.value ?? 0)}
          </span>
        </div>
      </figure>
    )
  }
  return (
    <figure class="chart">
      <figcaption class="small muted">
        {title}
        {scale === 'log' && ' · log scale'}
      </figcaption>
      <dl class="bars">
        {rows.map(({ name, value, mark }, i) => (
          <div key={name} class={mark ? 'marked' : ''}>
            <dt>
              {name}
              {mark && <span class="hidden-text"> (meant)</span>}
            </dt>
            <dd>
              <i style={{ width: `${100 * lengths[i]}%` }} />
              <span class="figures">{text(value)}</span>
            </dd>
          </div>
        ))}
      </dl>
    </figure>
  )
}

/** Lengths of bars, 0 to 1; what is not finite has the full length. On a log scale the smallest keeps a stub. */
function lengthsOf(values: readonly number[], scale: 'linear' | 'log', isShare: boolean): number[] {
  const sizes = values.map((value) =>
    scale === 'log' ? Math.log10(Math.max(Math.abs(value), 1e-12)) : Math.abs(value),
  )
  const finite = sizes.filter((size) => Number.isFinite(size))
  const high = isShare ? 1 : Math.max(...finite)
  const low = scale === 'log' ? Math.min(...finite) - 0.5 : 0
  return sizes.map((size) => (Number.isFinite(size) && high > low ? Math.max(0, (size - low) / (high - low)) : 1))
}

/** One line for the studio: whether the doctor found something; it opens the view. */
export function DoctorLine({ run, onOpen }: { readonly run: RunId; readonly onOpen: () => void }): JSX.Element | null {
  const diagnosis = usePolled('doctor', { run }, every)
  const findings = diagnosis?.findings.filter(({ severity }) => severity !== 'note') ?? []
  const title = findings[0]?.title
  const [said, say] = useState('')
  // Spoken when it changes, not at every measurement.
  useEffect(() => say(title ? `Doctor: ${title}.` : ''), [title?.replace(/\d+/g, '')])
  return (
    <div class="doctor-line">
      <span class="hidden-text" aria-live="polite">
        {said}
      </span>
      {title && (
        <button type="button" onClick={onOpen}>
          <span class={`mark ${findings[0].severity}`} aria-hidden="true">
            {marks[findings[0].severity]}
          </span>
          {title}
          {findings.length > 1 && <span class="muted"> and {findings.length - 1} more</span>}
        </button>
      )}
    </div>
  )
}

export const doctor: View = {
  id: 'doctor',
  title: 'Doctor',
  about: 'What is wrong with the training, with the numbers that show it and a change to try.',
  fits: () => true,
  Component: DoctorView,
}
