/** Every head of every layer as a small map: who looks (rows) at whom (columns). One is chosen. */
import type { JSX } from 'preact'
import { colours, drawCells } from '../../ui/colour.ts'
import { useCanvas } from '../../ui/frame.ts'
import type { Numbers, Questions } from '../../worker/protocol.ts'

export type Attention = Questions['attention']['answer']

export interface Head {
  /** Which module, by its place among those of the answer. */
  readonly layer: number
  readonly head: number
}

/** The weights of one head: [T, S] */
export function weightsOf({ weights }: { readonly weights: Numbers }, head: number): Float32Array {
  const [, rows, columns] = weights.shape
  return weights.values.subarray(head * rows * columns, (head + 1) * rows * columns)
}

export function Heads({
  answer,
  chosen,
  onChoose,
}: {
  readonly answer: () => Attention | undefined
  readonly chosen: Head
  readonly onChoose: (head: Head) => void
}): JSX.Element {
  const modules = answer()?.modules ?? []
  return (
    <div class="heads">
      {modules.flatMap(({ path, weights }, layer) =>
        Array.from({ length: weights.shape[0] }, (_, head) => (
          <SmallMap
            key={`${path} ${head}`}
            answer={answer}
            layer={layer}
            head={head}
            name={modules.length > 1 ? `layer ${layer + 1}, head ${head + 1}` : `head ${head + 1}`}
            pressed={layer === chosen.layer && head === chosen.head}
            onChoose={onChoose}
          />
        )),
      )}
    </div>
  )
}

function SmallMap({
  answer,
  layer,
  head,
  name,
  pressed,
  onChoose,
}: Head & {
  readonly answer: () => Attention | undefined
  readonly name: string
  readonly pressed: boolean
  readonly onChoose: (head: Head) => void
}): JSX.Element {
  const canvas = useCanvas((context, width, height) => {
    const module = answer()?.modules[layer]
    if (!module) return
    const [, rows, columns] = module.weights.shape
    drawCells(context, weightsOf(module, head), [rows, columns], { x: 0, y: 0, width, height })
    context.strokeStyle = colours().line
    context.strokeRect(0.5, 0.5, width - 1, height - 1)
  })
  return (
    <button type="button" class="head" aria-pressed={pressed} onClick={() => onChoose({ layer, head })}>
      <canvas ref={canvas} />
      {name}
    </button>
  )
}
