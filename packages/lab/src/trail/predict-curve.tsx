/** A curve to draw before the true one is there: with the pointer, or by setting its points with the arrow keys. */
import { useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { colours } from '../ui/colour.ts'
import { number } from '../ui/format.ts'
import { invalidate, useCanvas } from '../ui/frame.ts'
import type { CurvePrediction } from './chapter.ts'
import type { Asking } from './predict.tsx'
import { Inline } from './text.tsx'

/** How many points the drawn curve has. */
const places = 25
const pad = { left: 36, right: 8, top: 8, bottom: 24 }

const isCurve = (given: unknown): given is (number | null)[] => Array.isArray(given) && given.length === places

export function PredictCurve({ asked, scene, given, answer }: Asking<CurvePrediction>): JSX.Element {
  const { x, y } = asked
  const [drawn, setDrawn] = useState<readonly (number | null)[]>(() => Array(places).fill(null))
  const [at, setAt] = useState(0)
  const truth = useRef<ReturnType<CurvePrediction['truth']>>([])
  const fixed = isCurve(given)
  const curve = fixed ? given : drawn
  useSignalEffect(() => {
    truth.current = asked.truth(scene)
    invalidate()
  })
  const canvas = useCanvas((context, width, height) => {
    const { ink, line, muted, accent } = colours()
    const [w, h] = [width - pad.left - pad.right, height - pad.top - pad.bottom]
    const px = (value: number): number => pad.left + ((value - x.from) / (x.to - x.from)) * w
    const py = (value: number): number => pad.top + (1 - (value - y.from) / (y.to - y.from)) * h
    context.strokeStyle = line
    context.strokeRect(pad.left + 0.5, pad.top + 0.5, w, h)
    context.fillStyle = muted
    context.font = '11px system-ui'
    context.textAlign = 'right'
    context.fillText(number(y.to, 2), pad.left - 4, pad.top + 10)
    context.fillText(number(y.from, 2), pad.left - 4, pad.top + h)
    context.fillText(`${x.label}: ${number(x.to, 4)}`, pad.left + w, height - 6)
    context.textAlign = 'left'
    context.fillText(number(x.from, 4), pad.left, height - 6)
    context.fillText(y.label, pad.left + 6, pad.top + 14)
    const trace = (points: readonly (readonly [number, number])[], colour: string, dash: number[]): void => {
      context.strokeStyle = colour
      context.lineWidth = 2
      context.setLineDash(dash)
      context.save()
      context.beginPath()
      context.rect(pad.left, 0, w, height)
      context.clip()
      context.beginPath()
      points.forEach(([a, b], i) => {
        if (i === 0) context.moveTo(px(a), py(b))
        else context.lineTo(px(a), py(Math.max(y.from, Math.min(y.to, b))))
      })
      context.stroke()
      context.restore()
      context.setLineDash([])
    }
    const value = (i: number): number => x.from + ((x.to - x.from) * i) / (places - 1)
    trace(
      curve.flatMap((each, i) => (each === null ? [] : [[value(i), each] as const])),
      accent,
      [5, 4],
    )
    if (fixed) trace(truth.current, ink, [])
    else {
      context.strokeStyle = muted
      context.lineWidth = 1
      context.beginPath()
      context.moveTo(px(value(at)), pad.top)
      context.lineTo(px(value(at)), pad.top + h)
      context.stroke()
    }
  })
  const put = (place: number, value: number): void => {
    const within = Math.max(y.from, Math.min(y.to, value))
    setAt(place)
    setDrawn((before) => before.map((each, i) => (i === place ? within : each)))
  }
  const pointed = (event: PointerEvent & { readonly currentTarget: HTMLElement }): void => {
    const box = event.currentTarget.getBoundingClientRect()
    const across = (event.clientX - box.left - pad.left) / (box.width - pad.left - pad.right)
    const down = (event.clientY - box.top - pad.top) / (box.height - pad.top - pad.bottom)
    const place = Math.max(0, Math.min(places - 1, Math.round(across * (places - 1))))
    put(place, y.to - down * (y.to - y.from))
  }
  const enough = drawn.filter((each) => each !== null).length >= 3
  return (
    <>
      <div
        class="curve-field"
        role="slider"
        tabIndex={fixed ? -1 : 0}
        aria-label={`Your curve: ${y.label} over ${x.label}. Left and right choose a place, up and down set it.`}
        aria-valuemin={y.from}
        aria-valuemax={y.to}
        aria-valuenow={curve[at] ?? y.from}
        aria-valuetext={curve[at] === null ? 'nothing there yet' : number(curve[at])}
        onPointerDown={(event) => {
          if (fixed) return
          event.currentTarget.setPointerCapture(event.pointerId)
          pointed(event)
        }}
        onPointerMove={(event) => !fixed && event.buttons > 0 && pointed(event)}
        onKeyDown={(event) => {
          if (fixed || !event.key.startsWith('Arrow')) return
          event.preventDefault()
          event.stopPropagation()
          const by = (y.to - y.from) / 20
          if (event.key === 'ArrowLeft') setAt(Math.max(0, at - 1))
          else if (event.key === 'ArrowRight') setAt(Math.min(places - 1, at + 1))
          else put(at, (drawn[at] ?? (y.from + y.to) / 2) + (event.key === 'ArrowUp' ? by : -by))
        }}
      >
        <canvas ref={canvas} />
      </div>
      {fixed ? (
        <p role="status">
          <span class="muted">Dashed: your curve. Solid: the network’s. </span>
          <Inline text={asked.reply} />
        </p>
      ) : (
        <div class="row">
          <button type="button" disabled={!enough} onClick={() => answer(drawn)}>
            That is my curve
          </button>
          <span class="muted small">Draw from left to right.</span>
        </div>
      )}
    </>
  )
}
