/**
 * The stage of chapter 8: the network's answer with the points it learns from and those it never sees, and the curves of
 * both. It may offer more data, or weight decay.
 */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { LabSpec } from '../../spec/spec.ts'
import { useLab, useQuestion } from '../../state/ask.ts'
import { Panel, Toggle } from '../../ui/controls.tsx'
import { count, number, percent } from '../../ui/format.ts'
import { curves } from '../../views/curves/curves.tsx'
import type { Stage, StageProps } from '../chapter.ts'
import { Group } from './group.tsx'
import { outputMap, Plane, usePoints } from './plane.tsx'

interface Choices {
  readonly label: string
  readonly values: readonly number[]
  /** The value that a spec has. */
  of(spec: LabSpec): number
  /** The spec with another value. */
  put(spec: LabSpec, value: number): LabSpec
}

export function generalizeStage(choices?: Choices): Stage {
  return function Generalize({ run, info, scene, revealed }: StageProps): JSX.Element {
    const lab = useLab()
    const [tests, setTests] = useState(false)
    const responses = useQuestion('responses', { run, size: 40 })
    const [points, others] = [usePoints(info, 'train'), usePoints(info, 'test')]
    const scores = lab.progress.value?.scores
    const state = lab.run.value
    const now = choices?.of(info.spec)
    useEffect(() => {
      if (now !== undefined) scene.notice('chosen', now)
    }, [now, scene])
    useEffect(() => {
      const known = state?.curves.scores ?? []
      if (known.length > 0) scene.notice('lowest', Math.min(...known.map(({ test }) => test.loss)))
    }, [scores, state, scene])
    const Curves = curves.Component
    return (
      <div class="stage-views">
        <Panel
          title="The network’s answer"
          stamp={lab.progress.value?.stamp}
          actions={<Toggle label="test points" on={tests} onChange={setTests} />}
        >
          {choices && (
            <Group label={choices.label}>
              {choices.values.map((value) => (
                <button
                  type="button"
                  key={value}
                  aria-pressed={value === now}
                  disabled={!revealed}
                  onClick={() => void scene.lab.open(choices.put(info.spec, value))}
                >
                  {value}
                </button>
              ))}
            </Group>
          )}
          <Plane
            info={info}
            label={`What the network says at each place, with ${info.trainCount} points for training`}
            responses={responses}
            map={(answer) => outputMap(answer, info.task)}
            boundary
            points={points}
            tests={tests ? others : undefined}
          />
          <table class="figures plain">
            <thead>
              <tr>
                <td />
                <th scope="col">points</th>
                <th scope="col">loss</th>
                <th scope="col">right</th>
              </tr>
            </thead>
            <tbody>
              {(['train', 'test'] as const).map((part) => (
                <tr key={part}>
                  <th scope="row">{part === 'train' ? 'training' : 'test'}</th>
                  <td>{count(part === 'train' ? info.trainCount : info.testCount)}</td>
                  <td>{scores ? number(scores[part].loss) : '–'}</td>
                  <td>{scores ? percent(scores[part].accuracy ?? 0) : '–'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Panel>
        {revealed && <Curves run={run} info={info} />}
      </div>
    )
  }
}
