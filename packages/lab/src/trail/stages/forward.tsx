/**
 * The stage of chapter 4: one point on its way through a network, one operation at a time, each with its numbers. All of
 * them are of one forward pass, which the worker made; going on only uncovers them.
 */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useQuestion } from '../../state/ask.ts'
import { css, signed } from '../../ui/colour.ts'
import { Panel } from '../../ui/controls.tsx'
import type { PassageLayer, Questions, RunInfo } from '../../worker/protocol.ts'
import type { Stage, StageProps } from '../chapter.ts'
import { linked } from '../formula.tsx'
import { LiveFormula } from '../live-formula.tsx'
import { tex, two } from './knob.tsx'
import { outputMap, type Place, Plane, type PlaneMap, reach, usePoints } from './plane.tsx'

type Passage = Questions['passage']['answer']

/** One operation: the sum of one unit, the bend of a whole layer, or softmax at the end. */
interface Op {
  /** Its column in the picture; 0 are the inputs. */
  readonly column: number
  /** The unit that is computed; undefined: all of the column. */
  readonly unit: number | undefined
  readonly says: string
  readonly tex: string
  /** The same without its result, for who is to find it. */
  readonly asked?: string
}

interface Column {
  readonly name: string
  readonly values: ArrayLike<number>
}

export function forwardStage({ at = [1, -1] as Place, begin = 0, end = false } = {}): Stage {
  return function ForwardStage({ run, info, scene, revealed }: StageProps): JSX.Element {
    const [place, setPlace] = useState<Place>(at)
    const [now, setNow] = useState(begin)
    const passage = useQuestion('passage', { run, input: { values: Float32Array.from(place) } }, { render: true }).value
    const responses = useQuestion('responses', { run, size: 40 })
    const points = usePoints(info)
    const columns = passage ? columnsOf(passage, info) : []
    const ops = passage ? opsOf(passage, info) : []
    const done = end ? ops.length : Math.min(now, ops.length)
    const op = ops[done - 1]
    const show = scene.fact('show')
    useEffect(() => {
      if (!show) return
      if (!end) return setNow(ops.length)
      const answer = responses.value
      if (answer) setPlace(undecided(outputMap(answer, info.task)))
    }, [show])
    useEffect(() => {
      if (!passage) return
      scene.notice('all', Number(done === ops.length))
      scene.notice('first', passage.layers[0].values[0])
      scene.notice(
        'products',
        passage.layers.reduce((sum, { products }) => sum + (products?.values.length ?? 0), 0),
      )
      scene.notice('surest', Math.max(...(passage.probabilities ?? [])))
      scene.notice(
        'logits apart',
        Math.abs((passage.layers.at(-1)?.values[0] ?? 0) - (passage.layers.at(-1)?.values[1] ?? 0)),
      )
    }, [passage, done, ops.length, scene])
    return (
      <div class="stage-views">
        <Panel title="One point on its way" stamp={passage?.stamp} class="forward">
          {passage && <Picture columns={columns} passage={passage} ops={ops} done={done} hidden={!revealed} />}
          {!end && (
            <div class="row">
              <button type="button" disabled={done === 0} onClick={() => setNow(done - 1)}>
                Back one
              </button>
              <button
                type="button"
                class="primary"
                disabled={!revealed || done === ops.length}
                onClick={() => setNow(done + 1)}
              >
                Next operation
              </button>
              <span class="muted small figures">
                {done} of {ops.length}
              </span>
            </div>
          )}
          <div class="op" aria-live="polite">
            {op ? (
              <>
                <p>{op.says}</p>
                <LiveFormula tex={revealed ? op.tex : (op.asked ?? '?')} />
              </>
            ) : (
              <p class="muted">The inputs are given. Nothing is computed yet.</p>
            )}
          </div>
        </Panel>
        <Panel title="Which point">
          <Plane
            info={info}
            label={`What the network says at each place; the point is at ${two(place[0])}, ${two(place[1])}`}
            responses={responses}
            map={(answer) => outputMap(answer, info.task)}
            boundary
            points={points}
            probe={place}
            onProbe={setPlace}
          />
          <div class="row">
            {[0, 1].map((k) => (
              <label class="field" key={k} style={{ flex: '1 1 120px' }}>
                <span>
                  input {k + 1} <span class="worth">{two(place[k])}</span>
                </span>
                <input
                  type="range"
                  min={-6}
                  max={6}
                  step={0.05}
                  value={place[k]}
                  aria-valuetext={two(place[k])}
                  onInput={(event) => {
                    const value = Number(event.currentTarget.value)
                    setPlace(k === 0 ? [value, place[1]] : [place[0], value])
                  }}
                />
              </label>
            ))}
          </div>
        </Panel>
      </div>
    )
  }
}

