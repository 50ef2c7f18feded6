/** The stages of chapter 5: what the library's loss function says of one answer that can be dragged. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useQuestion } from '../../state/ask.ts'
import { colours, css } from '../../ui/colour.ts'
import { Panel } from '../../ui/controls.tsx'
import { useCanvas } from '../../ui/frame.ts'
import type { StageProps } from '../chapter.ts'
import { LiveFormula } from '../live-formula.tsx'
import { Group } from './group.tsx'
import { Knob, tex, two } from './knob.tsx'
import { drawFrame, type Frame } from './plot.ts'

/** Answers along the axis of the curves. */
const grid = Array.from({ length: 121 }, (_, i) => i / 120)

/** A canvas on which a value is chosen by dragging sideways; the knob beside it is the same for the keyboard. */
function Draggable({
  draw,
  onDrag,
  label,
}: {
  readonly draw: (context: CanvasRenderingContext2D, width: number, height: number) => void
  /** The place across, from 0 to 1 between the axes' ends. */
  onDrag(part: number): void
  readonly label: string
}): JSX.Element {
  const canvas = useCanvas(draw)
  const pointed = (event: PointerEvent & { readonly currentTarget: HTMLElement }): void => {
    const box = event.currentTarget.getBoundingClientRect()
    onDrag(Math.max(0, Math.min(1, (event.clientX - box.left - 40) / (box.width - 52))))
  }
  return (
    <div
      class="loss-plot can-point"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        pointed(event)
      }}
      onPointerMove={(event) => event.buttons > 0 && pointed(event)}
    >
      <canvas ref={canvas} role="img" aria-label={label} />
    </div>
  )
}

function dot(context: CanvasRenderingContext2D, frame: Frame, x: number, y: number): void {
  context.beginPath()
  context.arc(frame.x(x), frame.y(y), 6, 0, 2 * Math.PI)
  context.fillStyle = colours().accent
  context.fill()
}

function trace(context: CanvasRenderingContext2D, points: readonly (readonly [number, number])[]): void {
  context.beginPath()
  for (const [x, y] of points) context.lineTo(x, y)
  context.strokeStyle = colours().ink
  context.lineWidth = 2
  context.stroke()
}

/** Squared error: the square on the distance between answer and target. */
export function SquaredError({ run, scene, revealed }: StageProps): JSX.Element {
  const [answer, setAnswer] = useState(0.5)
  const [target, setTarget] = useState(-1)
  const [low, high] = [-2, 2]
  const places = grid.map((part) => low + part * (high - low))
  const { value } = useQuestion(
    'losses',
    {
      run,
      outputs: { shape: [places.length + 1, 1], values: Float32Array.from([...places, answer]) },
      targets: new Float32Array(places.length + 1).fill(target),
    },
    { render: true },
  )
  const loss = value?.values.at(-1)
  useEffect(() => {
    if (loss === undefined) return
    scene.notice('squared', loss)
    if (answer === 0.5 && target === -1) scene.notice('asked', loss)
  }, [loss, answer, target, scene])
  const show = scene.fact('show')
  useEffect(() => {
    if (show) setAnswer(target)
  }, [show, target])
  const draw = (context: CanvasRenderingContext2D, width: number, height: number): void => {
    const { positive, accent, ink } = colours()
    const frame = drawFrame(
      context,
      width,
      height,
      { label: 'answer', from: low, to: high, ticks: [-2, -1, 0, 1, 2] },
      { label: 'squared error', from: 0, to: 9, ticks: [0, 2, 4, 6, 8] },
    )
    context.setLineDash([4, 4])
    context.strokeStyle = ink
    context.beginPath()
    context.moveTo(frame.x(target), frame.bottom)
    context.lineTo(frame.x(target), 12)
    context.stroke()
    context.setLineDash([])
    context.fillStyle = ink
    context.textAlign = target < 0 ? 'left' : 'right'
    context.fillText('target', frame.x(target) + (target < 0 ? 5 : -5), 34)
    if (!value || !revealed) return
    // The square itself, with the distance as its side.
    const side = Math.abs(frame.x(answer) - frame.x(target))
    context.fillStyle = css(positive, 0.18)
    context.strokeStyle = css(positive, 0.8)
    context.fillRect(Math.min(frame.x(answer), frame.x(target)), frame.bottom - side, side, side)
    context.strokeRect(Math.min(frame.x(answer), frame.x(target)), frame.bottom - side, side, side)
    trace(
      context,
      places.map((place, i) => [frame.x(place), frame.y(value.values[i])] as const),
    )
    context.strokeStyle = accent
    dot(context, frame, answer, loss ?? 0)
  }
  return (
    <Panel title="One answer, one target">
      <div class="row">
        <span>
          <span class="muted small">the network’s answer</span>
          <br />
          <Knob
            name="the answer"
            symbol="y"
            value={answer}
            min={low}
            max={high}
            disabled={!revealed}
            onInput={setAnswer}
          />
        </span>
        <Group label="target">
          {[-1, 1].map((each) => (
            <button
              type="button"
              key={each}
              aria-pressed={target === each}
              disabled={!revealed}
              onClick={() => setTarget(each)}
            >
              {two(each)}
            </button>
          ))}
        </Group>
      </div>
      <Draggable
        draw={draw}
        onDrag={(part) => revealed && setAnswer(Math.round((low + part * (high - low)) * 20) / 20)}
        label={`Squared error over the answer; at ${two(answer)} it is ${loss === undefined || !revealed ? 'covered' : two(loss)}`}
      />
      {loss !== undefined && (
        <LiveFormula
          tex={`(\\sym{y}{y} - t)^2 = (\\sym{y}{${tex(answer)}} - ${tex(target, true)})^2 = ${revealed ? `${tex(answer - target, true)}^2 = ${tex(loss)}` : '\\;?'}`}
        />
      )}
      <p class="muted small">The blue square has the distance between answer and target as its side.</p>
    </Panel>
  )
}

