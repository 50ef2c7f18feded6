/** How the network is trained: what takes effect at once, and what begins anew from the same seed. */
import type { ComponentChildren, JSX } from 'preact'
import { type Entry, entryOf, initializers, losses, newChoice, optimizers, schedules } from '../spec/catalogue.ts'
import { switched, withOption } from '../spec/edit.ts'
import type { Choice } from '../spec/spec.ts'
import { useLab } from '../state/ask.ts'
import { IconButton, NumberField, Panel, Select } from '../ui/controls.tsx'
import { OptionFields } from './option-fields.tsx'

/** Steps of three, as people know them. */
export const ladder = [0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]

/** The next rung of the ladder, above or below. */
export function rung(rate: number, by: 1 | -1): number {
  const found = by > 0 ? ladder.find((each) => each > rate * 1.001) : ladder.findLast((each) => each < rate * 0.999)
  return found ?? rate
}

/** A kind of the catalogue, what it means, and its options, opened when they are wanted. */
function ChoiceFields({
  label,
  entries,
  value,
  onChange,
  children,
}: {
  readonly label: string
  readonly entries: readonly Entry[]
  readonly value: Choice
  readonly onChange: (choice: Choice) => void
  readonly children?: ComponentChildren
}): JSX.Element {
  const entry = entryOf(entries, value.kind)
  const needed = (entry?.options ?? []).filter((each) => each.needed)
  const others = (entry?.options ?? []).filter((each) => !each.needed)
  const set = (name: string, given: Entry['options'][number]['initial']): void =>
    onChange(withOption(value, entry, name, given))
  return (
    <div class="choice">
      <Select
        label={label}
        value={value.kind}
        options={entries.map(({ kind, title }) => ({ value: kind, text: title }))}
        onChange={(kind) => onChange(switched(entries, value, newChoice(entries, kind)))}
        {...(entry && { hint: entry.about })}
      />
      {children}
      <OptionFields options={needed} values={value} onChange={set} />
      {others.length > 0 && (
        <details>
          <summary>
            {label} options<span class="muted"> · {entry?.about}</span>
          </summary>
          <OptionFields options={others} values={value} onChange={set} />
        </details>
      )}
    </div>
  )
}

export function TrainingPanel(): JSX.Element | null {
  const lab = useLab()
  const spec = lab.spec.value
  const facts = lab.editor.facts.value
  if (!spec || !facts) return null
  const { editor } = lab
  const rate = Number(spec.optimizer.lr)
  const setRate = (lr: number): Promise<boolean> => editor.change({ optimizer: { ...spec.optimizer, lr } }, 'lr')
  return (
    <Panel title="Training" class="training">
      <div class="halves">
        <div class="stack">
          <h3>Takes effect at once</h3>
          <div class="stepper">
            <NumberField
              label="Learning rate"
              value={rate}
              min={0}
              max={1e6}
              onChange={setRate}
              hint="How far each step goes down the slope. Too small: nothing happens; too large: it jumps over the valley."
            />
            <IconButton glyph="minus" name="Smaller learning rate" onClick={() => setRate(rung(rate, -1))} />
            <IconButton glyph="plus" name="Larger learning rate" onClick={() => setRate(rung(rate, 1))} />
          </div>
          <ChoiceFields
            label="Schedule"
            entries={schedules}
            value={spec.schedule}
            onChange={(schedule) => editor.change({ schedule }, 'schedule')}
          />
          <NumberField
            label="Stop after epochs (0: never)"
            value={spec.stopAtEpoch}
            min={0}
            max={1_000_000}
            whole
            onChange={(stopAtEpoch) => editor.change({ stopAtEpoch })}
            hint="Training pauses there by itself. An epoch is one pass over all training samples."
          />
          <ChoiceFields
            label="Optimizer"
            entries={optimizers}
            value={spec.optimizer}
            onChange={(optimizer) => {
              // Another kind begins with a rate that suits it.
              const lr =
                optimizer.kind === spec.optimizer.kind ? rate : (entryOf(optimizers, optimizer.kind)?.lr ?? rate)
              void editor.change({ optimizer: { ...optimizer, lr } }, 'optimizer')
            }}
          >
            <p class="muted small">Its options take effect at once; another optimizer begins anew.</p>
          </ChoiceFields>
        </div>
        <div class="stack">
          <h3>Begins anew, from the same seed</h3>
          <ChoiceFields
            label="Loss"
            entries={losses.filter(({ fits }) => fits[facts.task])}
            value={spec.loss}
            onChange={(loss) => editor.change({ loss }, 'loss')}
          />
          <NumberField
            label="Batch size"
            value={spec.batchSize}
            min={1}
            max={2048}
            whole
            onChange={(batchSize) => editor.change({ batchSize })}
            hint="From how many samples each step learns."
          />
          <ChoiceFields
            label="First weights"
            entries={initializers}
            value={spec.initializer}
            onChange={(initializer) => editor.change({ initializer }, 'initializer')}
          />
          <div class="stepper">
            <NumberField
              label="Seed"
              value={spec.seed}
              min={0}
              max={2 ** 31 - 1}
              whole
              onChange={(seed) => editor.change({ seed })}
              hint="First weights and the order of samples follow from it: the same seed gives the same run."
            />
            <IconButton glyph="dice" name="New seed" keys="S" onClick={() => newSeed(lab)} />
          </div>
        </div>
      </div>
    </Panel>
  )
}

/** Other first weights, and another order of samples. */
export function newSeed(lab: ReturnType<typeof useLab>): Promise<boolean> {
  const spec = lab.spec.peek()
  return spec ? lab.editor.change({ seed: (spec.seed + 1) % 2 ** 31 }) : Promise.resolve(false)
}
