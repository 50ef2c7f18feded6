/** Small pictures of samples to choose from, a row at a time. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { drawCells } from '../../ui/colour.ts'
import { useCanvas } from '../../ui/frame.ts'
import type { Part, Questions, RunInfo } from '../../worker/protocol.ts'

const perRow = 8

interface ThumbnailsProps {
  readonly run: number
  readonly info: RunInfo
  readonly part: Part
  readonly index: number
}

export function Thumbnails({ run, info, part, index }: ThumbnailsProps): JSX.Element {
  const { client, selection } = useLab()
  const [row, setRow] = useState<Questions['samples']['answer'] | undefined>(undefined)
  const from = Math.floor(Math.max(0, index) / perRow) * perRow
  useEffect(() => {
    let left = false
    client.ask('samples', { run, part, from, count: perRow }).then(
      (answer) => !left && setRow(answer),
      // The sample itself says what is wrong.
      () => !left && setRow(undefined),
    )
    return () => {
      left = true
    }
  }, [client, info, run, part, from])
  const size = info.inputShape.reduce((product, n) => product * n, 1)
  return (
    <div class="thumbnails">
      {row &&
        Array.from({ length: row.inputs.shape[0] }, (_, i) => {
          const label = row.targets.shape.length === 1 ? info.labels[row.targets.values[i]] : undefined
          return (
            <button
              key={from + i}
              type="button"
              aria-pressed={from + i === index}
              aria-label={`sample ${from + i + 1}${label ? `: ${label}` : ''}`}
              onClick={() => {
                selection.input.value = { part, index: from + i }
              }}
            >
              <Thumbnail values={row.inputs.values.subarray(i * size, (i + 1) * size)} shape={info.inputShape} />
            </button>
          )
        })}
    </div>
  )
}

function Thumbnail({
  values,
  shape,
}: {
  readonly values: Float32Array
  readonly shape: readonly number[]
}): JSX.Element {
  const [rows, columns] = shape.slice(-2)
  const canvas = useCanvas((context, width, height) =>
    drawCells(context, values, [rows, columns], { x: 0, y: 0, width, height }),
  )
  return <canvas ref={canvas} />
}
