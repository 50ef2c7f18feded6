/** The controls of the page: named for everyone, used with pointer, keyboard and finger. Their look: controls.css. */
import type { ComponentChildren, JSX } from 'preact'
import { useId, useRef, useState } from 'preact/hooks'
import type { Stamp } from '../worker/protocol.ts'
import { count } from './format.ts'
import { hiddenPanels } from './hidden.ts'
import { PictureButton } from './picture-button.tsx'

/** A part of a page with a name. */
export function Panel({
  title,
  stamp,
  actions,
  class: name = '',
  children,
}: {
  readonly title: string
  /** When the numbers inside were read. */
  readonly stamp?: Stamp | undefined
  readonly actions?: ComponentChildren
  readonly class?: string
  readonly children: ComponentChildren
}): JSX.Element | null {
  const id = useId()
  const section = useRef<HTMLElement>(null)
  if (hiddenPanels.value.has(title)) return null
  return (
    <section ref={section} class={`panel ${name}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {actions}
        {stamp && <StampText stamp={stamp} />}
        <PictureButton panel={section} title={title} />
      </header>
      {children}
    </section>
  )
}

export function StampText({ stamp }: { readonly stamp: Stamp }): JSX.Element {
  return (
    <span class="stamp">
      epoch {count(stamp.epoch)} · step {count(stamp.step)}
    </span>
  )
}

/** Small pictures, drawn with lines in a field of 24 by 24. */
const glyphs = {
  play: 'M7 4l13 8-13 8z',
  pause: 'M8 5v14M16 5v14',
  step: 'M6 5l9 7-9 7zM19 5v14',
  reset: 'M4 12a8 8 0 1 0 2.5-5.8M4 4v4.5h4.5',
  dice: 'M5 5h14v14H5zM9 9h.01M15 9h.01M12 12h.01M9 15h.01M15 15h.01',
  close: 'M6 6l12 12M18 6L6 18',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  share: 'M12 15V4M8 8l4-4 4 4M5 13v6h14v-6',
  save: 'M12 4v11M8 11l4 4 4-4M5 19h14',
  undo: 'M9 6L4 11l5 5M4 11h10a6 6 0 0 1 0 12',
  redo: 'M15 6l5 5-5 5M20 11H10a6 6 0 0 0 0 12',
  back: 'M15 5l-7 7 7 7',
  next: 'M9 5l7 7-7 7',
  check: 'M5 12l5 5L20 7',
  sun: 'M12 4V2M12 22v-2M4 12H2M22 12h-2M6 6L4.5 4.5M19.5 19.5L18 18M6 18l-1.5 1.5M19.5 4.5L18 6M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z',
  help: 'M9 9a3 3 0 1 1 4 3c-1 .6-1 1.2-1 2M12 18h.01',
  menu: 'M4 7h16M4 12h16M4 17h16',
} as const
export type GlyphName = keyof typeof glyphs

export function Glyph({ name }: { readonly name: GlyphName }): JSX.Element {
  return (
    <svg class="glyph" viewBox="0 0 24 24" aria-hidden="true">
      <path d={glyphs[name]} />
    </svg>
  )
}

/** A button that shows a picture and says its name. */
export function IconButton({
  glyph,
  name,
  keys,
  class: className = 'icon',
  ...rest
}: {
  readonly glyph: GlyphName
  readonly name: string
  /** The key that does the same, for the tooltip. */
  readonly keys?: string
  readonly class?: string
} & Omit<JSX.IntrinsicElements['button'], 'class' | 'name'>): JSX.Element {
  return (
    <button type="button" class={className} aria-label={name} title={keys ? `${name} (${keys})` : name} {...rest}>
      <Glyph name={glyph} />
    </button>
  )
}

export interface Option<T extends string> {
  readonly value: T
  readonly text: string
}

export function Select<T extends string>({
  label,
  value,
  options,
  onChange,
  hint,
}: {
  readonly label: string
  readonly value: T
  readonly options: readonly Option<T>[]
  readonly onChange: (value: T) => void
  readonly hint?: string
}): JSX.Element {
  return (
    <label class="field" title={hint}>
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value as T)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </label>
  )
}

/** A number on a line. `show`: how it is written beside the name. */
export function Slider({
  label,
  value,
  min,
  max,
  step,
  show = String,
  onInput,
  hint,
}: {
  readonly label: string
  readonly value: number
  readonly min: number
  readonly max: number
  readonly step: number
  readonly show?: (value: number) => string
  readonly onInput: (value: number) => void
  readonly hint?: string
}): JSX.Element {
  return (
    <label class="field" title={hint}>
      <span>
        {label} <span class="worth">{show(value)}</span>
      </span>
      <input
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        aria-valuetext={show(value)}
        onInput={(event) => onInput(Number(event.currentTarget.value))}
      />
    </label>
  )
}

/** A number that is typed; what is no number within the bounds is marked, and nothing is changed. */
export function NumberField({
  label,
  value,
  min,
  max,
  whole = false,
  onChange,
  hint,
}: {
  readonly label: string
  readonly value: number
  readonly min?: number
  readonly max?: number
  readonly whole?: boolean
  readonly onChange: (value: number) => void
  readonly hint?: string
}): JSX.Element {
  const [typed, setTyped] = useState<string | undefined>(undefined)
  const fits = (text: string): boolean => {
    const given = Number(text)
    if (text.trim() === '' || !Number.isFinite(given) || (whole && !Number.isInteger(given))) return false
    return given >= (min ?? Number.NEGATIVE_INFINITY) && given <= (max ?? Number.POSITIVE_INFINITY)
  }
  const take = (text: string): void => {
    setTyped(fits(text) ? undefined : text)
    if (fits(text) && Number(text) !== value) onChange(Number(text))
  }
  return (
    <label class="field" title={hint}>
      <span>{label}</span>
      <input
        type="text"
        inputMode="decimal"
        size={8}
        value={typed ?? String(value)}
        aria-invalid={typed !== undefined && !fits(typed)}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onChange={(event) => take(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Escape' && setTyped(undefined)}
      />
    </label>
  )
}

export function Toggle({
  label,
  on,
  onChange,
  hint,
}: {
  readonly label: string
  readonly on: boolean
  readonly onChange: (on: boolean) => void
  readonly hint?: string
}): JSX.Element {
  return (
    <label class="row" title={hint} style={{ gap: '6px', fontSize: '0.85rem' }}>
      <input type="checkbox" checked={on} onChange={(event) => onChange(event.currentTarget.checked)} />
      {label}
    </label>
  )
}
