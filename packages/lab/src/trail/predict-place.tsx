/** A place of the plane to choose: with the pointer, or with the arrow keys and Enter. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { classColour, colours, css, drawMark, signed } from '../ui/colour.ts'
import { useCanvas } from '../ui/frame.ts'
import type { Questions } from '../worker/protocol.ts'
import type { PlacePrediction } from './chapter.ts'
import type { Asking } from './predict.tsx'
import { Inline } from './text.tsx'

/** Half the side of the plane. */
const reach = 6
type Place = readonly [x: number, y: number]
const isPlace = (given: unknown): given is Place => Array.isArray(given) && given.length === 2

const moves: Readonly<Record<string, Place>> = {
  ArrowLeft: [-0.5, 0],
  ArrowRight: [0.5, 0],
  ArrowUp: [0, 0.5],
  ArrowDown: [0, -0.5],
}

export function PredictPlace({ asked, scene, given, answer }: Asking<PlacePrediction>): JSX.Element {
  const [place, setPlace] = useState<Place>([0, 0])
  const [points, setPoints] = useState<Questions['points']['answer'] | undefined>(undefined)
  const info = scene.lab.info.value
  const run = info?.run ?? 0
  useEffect(() => {
    void scene.lab.client.ask('points', { run, part: 'train' }).then(setPoints)
  }, [scene, run, info])
  const fixed = isPlace(given)
  const shown = fixed ? given : place
  const canvas = useCanvas((context, width, height) => {
    const { ink, surface, line, accent } = colours()
    const at = ([x, y]: Place): Place => [((x / reach + 1) / 2) * width, ((1 - y / reach) / 2) * height]
    context.strokeStyle = line
    context.strokeRect(0.5, 0.5, width - 1, height - 1)
    for (let i = 0; i < (points?.targets.length ?? 0); i++) {
      if (!points) break
      const target = points.targets[i]
      const [x, y] = at([points.points[2 * i], points.points[2 * i + 1]])
      drawMark(context, info?.task === 'class' ? target : Number(target > 0), x, y, 3)
      context.fillStyle = css(info?.task === 'class' ? classColour(target) : signed(target))
      context.fill()
      context.strokeStyle = surface
      context.stroke()
    }
    const [x, y] = at(shown)
    context.lineWidth = 2
    context.strokeStyle = fixed ? accent : ink
    context.beginPath()
    context.arc(x, y, 8, 0, 2 * Math.PI)
    context.moveTo(x - 13, y)
    context.lineTo(x + 13, y)
    context.moveTo(x, y - 13)
    context.lineTo(x, y + 13)
    context.stroke()
  })
  const reply = fixed ? asked.reply(given, scene) : undefined
  return (
    <>
      <button
        type="button"
        class="plane-picker"
        disabled={fixed}
        aria-label={`A place of the plane: ${shown[0].toFixed(1)}, ${shown[1].toFixed(1)}. Arrow keys move it, Enter chooses it.`}
        onKeyDown={(event) => {
          const move = moves[event.key]
          if (!move) return
          event.preventDefault()
          event.stopPropagation()
          const within = (value: number): number => Math.max(-reach, Math.min(reach, value))
          setPlace(([x, y]) => [within(x + move[0]), within(y + move[1])])
        }}
        onClick={(event) => {
          // A click by keyboard has no place of its own.
          if (event.detail === 0) return answer(place)
          const box = event.currentTarget.getBoundingClientRect()
          const part = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
          answer([(2 * part[0] - 1) * reach, (1 - 2 * part[1]) * reach])
        }}
      >
        <canvas ref={canvas} />
      </button>
      <p role="status">{reply && <Inline text={reply.text} />}</p>
    </>
  )
}
