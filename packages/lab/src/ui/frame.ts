/**
 * When canvases are drawn: on animation frames, only those that can be seen, only when something has changed.
 *
 * A view hands over its canvas and a function that draws it; whoever changes what is shown calls `invalidate`.
 */
import type { RefObject } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

interface Drawn {
  readonly canvas: HTMLCanvasElement
  draw: (context: CanvasRenderingContext2D, width: number, height: number) => void
  seen: boolean
  dirty: boolean
}

const all = new Set<Drawn>()
const byCanvas = new WeakMap<Element, Drawn>()
let asked = false

/** Milliseconds that the last frames took to draw; for those who measure. */
export const frameTimes: number[] = []

function frame(): void {
  asked = false
  const from = performance.now()
  for (const drawn of all) {
    if (!drawn.seen || !drawn.dirty) continue
    drawn.dirty = false
    paint(drawn)
  }
  frameTimes.push(performance.now() - from)
  if (frameTimes.length > 600) frameTimes.splice(0, 300)
}

function paint({ canvas, draw }: Drawn): void {
  const scale = globalThis.devicePixelRatio || 1
  const { clientWidth: width, clientHeight: height } = canvas
  if (width === 0 || height === 0) return
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)]
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w
    canvas.height = h
  }
  const context = canvas.getContext('2d')
  if (!context) return
  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.clearRect(0, 0, width, height)
  draw(context, width, height)
}

/** How a canvas is drawn, for whoever draws it elsewhere. */
export const drawingOf = (canvas: HTMLCanvasElement): Drawn['draw'] | undefined => byCanvas.get(canvas)?.draw

/** Something that is shown has changed: all canvases that can be seen are drawn on the next frame. */
export function invalidate(canvas?: HTMLCanvasElement | null): void {
  if (canvas) {
    const drawn = byCanvas.get(canvas)
    if (drawn) drawn.dirty = true
  } else for (const drawn of all) drawn.dirty = true
  if (asked) return
  asked = true
  requestAnimationFrame(frame)
}

const watcher =
  typeof IntersectionObserver === 'undefined'
    ? undefined
    : new IntersectionObserver((entries) => {
        for (const { target, isIntersecting } of entries) {
          const drawn = byCanvas.get(target)
          if (!drawn) continue
          drawn.seen = isIntersecting
          if (isIntersecting) invalidate(drawn.canvas)
        }
      })

const sizes =
  typeof ResizeObserver === 'undefined'
    ? undefined
    : new ResizeObserver((entries) => {
        for (const { target } of entries) invalidate(target as HTMLCanvasElement)
      })

/** A canvas that `draw` paints, in pixels of the page, whenever something has changed and it can be seen. */
export function useCanvas(
  draw: (context: CanvasRenderingContext2D, width: number, height: number) => void,
): RefObject<HTMLCanvasElement | null> {
  const ref = useRef<HTMLCanvasElement>(null)
  const own = useRef<Drawn | undefined>(undefined)
  if (own.current) own.current.draw = draw
  useEffect(() => {
    const canvas = ref.current
    if (!canvas) return
    const drawn: Drawn = { canvas, draw, seen: false, dirty: true }
    own.current = drawn
    all.add(drawn)
    byCanvas.set(canvas, drawn)
    watcher?.observe(canvas)
    sizes?.observe(canvas)
    return () => {
      all.delete(drawn)
      watcher?.unobserve(canvas)
      sizes?.unobserve(canvas)
    }
  }, [])
  // What is drawn may follow what was just rendered.
  useEffect(() => invalidate(ref.current))
  return ref
}

/** Colours may have changed (dark, light): all canvases are drawn anew. */
globalThis.matchMedia?.('(prefers-color-scheme: dark)').addEventListener('change', () => invalidate())
