/** A group of buttons of which one is reached with Tab, the others with arrow keys. */
import type { TargetedKeyboardEvent } from 'preact'

/** For the group's onKeyDown: arrows, Home and End move the focus. `columns`: buttons in a row, for up and down. */
export function rove(event: TargetedKeyboardEvent<HTMLElement>, columns = 1): void {
  const buttons = [...event.currentTarget.querySelectorAll<HTMLButtonElement>('button[data-rove]')]
  const at = buttons.indexOf(document.activeElement as HTMLButtonElement)
  if (at < 0) return
  const steps: Readonly<Record<string, number>> = {
    ArrowRight: at + 1,
    ArrowLeft: at - 1,
    ArrowDown: at + columns,
    ArrowUp: at - columns,
    Home: 0,
    End: buttons.length - 1,
  }
  const to = steps[event.key]
  if (to === undefined) return
  // These keys also mean something to the whole page.
  event.preventDefault()
  event.stopPropagation()
  buttons[Math.max(0, Math.min(buttons.length - 1, to))]?.focus()
}
