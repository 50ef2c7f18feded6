/**
 * Loss or accuracy over the epochs: of each batch (raw, with its spread, and smoothed), of the whole training part and
 * of the test part. The pointer or the arrow keys read the values at a place. What is drawn: columns.ts.
 */
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import './curves.css'
import { useSignalEffect } from '@preact/signals'
import { useLab } from '../../state/ask.ts'
import { colours, css } from '../../ui/colour.ts'
import { Panel, Toggle } from '../../ui/controls.tsx'
import { number, percent } from '../../ui/format.ts'
import type { View, ViewProps } from '../view.ts'
import { type Columns, columnsOf, valueAt } from './columns.ts'

const plotHeight = 200
/** Milliseconds between two pictures while training. */
const drawEvery = 100
/** How much of the mean before stays, where smoothing is on. */
const smoothing = 0.9

const names = ['batch', 'smooth', 'train', 'test'] as const
const words: Readonly<Record<(typeof names)[number], string>> = {
  batch: 'batch',
  smooth: 'smoothed',
  train: 'training part',
  test: 'test part',
}

/** The chart in `box`, of no data yet; `onPlace` hears which column the cursor is on. */
function chart(
  box: HTMLElement,
  log: boolean,
  write: (value: number) => string,
  onPlace: (at: number | undefined) => void,
): uPlot {
  const { muted, line, positive, negative } = colours()
  const axis: uPlot.Axis = {
    stroke: muted,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line },
    font: '11px system-ui',
  }
  const series = (stroke: string, extra: Partial<uPlot.Series> = {}): uPlot.Series => ({
    stroke,
    width: 1.75,
    spanGaps: true,
    points: { show: false },
    ...extra,
  })
  const hidden = series('transparent', { width: 0 })
  return new uPlot(
    {
      width: box.clientWidth,
      height: plotHeight,
      scales: { x: { time: false }, y: { distr: log ? 3 : 1 } },
      axes: [
        { ...axis, label: 'epoch', labelSize: 16, labelFont: '11px system-ui', size: 32 },
        { ...axis, size: 54, values: (_, ticks) => ticks.map((value) => (value === null ? '' : write(value))) },
      ],
      series: [
        {},
        hidden,
        hidden,
        series(css(positive, 0.4), { width: 1 }),
        series(css(positive, 0.85), { width: 2 }),
        series(css(positive), { width: 2.25 }),
        series(css(negative), { width: 2.25, dash: [7, 4] }),
      ],
      bands: [{ series: [2, 1], fill: css(positive, 0.12) }],
      cursor: { drag: { x: true, y: false }, points: { size: 6 } },
      legend: { show: false },
      hooks: { setCursor: [({ cursor }) => onPlace(cursor.idx ?? undefined)] },
    },
    [[], [], [], [], [], [], []],
    box,
  )
}

function CurvesView({ run, info }: ViewProps): JSX.Element {
  const lab = useLab()
  const holder = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const data = useRef<Columns | undefined>(undefined)
  const drawn = useRef(0)
  const [log, setLog] = useState(false)
  const [smooth, setSmooth] = useState(false)
  const [wanted, want] = useState<'loss' | 'accuracy'>('loss')
  const [place, setPlace] = useState<number | undefined>(undefined)
  const says = lab.runs.value.get(run)?.progress.scores
  const hasAccuracy = info.task !== 'number'
  const quantity = hasAccuracy ? wanted : 'loss'
  const isLog = log && quantity === 'loss'
  const write = quantity === 'loss' ? number : percent

  const draw = (): void => {
    const state = lab.runs.peek().get(run)
    if (!state || !plot.current) return
    const options = { quantity, stepsPerEpoch: info.stepsPerEpoch, log: isLog, smoothing: smooth ? smoothing : 0 }
    const { epochs, low, high, batch, smooth: mean, train, test } = (data.current = columnsOf(state.curves, options))
    plot.current.setData([epochs, low, high, batch, mean, train, test])
  }

  useEffect(() => {
    const box = holder.current
    if (!box) return
    const short = (value: number): string => (quantity === 'loss' ? number(value, 2) : `${Math.round(100 * value)} %`)
    plot.current = chart(box, isLog, short, setPlace)
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: box.clientWidth, height: plotHeight }))
    resized.observe(box)
    draw()
    return () => {
      resized.disconnect()
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [isLog, smooth, quantity, run, info])

  useSignalEffect(() => {
    const state = lab.runs.value.get(run)
    const now = performance.now()
    if (!state || (state.progress.running && now - drawn.current < drawEvery)) return
    drawn.current = now
    draw()
  })

  /** The arrow keys move the cursor from point to point. */
  const walk = (event: KeyboardEvent): void => {
    const last = (data.current?.epochs.length ?? 0) - 1
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -last, End: last }[event.key]
    if (by === undefined || last < 0 || !plot.current || !data.current) return
    event.preventDefault()
    event.stopPropagation()
    const at = Math.max(0, Math.min(last, (place ?? last) + by))
    plot.current.setCursor({ left: plot.current.valToPos(data.current.epochs[at], 'x'), top: 0 })
    setPlace(at)
  }

  const columns = data.current
  const at = place ?? (columns?.epochs.length ?? 0) - 1
  const lines = names.filter(
    (name) => (quantity === 'loss' || name === 'train' || name === 'test') && (name !== 'smooth' || smooth),
  )
  const epoch = columns && at >= 0 && place !== undefined ? columns.epochs[at] : undefined
  const text = (name: (typeof names)[number]): string => {
    if (epoch === undefined && (name === 'train' || name === 'test')) {
      const value = says?.[name][quantity]
      return value === undefined ? '–' : write(value)
    }
    const value = columns ? valueAt(columns[name], at) : null
    return value === null ? '–' : write(value)
  }
  return (
    <Panel
      title={quantity === 'loss' ? 'Loss' : 'Accuracy'}
      stamp={lab.runs.value.get(run)?.progress.stamp}
      actions={
        <>
          {hasAccuracy && (
            <Toggle label="accuracy" on={wanted === 'accuracy'} onChange={(on) => want(on ? 'accuracy' : 'loss')} />
          )}
          {quantity === 'loss' && (
            <Toggle label="log" on={log} onChange={setLog} hint="Equal factors take equal room." />
          )}
          {quantity === 'loss' && (
            <Toggle
              label="smooth"
              on={smooth}
              onChange={setSmooth}
              hint="A moving mean over the raw losses of batches."
            />
          )}
        </>
      }
    >
      <div
        ref={holder}
        class="curves"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys read values out
        tabIndex={0}
        aria-label={`${quantity} over the epochs; arrow keys read the values at a place`}
        onKeyDown={walk}
        onBlur={() => setPlace(undefined)}
      />
      <dl class="curve-values">
        <div>
          <dt>epoch</dt>
          <dd>{epoch === undefined ? 'now' : number(epoch, 4)}</dd>
        </div>
        {lines.map((name) => (
          <div key={name}>
            <dt>
              <span class={`stroke ${name}`} aria-hidden="true" />
              {words[name]}
            </dt>
            <dd>{text(name)}</dd>
          </div>
        ))}
      </dl>
      <span class="hidden-text" aria-live="polite">
        {epoch !== undefined &&
          `Epoch ${number(epoch, 4)}: ${lines.map((name) => `${words[name]} ${text(name)}`).join(', ')}`}
      </span>
    </Panel>
  )
}

export const curves: View = {
  id: 'curves',
  title: 'Loss',
  about: 'Loss of each batch, and loss and accuracy of the whole training and test parts, over the epochs.',
  fits: () => true,
  Component: CurvesView,
}
