/** Loss and accuracy over the steps, of the training and of the test part. */
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import './curves.css'
import { useSignalEffect } from '@preact/signals'
import { useLab } from '../../state/ask.ts'
import type { Curves } from '../../state/curves.ts'
import { colours, css } from '../../ui/colour.ts'
import { Panel, Toggle } from '../../ui/controls.tsx'
import { number, percent } from '../../ui/format.ts'
import type { View, ViewProps } from '../view.ts'

type Column = (number | null)[]

/** Pixels of the picture; the legend stands below it, in as many lines as it needs. */
const plotHeight = 190

/** The steps of both kinds of points in one row, as the chart wants them. */
function columns(curves: Curves, perEpoch: number, log: boolean): [number[], Column, Column, Column] {
  const at = new Map<number, [number | null, number | null, number | null]>()
  const fit = (value: number): number | null => (Number.isFinite(value) && (!log || value > 0) ? value : null)
  for (let i = 0; i < curves.count; i++) at.set(curves.steps[i], [fit(curves.mean[i]), null, null])
  for (const { step, train, test } of curves.scores) {
    const row = at.get(step) ?? [null, null, null]
    row[1] = fit(train.loss)
    row[2] = fit(test.loss)
    at.set(step, row)
  }
  const rows = [...at].sort(([a], [b]) => a - b)
  const column = (k: 0 | 1 | 2): Column => rows.map(([, row]) => row[k])
  return [rows.map(([step]) => step / perEpoch), column(0), column(1), column(2)]
}

function CurvesView({ run, info }: ViewProps): JSX.Element {
  const lab = useLab()
  const holder = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const [log, setLog] = useState(false)
  const drawn = useRef(0)

  useEffect(() => {
    const box = holder.current
    if (!box) return
    const { muted, line, positive, negative, ink } = colours()
    const axis: uPlot.Axis = {
      stroke: muted,
      grid: { stroke: line, width: 1 },
      ticks: { stroke: line },
      font: '11px system-ui',
    }
    const series = (label: string, stroke: string, extra: Partial<uPlot.Series> = {}): uPlot.Series => ({
      label,
      stroke,
      width: 1.75,
      spanGaps: true,
      points: { show: false },
      value: (_, value) => (value === null ? '–' : number(value)),
      ...extra,
    })
    plot.current = new uPlot(
      {
        width: box.clientWidth,
        height: plotHeight,
        scales: { x: { time: false }, y: { distr: log ? 3 : 1 } },
        axes: [
          { ...axis, label: 'epoch', labelSize: 18, labelFont: '11px system-ui' },
          { ...axis, size: 52, values: (_, ticks) => ticks.map((value) => (value === null ? '' : number(value, 2))) },
        ],
        series: [
          { label: 'epoch', value: (_, value) => (value === null ? '–' : number(value, 4)) },
          series('batch', css(positive, 0.35), { width: 1 }),
          series('training', css(positive)),
          series('test', css(negative), { dash: [6, 3] }),
        ],
        cursor: { drag: { x: true, y: false } },
        legend: { live: true },
      },
      [[], [], [], []],
      box,
    )
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: box.clientWidth, height: plotHeight }))
    resized.observe(box)
    drawn.current = 0
    void ink
    return () => {
      resized.disconnect()
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [log])

  useSignalEffect(() => {
    const state = lab.runs.value.get(run)
    if (!state || !plot.current) return
    const now = performance.now()
    if (state.progress.running && now - drawn.current < 100) return
    drawn.current = now
    plot.current.setData(columns(state.curves, info.stepsPerEpoch, log))
  })

  const scores = lab.runs.value.get(run)?.progress.scores
  return (
    <Panel
      title="Loss"
      stamp={lab.runs.value.get(run)?.progress.stamp}
      actions={<Toggle label="log" on={log} onChange={setLog} />}
    >
      <div ref={holder} class="curves" role="img" aria-label="Loss over the epochs" />
      {scores && (
        <div class="row figures">
          <span>training {number(scores.train.loss)}</span>
          <span>test {number(scores.test.loss)}</span>
          {scores.test.accuracy !== undefined && (
            <span>
              accuracy {percent(scores.train.accuracy ?? 0)} · test {percent(scores.test.accuracy)}
            </span>
          )}
        </div>
      )}
    </Panel>
  )
}

export const curves: View = {
  id: 'curves',
  title: 'Loss',
  about: 'Loss of each batch, and of the whole training and test parts, over the epochs.',
  fits: () => true,
  Component: CurvesView,
}
