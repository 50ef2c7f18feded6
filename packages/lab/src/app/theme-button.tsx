/** Dark, light, or as the system has it. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { forgetColours } from '../ui/colour.ts'
import { IconButton } from '../ui/controls.tsx'
import { invalidate } from '../ui/frame.ts'

const key = 'glissade-theme'
const kept = (): string | undefined => {
  try {
    return localStorage.getItem(key) ?? undefined
  } catch {
    // A page may be forbidden to keep anything.
    return undefined
  }
}

function apply(theme: string | undefined): void {
  if (theme) document.documentElement.dataset.theme = theme
  else delete document.documentElement.dataset.theme
  forgetColours()
  invalidate()
}
apply(kept())

export function ThemeButton(): JSX.Element {
  const [theme, setTheme] = useState(kept)
  const isDark = theme ? theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
  const next = isDark ? 'light' : 'dark'
  return (
    <IconButton
      glyph="sun"
      name={`Use ${next} colours`}
      class="icon quiet"
      onClick={() => {
        apply(next)
        setTheme(next)
        try {
          localStorage.setItem(key, next)
        } catch {
          // Then it holds until the page is left.
        }
      }}
    />
  )
}
