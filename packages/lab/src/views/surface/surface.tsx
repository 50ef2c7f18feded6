/** What the network says at each place of the plane, with the points it learns from. */
import { useSignalEffect } from '@preact/signals'
import type { JSX, TargetedMouseEvent } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { useLab, useQuestion } from '../../state/ask.ts'
import { classPicture } from '../../ui/class-picture.ts'
import { classColour, colours, css, drawCells, drawMark, largestSize, signed } from '../../ui/colour.ts'
import { Panel, Toggle } from '../../ui/controls.tsx'
import { invalidate, useCanvas } from '../../ui/frame.ts'
import type { Questions, SampleRef } from '../../worker/protocol.ts'
import { allOpen, columnFor, nameOf } from '../network/columns.ts'
import type { View, ViewProps } from '../view.ts'

/** Half the side of the plane. */
const reach = 6
const cells = 50

/** Where a point stands in the picture of a side of `width` pixels. */
const toPixels = (points: Float32Array, i: number, width: number): [x: number, y: number] => [
  ((points[2 * i] / reach + 1) / 2) * width,
  ((1 - points[2 * i + 1] / reach) / 2) * width,
]

function SurfaceView({ run, info }: ViewProps): JSX.Element {
  const lab = useLab()
  const [discrete, setDiscrete] = useState(false)
  const [tests, setTests] = useState(false)
  const responses = useQuestion('responses', { run, size: cells })
  const [points, setPoints] = useState<Partial<Record<'train' | 'test', Questions['points']['answer']>>>({})
  useEffect(() => {
    let left = false
    for (const part of ['train', 'test'] as const) {
      lab.client.ask('points', { run, part }).then(
        (answer) => !left && setPoints((old) => ({ ...old, [part]: answer })),
        // Another network, without points, may have been opened meanwhile.
        () => !left && setPoints({}),
      )
    }
    return () => {
      left = true
    }
  }, [lab, run, info])

  const { selection } = lab
  const diagram = useMemo(() => allOpen(info), [info])
  /** What the chosen unit says at each place. */
  const unitMap = (): { readonly size: number; readonly values: Float32Array } | undefined => {
    const chosen = selection.shown.peek()
    const answer = responses.value
    if (chosen?.kind !== 'unit' || !answer) return undefined
    const maps = answer.modules.find(({ path }) => path === chosen.module)?.maps
    const places = answer.size * answer.size
    if (maps?.shape.length !== 3 || (chosen.unit + 1) * places > maps.values.length) return undefined
    return { size: answer.size, values: maps.values.subarray(chosen.unit * places, (chosen.unit + 1) * places) }
  }
  const canvas = useCanvas((context, width, height) => {
    const place = { x: 0, y: 0, width, height }
    const answer = responses.value
    const unit = unitMap()
    if (unit) {
      const scale = largestSize(unit.values)
      drawCells(context, unit.values, [unit.size, unit.size], place, { smooth: !discrete, scale })
    } else if (answer) {
      const size = [answer.size, answer.size] as const
      if (info.task === 'class') {
        const { data, colour } = classPicture(answer.output, discrete)
        drawCells(context, data, size, place, { smooth: !discrete, colour })
      } else
        drawCells(context, answer.output.values, size, place, {
          smooth: true,
          colour: discrete ? (v) => signed(Math.sign(v)) : signed,
        })
    }
    const { accent, surface } = colours()
    const draw = ({ points, targets }: Questions['points']['answer'], filled: boolean): void => {
      targets.forEach((target, i) => {
        const [x, y] = toPixels(points, i, width)
        const label = info.task === 'class' ? target : target > 0 ? 1 : 0
        drawMark(context, label, x, y, 3.4)
        const fill = css(info.task === 'class' ? classColour(target) : signed(target))
        context.fillStyle = filled ? fill : surface
        context.strokeStyle = filled ? surface : fill
        context.lineWidth = filled ? 1 : 1.6
        context.fill()
        context.stroke()
      })
    }
    if (points.train) draw(points.train, true)
    if (tests && points.test) draw(points.test, false)
    const input = selection.input.peek()
    const chosen = 'part' in input ? points[input.part] : undefined
    if ('index' in input && chosen && 2 * input.index + 1 < chosen.points.length) {
      const [x, y] = toPixels(chosen.points, input.index, width)
      context.strokeStyle = accent
      context.lineWidth = 2.5
      context.beginPath()
      context.arc(x, y, 9, 0, 2 * Math.PI)
      context.stroke()
    }
  })
  useSignalEffect(() => {
    void [selection.shown.value, selection.input.value]
    invalidate(canvas.current)
  })
  /** The point near a click becomes the sample that all views look at. */
  const choose = (event: TargetedMouseEvent<HTMLElement>): void => {
    const box = event.currentTarget.getBoundingClientRect()
    let [nearest, distance] = [undefined as SampleRef | undefined, 22]
    for (const part of tests ? (['train', 'test'] as const) : (['train'] as const)) {
      const { points: places } = points[part] ?? { points: new Float32Array() }
      for (let index = 0; 2 * index < places.length; index++) {
        const [x, y] = toPixels(places, index, box.width)
        const away = Math.hypot(x - (event.clientX - box.left), y - (event.clientY - box.top))
        if (away < distance) [nearest, distance] = [{ part, index }, away]
      }
    }
    if (nearest) selection.input.value = nearest
  }
  const shown = selection.shown.value
  const column = shown?.kind === 'unit' ? columnFor(diagram, shown.module) : undefined
  const title =
    column?.shape.length === 1 && shown?.kind === 'unit' && column.id !== 'input'
      ? `${nameOf(column, diagram)}, unit ${shown.unit + 1}`
      : 'Output'
  return (
    <Panel
      title={title}
      stamp={lab.runs.value.get(run)?.progress.stamp}
      actions={
        <>
          <Toggle label="test points" on={tests} onChange={setTests} />
          <Toggle label="sharp" on={discrete} onChange={setDiscrete} hint="Colours without shades: which class wins." />
        </>
      }
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the sample's view goes to every point by keyboard */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the same */}
      <div
        style={{ aspectRatio: '1', width: '100%', maxWidth: '460px', margin: '0 auto', cursor: 'crosshair' }}
        onClick={choose}
      >
        <canvas
          ref={canvas}
          role="img"
          aria-label={`What the network says over the plane, and ${info.trainCount} training points`}
        />
      </div>
    </Panel>
  )
}

export const surface: View = {
  id: 'surface',
  title: 'Output',
  about: 'The class or number that the network gives at each place of the plane, and the points.',
  fits: ({ spec }) => spec.data.kind === 'plane' || spec.data.kind === 'points',
  Component: SurfaceView,
}