/** The place at which a map is nearest to 0. */
function undecided({ values, size }: PlaneMap): Place {
  let best = 0
  for (let i = 1; i < values.length; i++) if (Math.abs(values[i]) < Math.abs(values[best])) best = i
  const at = (i: number): number => ((2 * i + 1) / size - 1) * reach
  return [at(best % size), -at(Math.floor(best / size))]
}

function columnsOf({ input, layers, probabilities }: Passage, info: RunInfo): Column[] {
  return [
    { name: 'input', values: input },
    ...layers.map(({ kind, values }, i) => ({
      name: kind === 'linear' ? (i === layers.length - 1 && info.task === 'class' ? 'logits' : 'sums') : kind,
      values,
    })),
    ...(probabilities ? [{ name: 'softmax', values: probabilities }] : []),
  ]
}

/** The letter of a column's numbers in formulas. */
function letterOf(layers: readonly PassageLayer[], column: number): string {
  if (column === 0) return 'x'
  const { kind } = layers[column - 1]
  if (kind !== 'linear') return 'h'
  return column === layers.length ? 'y' : 'z'
}

function opsOf({ layers, probabilities }: Passage, info: RunInfo): Op[] {
  const ops = layers.flatMap((layer, i): Op[] => {
    const [from, to] = [letterOf(layers, i), letterOf(layers, i + 1)]
    if (layer.kind === 'linear') {
      return Array.from(layer.values, (_, unit) => ({
        column: i + 1,
        unit,
        says:
          to === 'y'
            ? `Class ${info.labels[unit] ?? unit + 1}: every hidden number times its weight, and the bias.`
            : `Unit ${unit + 1}: each input times its weight, and the bias.`,
        tex: sumOf(layer, i, unit, from, to),
        asked: sumOf(layer, i, unit, from, to, true),
      }))
    }
    return [
      {
        column: i + 1,
        unit: undefined,
        says: `The activation bends each sum by itself.`,
        tex: `\\begin{aligned}${Array.from(layer.values, (value, k) => `${to}_${k + 1} &= \\operatorname{${layer.kind}}(${tex(layer.given[k])}) = ${tex(value)}`).join('\\\\')}\\end{aligned}`,
      },
    ]
  })
  const last = layers.at(-1)
  if (probabilities && last) {
    const below = Array.from(last.values, (value) => `e^{${tex(value)}}`).join(' + ')
    ops.push({
      column: layers.length + 1,
      unit: undefined,
      says: 'Softmax: e to the power of each, as a share of all. Now they are positive, and together 1.',
      tex: `\\begin{aligned}${Array.from(probabilities, (value, k) => `p_{\\text{${info.labels[k]}}} &= \\frac{e^{${tex(last.values[k])}}}{${below}} = ${tex(value)}`).join('\\\\[6pt]')}\\end{aligned}`,
    })
  }
  return ops
}

/** What links and nodes of the picture are called in formulas. */
const linkName = (column: number, from: number, to: number): string => `l${column}-${from}-${to}`
const nodeName = (column: number, unit: number): string => `n${column}-${unit}`

