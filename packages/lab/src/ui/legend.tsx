/** What the colours of signed numbers mean: from below zero to above. */
import type { JSX } from 'preact'

export function Legend({ scale, text }: { readonly scale?: string; readonly text: string }): JSX.Element {
  return (
    <p class="legend">
      <span class="figures">−{scale}</span>
      <span class="legend-bar" aria-hidden="true" />
      <span class="figures">+{scale}</span>
      <span class="muted">{text}</span>
    </p>
  )
}
