/** All samples with the loss of each: as points to choose among, and as bars, the largest first, with their mean. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useQuestion } from '../../state/ask.ts'
import { classColour, colours, css } from '../../ui/colour.ts'
import { Panel, Slider } from '../../ui/controls.tsx'
import { number, percent } from '../../ui/format.ts'
import { useCanvas } from '../../ui/frame.ts'
import type { StageProps } from '../chapter.ts'
import { LiveFormula } from '../live-formula.tsx'
import { outputMap, type Place, Plane, usePoints } from './plane.tsx'

export function Samples({ run, info, scene }: StageProps): JSX.Element {
  const [chosen, setChosen] = useState(0)
  const responses = useQuestion('responses', { run, size: 40 })
  const outcomes = useQuestion('outcomes', { run, part: 'train' }, { render: true }).value
  const points = usePoints(info)
  const order = outcomes
    ? Array.from(outcomes.losses.keys()).sort((a, b) => outcomes.losses[b] - outcomes.losses[a])
    : []
  const rank = order.indexOf(chosen)
  const mean = outcomes ? outcomes.losses.reduce((sum, each) => sum + each, 0) / outcomes.losses.length : 0
  useEffect(() => {
    if (!outcomes) return
    scene.notice('rank', rank)
    scene.notice('mean', mean)
    if (!points) return
    scene.notice('worst x', points.points[2 * order[0]])
    scene.notice('worst y', points.points[2 * order[0] + 1])
  }, [outcomes, points, rank, mean, scene])
  const show = scene.fact('show')
  useEffect(() => {
    if (show && order.length > 0) setChosen(order[0])
  }, [show])
  const canvas = useCanvas((context, width, height) => {
    if (!outcomes) return
    const { accent, ink, muted } = colours()
    const { losses, targets } = outcomes
    const most = Math.max(0.7, losses[order[0]])
    const wide = (width - 44) / order.length
    const y = (value: number): number => height - 16 - (value / most) * (height - 28)
    order.forEach((sample, i) => {
      context.fillStyle = sample === chosen ? accent : css(classColour(targets[sample]), 0.85)
      context.fillRect(40 + i * wide, y(losses[sample]), Math.max(1, wide - 1), height - 16 - y(losses[sample]))
    })
    if (rank >= 0) {
      context.fillStyle = accent
      context.beginPath()
      const x = 40 + (rank + 0.5) * wide
      context.moveTo(x, height - 14)
      context.lineTo(x - 5, height - 4)
      context.lineTo(x + 5, height - 4)
      context.fill()
    }
    context.strokeStyle = ink
    context.setLineDash([5, 4])
    context.beginPath()
    context.moveTo(40, y(mean))
    context.lineTo(width, y(mean))
    context.stroke()
    context.setLineDash([])
    context.font = '11px system-ui'
    context.fillStyle = ink
    context.textAlign = 'right'
    context.fillText(`mean ${number(mean)}`, width - 4, y(mean) - 5)
    context.fillStyle = muted
    context.fillText(number(most, 2), 36, 18)
    context.fillText('0', 36, height - 16)
  })
  const near = ([x, y]: Place): void => {
    if (!points) return
    const away = (i: number): number => Math.hypot(points.points[2 * i] - x, points.points[2 * i + 1] - y)
    setChosen(Array.from(points.targets.keys()).reduce((best, i) => (away(i) < away(best) ? i : best), 0))
  }
  const target = outcomes?.targets[chosen] ?? 0
  const p = outcomes?.probabilities?.values[2 * chosen + target] ?? 0
  return (
    <div class="stage-views">
      <Panel title="The points it learns from" stamp={outcomes?.stamp}>
        <Plane
          info={info}
          label={`What the network says at each place, and ${info.trainCount} points; sample ${chosen + 1} is chosen`}
          responses={responses}
          map={(answer) => outputMap(answer, info.task)}
          boundary
          points={points}
          ringed={chosen}
          onProbe={near}
        />
        <Slider
          label="sample"
          value={chosen + 1}
          min={1}
          max={info.trainCount}
          step={1}
          onInput={(value) => setChosen(value - 1)}
          hint="Or click a point"
        />
      </Panel>
      <Panel title="Its loss, and all the others">
        {outcomes && (
          <>
            <p>
              Sample {chosen + 1} is of class <strong>{info.labels[target]}</strong>. The network gives that class{' '}
              <strong class="figures">{percent(p)}</strong>.
            </p>
            <LiveFormula tex={`-\\ln ${p.toFixed(3)} = ${outcomes.losses[chosen].toFixed(3)}`} />
            <p class="muted small">
              {rank + 1}
              {['st', 'nd', 'rd'][rank % 10 < 3 && Math.floor(rank / 10) !== 1 ? rank % 10 : 3] ?? 'th'} largest of{' '}
              {order.length}.
            </p>
          </>
        )}
        <div class="sample-bars">
          <canvas
            ref={canvas}
            role="img"
            aria-label={`The losses of all samples, the largest first; their mean is ${number(mean)}`}
          />
        </div>
        <p class="muted small">
          One bar for each sample, the largest loss first. The mean of all is the number that training makes small.
        </p>
      </Panel>
    </div>
  )
}
