/** Two runs over one another: their losses on the same axes, and a table of what differs between them. */
import { useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { differences } from '../../spec/differences.ts'
import { useLab } from '../../state/ask.ts'
import type { RunState } from '../../state/lab.ts'
import { classColour, colours, css } from '../../ui/colour.ts'
import { Panel, Toggle } from '../../ui/controls.tsx'
import { count, number, percent } from '../../ui/format.ts'
import { invalidate, useCanvas } from '../../ui/frame.ts'
import type { View, ViewProps } from '../view.ts'
import './compare.css'

/** Colours that stand for no sign and no sample: those of classes 2 and 3. */
const colourOf = (place: number): string => css(classColour(2 + place))

interface Point {
  readonly epoch: number
  readonly loss: number
}

function pointsOf({ curves, info }: RunState, part: 'train' | 'test'): Point[] {
  return curves.scores.map((score) => ({ epoch: score.step / info.stepsPerEpoch, loss: score[part].loss }))
}

function CompareView({ run }: ViewProps): JSX.Element {
  const lab = useLab()
  const [log, setLog] = useState(true)
  const [one, other] = [lab.runs.value.get(run), lab.runs.value.get(lab.beside.value ?? -1)]
  const canvas = useCanvas((context, width, height) => {
    const pair = [lab.runs.peek().get(run), lab.runs.peek().get(lab.beside.peek() ?? -1)]
    draw(context, width, height, pair, log)
  })
  useSignalEffect(() => {
    void lab.runs.value
    invalidate(canvas.current)
  })
  if (!one || !other) {
    return (
      <Panel title="Compare">
        <p class="muted">Branch the run, or choose another one to stand beside it.</p>
      </Panel>
    )
  }
  return (
    <Panel title="Compare" class="compare" actions={<Toggle label="log" on={log} onChange={setLog} />}>
      <p class="legend small">
        {[one, other].map(({ info }, place) => (
          <span key={info.run}>
            <i class={place === 0 ? 'full' : 'thin'} style={{ borderColor: colourOf(place) }} /> run {info.run}
          </span>
        ))}
        <span class="muted">solid: training · dashed: test</span>
      </p>
      <div class="plot">
        <canvas ref={canvas} role="img" aria-label={summaryOf(one, other)} />
      </div>
      <div class="wide">
        <Differences one={one} other={other} />
      </div>
    </Panel>
  )
}

const scoresOf = ({ progress }: RunState) => progress.scores

function summaryOf(one: RunState, other: RunState): string {
  const [a, b] = [scoresOf(one), scoresOf(other)]
  return a && b
    ? `Losses over the epochs: run ${one.info.run} has test loss ${number(a.test.loss)}, run ${other.info.run} ${number(b.test.loss)}`
    : 'Losses over the epochs'
}

function Differences({ one, other }: { readonly one: RunState; readonly other: RunState }): JSX.Element {
  const [a, b] = [scoresOf(one), scoresOf(other)]
  const accuracies =
    a?.test.accuracy !== undefined && b?.test.accuracy !== undefined
      ? [
          {
            name: 'test accuracy',
            values: [percent(a.test.accuracy), percent(b.test.accuracy)],
            difference: `${number(100 * (a.test.accuracy - b.test.accuracy))} points`,
          },
        ]
      : []
  const rows = [
    {
      name: 'step',
      values: [count(one.progress.stamp.step), count(other.progress.stamp.step)],
      difference: count(one.progress.stamp.step - other.progress.stamp.step).replace('-', '−'),
    },
    {
      name: 'epoch',
      values: [count(one.progress.stamp.epoch), count(other.progress.stamp.epoch)],
      difference: count(one.progress.stamp.epoch - other.progress.stamp.epoch).replace('-', '−'),
    },
    ...(a && b
      ? (['train', 'test'] as const).map((part) => ({
          name: part === 'train' ? 'training loss' : 'test loss',
          values: [number(a[part].loss), number(b[part].loss)],
          difference: number(a[part].loss - b[part].loss),
        }))
      : []),
    ...accuracies,
    ...differences(other.info.spec, one.info.spec).map(({ name, from, to }) => ({
      name,
      values: [to, from],
      difference: '',
    })),
  ]
  return (
    <table class="figures">
      <thead>
        <tr>
          <th scope="col" />
          <th scope="col">run {one.info.run}</th>
          <th scope="col">run {other.info.run}</th>
          <th scope="col">difference</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, values, difference }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{values[0]}</td>
            <td>{values[1]}</td>
            <td>{difference}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const margin = { left: 46, right: 12, top: 8, bottom: 22 }

function draw(
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  pair: readonly (RunState | undefined)[],
  log: boolean,
): void {
  const { muted, line } = colours()
  const lines = pair.flatMap((state, place) =>
    state ? (['train', 'test'] as const).map((part) => ({ points: pointsOf(state, part), part, place })) : [],
  )
  const all = lines.flatMap(({ points }) => points).filter(({ loss }) => Number.isFinite(loss) && (!log || loss > 0))
  if (all.length === 0) return
  const up = (loss: number): number => (log ? Math.log10(loss) : loss)
  const [low, high] = [Math.min(...all.map(({ loss }) => up(loss))), Math.max(...all.map(({ loss }) => up(loss)))]
  const [bottom, top] = [log ? low : Math.min(0, low), high > low ? high : low + 1]
  const last = Math.max(1e-9, ...all.map(({ epoch }) => epoch))
  const x = (epoch: number): number => margin.left + (epoch / last) * (width - margin.left - margin.right)
  const y = (loss: number): number =>
    height - margin.bottom - ((up(loss) - bottom) / (top - bottom)) * (height - margin.top - margin.bottom)
  context.font = '11px system-ui'
  context.fillStyle = muted
  context.strokeStyle = line
  context.textAlign = 'right'
  for (let i = 0; i <= 3; i++) {
    const value = bottom + ((top - bottom) * i) / 3
    const at = height - margin.bottom - ((height - margin.top - margin.bottom) * i) / 3
    context.beginPath()
    context.moveTo(margin.left, at)
    context.lineTo(width - margin.right, at)
    context.stroke()
    context.fillText(number(log ? 10 ** value : value, 2), margin.left - 6, at + 4)
  }
  context.textAlign = 'left'
  context.fillText('epoch 0', margin.left, height - 6)
  context.textAlign = 'right'
  context.fillText(`epoch ${number(last)}`, width - margin.right, height - 6)
  for (const { points, part, place } of lines) {
    context.strokeStyle = colourOf(place)
    context.lineWidth = place === 0 ? 2.25 : 1.25
    context.setLineDash(part === 'test' ? [6, 3] : [])
    context.beginPath()
    for (const { epoch, loss } of points)
      if (Number.isFinite(loss) && (!log || loss > 0)) context.lineTo(x(epoch), y(loss))
    context.stroke()
  }
  context.setLineDash([])
}

export const compare: View = {
  id: 'compare',
  title: 'Compare',
  about: 'Losses of two runs on the same axes, and what differs between them.',
  fits: ({ from }) => from !== undefined,
  Component: CompareView,
}
