/** Two linear layers beside the one that they are together: their matrices, and what both give for the same point. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useQuestion } from '../../state/ask.ts'
import { Panel } from '../../ui/controls.tsx'
import type { Numbers } from '../../worker/protocol.ts'
import type { StageProps } from '../chapter.ts'
import { LiveFormula } from '../live-formula.tsx'
import { tex, two } from './knob.tsx'
import { outputMap, type Place, Plane, usePoints } from './plane.tsx'

const matrix = ({ shape: [rows, columns], values }: Numbers): string =>
  `\\begin{bmatrix}${Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => tex(values[row * columns + column])).join(' & '),
  ).join('\\\\')}\\end{bmatrix}`

const column = (values: Float32Array): string => matrix({ shape: [values.length, 1], values })

export function OneLayer({ run, info, scene, revealed }: StageProps): JSX.Element {
  const [place, setPlace] = useState<Place>([2, 1])
  const input = { values: Float32Array.from(place) }
  const passage = useQuestion('passage', { run, input }, { render: true }).value
  const linears = info.modules.filter(({ kind }) => kind === 'linear').map(({ path }) => path)
  const one = useQuestion('composed', { run, modules: linears, input }, { render: true }).value
  const responses = useQuestion('responses', { run, size: 40 })
  const points = usePoints(info)
  const [first, second] = passage?.layers ?? []
  const both = passage?.layers.at(-1)?.values
  const move = (to: Place): void => {
    setPlace(to)
    scene.notice('moved', (scene.fact('moved') ?? 0) + 1)
  }
  const show = scene.fact('show')
  useEffect(() => {
    if (!show) return
    const places: Place[] = [
      [-3, 2],
      [4, -4],
      [0, 4],
    ]
    const later = places.map((place, i) => setTimeout(() => move(place), 700 * i))
    return () => later.forEach(clearTimeout)
  }, [show])
  useEffect(() => {
    if (!both || !one) return
    scene.notice('apart', Math.max(...both.map((value, i) => Math.abs(value - one.values[i]))))
  }, [both, one, scene])
  return (
    <div class="stage-views">
      <Panel title="Two layers, and one" class="small-math" stamp={passage?.stamp}>
        {first?.weight && second?.weight && first.bias && second.bias && (
          <>
            <h3>The first layer, then the second</h3>
            <LiveFormula
              tex={`\\begin{aligned}h &= ${matrix(first.weight)} x + ${column(first.bias)}\\\\[6pt] y &= ${matrix(second.weight)} h + ${column(second.bias)}\\end{aligned}`}
            />
          </>
        )}
        {one && revealed && (
          <>
            <h3>Multiplied out: one layer</h3>
            <LiveFormula tex={`y = ${matrix(one.weight)} x + ${column(one.bias)}`} />
          </>
        )}
        {both && (
          <table class="figures plain">
            <thead>
              <tr>
                <th scope="col">
                  at {two(place[0])}, {two(place[1])}
                </th>
                {info.labels.map((label) => (
                  <th scope="col" key={label}>
                    class {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              <tr>
                <th scope="row">two layers</th>
                {Array.from(both, (value, i) => (
                  <td key={info.labels[i]}>{two(value)}</td>
                ))}
              </tr>
              <tr>
                <th scope="row">one layer</th>
                {Array.from(both, (_, i) => (
                  <td key={info.labels[i]}>{revealed && one ? two(one.values[i]) : '?'}</td>
                ))}
              </tr>
            </tbody>
          </table>
        )}
      </Panel>
      <Panel title="The network’s answer">
        <Plane
          info={info}
          label="What the network says at each place, and the points"
          responses={responses}
          map={(answer) => outputMap(answer, info.task)}
          boundary
          points={points}
          probe={place}
          onProbe={move}
        />
        <div class="row">
          {(['left', 'right', 'up', 'down'] as const).map((way) => (
            <button
              type="button"
              key={way}
              onClick={() => {
                const by = { left: [-1, 0], right: [1, 0], up: [0, 1], down: [0, -1] }[way]
                move([Math.max(-6, Math.min(6, place[0] + by[0])), Math.max(-6, Math.min(6, place[1] + by[1]))])
              }}
            >
              {way}
            </button>
          ))}
        </div>
      </Panel>
    </div>
  )
}
