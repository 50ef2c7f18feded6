/** Keys that work everywhere on a page, except where a person types or a control wants the key itself. */
import { useEffect, useRef } from 'preact/hooks'

/** A name such as `Space`, `ArrowRight`, `e`, `?`, `Ctrl+z`, `Ctrl+Shift+z`. On a Mac, Ctrl is the command key too. */
export type Keys = Readonly<Record<string, () => unknown>>

function nameOf(event: KeyboardEvent): string {
  const key = event.key === ' ' ? 'Space' : event.key.length === 1 ? event.key.toLowerCase() : event.key
  const control = event.ctrlKey || event.metaKey
  return `${control ? 'Ctrl+' : ''}${control && event.shiftKey ? 'Shift+' : ''}${key}`
}

/** Whether the key belongs to what has the focus. */
function isTaken(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.altKey) return true
  const target = event.target as Element
  if (target.closest('dialog[open]')) return true
  if (target.closest('input, textarea, select, [contenteditable="true"]')) {
    const { type } = target as HTMLInputElement
    // A tick box wants only Space.
    return !(type === 'checkbox' && event.key !== ' ')
  }
  if (event.key === ' ') return target.closest('button, a, summary, [role="button"], [data-keys]') !== null
  return event.key.startsWith('Arrow') && target.closest('[data-keys], [role="tab"], [role="radio"]') !== null
}

export function useKeys(keys: Keys): void {
  const now = useRef(keys)
  now.current = keys
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      const act = now.current[nameOf(event)]
      if (!act || isTaken(event)) return
      event.preventDefault()
      act()
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [])
}
