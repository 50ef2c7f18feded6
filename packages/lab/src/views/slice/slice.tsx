/**
 * What a network for a table says over two of its columns, with the samples, in the units of the data. All other columns
 * are as in the chosen sample. Points of the plane have a view of their own: surface/.
 */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLab, useQuestion } from '../../state/ask.ts'
import { classPicture } from '../../ui/class-picture.ts'
import { classColour, colours, css, drawCells, drawMark, signed } from '../../ui/colour.ts'
import { Panel, Select } from '../../ui/controls.tsx'
import { number } from '../../ui/format.ts'
import { useCanvas } from '../../ui/frame.ts'
import type { View, ViewProps } from '../view.ts'

const cells = 40
/** Pixels left and below for the figures of the axes. */
const margin = { left: 54, below: 34, above: 6, right: 8 }
const ticks = 4

function SliceView({ run, info }: ViewProps): JSX.Element {
  const lab = useLab()
  const [x, setX] = useState(0)
  const [y, setY] = useState(1)
  const question = useQuestion('slice', { run, x, y, size: cells, input: lab.selection.input.value }, { render: true })
  const answer = question.value
  const columns = answer?.columns ?? []
  const canvas = useCanvas((context, width, height) => {
    const now = question.value
    const [across, up] = [now?.columns[x], now?.columns[y]]
    if (!now || !across || !up) return
    const place = {
      x: margin.left,
      y: margin.above,
      width: width - margin.left - margin.right,
      height: height - margin.above - margin.below,
    }
    if (info.task === 'class') {
      const { data, colour } = classPicture(now.output, false)
      drawCells(context, data, [cells, cells], place, { smooth: true, colour })
    } else {
      // Numbers of the data have no natural zero: colours go from the smallest to the largest target.
      const [low, high] = [Math.min(...now.targets), Math.max(...now.targets)]
      const shade = (value: number): number => (high > low ? (2 * (value - low)) / (high - low) - 1 : 0)
      drawCells(context, now.output.values.map(shade), [cells, cells], place, { smooth: true })
    }
    const { muted, surface } = colours()
    const toX = (value: number): number =>
      place.x + ((value - across.low) / (across.high - across.low || 1)) * place.width
    const toY = (value: number): number => place.y + (1 - (value - up.low) / (up.high - up.low || 1)) * place.height
    const [low, high] = [Math.min(...now.targets), Math.max(...now.targets)]
    now.targets.forEach((target, i) => {
      drawMark(context, info.task === 'class' ? target : 0, toX(now.points[2 * i]), toY(now.points[2 * i + 1]), 3.2)
      context.fillStyle = css(
        info.task === 'class' ? classColour(target) : signed(high > low ? (2 * (target - low)) / (high - low) - 1 : 0),
      )
      context.strokeStyle = surface
      context.lineWidth = 1
      context.fill()
      context.stroke()
    })
    context.fillStyle = muted
    context.font = '11px system-ui'
    for (let i = 0; i <= ticks; i++) {
      const [right, high] = [across, up].map((axis) => axis.low + ((axis.high - axis.low) * i) / ticks)
      context.textAlign = i === 0 ? 'left' : i === ticks ? 'right' : 'center'
      context.fillText(number(right), toX(right), height - margin.below + 14)
      context.textAlign = 'right'
      context.fillText(number(high), margin.left - 6, toY(high) + (i === ticks ? 9 : 4))
    }
    context.textAlign = 'center'
    context.fillText(across.name, place.x + place.width / 2, height - 5)
  })
  const options = columns.map(({ name }, i) => ({ value: String(i), text: name }))
  return (
    <Panel title="Output over two columns" stamp={answer?.stamp}>
      {question.problem && <p class="muted">{question.problem}</p>}
      <div class="row">
        <Select label="Across" value={String(x)} options={options} onChange={(value) => setX(Number(value))} />
        <Select label="Up" value={String(y)} options={options} onChange={(value) => setY(Number(value))} />
      </div>
      <div style={{ height: '340px', maxWidth: '480px' }}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={`What the network says over ${columns[x]?.name ?? ''} (across) and ${columns[y]?.name ?? ''} (up), with the training samples`}
        />
      </div>
      <p class="muted" style={{ fontSize: '0.8rem' }}>
        All other columns are as in the chosen sample.
        {info.task === 'class' &&
          ` Classes: ${info.labels.slice(0, 10).join(', ')}; each has its colour and its mark, paler is less sure.`}
      </p>
    </Panel>
  )
}

export const slice: View = {
  id: 'slice',
  title: 'Output over two columns',
  about: 'What the network says over two columns of your table, in their own units, with the samples.',
  fits: ({ spec, features }) =>
    spec.data.kind === 'table' && features.filter((name) => !name.includes(' = ')).length > 1,
  Component: SliceView,
}
