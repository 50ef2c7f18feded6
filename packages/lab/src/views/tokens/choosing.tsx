/** How the next letter is chosen: temperature, the likeliest few, the likeliest share. */
import type { JSX } from 'preact'
import { Slider } from '../../ui/controls.tsx'
import { percent } from '../../ui/format.ts'
import type { Choosing } from '../../worker/protocol.ts'

export const plainly: Choosing = { temperature: 1, topK: 0, topP: 1 }

export function ChoosingControls({
  value,
  labels,
  onChange,
  all = true,
}: {
  readonly value: Choosing
  /** How many letters there are. */
  readonly labels: number
  readonly onChange: (value: Choosing) => void
  /** Not the temperature alone. */
  readonly all?: boolean
}): JSX.Element {
  return (
    <div class="choosing">
      <Slider
        label="Temperature"
        value={value.temperature}
        min={0}
        max={2}
        step={0.05}
        show={(t) => (t === 0 ? '0, always the likeliest' : t.toFixed(2))}
        hint="Scores are divided by it: below 1 likely letters become likelier, above 1 all become more alike."
        onInput={(temperature) => onChange({ ...value, temperature })}
      />
      {all && (
        <>
          <Slider
            label="Top k"
            value={value.topK === 0 ? labels : value.topK}
            min={1}
            max={labels}
            step={1}
            show={(k) => (k === labels ? 'all' : `${k} likeliest`)}
            hint="Only so many of the likeliest letters may be drawn."
            onInput={(k) => onChange({ ...value, topK: k === labels ? 0 : k })}
          />
          <Slider
            label="Top p"
            value={value.topP}
            min={0.05}
            max={1}
            step={0.05}
            show={(p) => (p === 1 ? 'all' : percent(p))}
            hint="Only the likeliest letters that together have this share may be drawn."
            onInput={(topP) => onChange({ ...value, topP })}
          />
        </>
      )}
    </div>
  )
}
