/**
 * The stage of chapters 2 and 3: a network with what each unit says, and a large picture of the unit that is looked at,
 * or of the network's answer. It may offer another activation, other sizes, and switching units off.
 */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { perceptron } from '../../spec/presets.ts'
import type { LabSpec } from '../../spec/spec.ts'
import { useLab, useQuestion } from '../../state/ask.ts'
import { Panel } from '../../ui/controls.tsx'
import type { Questions } from '../../worker/protocol.ts'
import type { Stage, StageProps } from '../chapter.ts'
import { Group } from './group.tsx'
import { type Column, columnsOf, Net } from './net.tsx'
import { outputMap, Plane, unitMap, usePoints } from './plane.tsx'

interface Options {
  /** Hidden units that may be chosen; choosing opens another network. */
  readonly sizes?: readonly number[]
  readonly activations?: readonly string[]
  /** Whether hidden units can be switched off. */
  readonly switches?: boolean
}

const nothing = { values: new Float32Array(2) }

export function layersStage({ sizes, activations, switches = false }: Options = {}): Stage {
  return function LayersStage({ run, info, scene }: StageProps): JSX.Element {
    const { selection } = useLab()
    const responses = useQuestion('responses', { run, size: 40 })
    const passage = useQuestion('passage', { run, input: nothing }, { render: true }).value
    const points = usePoints(info)
    const columns = columnsOf(info)
    const off = useSwitches(info, scene, passage)
    const shown = selection.shown.value
    const column = shown?.kind === 'unit' ? columns.find(({ path }) => path === shown.module) : undefined
    const unit = shown?.kind === 'unit' ? shown.unit : 0
    const isOutput = !column || column === columns.at(-1)
    useEffect(() => {
      if (!column || isOutput) return
      scene.notice(`looked ${column.path} ${unit}`)
      const units = Array.from({ length: column.units }, (_, i) => scene.fact(`looked ${column.path} ${i}`))
      scene.notice(`looked ${columns.indexOf(column)}`, units.filter((each) => each !== undefined).length)
    }, [column?.path, unit, isOutput, scene])
    return (
      <div class="stage-views">
        <Panel title="The network" stamp={passage?.stamp}>
          {(sizes || activations) && <Choices info={info} sizes={sizes} activations={activations} scene={scene} />}
          <div class="net-heads">
            {columns.map(({ path, title }) => (
              <span key={path}>{title}</span>
            ))}
          </div>
          <Net info={info} responses={responses} passage={passage} muted={off.muted} />
          <p class="muted small">
            Each tile is the plane as that unit sees it. Links: thick is a large weight, dashed is a negative one.
          </p>
        </Panel>
        <Panel title={isOutput ? 'The network’s answer' : `${capital(column.title)}, unit ${unit + 1}`}>
          <Plane
            info={isOutput ? info : { ...info, task: 'number' }}
            label="What is said at each place of the plane, and the points"
            responses={responses}
            map={(answer) => (isOutput || !column ? outputMap(answer, info.task) : unitMap(answer, column.path, unit))}
            boundary
            points={isOutput ? points : undefined}
          />
          <p class="muted small">
            {isOutput
              ? 'The colour of a class where the network is sure of it; on the line it is undecided.'
              : 'Orange: below 0. Blue: above 0. The line is this unit’s own boundary.'}
          </p>
          {switches && <Switches columns={columns} off={off} />}
        </Panel>
      </div>
    )
  }
}

const capital = (text: string): string => text[0].toUpperCase() + text.slice(1)

/** Another size or activation: a network of its own, from its first weights. */
function Choices({
  info,
  sizes,
  activations,
  scene,
}: Pick<Options, 'sizes' | 'activations'> & Pick<StageProps, 'info' | 'scene'>): JSX.Element {
  const layers = info.spec.model.layers as readonly { readonly kind: string; readonly out?: number }[]
  const hidden = layers.filter(({ kind }) => kind === 'linear').slice(0, -1)
  const bend = layers[1]?.kind ?? 'linear'
  const change = (units: number, activation: string): void => {
    const sizes = [2, ...hidden.map(() => units), 2]
    const plain = perceptron(sizes, activation)
    // Without an activation the linear layers follow one another.
    const model =
      activation === 'none'
        ? { kind: 'sequential', layers: (plain.layers as LabSpec['model'][]).filter(({ kind }) => kind === 'linear') }
        : plain
    void scene.lab.open({ ...info.spec, model })
  }
  const units = hidden[0]?.out ?? 1
  const now = bend === 'linear' ? 'none' : bend
  useEffect(() => {
    scene.notice('units', units)
  }, [units, scene])
  return (
    <div class="row">
      {sizes && (
        <Group label="hidden units">
          {sizes.map((each) => (
            <button type="button" key={each} aria-pressed={each === units} onClick={() => change(each, now)}>
              {each}
            </button>
          ))}
        </Group>
      )}
      {activations && (
        <Group label="activation">
          {activations.map((each) => (
            <button type="button" key={each} aria-pressed={each === now} onClick={() => change(units, each)}>
              {each}
            </button>
          ))}
        </Group>
      )}
    </div>
  )
}

interface Off {
  /** Units that are off, as `path unit`. */
  readonly muted: readonly string[]
  toggle(column: Column, unit: number): void
}

/** Switching a unit off: nobody listens to it any more, since the weights that lead from it are 0 until it is on again. */
function useSwitches(
  info: StageProps['info'],
  scene: StageProps['scene'],
  passage: Questions['passage']['answer'] | undefined,
): Off {
  const [kept, keep] = useState<Readonly<Record<string, readonly number[]>>>({})
  useEffect(() => keep({}), [info])
  return {
    muted: Object.keys(kept),
    toggle: (column, unit) => {
      const next = columnsOf(info)[columnsOf(info).findIndex(({ path }) => path === column.path) + 1]
      const weight = passage?.layers.find(({ path }) => path === next?.linear)?.weight
      if (!next || !weight) return
      const key = `${column.path} ${unit}`
      const [rows, width] = weight.shape
      const values = Float32Array.from(weight.values)
      const before = Array.from({ length: rows }, (_, row) => values[row * width + unit])
      for (let row = 0; row < rows; row++) values[row * width + unit] = kept[key]?.[row] ?? 0
      const { [key]: found, ...rest } = kept
      keep(found ? rest : { ...kept, [key]: before })
      void scene.set(`${next.linear}.weight`, values).then(() => {
        const accuracy = scene.lab.progress.peek()?.scores?.train.accuracy ?? 1
        if (!found) scene.notice('least', Math.min(scene.fact('least') ?? 1, accuracy))
        scene.notice('switched', (scene.fact('switched') ?? 0) + 1)
      })
    },
  }
}

function Switches({ columns, off }: { readonly columns: readonly Column[]; readonly off: Off }): JSX.Element {
  return (
    <>
      {columns.slice(1, -1).map((column) => (
        <Group label={`switch off, ${column.title}`} key={column.path}>
          {Array.from({ length: column.units }, (_, unit) => {
            const isOff = off.muted.includes(`${column.path} ${unit}`)
            return (
              <button
                type="button"
                // Units are known by their place.
                key={`${column.path} ${unit}`}
                aria-pressed={isOff}
                onClick={() => off.toggle(column, unit)}
              >
                {unit + 1}
              </button>
            )
          })}
        </Group>
      ))}
    </>
  )
}
