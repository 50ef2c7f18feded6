/**
 * One unit: what it responds to, and for the chosen sample the sum that made its number, term by term.
 *
 * Which unit: the selection's. The sum itself: terms.tsx; of a convolution, with its patch and kernel: patch.tsx.
 */
import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { useLab, useQuestion } from '../../state/ask.ts'
import { useText } from '../../state/ask-many.ts'
import type { Chosen } from '../../state/selection.ts'
import { largestSize } from '../../ui/colour.ts'
import { NumberField, Panel, StampText } from '../../ui/controls.tsx'
import { number, shape, words } from '../../ui/format.ts'
import { Legend } from '../../ui/legend.tsx'
import { Picture } from '../../ui/picture.tsx'
import type { ModuleInfo, Numbers, RunInfo } from '../../worker/protocol.ts'
import { allOpen, type Column, type Diagram, nameOf } from '../network/columns.ts'
import { unitName } from '../network/overlay.tsx'
import type { View, ViewProps } from '../view.ts'
import { PatchTable } from './patch.tsx'
import { SumTable } from './terms.tsx'
import './unit.css'

/** The places of a plane's picture along a side. */
const size = 50

/** The unit that a selection means: of a weight the one that it feeds. */
function unitFor(chosen: Chosen | undefined, info: RunInfo): { module: string; unit: number } | undefined {
  if (!chosen) return undefined
  if (chosen.kind === 'unit') return chosen
  if (chosen.kind === 'module') return { module: chosen.module, unit: 0 }
  const module = info.modules.find(({ parameters }) => parameters.some(({ name }) => name === chosen.name))
  const sizes = module?.parameters.find(({ name }) => name === chosen.name)?.shape ?? []
  const own = sizes.slice(1).reduce((product, n) => product * n, 1)
  // Only layers whose weights lie by outputs have a unit for each.
  return module && /^(linear|conv)/.test(module.kind)
    ? { module: module.path, unit: Math.floor(chosen.element / own) }
    : module && { module: module.path, unit: 0 }
}

/** Where a unit's numbers lie in what its module gave: each place within the unit, and their common shape. */
export function unitPlaces(
  { outputShape, unitAxis }: Pick<ModuleInfo, 'outputShape' | 'unitAxis'>,
  unit: number,
): { readonly shape: readonly number[]; readonly at: readonly number[] } {
  const within = outputShape.filter((_, axis) => axis !== unitAxis)
  const [before, after] = [outputShape.slice(0, unitAxis), outputShape.slice(unitAxis + 1)].map((sizes) =>
    sizes.reduce((product, n) => product * n, 1),
  )
  const units = outputShape[unitAxis] ?? 1
  const at = Array.from(
    { length: before * after },
    (_, i) => Math.floor(i / after) * units * after + unit * after + (i % after),
  )
  return { shape: within, at }
}

function UnitView({ run, info }: ViewProps): JSX.Element {
  const { selection } = useLab()
  const found = unitFor(selection.shown.value, info)
  const last = useMemo(() => info.modules.filter(({ from, path }) => from.length > 0 && path !== ''), [info])
  // Something is always shown: at first the first output.
  const before = useRef<typeof found>(undefined)
  const exists = (place: typeof found): boolean => info.modules.some(({ path }) => path === place?.module)
  // What is no unit (an input, say) leaves the one before in sight.
  if (exists(found)) before.current = found
  const chosen = (exists(before.current) ? before.current : undefined) ?? {
    module: last[last.length - 1]?.path ?? '',
    unit: 0,
  }
  const diagram = useMemo(() => allOpen(info), [info])
  const column = diagram.columns.find(({ parts }) => parts.some(({ path }) => path === chosen.module))
  const module = info.modules.find(({ path }) => path === chosen.module)
  if (!module) return <Panel title="Unit">There is nothing to show of this network.</Panel>
  const unit = Math.min(chosen.unit, Math.max(0, (module.outputShape[module.unitAxis] ?? 1) - 1))
  return (
    <OneUnit
      key={`${info.run} ${chosen.module}`}
      run={run}
      info={info}
      module={module}
      unit={unit}
      column={column}
      diagram={diagram}
    />
  )
}

