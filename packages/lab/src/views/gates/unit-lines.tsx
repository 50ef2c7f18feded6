/** One unit through a text: a line for each gate and for its memory, told apart by dashes and names. */
import type { JSX } from 'preact'
import { useLab } from '../../state/ask.ts'
import { colours, css, signed } from '../../ui/colour.ts'
import { useCanvas } from '../../ui/frame.ts'
import type { Gates } from './maps.tsx'
import { numbersOf, orderOf, wordsOf } from './parts.ts'

/** Room for names on the right, for letters below. */
const [side, foot] = [80, 18]
const dashes: Readonly<Record<string, readonly number[]>> = {
  f: [6, 3],
  i: [2, 3],
  o: [8, 3, 2, 3],
  g: [1, 4],
  r: [2, 3],
  z: [6, 3],
  n: [1, 4],
}

export function UnitLines({
  gates,
  track: name,
  unit,
  letters,
}: {
  readonly gates: () => Gates | undefined
  readonly track: string
  readonly unit: number
  readonly letters: readonly string[]
}): JSX.Element {
  const { selection } = useLab()
  const shown = selection.shownTime.value
  const canvas = useCanvas((context, width, height) => {
    const answer = gates()
    const track = answer?.tracks.find((each) => each.name === name)
    if (!answer || !track) return
    const [steps, units] = track.parts[0].numbers.shape
    const lines = orderOf[answer.kind].map((part) => {
      const all = numbersOf(track, part) ?? new Float32Array()
      return { part, values: Float32Array.from({ length: steps }, (_, t) => all[t * units + unit]) }
    })
    const reach = Math.max(1, ...lines.flatMap(({ values }) => Array.from(values, Math.abs)))
    const { accent, ink, muted, line } = colours()
    const x = (t: number): number => ((t + 0.5) * (width - side)) / steps
    const y = (value: number): number => 6 + ((reach - value) / (2 * reach)) * (height - foot - 12)
    context.font = '11px system-ui'
    context.lineWidth = 1
    for (const mark of reach > 1.05 ? [reach, 1, 0, -1, -reach] : [1, 0, -1]) {
      context.strokeStyle = line
      context.beginPath()
      context.moveTo(0, y(mark))
      context.lineTo(width - side, y(mark))
      context.stroke()
      context.fillStyle = muted
      context.fillText(mark.toFixed(mark % 1 ? 1 : 0).replace('-', '−'), 2, y(mark) - 2)
    }
    const time = Math.min(shown, steps - 1)
    context.strokeStyle = accent
    context.beginPath()
    context.moveTo(x(time), 0)
    context.lineTo(x(time), height - foot)
    context.stroke()
    const names: { at: number; text: string; colour: string }[] = []
    for (const { part, values } of lines) {
      const memory = part === 'cell' || part === 'hidden'
      const colour = memory ? (part === 'cell' ? css(signed(-1)) : css(signed(1))) : ink
      context.strokeStyle = colour
      context.lineWidth = memory ? 2.25 : 1.25
      context.setLineDash([...(dashes[part] ?? [])])
      context.beginPath()
      values.forEach((value, t) => {
        context.lineTo(x(t), y(value))
      })
      context.stroke()
      names.push({ at: y(values[steps - 1]), text: wordsOf(answer.kind, part).title.split(' · ').join(' '), colour })
    }
    context.setLineDash([])
    // Names that would lie on one another are pushed apart.
    names.sort((a, b) => a.at - b.at)
    let free = 8
    context.textBaseline = 'middle'
    for (const { at, text, colour } of names) {
      const place = Math.max(free, at)
      context.fillStyle = colour
      context.fillText(text.replace(' gate', ''), width - side + 2, place)
      free = place + 12
    }
    context.textBaseline = 'alphabetic'
    context.textAlign = 'center'
    context.font = '12px ui-monospace, monospace'
    letters.slice(0, steps).forEach((letter, t) => {
      context.fillStyle = t === time ? ink : muted
      context.fillText(letter, x(t), height - 4)
    })
    context.textAlign = 'start'
  })
  return (
    <div style={{ height: '190px' }}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={`Gates and memory of unit ${unit + 1} over ${letters.length} letters`}
      />
    </div>
  )
}
