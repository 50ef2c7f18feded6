/** A link that restores what is set up; the weights, and what is not shown, on request. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useLab } from '../state/ask.ts'
import { Toggle } from '../ui/controls.tsx'
import { count } from '../ui/format.ts'
import { copyText } from '../ui/save-file.ts'
import { Dialog } from './dialog.tsx'
import { linkOf, longest } from './link.ts'
import type { DialogProps } from './take-bar.tsx'

/** Longer addresses are cut off by some programs that links are sent through. */
const safe = 8000

const panelTitles = (): string[] => [
  ...new Set(
    [...document.querySelectorAll('main section.panel > header > h2')].map((title) => title.textContent ?? ''),
  ),
]

export function ShareDialog({ onClose }: DialogProps): JSX.Element {
  const lab = useLab()
  const [withWeights, setWithWeights] = useState(false)
  const [session, setSession] = useState<Uint8Array | undefined>(undefined)
  const [hide, setHide] = useState<readonly string[]>([])
  const [copied, setCopied] = useState<boolean | undefined>(undefined)
  const [titles] = useState(panelTitles)
  const spec = lab.spec.value
  const run = lab.info.value?.run
  useEffect(() => {
    if (!withWeights || run === undefined) return setSession(undefined)
    let left = false
    void lab.client.order('export', { run, format: 'session' }).then((bytes) => !left && setSession(bytes))
    return () => {
      left = true
    }
  }, [lab, withWeights, run])
  if (!spec)
    return (
      <Dialog title="Share" onClose={onClose}>
        <p>Nothing is set up yet.</p>
      </Dialog>
    )
  const input = lab.selection.input.value
  const pinned = lab.selection.pinned.value
  const link =
    location.origin +
    location.pathname +
    linkOf({
      spec,
      hide,
      ...(session && { session }),
      ...(pinned && { pinned }),
      ...('part' in input && { input }),
    })
  const problem =
    link.length > longest
      ? 'No browser opens a link this long. Take the work away as a file.'
      : link.length > safe
        ? 'Some programs cut links this long; a file always arrives.'
        : ''
  return (
    <Dialog title="Share" onClose={onClose}>
      <p>
        The link holds the data, the network, the settings and the seed. Whoever opens it gets the same network; nothing
        runs before they press Train, and nothing of it is sent to a server.
      </p>
      <Toggle
        label="With the weights as they are now"
        on={withWeights}
        onChange={setWithWeights}
        hint="And the step and the optimizer's moments, so that training goes on as it would here."
      />
      {titles.length > 0 && (
        <details>
          <summary>For a lesson: leave panels out</summary>
          <div class="take-hide">
            {titles.map((title) => (
              <Toggle
                key={title}
                label={title}
                on={!hide.includes(title)}
                onChange={(on) => setHide(on ? hide.filter((each) => each !== title) : [...hide, title])}
              />
            ))}
          </div>
        </details>
      )}
      <label class="field">
        <span>
          Link <span class="worth">{count(link.length)} letters</span>
        </span>
        <textarea readOnly rows={4} value={link} onFocus={(event) => event.currentTarget.select()} />
      </label>
      {problem && <p class="problem">{problem}</p>}
      <div class="row">
        <button type="button" class="primary" onClick={async () => setCopied(await copyText(link))}>
          Copy the link
        </button>
        <span role="status" class="muted">
          {copied === true
            ? 'Copied.'
            : copied === false
              ? 'The browser did not allow it: select the text and copy it.'
              : ''}
        </span>
      </div>
    </Dialog>
  )
}
