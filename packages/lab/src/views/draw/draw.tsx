/**
 * Draw a digit of your own: what the network is given, what it says, and what each layer makes of it. What is drawn is
 * the input of all views.
 *
 * The field: pad.tsx; how a drawing becomes like the digits of the data: prepare.ts.
 */
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { useLab, useQuestion } from '../../state/ask.ts'
import { IconButton, Panel } from '../../ui/controls.tsx'
import { number } from '../../ui/format.ts'
import { useCanvas } from '../../ui/frame.ts'
import { drawMap, fitted } from '../../ui/map.ts'
import type { Numbers, RunInfo } from '../../worker/protocol.ts'
import { ClassBars } from '../class-bars.tsx'
import { LayerMaps, layersOf } from '../layer-maps.tsx'
import { useTextQuestion } from '../slow.ts'
import type { View, ViewProps } from '../view.ts'
import './draw.css'
import { field, Pad } from './pad.tsx'
import { prepare, type Statistics, type Stroke, statistics } from './prepare.ts'

/** Milliseconds between two looks of the network at what is being drawn. */
const every = 60

function DrawView({ run, info }: ViewProps): JSX.Element {
  const { selection } = useLab()
  const side = info.inputShape.at(-1) ?? 28
  const [strokes, setStrokes] = useState<readonly Stroke[]>([])
  const later = useRef<{ timer: ReturnType<typeof setTimeout>; strokes: readonly Stroke[] } | undefined>(undefined)
  const before = useRef(selection.input.peek())
  const input = selection.input.value
  // Another sample was chosen elsewhere: the field is free again.
  const isOwn = 'values' in input
  useEffect(() => {
    if (!isOwn) {
      before.current = input
      setStrokes([])
    }
  }, [input])
  useEffect(() => () => clearTimeout(later.current?.timer), [])

  const publish = (): void => {
    const drawn = later.current?.strokes ?? []
    later.current = undefined
    selection.input.value = drawn.length > 0 ? { values: prepare(drawn, field, side) } : before.current
  }
  const take = (next: readonly Stroke[]): void => {
    setStrokes(next)
    if (later.current) later.current.strokes = next
    else later.current = { strokes: next, timer: setTimeout(publish, every) }
  }
  const answer = useTextQuestion('prediction', { run, input })
  const given = isOwn || answer.value ? answer.value : undefined
  const activations = useQuestion('activations', {
    run,
    modules: layersOf(info).map(({ path }) => path),
    input,
    aspect: 'value',
  })
  return (
    <Panel title="Draw a digit" stamp={answer.value?.stamp} class="draw">
      <div class="draw-row">
        <div class="draw-field">
          <Pad strokes={strokes} onStrokes={take} />
          <div class="row">
            <IconButton
              glyph="undo"
              name="Take the last line back"
              disabled={strokes.length === 0}
              onClick={() => take(strokes.slice(0, -1))}
            />
            <button type="button" disabled={strokes.length === 0} onClick={() => take([])}>
              Clear
            </button>
          </div>
        </div>
        <div class="draw-given">
          <Given picture={() => given?.input} side={side} />
          <p class="muted small">
            {isOwn ? 'What the network is given: your digit' : 'Until you draw: a digit of the data'}, {side} × {side}{' '}
            pixels
          </p>
          {isOwn && <Compare run={run} info={info} values={input.values} side={side} />}
        </div>
        <ClassBars
          labels={info.labels}
          probabilities={given?.probabilities?.values}
          target={isOwn ? undefined : given?.target?.[0]}
        />
      </div>
      <details open>
        <summary>What each layer makes of it</summary>
        <LayerMaps info={info} activations={activations} picture={() => answer.value?.input} scope="map" />
      </details>
    </Panel>
  )
}

function Given({ picture, side }: { readonly picture: () => Numbers | undefined; readonly side: number }): JSX.Element {
  const canvas = useCanvas((context, width, height) => {
    const numbers = picture()
    if (numbers) drawMap(context, numbers.values, [side, side], fitted([side, side], width, height), { tint: 'ink' })
  })
  return (
    <div class="given-picture">
      <canvas ref={canvas} role="img" aria-label="The pixels that the network is given" />
    </div>
  )
}

/** Test samples that a drawing is compared with. */
const compared = 200

/** The drawing beside the digits of the data: a network can only know what looks like what it has seen. */
function Compare({
  run,
  info,
  values,
  side,
}: ViewProps & { readonly values: Float32Array; readonly side: number }): JSX.Element | null {
  const data = useDataStatistics(run, info, side)
  if (!data) return null
  const own = statistics(values, side)
  const rows = [
    ['ink', 'ink'],
    ['across', 'x'],
    ['down', 'y'],
    ['side', 'extent'],
  ] as const
  return (
    <table
      class="compare figures"
      title="Mean darkness, centre of mass, longer side; of the data what nine in ten have"
    >
      <thead>
        <tr>
          <td />
          <th scope="col">yours</th>
          <th scope="col">the data</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, key]) => (
          <tr key={key}>
            <th scope="row">{name}</th>
            <td>{number(own[key])}</td>
            <td>
              {number(data.low[key])}–{number(data.high[key])}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

interface Range {
  readonly low: Statistics
  readonly high: Statistics
}

/** Between what nine tenths of the digits lie. */
function useDataStatistics(run: number, info: RunInfo, side: number): Range | undefined {
  const { client } = useLab()
  const [range, setRange] = useState<Range | undefined>(undefined)
  useEffect(() => {
    let left = false
    void client.ask('samples', { run, part: 'test', from: 0, count: compared }).then(({ inputs }) => {
      const all = Array.from({ length: inputs.shape[0] }, (_, i) => statistics(inputs.values, side, i * side * side))
      const at = (key: keyof Statistics, share: number): number =>
        all.map((each) => each[key]).sort((a, b) => a - b)[Math.round(share * (all.length - 1))] ?? 0
      const of = (share: number): Statistics => ({
        ink: at('ink', share),
        x: at('x', share),
        y: at('y', share),
        extent: at('extent', share),
        darkness: at('darkness', share),
      })
      if (!left) setRange({ low: of(0.05), high: of(0.95) })
    })
    return () => {
      left = true
    }
  }, [client, run, info, side])
  return range
}

export const draw: View = {
  id: 'draw',
  title: 'Draw a digit',
  about: 'A digit of your own: what the network says of it while you draw, and what each layer makes of it.',
  fits: ({ spec, inputShape }) => spec.data.kind === 'digits' && inputShape.length === 3,
  Component: DrawView,
}
