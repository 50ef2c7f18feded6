/** The colours of signed numbers, with the size that has the full colour. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { number } from '../../ui/format.ts'

export function Scale({ value, what }: { readonly value: () => number; readonly what: string }): JSX.Element {
  const [size, setSize] = useState(value())
  useEffect(() => {
    const timer = setInterval(() => setSize(value()), 200)
    return () => clearInterval(timer)
  })
  return (
    <div
      class="colour-scale figures"
      role="img"
      aria-label={`${what}: colours from −${number(size)} to ${number(size)}`}
    >
      <span>−{number(size)}</span>
      <span class="ramp" />
      <span>{number(size)}</span>
      <span class="muted">{what}</span>
    </div>
  )
}
