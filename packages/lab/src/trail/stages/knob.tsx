/** A number of the network to turn: a slider, and beside it the number to type. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { linked } from '../formula.tsx'

/** −1.50: as cards write numbers that are turned. */
export const two = (value: number): string =>
  value
    .toFixed(2)
    .replace('-', '−')
    .replace(/^−(0\.00)$/, '$1')

/** The same within a formula; negative ones in brackets where they follow a sign. */
export const tex = (value: number, bracket = false): string => {
  const text = value.toFixed(2).replace(/^-(0\.00)$/, '$1')
  return bracket && text.startsWith('-') ? `(${text})` : text
}

export function Knob({
  name,
  symbol,
  value,
  min,
  max,
  onInput,
  disabled = false,
}: {
  /** For screen readers, as `weight of input 1`. */
  readonly name: string
  /** Of the formula, as `w1`. */
  readonly symbol: string
  readonly value: number
  readonly min: number
  readonly max: number
  readonly disabled?: boolean
  onInput(value: number): void
}): JSX.Element {
  // What was turned to is shown until the network has it.
  const [turned, setTurned] = useState<number | undefined>(undefined)
  const [typed, setTyped] = useState<string | undefined>(undefined)
  useEffect(() => setTurned(undefined), [value])
  const shown = turned ?? value
  const turn = (to: number): void => {
    setTurned(to)
    onInput(to)
  }
  const take = (text: string): void => {
    const given = Number(text.replace('−', '-').replace(',', '.'))
    if (text.trim() !== '' && Number.isFinite(given)) turn(Math.max(-99, Math.min(99, given)))
    setTyped(undefined)
  }
  return (
    <span class="knob" {...linked(symbol)}>
      <input
        type="text"
        inputMode="decimal"
        class="figures"
        aria-label={name}
        size={5}
        disabled={disabled}
        value={typed ?? two(shown)}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onBlur={(event) => typed !== undefined && take(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') take(event.currentTarget.value)
          if (event.key === 'Escape') setTyped(undefined)
        }}
      />
      <input
        type="range"
        aria-label={`${name}, slider`}
        min={min}
        max={max}
        step={0.05}
        disabled={disabled}
        value={Math.max(min, Math.min(max, shown))}
        aria-valuetext={two(shown)}
        onInput={(event) => turn(Number(event.currentTarget.value))}
      />
    </span>
  )
}
