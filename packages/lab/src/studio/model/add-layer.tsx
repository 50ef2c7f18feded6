/** The menu of layers: every one of the catalogue, searched by name and meaning, those that fit here first. */
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { allLayers, type Form, type LayerEntry } from '../../spec/catalogue.ts'

/** Whether a layer can take what comes out at this place. */
function fits({ takes }: LayerEntry, dims: readonly number[] | undefined): boolean {
  const form: Form | undefined = dims && ({ 1: 'row', 2: 'rows', 3: 'picture' } as const)[dims.length as 1 | 2 | 3]
  return form === undefined || takes.includes(form)
}

export function AddLayer({
  after,
  onChoose,
  onClose,
}: {
  /** What comes in at its place, for one sample. */
  readonly after: readonly number[] | undefined
  /** `from` is where the keyboard was. */
  readonly onChoose: (kind: string, from: Element) => void
  readonly onClose: (from: Element) => void
}): JSX.Element {
  const [typed, setTyped] = useState('')
  const field = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => field.current?.focus(), [])
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean)
  const found = allLayers.filter(({ kind, title, about, group }) => {
    const text = `${kind} ${title} ${about} ${group}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
  const sorted = [...found.filter((entry) => fits(entry, after)), ...found.filter((entry) => !fits(entry, after))]
  const keys = (event: KeyboardEvent): void => {
    const from = event.currentTarget as Element
    if (event.key === 'Escape') onClose(from)
    else if (event.key === 'Enter' && event.target === field.current && sorted[0]) onChoose(sorted[0].kind, from)
    else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const all = [...(list.current?.querySelectorAll('button') ?? [])]
      const at = all.indexOf(document.activeElement as HTMLButtonElement) + (event.key === 'ArrowDown' ? 1 : -1)
      if (at < 0) field.current?.focus()
      else all[Math.min(at, all.length - 1)]?.focus()
    } else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <search class="add-layer" onKeyDown={keys}>
      <input
        ref={field}
        type="text"
        aria-label="Search a layer"
        placeholder="Search: relu, convolution, dropout …"
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
      <div class="found" ref={list} data-keys>
        {sorted.map((entry) => (
          <button
            key={entry.kind}
            type="button"
            class={fits(entry, after) ? 'quiet' : 'quiet unfit'}
            onClick={(event) => onChoose(entry.kind, event.currentTarget)}
          >
            <b>{entry.title}</b>
            <span class="muted small">
              {fits(entry, after) ? '' : 'Does not fit here as it is. '}
              {entry.about}
            </span>
          </button>
        ))}
        {sorted.length === 0 && <p class="muted small">No layer has all of these words. Try one of them.</p>}
      </div>
    </search>
  )
}