function OneUnit({
  run,
  info,
  module,
  unit,
  column,
  diagram,
}: ViewProps & {
  readonly module: ModuleInfo
  readonly unit: number
  readonly column: Column | undefined
  readonly diagram: Diagram
}): JSX.Element {
  const lab = useLab()
  const { selection } = lab
  const isPlane = info.spec.data.kind === 'plane' || info.spec.data.kind === 'points'
  const input = selection.input.value
  const { shape: within, at } = unitPlaces(module, unit)
  const [place, setPlace] = useState<readonly number[]>(within.map((n) => Math.floor(n / 2)))
  const time = selection.time.value
  // A sequence has its time in the selection, which other views follow.
  const own =
    within.length === 1 ? [Math.min(time, within[0] - 1)] : place.length === within.length ? place : within.map(() => 0)
  const index = [...own.slice(0, module.unitAxis), unit, ...own.slice(module.unitAxis)].slice(
    0,
    module.outputShape.length,
  )
  const main = column?.parts[0] ?? module
  const then = column?.parts.slice(1).map(({ path }) => path) ?? []
  const same = main.outputShape.join() === module.outputShape.join()
  const terms = useText('terms', { run, module: same ? main.path : module.path, index, input, then: same ? then : [] })
  const responses = useQuestion('responses', isPlane ? { run, size } : undefined)
  const activation = useQuestion(
    'activation',
    within.length > 0 ? { run, module: module.path, input, aspect: 'value' } : undefined,
  )
  const map = (): Numbers | undefined => {
    const maps = responses.value?.modules.find(({ path }) => path === module.path)?.maps
    return maps && { shape: [size, size], values: maps.values.subarray(unit * size * size, (unit + 1) * size * size) }
  }
  const values = (): Float32Array | undefined => {
    const all = activation.value?.numbers.values
    return all && Float32Array.from(at, (i) => all[i])
  }
  useEffect(() => setPlace(within.map((n) => Math.floor(n / 2))), [within.join()])
  const name = column && unitName(column, unit, info, diagram)
  const title = `${column ? nameOf(column, diagram) : module.path || 'the network'}, unit ${unit + 1}${name ? ` (${name})` : ''}`
  const answer = terms.value
  const fits = answer && answer.index.join() === index.join()
  const pick = (element: number): void => {
    if (within.length === 1) selection.time.value = element
    else setPlace([Math.floor(element / within[within.length - 1]), element % within[within.length - 1]])
  }
  return (
    <Panel title="Unit" class="unit-view" stamp={lab.runs.value.get(run)?.progress.stamp}>
      <div class="row unit-title">
        <strong>{title}</strong>
        <span class="muted">
          {(column?.kinds ?? [module.kind]).map(words).join(' + ')} · {shape(module.outputShape)}
        </span>
        <NumberField
          label="unit"
          value={unit + 1}
          min={1}
          max={module.outputShape[module.unitAxis] ?? 1}
          whole
          onChange={(wanted) => {
            selection.hovered.value = undefined
            selection.pinned.value = { kind: 'unit', module: module.path, unit: wanted - 1 }
          }}
        />
      </div>
      {isPlane && within.length === 0 && (
        <div>
          <h3>What it responds to</h3>
          <Picture
            label={`${title}: its output over the plane`}
            shape={[size, size]}
            values={() => map()?.values}
            scale={() => largestSize(map()?.values ?? [])}
            height={180}
            smooth
            say={(element, value) => {
              const to = (i: number): string => number(((2 * i + 1) / size - 1) * 6, 2)
              return `at (${to(element % size)}, ${number(-((2 * Math.floor(element / size) + 1) / size - 1) * 6, 2)}): ${number(value)}`
            }}
          />
          <Legend text="its output at each place; full colour is its largest" />
        </div>
      )}
      {within.length > 0 && (
        <div>
          <h3>{within.length === 1 ? 'What it gave, step by step' : 'What it gave for this sample'}</h3>
          <Picture
            label={`${title}: what it gave for the chosen sample`}
            shape={within}
            values={values}
            scale={() => largestSize(values() ?? [])}
            height={180}
            lit={() => [within.length === 1 ? own[0] : own.reduce((sum, i, axis) => sum * within[axis] + i, 0)]}
            onPick={pick}
          />
          <div class="row">
            {own.map((i, axis) => (
              <NumberField
                key={axis}
                label={within.length === 1 ? 'step' : (['row', 'column'][axis - within.length + 2] ?? `axis ${axis}`)}
                value={i}
                min={0}
                max={within[axis] - 1}
                whole
                onChange={(value) => {
                  if (within.length === 1) selection.time.value = value
                  else setPlace(own.map((each, k) => (k === axis ? value : each)))
                }}
              />
            ))}
          </div>
          <Legend text="click a place to see how its number was made" />
        </div>
      )}
      <div>
        <h3>
          How {within.length > 0 ? 'the number there' : 'its number'} was made{' '}
          {answer && (
            <>
              · forward, chosen sample, <StampText stamp={answer.stamp} />
            </>
          )}
        </h3>
        {terms.problem && <p class="muted">{terms.problem}</p>}
        {answer && fits && answer.rule === 'sum' && main.kind.startsWith('conv') && (
          <PatchTable terms={answer} module={main} />
        )}
        {answer && fits && <SumTable terms={answer} module={same ? main : module} info={info} />}
      </div>
    </Panel>
  )
}

export const unit: View = {
  id: 'unit',
  title: 'Unit',
  about: 'One neuron, channel or feature: what it responds to, and the sum behind its number for the chosen sample.',
  fits: () => true,
  Component: UnitView,
}
