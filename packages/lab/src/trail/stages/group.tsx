/** Buttons that belong together, with what they are about in front. */
import type { ComponentChildren, JSX } from 'preact'

export function Group({
  label,
  children,
}: {
  readonly label: string
  readonly children: ComponentChildren
}): JSX.Element {
  return (
    <fieldset class="group">
      <legend>{label}</legend>
      {children}
    </fieldset>
  )
}
