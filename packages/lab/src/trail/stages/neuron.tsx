/**
 * The stage of chapter 1: one neuron with two inputs. Its sum is written as in school, every number of it can be turned,
 * and the plane shows what it says everywhere.
 */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useQuestion } from '../../state/ask.ts'
import { Panel } from '../../ui/controls.tsx'
import type { Questions } from '../../worker/protocol.ts'
import type { Stage, StageProps } from '../chapter.ts'
import { linked } from '../formula.tsx'
import { LiveFormula } from '../live-formula.tsx'
import { Bend } from './bend.tsx'
import { Knob, tex, two } from './knob.tsx'
import { outputMap, type Place, Plane, unitMap, usePoints } from './plane.tsx'

interface Options {
  /** Whether the points of the data are there, and how many are on their side is counted. */
  readonly points?: boolean
  /** Where the inputs stand in the beginning. */
  readonly at?: Place
  /** Whether the plane is there; the first card does without. */
  readonly plane?: boolean
}

type Passage = Questions['passage']['answer']

export function neuronStage({ points: withPoints = false, at = [2, 1], plane = true }: Options = {}): Stage {
  return function NeuronStage({ run, info, scene, revealed }: StageProps): JSX.Element {
    const [place, setPlace] = useState<Place>(at)
    const passage = useQuestion('passage', { run, input: { values: Float32Array.from(place) } }, { render: true }).value
    const responses = useQuestion('responses', plane ? { run, size: 40 } : undefined)
    const outcomes = useQuestion('outcomes', withPoints ? { run, part: 'train' } : undefined, { render: true }).value
    const points = usePoints(info)
    const bends = info.modules.some(({ path }) => path === '1')
    const right = outcomes && rightOf(outcomes)
    const sum = passage?.layers[0].values[0]
    const out = passage?.layers.at(-1)?.values[0]
    const show = scene.fact('show')
    useEffect(() => {
      if (show) setPlace([-4, 4])
    }, [show])
    useEffect(() => {
      const [w1, w2] = passage?.layers[0].weight?.values ?? []
      const facts = { w1, w2, b: passage?.layers[0].bias?.[0], x1: place[0], x2: place[1], sum, out, right }
      for (const [name, value] of Object.entries(facts)) if (value !== undefined) scene.notice(name, value)
    }, [passage, right, place, scene, sum, out])
    return (
      <div class="stage-views">
        <Panel title="The neuron" class="small-math" stamp={passage?.stamp}>
          <div class="neuron-panel">
            {passage && <Picture passage={passage} revealed={revealed} />}
            {passage && <School passage={passage} revealed={revealed} place={place} onPlace={setPlace} scene={scene} />}
          </div>
          {passage && revealed && <LiveFormula tex={formulaOf(passage)} />}
        </Panel>
        {plane && (
          <Panel title={bends ? 'What it says everywhere' : 'Its sum everywhere'}>
            <Plane
              info={info}
              label={`What the neuron gives at each place; at ${two(place[0])}, ${two(place[1])} it is ${out === undefined ? 'unknown' : two(out)}`}
              responses={responses}
              map={(answer) => (bends ? { ...outputMap(answer, 'number'), scale: 1 } : unitMap(answer, '0', 0, 6))}
              boundary
              points={withPoints ? points : undefined}
              probe={place}
              onProbe={setPlace}
            />
            <p class="muted small">
              Orange: below 0. Blue: above 0. The line: exactly 0.{withPoints ? '' : ' Drag the ring.'}
            </p>
            {right !== undefined && (
              <p>
                <strong class="figures">{(100 * right).toFixed(1)} %</strong> of the points lie on their own side.
              </p>
            )}
            {bends && <Bend responses={responses} sum={revealed ? sum : undefined} out={out} />}
          </Panel>
        )}
      </div>
    )
  }
}

/** The share of points for which the sign of the answer is right. */
function rightOf({ outputs, targets }: Questions['outcomes']['answer']): number {
  return targets.filter((target, i) => outputs.values[i] > 0 === target > 0).length / targets.length
}

