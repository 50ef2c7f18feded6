/** One tensor: its picture, histogram, shape and range, and which pass, step and sample it belongs to. */
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { useAtMost, useQuestions } from '../../state/ask-many.ts'
import { colours, css, largestSize } from '../../ui/colour.ts'
import { count, number, shape as shapeText } from '../../ui/format.ts'
import { useCanvas } from '../../ui/frame.ts'
import { Picture } from '../../ui/picture.tsx'
import type { Aspect, Histogram, Input, Numbers, RunId, Stamp } from '../../worker/protocol.ts'

export interface TensorRef {
  readonly kind: 'parameter' | 'activation'
  /** Of the parameter, or the path of the module. */
  readonly name: string
  readonly aspect: Aspect
  readonly shape: readonly number[]
  readonly title: string
}

/** By what colours are scaled. */
export type Scope = 'local' | 'layer' | 'global'

/** The largest sizes of all tensors that are shown, by kind and layer. */
export class ScaleBook {
  readonly #sizes = new Map<string, { kind: string; layer: string; size: number }>()

  set(key: string, kind: string, layer: string, size: number): void {
    this.#sizes.set(key, { kind, layer, size })
  }
  forget(key: string): void {
    this.#sizes.delete(key)
  }
  /** The size that has the full colour. */
  scaleOf(key: string, scope: Scope): number {
    const own = this.#sizes.get(key)
    if (!own || scope === 'local') return own?.size ?? 1
    let largest = 0
    for (const { kind, layer, size } of this.#sizes.values())
      if (kind === own.kind && (scope === 'global' || layer === own.layer)) largest = Math.max(largest, size)
    return largest || 1
  }
}

interface Shown {
  readonly stamp: Stamp
  readonly numbers: Numbers
  readonly histogram: Histogram
}

/** Which pass and which samples the numbers belong to. */
function origin({ kind, aspect }: TensorRef, input: Input, { step, epoch }: Stamp): string {
  const at = `epoch ${count(epoch)}, step ${count(step)}`
  const one =
    'values' in input ? 'your own input' : `${input.part === 'train' ? 'training' : 'test'} sample ${input.index + 1}`
  if (kind === 'parameter') return aspect === 'value' ? at : `backward, the next step’s batch, ${at}`
  return `${aspect === 'value' ? 'forward' : 'backward'}, ${one}, ${at}`
}

export interface TensorProps {
  readonly run: RunId
  readonly tensor: TensorRef
  readonly layer: string
  readonly scope: Scope
  readonly book: ScaleBook
}

export function TensorView({ run, tensor, layer, scope, book }: TensorProps): JSX.Element {
  const { selection } = useLab()
  const { kind, name, aspect, shape, title } = tensor
  const input = selection.input.value
  const facts = useRef<HTMLParagraphElement>(null)
  const from = useRef<HTMLParagraphElement>(null)
  const told = useAtMost(250, () => tell())
  const parameters = useQuestions('parameter', kind === 'parameter' ? { one: { run, name, aspect } } : {}, told)
  const activations = useQuestions(
    'activations',
    kind === 'activation' ? { one: { run, modules: [name], input, aspect } } : {},
    told,
  )
  const now = (): Shown | undefined => {
    if (kind === 'parameter') return parameters.get('one')?.value
    const answer = activations.get('one')?.value
    const found = answer?.modules[0]
    return answer && found && { stamp: answer.stamp, ...found }
  }
  const key = `${kind} ${name} ${aspect}`
  useEffect(() => () => book.forget(key), [book, key])
  const note = (values: Float32Array): void => book.set(key, `${kind} ${aspect}`, layer, largestSize(values))
  /** Writes the words below the picture; a few times a second, not at each answer. */
  const tell = (): void => {
    const shown = now()
    const problem = (kind === 'parameter' ? parameters : activations).get('one')?.problem
    if (!facts.current || !from.current) return
    if (!shown) {
      facts.current.textContent =
        problem ?? (activations.get('one')?.value ? 'Nothing of the loss depends on it.' : 'not computed yet')
      from.current.textContent = ''
      return
    }
    const { low, high } = shown.histogram
    note(shown.numbers.values)
    facts.current.textContent = `${number(low)} to ${number(high)} · full colour ${number(book.scaleOf(key, scope))}`
    from.current.textContent = origin(tensor, input, shown.stamp)
  }
  const histogram = useCanvas((context, width, height) => {
    const shown = now()
    if (shown) drawHistogram(context, shown.histogram, width, height)
  })
  useEffect(told, [scope])
  const size = shape.reduce((product, n) => product * n, 1)
  return (
    <div class="tensor" data-tensor={key}>
      <h3>
        {title} <span class="muted">{shapeText(shape)}</span> <span class="muted figures">{count(size)}</span>
      </h3>
      <Picture
        label={`${layer || 'The network'}: ${title}, ${shapeText(shape)}`}
        shape={shape}
        values={() => {
          const values = now()?.numbers.values
          if (values) note(values)
          return values
        }}
        scale={() => book.scaleOf(key, scope)}
        height={130}
        lit={() => {
          const pinned = selection.pinned.peek()
          return kind === 'parameter' && pinned?.kind === 'weight' && pinned.name === name ? [pinned.element] : []
        }}
        {...(kind === 'parameter' && {
          onPick: (element: number) => selection.pin({ kind: 'weight', name, element }),
        })}
      />
      <div class="histogram">
        <canvas ref={histogram} role="img" aria-label={`How the numbers of ${title} are spread`} />
      </div>
      <p class="facts figures" ref={facts} />
      <p class="stamp" ref={from} />
    </div>
  )
}

function drawHistogram(
  context: CanvasRenderingContext2D,
  { low, high, counts }: Histogram,
  width: number,
  height: number,
): void {
  const { positive, negative, muted, line } = colours()
  const most = counts.reduce((largest, each) => Math.max(largest, each), 1)
  const wide = width / counts.length
  counts.forEach((each, i) => {
    const middle = low + ((i + 0.5) / counts.length) * (high - low)
    const high1 = each === 0 ? 0 : Math.max(1, (each / most) * (height - 2))
    context.fillStyle = css(middle < 0 ? negative : positive, 0.8)
    context.fillRect(i * wide, height - 1 - high1, Math.max(1, wide - 1), high1)
  })
  context.strokeStyle = line
  context.lineWidth = 1
  context.beginPath()
  context.moveTo(0, height - 0.5)
  context.lineTo(width, height - 0.5)
  context.stroke()
  if (low >= 0 || high <= 0) return
  // Where zero is.
  const zero = (-low / (high - low)) * width
  context.strokeStyle = muted
  context.beginPath()
  context.moveTo(zero, 0)
  context.lineTo(zero, height)
  context.stroke()
}