/** A sum with letters, with numbers, and its value, in lines that fit a phone. */
function sumOf(layer: PassageLayer, column: number, unit: number, from: string, to: string, asked = false): string {
  const n = layer.given.length
  const weights = Array.from({ length: n }, (_, k) => layer.weight?.values[unit * n + k] ?? 0)
  const products = Array.from({ length: n }, (_, k) => layer.products?.values[unit * n + k] ?? 0)
  const bias = layer.bias?.[unit] ?? 0
  // Symbols and their numbers light up what they stand for in the picture.
  const weight = (k: number, text: string): string => `\\sym{${linkName(column, k, unit)}}{${text}}`
  const input = (k: number, text: string): string => `\\sym{${nodeName(column, k)}}{${text}}`
  const lines = [
    `${to}_${unit + 1} &= ${weights.map((_, k) => `${weight(k, `w_${k + 1}`)} ${input(k, `${from}_${k + 1}`)}`).join(' + ')} + b`,
    ...weights.map(
      (value, k) =>
        `&${k === 0 ? '=' : '\\quad +'} ${weight(k, tex(value, k > 0))} \\cdot ${input(k, tex(layer.given[k], true))}`,
    ),
  ]
  lines[lines.length - 1] += ` + ${tex(bias, true)}`
  if (asked) lines.push('&= \\;?')
  else {
    lines.push(`&= ${products.map((product, k) => tex(product, k > 0)).join(' + ')} + ${tex(bias, true)}`)
    lines.push(`&= ${tex(layer.values[unit])}`)
  }
  return `\\begin{aligned}${lines.join('\\\\')}\\end{aligned}`
}

const [width, height, top] = [400, 250, 26]
const radius = 24

function Picture({
  columns,
  passage,
  ops,
  done,
  hidden,
}: {
  readonly columns: readonly Column[]
  readonly passage: Passage
  readonly ops: readonly Op[]
  readonly done: number
  /** Whether the number that was computed last stays covered. */
  readonly hidden: boolean
}): JSX.Element {
  const x = (column: number): number => ((column + 0.5) / columns.length) * width
  const y = (column: number, unit: number): number =>
    top + ((unit + 0.5) / columns[column].values.length) * (height - top)
  const is = (op: Op, column: number, unit: number): boolean =>
    op.column === column && (op.unit === undefined || op.unit === unit)
  const known = (column: number, unit: number): boolean =>
    column === 0 || ops.slice(0, done).some((op) => is(op, column, unit))
  const current = (column: number, unit: number): boolean => done > 0 && is(ops[done - 1], column, unit)
  return (
    <div class="forward-picture">
      <svg
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={`The network, ${done} of ${ops.length} operations done`}
      >
        {columns.map(({ name }, c) => (
          <text class="name" x={x(c)} y={12} key={name}>
            {name}
          </text>
        ))}
        {passage.layers.map((layer, i) =>
          Array.from(layer.values, (_, to) =>
            Array.from(layer.given, (_, from) => {
              if (layer.kind !== 'linear' && from !== to) return null
              const weight = layer.weight?.values[to * layer.given.length + from] ?? 1
              return (
                <line
                  {...linked(linkName(i, from, to))}
                  // Links are known by their ends.
                  key={`${i} ${from} ${to}`}
                  x1={x(i) + radius}
                  y1={y(i, from)}
                  x2={x(i + 1) - radius}
                  y2={y(i + 1, to)}
                  class={layer.kind !== 'linear' ? 'bend-link' : weight < 0 ? 'minus' : 'plus'}
                  stroke-width={Math.max(0.75, Math.min(6, 2 * Math.abs(weight)))}
                  opacity={current(i + 1, to) ? 1 : known(i + 1, to) ? 0.45 : 0.15}
                />
              )
            }),
          ),
        )}
        {columns.map(({ name, values }, c) =>
          Array.from(values, (value, unit) => {
            const shown = known(c, unit) && !(hidden && current(c, unit))
            return (
              <g key={`${name} ${y(c, unit)}`} {...linked(nodeName(c, unit))}>
                <circle
                  cx={x(c)}
                  cy={y(c, unit)}
                  r={radius}
                  class={current(c, unit) ? 'now' : ''}
                  style={shown ? { fill: css(signed(value / 3), 0.45) } : {}}
                />
                <text x={x(c)} y={y(c, unit)}>
                  {shown ? two(value) : known(c, unit) ? '?' : ''}
                </text>
              </g>
            )
          }),
        )}
      </svg>
    </div>
  )
}