/** Inputs, links as wide as their weights, and the neuron. Negative weights are dashed. */
function Picture({ passage, revealed }: { readonly passage: Passage; readonly revealed: boolean }): JSX.Element {
  const [layer, bend] = passage.layers
  const out = bend ? bend.values[0] : layer.values[0]
  const weights = [...(layer.weight?.values ?? [])]
  const heights = [34, 116]
  const link = (weight: number): { class: string; 'stroke-width': number } => ({
    class: weight < 0 ? 'minus' : 'plus',
    'stroke-width': Math.max(0.5, Math.min(9, 3 * Math.abs(weight))),
  })
  return (
    <svg
      class="neuron-picture"
      viewBox="0 0 320 170"
      role="img"
      aria-label="Two inputs, each with its weight, lead to the neuron"
    >
      {weights.map((weight, k) => (
        <g key={heights[k]} {...linked(`w${k + 1}`)}>
          <line x1="62" y1={heights[k]} x2="186" y2="76" {...link(weight)} />
          <text class="name" x="122" y={k === 0 ? 40 : 114}>
            w{k === 0 ? '₁' : '₂'}
          </text>
        </g>
      ))}
      {[...passage.input].map((value, k) => (
        <g key={heights[k]} {...linked(`x${k + 1}`)}>
          <circle cx="36" cy={heights[k]} r="27" />
          <text x="36" y={heights[k] + 5}>
            {two(value)}
          </text>
          <text class="name" x="36" y={heights[k] - 12}>
            x{k === 0 ? '₁' : '₂'}
          </text>
        </g>
      ))}
      <g {...linked('b')}>
        <line x1="212" y1="152" x2="212" y2="112" {...link(layer.bias?.[0] ?? 0)} />
        <text class="name" x="234" y="142">
          b
        </text>
      </g>
      <g {...linked(bend ? 'a' : 'z')}>
        <circle cx="212" cy="76" r="36" style={{ strokeWidth: 2 }} />
        <text x="212" y="82" style={{ fontSize: '16px' }}>
          {revealed ? two(out) : '?'}
        </text>
        <text class="name" x="212" y="60">
          {bend ? bend.kind : 'sum'}
        </text>
      </g>
      <line x1="248" y1="76" x2="300" y2="76" stroke="var(--line-strong)" stroke-width="1.5" />
      <path d="M300 76l-8 -5v10z" fill="var(--line-strong)" />
    </svg>
  )
}

/** The sum, written as in school. */
function School({
  passage,
  revealed,
  place,
  onPlace,
  scene,
}: {
  readonly passage: Passage
  readonly revealed: boolean
  readonly place: Place
  readonly onPlace: (place: Place) => void
  readonly scene: StageProps['scene']
}): JSX.Element {
  const [layer, bend] = passage.layers
  const weights = layer.weight?.values ?? new Float32Array(2)
  const products = layer.products?.values ?? new Float32Array(2)
  const bias = layer.bias?.[0] ?? 0
  const hidden = (value: number): string => (revealed ? two(value) : '?')
  const weigh = (which: number, value: number): void =>
    void scene.set('0.weight', which === 0 ? [value, weights[1]] : [weights[0], value])
  const move = (which: number, value: number): void => onPlace(which === 0 ? [value, place[1]] : [place[0], value])
  return (
    <table class="school">
      <thead>
        <tr>
          <th scope="col">input</th>
          <td />
          <th scope="col">weight</th>
          <td />
          <th scope="col">product</th>
        </tr>
      </thead>
      <tbody>
        {[0, 1].map((k) => (
          <tr key={k}>
            <td>
              <Knob
                name={`input ${k + 1}`}
                symbol={`x${k + 1}`}
                value={place[k]}
                min={-6}
                max={6}
                onInput={(v) => move(k, v)}
              />
            </td>
            <td>×</td>
            <td>
              <Knob
                name={`weight of input ${k + 1}`}
                symbol={`w${k + 1}`}
                value={weights[k]}
                min={-3}
                max={3}
                onInput={(v) => weigh(k, v)}
              />
            </td>
            <td>=</td>
            <td class="figures worth-cell" {...linked(`p${k + 1}`)}>
              {hidden(products[k])}
            </td>
          </tr>
        ))}
        <tr>
          <td colSpan={2} class="word">
            bias
          </td>
          <td>
            <Knob name="bias" symbol="b" value={bias} min={-6} max={6} onInput={(v) => void scene.set('0.bias', [v])} />
          </td>
          <td />
          <td class="figures worth-cell">{hidden(bias)}</td>
        </tr>
      </tbody>
      <tfoot>
        <tr>
          <td colSpan={4} class="word">
            sum
          </td>
          <td class="figures worth-cell" {...linked('z')}>
            {hidden(layer.values[0])}
          </td>
        </tr>
        {bend && (
          <tr>
            <td colSpan={4} class="word">
              {bend.kind} of the sum
            </td>
            <td class="figures worth-cell" {...linked('a')}>
              <strong>{hidden(bend.values[0])}</strong>
            </td>
          </tr>
        )}
      </tfoot>
    </table>
  )
}

/** The same as a formula, with the present numbers filled in. */
function formulaOf({ layers: [layer, bend], input }: Passage): string {
  const w = layer.weight?.values ?? []
  const sum = layer.values[0]
  const lines = [
    '\\sym{z}{z} &= \\sym{w1}{w_1}\\,\\sym{x1}{x_1} + \\sym{w2}{w_2}\\,\\sym{x2}{x_2} + \\sym{b}{b}',
    `&= \\sym{w1}{${tex(w[0])}} \\cdot \\sym{x1}{${tex(input[0], true)}} + \\sym{w2}{${tex(w[1], true)}} \\cdot \\sym{x2}{${tex(input[1], true)}} + \\sym{b}{${tex(layer.bias?.[0] ?? 0, true)}}`,
    `&= \\sym{z}{${tex(sum)}}`,
  ]
  if (bend) lines.push(`\\sym{a}{a} &= \\operatorname{${bend.kind}}(${tex(sum)}) = \\sym{a}{${tex(bend.values[0])}}`)
  return `\\begin{aligned}${lines.join('\\\\')}\\end{aligned}`
}
