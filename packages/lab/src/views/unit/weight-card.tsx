/** One number of a parameter: its value and its gradient, live; and a place to type another value, where that can be done. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { useText } from '../../state/ask-many.ts'
import { NumberField, StampText } from '../../ui/controls.tsx'
import { number } from '../../ui/format.ts'
import { indexOf, indexText } from '../../ui/tiles.ts'
import type { RunId, RunInfo } from '../../worker/protocol.ts'

/** What a lab that lets weights be changed can do. */
interface Overwriting {
  overwrite?(name: string, element: number, value: number): Promise<unknown>
}

/** What a number of a parameter does, in words: of layers whose weights have a meaning that can be said. */
export function meaningOf(info: RunInfo, name: string, element: number): string {
  const module = info.modules.find(({ parameters }) => parameters.some((each) => each.name === name))
  const shape = module?.parameters.find((each) => each.name === name)?.shape ?? []
  const index = indexOf(shape, element)
  const own = name.slice(name.lastIndexOf('.') + 1)
  if (own === 'bias' && index.length === 1) return `the bias of unit ${index[0] + 1}`
  if (own === 'weight' && module?.kind === 'linear') {
    const feature = module.from.includes('') ? info.features[index[1]] : undefined
    return `from ${feature ?? `unit ${index[1] + 1}`} to unit ${index[0] + 1}`
  }
  if (own === 'weight' && /^conv/.test(module?.kind ?? ''))
    return `from channel ${index[1] + 1} to channel ${index[0] + 1}, at [${index.slice(2).join(', ')}] of the kernel`
  if (own === 'weight' && module?.kind === 'embedding')
    return `of ${info.labels[index[0]] ?? `token ${index[0]}`}, feature ${index[1] + 1}`
  return `element [${index.join(', ')}]`
}

export function WeightCard({
  run,
  info,
  name,
  element,
}: {
  readonly run: RunId
  readonly info: RunInfo
  readonly name: string
  readonly element: number
}): JSX.Element {
  const lab = useLab()
  const value = useText('parameter', { run, name, aspect: 'value' })
  const gradient = useText('parameter', { run, name, aspect: 'gradient' })
  const [problem, setProblem] = useState<string | undefined>(undefined)
  const { overwrite } = lab as unknown as Overwriting
  const now = value.value?.numbers.values[element]
  const slope = gradient.value?.numbers.values[element]
  return (
    <>
      <strong>
        {name}
        {value.value && indexText(value.value.numbers.shape, element)}
      </strong>
      <span class="muted">{meaningOf(info, name, element)}</span>
      <dl class="facts figures">
        <div>
          <dt>value</dt>
          <dd data-value={now}>{now === undefined ? '–' : number(now, 4)}</dd>
        </div>
        <div>
          <dt>gradient</dt>
          <dd data-gradient={slope}>
            {slope === undefined ? (gradient.problem ? 'none' : 'not computed yet') : number(slope, 4)}
          </dd>
        </div>
      </dl>
      {overwrite && now !== undefined && (
        <NumberField
          label="new value"
          value={Number(now.toPrecision(4))}
          onChange={(wanted) => {
            overwrite.call(lab, name, element, wanted).then(
              () => setProblem(undefined),
              (refused: unknown) => setProblem(refused instanceof Error ? refused.message : String(refused)),
            )
          }}
        />
      )}
      {problem && <span role="alert">{problem}</span>}
      {gradient.value && (
        <span class="muted">
          gradient: backward, the next step’s batch, <StampText stamp={gradient.value.stamp} />
        </span>
      )}
    </>
  )
}
