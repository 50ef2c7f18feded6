/** The options of a layer, loss, optimizer … as controls, from its entry in the catalogue. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { OptionEntry } from '../spec/catalogue.ts'
import { NumberField, Select, Toggle } from '../ui/controls.tsx'

type Value = OptionEntry['initial']

/** A list of numbers, typed with commas between. */
function ListField({
  entry,
  value,
  onChange,
}: {
  readonly entry: OptionEntry
  readonly value: readonly number[]
  readonly onChange: (value: readonly number[]) => void
}): JSX.Element {
  const [typed, setTyped] = useState<string | undefined>(undefined)
  const read = (text: string): number[] | undefined => {
    const numbers = text.split(',').map((each) => Number(each.trim() || Number.NaN))
    const fits = (each: number): boolean =>
      Number.isFinite(each) &&
      (entry.type !== 'wholes' || Number.isInteger(each)) &&
      each >= (entry.min ?? each) &&
      each <= (entry.max ?? each)
    return numbers.every(fits) ? numbers : undefined
  }
  return (
    <label class="field" title={entry.about}>
      <span>{entry.title}</span>
      <input
        type="text"
        size={10}
        value={typed ?? value.join(', ')}
        aria-invalid={typed !== undefined && !read(typed)}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onChange={(event) => {
          const found = read(event.currentTarget.value)
          setTyped(found ? undefined : event.currentTarget.value)
          if (found) onChange(found)
        }}
      />
    </label>
  )
}

export function OptionField({
  entry,
  value,
  onChange,
}: {
  readonly entry: OptionEntry
  readonly value: Value
  readonly onChange: (value: Value) => void
}): JSX.Element {
  const { title, about, type, min, max } = entry
  if (type === 'flag') return <Toggle label={title} on={value === true} onChange={onChange} hint={about} />
  if (type === 'choice') {
    const options = (entry.choices ?? []).map((each) => ({ value: each, text: each }))
    return <Select label={title} value={String(value)} options={options} onChange={onChange} hint={about} />
  }
  if (Array.isArray(value)) return <ListField entry={entry} value={value} onChange={onChange} />
  return (
    <NumberField
      label={title}
      value={Number(value)}
      {...(min !== undefined && { min })}
      {...(max !== undefined && { max })}
      whole={type === 'whole'}
      onChange={onChange}
      hint={about}
    />
  )
}

/** All options but those that follow by themselves and those in `without`. */
export function OptionFields({
  options,
  values,
  onChange,
  without = [],
}: {
  readonly options: readonly OptionEntry[]
  readonly values: Readonly<Record<string, unknown>>
  readonly onChange: (name: string, value: Value) => void
  readonly without?: readonly string[]
}): JSX.Element | null {
  const shown = options.filter(({ name, follows }) => !follows && !without.includes(name))
  if (shown.length === 0) return null
  return (
    <div class="options">
      {shown.map((entry) => (
        <OptionField
          key={entry.name}
          entry={entry}
          value={(values[entry.name] as Value | undefined) ?? entry.initial}
          onChange={(value) => onChange(entry.name, value)}
        />
      ))}
    </div>
  )
}
