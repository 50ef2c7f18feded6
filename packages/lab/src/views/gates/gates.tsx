/**
 * Memory: what a recurrent layer does with a text, letter by letter. Maps of gates and state (maps.tsx), one unit's
 * lines (unit-lines.tsx), its sums with their numbers (step-sum.tsx), and how far errors reach back (reach.tsx).
 */
import type { JSX } from 'preact'
import { useLab, useQuestion } from '../../state/ask.ts'
import { Panel, Select, Slider } from '../../ui/controls.tsx'
import { LetterRow } from '../sequence/letter-row.tsx'
import { lettersOf } from '../sequence/letters.ts'
import { TextBar } from '../sequence/text-bar.tsx'
import type { View, ViewProps } from '../view.ts'
import './gates.css'
import { GateMaps } from './maps.tsx'
import { placeName, recurrentIn, usePlace, useUnit } from './parts.ts'
import { Reach } from './reach.tsx'
import { StepSum } from './step-sum.tsx'
import { UnitLines } from './unit-lines.tsx'

/** What of it is shown. */
export interface GatesOptions {
  readonly maps?: boolean
  /** Which maps; default all. */
  readonly only?: readonly string[]
  readonly lines?: boolean
  readonly sums?: boolean
  readonly reach?: boolean
}

const everything: GatesOptions = { maps: true, lines: true, sums: true, reach: true }

export function Memory({ run, info, show = everything }: ViewProps & { readonly show?: GatesOptions }): JSX.Element {
  const { selection } = useLab()
  const input = selection.input.value
  const [{ module, track }, places, choose] = usePlace(info)
  const answer = useQuestion('gates', { run, module, input }, { render: true })
  const gates = answer.value
  const own = gates?.tracks.find(({ name }) => name === track)
  const [steps, units] = own?.parts[0].numbers.shape ?? [1, 1]
  const [unit, pin] = useUnit(module, units)
  const letters = lettersOf(info, gates?.tokens ?? [], steps)
  const time = Math.min(selection.shownTime.value, steps - 1)
  const layers = recurrentIn(info)
  const nameOf = ({ module: path, track: name }: (typeof places)[number]): string =>
    placeName(layers.find((each) => each.path === path) ?? layers[0], name, layers.length > 1)
  return (
    <Panel title="Memory" stamp={gates?.stamp} class="sequence">
      <TextBar info={info} tokens={gates?.tokens} />
      {places.length > 1 && (
        <Select
          label="Layer"
          value={String(places.findIndex((each) => each.module === module && each.track === track))}
          options={places.map((each, i) => ({ value: String(i), text: nameOf(each) }))}
          onChange={(i) => choose(places[Number(i)])}
        />
      )}
      {answer.problem && <p class="sequence-note">{answer.problem}</p>}
      {gates && own && (
        <>
          <LetterRow letters={letters} label="Letter" />
          {show.maps && (
            <GateMaps gates={() => answer.value} track={track} module={module} letters={letters} only={show.only} />
          )}
          {(show.lines || show.sums) && (
            <Slider label="Unit" value={unit + 1} min={1} max={units} step={1} onInput={(value) => pin(value - 1)} />
          )}
          {show.lines && (
            <section>
              <h3>Unit {unit + 1} through the text</h3>
              <UnitLines gates={() => answer.value} track={track} unit={unit} letters={letters} />
            </section>
          )}
          {show.sums && (
            <section>
              <h3>
                Unit {unit + 1} at letter {time + 1}, <span class="figures">{letters[time]}</span>
              </h3>
              <StepSum
                run={run}
                module={module}
                track={track}
                time={time}
                unit={unit}
                input={input}
                letter={letters[time] ?? ''}
              />
            </section>
          )}
          {show.reach && (
            <section>
              <h3>How far an error reaches back</h3>
              <Reach run={run} module={module} track={track} time={time} input={input} letters={letters} />
            </section>
          )}
        </>
      )}
    </Panel>
  )
}

export const gates: View = {
  id: 'gates',
  title: 'Memory',
  about: 'Gates and state of RNN, LSTM and GRU through a text, one unit’s sums, and how far errors reach back.',
  fits: (info) => recurrentIn(info).length > 0,
  Component: (props) => <Memory {...props} />,
}