/** Cross-entropy: what it costs to have given the right class so much probability. */
export function CrossEntropy({ run, scene, revealed }: StageProps): JSX.Element {
  const [asked, setAsked] = useState(0.5)
  const chances = grid.slice(1, -1)
  // Two logits whose softmax gives the second class this probability.
  const logits = (p: number): readonly [number, number] => [0, Math.log(p / (1 - p))]
  const rows = [...chances, asked]
  const { value } = useQuestion(
    'losses',
    {
      run,
      outputs: { shape: [rows.length, 2], values: Float32Array.from(rows.flatMap(logits)) },
      targets: new Float32Array(rows.length).fill(1),
    },
    { render: true },
  )
  const loss = value?.values.at(-1)
  const p = value?.probabilities?.values.at(-1)
  useEffect(() => {
    if (loss === undefined) return
    scene.notice('entropy', loss)
    if (asked === 0.5) scene.notice('asked', loss)
  }, [loss, asked, scene])
  const show = scene.fact('show')
  useEffect(() => {
    if (show) setAsked(0.01)
  }, [show])
  const draw = (context: CanvasRenderingContext2D, width: number, height: number): void => {
    const frame = drawFrame(
      context,
      width,
      height,
      { label: 'probability of the right class', from: 0, to: 1, ticks: [0, 0.25, 0.5, 0.75, 1] },
      { label: '', from: 0, to: 5, ticks: [0, 1, 2, 3, 4, 5] },
    )
    context.textAlign = 'right'
    context.fillText('cross-entropy', frame.right, 14)
    if (!value || !revealed) return
    trace(
      context,
      chances.map((chance, i) => [frame.x(chance), frame.y(Math.min(5, value.values[i]))] as const),
    )
    dot(context, frame, asked, Math.min(5, loss ?? 0))
  }
  const turn = (to: number): void => setAsked(Math.max(0.005, Math.min(0.995, to)))
  return (
    <Panel title="One sample: how much for the right class?">
      <span>
        <span class="muted small">probability given to the right class</span>
        <br />
        <Knob name="probability of the right class" symbol="p" value={asked} min={0} max={1} onInput={turn} />
      </span>
      <Draggable
        draw={draw}
        onDrag={turn}
        label={`Cross-entropy over the probability; at ${two(asked)} it is ${loss === undefined || !revealed ? 'covered' : two(loss)}`}
      />
      {loss !== undefined && p !== undefined && (
        <LiveFormula tex={`-\\ln \\sym{p}{p} = -\\ln \\sym{p}{${p.toFixed(3)}} = ${revealed ? tex(loss) : '\\;?'}`} />
      )}
    </Panel>
  )
}
