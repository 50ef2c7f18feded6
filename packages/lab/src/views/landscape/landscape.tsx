/**
 * The loss surface around the present point, with the way of the run: from above, along one weight, or as a relief.
 *
 * What is asked: survey.ts; how it is drawn: draw.ts, map.tsx, line.tsx, relief.tsx.
 */
import type { FunctionComponent, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import type { WeightRef } from '../../state/selection.ts'
import { IconButton, NumberField, Panel, Select, StampText, Toggle } from '../../ui/controls.tsx'
import { count, number, percent } from '../../ui/format.ts'
import type { LandscapePlane, RunInfo } from '../../worker/protocol.ts'
import type { View, ViewProps } from '../view.ts'
import './landscape.css'
import { LossLine, lossOn } from './line.tsx'
import { LossMap, lossAt } from './map.tsx'
import { type Survey, useSurvey } from './survey.ts'

type Along = 'path' | 'random' | 'two' | 'one'
const choices = [
  { value: 'two', text: 'two weights' },
  { value: 'one', text: 'one weight' },
  { value: 'random', text: 'two random directions' },
  { value: 'path', text: 'where the run went' },
] as const

const explained: Readonly<Record<Along, string>> = {
  two: 'All other weights stay as they are.',
  one: 'All other weights stay as they are.',
  random: 'Each filter’s part has the length of its weights (Li et al. 2018), so that 1 means as much in every layer.',
  path: 'The two directions in which the weights have moved most, by principal components.',
}

interface Numbered {
  readonly name: string
  readonly size: number
}
const parametersOf = ({ modules }: RunInfo): Numbered[] => [
  ...new Map(
    modules
      .flatMap(({ parameters }) => parameters)
      .map(({ name, shape }) => [name, { name, size: shape.reduce((product, n) => product * n, 1) }]),
  ).values(),
]

/** Two different weights to begin with: the one that was chosen, or the first, and one of the last layer. */
function firstPair(all: readonly Numbered[], chosen: WeightRef | undefined): [WeightRef, WeightRef] {
  const first = chosen ?? { name: all[0].name, element: 0 }
  const matrices = all.filter(({ size }) => size > 1)
  const last = matrices.findLast(({ name }) => name !== first.name) ?? all[all.length - 1]
  const other = { name: last.name, element: 0 }
  if (other.name !== first.name) return [first, other]
  return [first, { name: first.name, element: first.element === 0 ? Math.min(1, last.size - 1) : 0 }]
}

export function Landscape({ run, info }: ViewProps): JSX.Element {
  const lab = useLab()
  const all = parametersOf(info)
  const [along, setAlong] = useState<Along>('two')
  const [pair, setPair] = useState(() => firstPair(all, lab.selection.weight.peek()))
  const [seed, setSeed] = useState(1)
  const [zoom, setZoom] = useState(1)
  const [from, setFrom] = useState(0)
  const [isRelief, setRelief] = useState(false)
  const [Relief, setComponent] = useState<FunctionComponent<{ survey: Survey }> | undefined>(undefined)
  useEffect(() => {
    if (isRelief && !Relief) void import('./relief.tsx').then((found) => setComponent(() => found.Relief))
  }, [isRelief])
  // A weight that is pinned elsewhere becomes the first one.
  const chosen = lab.selection.weight.value
  useEffect(() => {
    if (chosen) setPair(([, second]) => (same(chosen, second) ? firstPair(all, chosen) : [chosen, second]))
  }, [chosen?.name, chosen?.element])
  const fits = pair.every(({ name }) => all.some((each) => each.name === name))
  const weights = fits ? pair : firstPair(all, undefined)
  const plane: LandscapePlane =
    along === 'random'
      ? { kind: 'random', seed }
      : along === 'path'
        ? { kind: 'path' }
        : { kind: 'weights', weights: along === 'one' ? weights.slice(0, 1) : weights }
  const byWeights = plane.kind === 'weights'
  const survey = useSurvey({ run, plane, zoom, from, size: along === 'one' ? 129 : 65, follow: byWeights })
  const names = byWeights ? weights.map(labelOf) : ['first direction', 'second direction']
  return (
    <Panel title="Loss surface" class="landscape" {...(survey.way && { stamp: survey.way.stamp })}>
      <div class="row choose">
        <Select label="Along" value={along} options={choices} onChange={setAlong} />
        {byWeights &&
          weights.slice(0, along === 'one' ? 1 : 2).map((weight, i) => (
            <ChooseOne
              // First and second axis.
              key={i}
              all={all}
              weight={weight}
              label={along === 'one' ? 'Weight' : i === 0 ? 'To the right' : 'Up'}
              onChange={(next) => setPair(i === 0 ? [next, weights[1]] : [weights[0], next])}
            />
          ))}
        {along === 'random' && (
          <IconButton glyph="dice" name="Other random directions" onClick={() => setSeed(seed + 1)} />
        )}
      </div>
      <p class="muted small">{explained[along]}</p>
      {survey.problem && <p class="notice note">{survey.problem}</p>}
      {along === 'one' ? (
        <LossLine survey={survey} name={names[0]} />
      ) : isRelief && Relief ? (
        <Relief survey={survey} />
      ) : (
        <LossMap survey={survey} names={[names[0], names[1]]} />
      )}
      <Said survey={survey} />
      <div class="row">
        <IconButton glyph="minus" name="Look at more" onClick={() => setZoom(zoom / 2)} />
        <IconButton glyph="plus" name="Look closer" onClick={() => setZoom(zoom * 2)} />
        <button type="button" onClick={() => setFrom(from + 1)}>
          Around the present point
        </button>
        {along !== 'one' && (
          <Toggle label="relief" on={isRelief} onChange={setRelief} hint="As mountains, to look at." />
        )}
      </div>
    </Panel>
  )
}

const same = (a: WeightRef, b: WeightRef): boolean => a.name === b.name && a.element === b.element
const labelOf = ({ name, element }: WeightRef): string => `${name} ${element + 1}`

/** What the picture says, in words. */
function Said({ survey: { surface, way } }: { readonly survey: Survey }): JSX.Element {
  if (!surface) return <p class="muted">Computing losses …</p>
  const here = way && (way.now.length > 1 ? lossAt(surface, way.now[0], way.now[1]) : lossOn(surface, way.now[0]))
  return (
    <p class="small">
      <span class="muted">
        Mean loss of {count(surface.samples)} training samples; the surface is that of{' '}
        <StampText stamp={surface.stamp} />
        {!surface.finished && ', and is becoming finer'}.
      </span>{' '}
      {surface.shares && (
        <>
          The picture holds {percent(surface.shares[0] + surface.shares[1])} of the way’s variance (
          {surface.shares.map(percent).join(' and ')}).{' '}
        </>
      )}
      {here !== undefined && Number.isFinite(here) && (
        <>
          Present point: loss <strong class="figures">{number(here)}</strong>. Lowest here:{' '}
          <span class="figures">{number(Math.min(...surface.losses.filter(Number.isFinite)))}</span>.{' '}
        </>
      )}
      <span class="muted">
        ○ start, ● now; dashed arrow: downhill for the next batch; arrow: the next step. Short arrows are drawn longer.
      </span>
    </p>
  )
}

function ChooseOne({
  all,
  weight,
  label,
  onChange,
}: {
  readonly all: readonly Numbered[]
  readonly weight: WeightRef
  readonly label: string
  onChange(weight: WeightRef): void
}): JSX.Element {
  const size = all.find(({ name }) => name === weight.name)?.size ?? 1
  return (
    <>
      <Select
        label={label}
        value={weight.name}
        options={all.map(({ name }) => ({ value: name, text: name }))}
        onChange={(name) => onChange({ name, element: 0 })}
      />
      <NumberField
        label={`of ${count(size)}`}
        value={weight.element + 1}
        min={1}
        max={size}
        whole
        onChange={(value) => onChange({ name: weight.name, element: value - 1 })}
      />
    </>
  )
}

export const landscape: View = {
  id: 'landscape',
  title: 'Loss surface',
  about: 'The loss around the present weights, with the way that the run has taken and where the next step leads.',
  fits: ({ parameterCount }) => parameterCount > 0,
  Component: Landscape,
}
