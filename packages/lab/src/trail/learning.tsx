/**
 * The small live picture of the first page: a network that learns for some seconds, in a worker of its own, so that what
 * is open in the studio stays as it is. Who wants no motion sees the same network when it has learned.
 */
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { planeSpec } from '../spec/presets.ts'
import { Client } from '../state/client.ts'
import { classColour, colours, css, drawMark } from '../ui/colour.ts'
import { percent } from '../ui/format.ts'
import { invalidate, useCanvas } from '../ui/frame.ts'
import type { Numbers, Questions } from '../worker/protocol.ts'

const spec = planeSpec('pinwheel', [12, 8], { classes: 5, samples: 400, noise: 0.01 })
/** Steps a second, and how many are made. */
const [rate, steps] = [60, 420]
const size = 60
/** Half the side of the plane. */
const reach = 6

export function Learning(): JSX.Element {
  const seen = useRef<{ maps?: Numbers; points?: Questions['points']['answer'] }>({}).current
  const [said, say] = useState<{ epoch: number; accuracy: number } | undefined>(undefined)
  useEffect(() => {
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches
    let client: Client | undefined
    const begin = async (): Promise<void> => {
      client = new Client()
      const own = client
      let watched = (): void => {}
      own.onFailure = () => own.close()
      own.onProgress = ({ stamp, scores, running }) => {
        if (still && running) return
        if (scores) say({ epoch: stamp.epoch, accuracy: scores.test.accuracy ?? 0 })
        if (running && stamp.step >= steps) void own.order('pause', { run: 0 })
        // Learned enough: the picture stays, the worker goes once the last answer is there.
        if (!running && stamp.step >= steps) {
          void own.ask('responses', { run: 0, size }).then((answer) => {
            take(answer.output)
            watched()
            own.close()
          })
        }
      }
      const take = (maps: Numbers): void => {
        seen.maps = maps
        invalidate()
      }
      await own.order('open', { spec })
      seen.points = await own.ask('points', { run: 0, part: 'train' })
      if (still) return void own.order('advance', { run: 0, steps })
      watched = own.watch('responses', { run: 0, size }, ({ output }) => take(output))
      void own.order('train', { run: 0, rate })
    }
    // The page first, then its picture.
    const later = setTimeout(() => void begin().catch(() => client?.close()), 250)
    return () => {
      clearTimeout(later)
      client?.close()
    }
  }, [seen])
  const canvas = useCanvas((context, width, height) => {
    const { maps, points } = seen
    if (maps) drawClasses(context, maps, width, height)
    for (let i = 0; i < (points?.targets.length ?? 0); i++) {
      if (!points) break
      const x = ((points.points[2 * i] / reach + 1) / 2) * width
      const y = ((1 - points.points[2 * i + 1] / reach) / 2) * height
      drawMark(context, points.targets[i], x, y, 2.6)
      context.fillStyle = css(classColour(points.targets[i]))
      context.fill()
      context.strokeStyle = colours().surface
      context.lineWidth = 0.75
      context.stroke()
    }
  })
  return (
    <figure class="learning">
      <div>
        <canvas
          ref={canvas}
          role="img"
          aria-label="The plane, divided by a network that learns to tell five groups of points apart"
        />
      </div>
      <figcaption class="muted">
        {said ? (
          <>
            Twenty hidden neurons, five groups of points.{' '}
            <span class="figures">
              epoch {said.epoch} · {percent(said.accuracy)} right
            </span>
          </>
        ) : (
          'A network is about to learn here.'
        )}
      </figcaption>
    </figure>
  )
}

/** Each place in the colour of the likeliest class, paler where the network is less sure. */
function drawClasses(
  context: CanvasRenderingContext2D,
  { values, shape }: Numbers,
  width: number,
  height: number,
): void {
  const [classes, side] = shape
  const places = side * side
  const ground = colours().zero
  const image = context.createImageData(side, side)
  for (let i = 0; i < places; i++) {
    let best = 0
    for (let k = 1; k < classes; k++) if (values[k * places + i] > values[best * places + i]) best = k
    const sure = Math.max(0, (values[best * places + i] - 1 / classes) / (1 - 1 / classes)) * 0.6
    const full = classColour(best)
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = ground[c] + (full[c] - ground[c]) * sure
    image.data[4 * i + 3] = 255
  }
  const small = new OffscreenCanvas(side, side)
  small.getContext('2d')?.putImageData(image, 0, 0)
  context.imageSmoothingEnabled = true
  context.imageSmoothingQuality = 'high'
  context.drawImage(small, 0, 0, width, height)
}
