/** The letters of a text, one of which is chosen: pointing previews, clicking chooses, arrow keys go from one to the next. */
import type { ComponentChildren, JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import './sequence.css'

export function LetterRow({
  letters,
  label,
  below,
}: {
  readonly letters: readonly string[]
  readonly label: string
  /** What stands under a letter. */
  readonly below?: (place: number) => ComponentChildren
}): JSX.Element {
  const { selection } = useLab()
  const row = useRef<HTMLDivElement>(null)
  const last = letters.length - 1
  const at = Math.min(selection.time.value, last)
  const shown = Math.min(selection.shownTime.value, last)
  const go = (event: KeyboardEvent): void => {
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key]
    if (to === undefined) return
    event.preventDefault()
    event.stopPropagation()
    selection.time.value = Math.max(0, Math.min(last, to))
    row.current?.querySelectorAll('button')[selection.time.peek()]?.focus()
  }
  return (
    <div class="letters" role="toolbar" aria-label={label} ref={row} onKeyDown={go}>
      {letters.map((letter, place) => (
        <button
          // Letters repeat: a letter is known by its place.
          key={place}
          type="button"
          aria-pressed={place === at}
          aria-label={`${place + 1}: ${letter}`}
          tabIndex={place === at ? 0 : -1}
          class={place === shown ? 'letter shown' : 'letter'}
          onClick={() => {
            selection.time.value = place
          }}
          onPointerEnter={(event) => {
            if (event.pointerType === 'mouse') selection.hoveredTime.value = place
          }}
          onPointerLeave={() => {
            selection.hoveredTime.value = undefined
          }}
        >
          <span>{letter}</span>
          {below?.(place)}
        </button>
      ))}
    </div>
  )
}
