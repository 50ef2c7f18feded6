/**
 * The stages of chapter 7: the chain from one weight to the loss, each link with its slope, uncovered from the loss back.
 *
 * Values, slopes and gradients are those of the microscope's question (`unfolded`) for one sample; nothing is computed
 * here but their products, which are compared with the library's gradient.
 */
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { usePaced } from '../../state/paced.ts'
import { Panel } from '../../ui/controls.tsx'
import { number } from '../../ui/format.ts'
import { Microscope } from '../../views/microscope/microscope.tsx'
import type { GradientTerms, PassElement, Questions, RunInfo } from '../../worker/protocol.ts'
import type { Stage, StageProps } from '../chapter.ts'
import { Formula } from '../formula.tsx'
import './downhill.css'
import { Knob, tex } from './knob.tsx'

const weightName = '0.weight'
const sample = { part: 'train', index: 0 } as const
const keyOf = ({ id, element }: PassElement): string => `${id}:${element}`

interface Stop {
  readonly key: string
  /** As z or h, with a number where there are several. */
  readonly letter: string
  readonly says: string
  readonly value: number
  /** How the loss changes with it. */
  readonly gradient: number
  readonly row: number
  readonly column: number
  readonly columns: number
}

interface Link {
  readonly from: Stop
  readonly to: Stop
  readonly local: number
}

interface Chain {
  readonly stops: readonly Stop[]
  readonly links: readonly Link[]
  /** All ways from the weight to the loss. */
  readonly ways: readonly (readonly Link[])[]
  readonly answer: Questions['unfolded']['answer']
}

/** The whole chain of the first weight; it is opened stop by stop, until every way has reached the loss. */
function useChain({ run, info }: Pick<StageProps, 'run' | 'info'>): Chain | undefined {
  const [open, setOpen] = useState<readonly PassElement[]>([])
  const ask = { run, name: weightName, element: 0, of: sample, stride: 'modules', limit: 8, open } as const
  const { value } = usePaced('unfolded', ask)
  const last = useRef<Chain | undefined>(undefined)
  useEffect(() => {
    if (!value) return
    const known = new Set(value.opened.map(keyOf))
    const missing = [value.root, ...value.opened]
      .flatMap(({ terms }) => terms)
      .filter((term) => term.name !== 'loss' && !known.has(keyOf(term)))
    if (missing.length > 0)
      setOpen([
        ...new Map([...open, ...missing].map(({ id, element }) => [`${id}:${element}`, { id, element }])).values(),
      ])
  }, [value])
  if (value) last.current = chainOf(value, info) ?? last.current
  return last.current
}

function chainOf(answer: Questions['unfolded']['answer'], info: RunInfo): Chain | undefined {
  const parts = new Map<string, GradientTerms>(answer.opened.map((each) => [keyOf(each), each]))
  const found = new Map<
    string,
    { name: string; position: readonly number[]; value: number; gradient: number; row: number }
  >()
  const walk = (terms: GradientTerms, row: number): boolean =>
    terms.terms.every((term) => {
      const key = keyOf(term)
      const before = found.get(key)
      found.set(key, {
        name: term.name,
        position: term.position,
        value: term.value,
        gradient: term.upstream,
        row: Math.max(row, before?.row ?? 0),
      })
      const next = parts.get(key)
      return term.name === 'loss' || (next !== undefined && walk(next, row + 1))
    })
  if (!walk(answer.root, 1)) return undefined
  const root: Stop = {
    ...{
      key: keyOf(answer.root),
      letter: 'w',
      says: 'the weight',
      value: answer.value,
      gradient: answer.root.gradient,
    },
    ...{ row: 0, column: 0, columns: 1 },
  }
  const rows = [...found].sort(([, a], [, b]) => a.position.at(-1)! - b.position.at(-1)!)
  const layers = info.modules.filter(({ children, path }) => path !== '' && children.length === 0)
  const stops = [
    root,
    ...rows.map(([key, each]): Stop => {
      const same = rows.filter(([, other]) => other.row === each.row)
      const layer = layers.find(({ path }) => path === each.name)
      const depth = layers.filter((other) => other.kind === layer?.kind).indexOf(layer as (typeof layers)[number])
      const [letter, says] = lettersOf(each.name, layer?.kind, layer === layers.at(-1), depth)
      const unit = same.length > 1 ? `${(each.position.at(-1) ?? 0) + 1}` : ''
      return {
        ...{
          key,
          letter: unit ? `${letter}${subscripts[unit] ?? unit}` : letter,
          says,
          value: each.value,
          gradient: each.gradient,
        },
        ...{ row: each.row, column: same.findIndex(([other]) => other === key), columns: same.length },
      }
    }),
  ]
  const byKey = new Map(stops.map((stop) => [stop.key, stop]))
  const links = [answer.root, ...answer.opened].flatMap((terms) =>
    terms.terms.flatMap((term): Link[] => {
      const [from, to] = [byKey.get(keyOf(terms)), byKey.get(keyOf(term))]
      return from && to ? [{ from, to, local: term.local }] : []
    }),
  )
  const waysFrom = (stop: Stop): Link[][] => {
    const out = links.filter(({ from }) => from === stop)
    return out.length === 0 ? [[]] : out.flatMap((link) => waysFrom(link.to).map((way) => [link, ...way]))
  }
  return { stops, links, ways: waysFrom(root), answer }
}

const subscripts: Readonly<Record<string, string>> = { 1: '₁', 2: '₂', 3: '₃', 4: '₄' }

function lettersOf(
  name: string,
  kind: string | undefined,
  isLast: boolean,
  depth: number,
): [letter: string, says: string] {
  if (name === 'loss') return ['L', 'the loss']
  if (isLast) return ['y', 'the answer']
  const prime = '′'.repeat(depth)
  return kind === 'linear' ? [`z${prime}`, 'the sum'] : [`h${prime}`, `${kind} of it`]
}

const rowHeight = 92

/** The chain, the weight above and the loss below. */
function Picture({
  chain: { stops, links },
  known,
  now,
  way,
  links: showLinks = true,
  nudged,
}: {
  readonly chain: Chain
  /** From which row on gradients are uncovered. */
  readonly known: number
  readonly now?: number
  readonly way?: readonly Link[] | undefined
  readonly links?: boolean
  /** By how much each value has changed. */
  readonly nudged?: ReadonlyMap<string, number> | undefined
}): JSX.Element {
  const rows = Math.max(...stops.map(({ row }) => row)) + 1
  // A single row of boxes is drawn larger, so that a phone shows it as large as the text.
  const isWide = stops.some(({ columns }) => columns > 1)
  const [width, half] = isWide ? [360, 84] : [204, 98]
  const place = ({ row, column, columns }: Stop): readonly [number, number] => [
    width / 2 + (column - (columns - 1) / 2) * 182,
    34 + row * rowHeight,
  ]
  return (
    <svg
      class="chain-picture"
      style={{ maxWidth: isWide ? '440px' : '240px' }}
      viewBox={`0 0 ${width} ${rows * rowHeight - 18}`}
      role="img"
      aria-label={stops
        .map(
          (stop) =>
            `${stop.says} ${stop.letter} is ${number(stop.value)}${stop.row >= known ? `, its gradient ${number(stop.gradient)}` : ''}`,
        )
        .join('; ')}
    >
      {links.map((link) => {
        const [[x0, y0], [x1, y1]] = [place(link.from), place(link.to)]
        const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2]
        return (
          <g key={link.from.key + link.to.key}>
            <line x1={x0} y1={y0 + 26} x2={x1} y2={y1 - 26} class={way?.includes(link) ? 'lit-way' : ''} />
            {showLinks && link.to.row >= known - 1 && (
              <>
                <rect class="label-ground" x={x - 38} y={y - 10} width={76} height={19} />
                <text class="num" x={x} y={y + 4} text-anchor="middle">
                  × {number(link.local)}
                </text>
              </>
            )}
          </g>
        )
      })}
      {stops.map((stop) => {
        const [x, y] = place(stop)
        const isKnown = stop.row >= known
        const change = nudged?.get(stop.key)
        return (
          <g key={stop.key}>
            <rect
              x={x - half}
              y={y - 26}
              width={2 * half}
              height={52}
              rx={7}
              class={stop.row === now ? 'now' : isKnown ? 'known' : ''}
            />
            <text x={x - half + 9} y={y - 5}>
              {stop.letter} <tspan class="soft">{stop.says}</tspan>
            </text>
            <text class="num" x={x + half - 9} y={y - 5} text-anchor="end">
              {number(stop.value)}
            </text>
            <text class="soft" x={x - half + 9} y={y + 16}>
              {change !== undefined ? 'has changed by' : `∂L/∂${stop.letter}`}
            </text>
            <text class="num" x={x + half - 9} y={y + 16} text-anchor="end">
              {change !== undefined ? number(change) : isKnown ? number(stop.gradient) : '?'}
            </text>
          </g>
        )
      })}
    </svg>
  )
}

/** By how much every number changes when the weight does; `by` is added to it and taken off again. */
export function nudgeStage(by = 0.01): Stage {
  return function NudgeStage(props: StageProps): JSX.Element {
    const { scene, revealed } = props
    const chain = useChain(props)
    const [before, setBefore] = useState<Chain | undefined>(undefined)
    const nudged =
      before && chain && chain.answer.value !== before.answer.value
        ? new Map(chain.stops.map(({ key, value }, i) => [key, value - before.stops[i].value]))
        : undefined
    const ratio =
      nudged && chain
        ? (nudged.get(chain.stops.at(-1)?.key ?? '') ?? 0) / (nudged.get(chain.stops[0].key) ?? 1)
        : undefined
    useEffect(() => {
      if (ratio !== undefined) scene.notice('nudged', ratio)
    }, [ratio])
    const nudge = (sign: number): void => {
      if (!chain) return
      const start = before ?? chain
      setBefore(start)
      void scene.set(weightName, [start.answer.value + sign * by])
    }
    const asked = scene.fact('nudge')
    useEffect(() => {
      if (asked !== undefined) nudge(1)
    }, [asked])
    return (
      <Panel title="One sample on its way to the loss" {...(chain && { stamp: chain.answer.stamp })}>
        {chain ? (
          <Picture chain={sorted(chain)} known={Number.POSITIVE_INFINITY} links={false} nudged={nudged} />
        ) : (
          <p class="muted">Recording the pass …</p>
        )}
        <div class="row">
          <button type="button" class="primary" disabled={!revealed || !chain} onClick={() => nudge(1)}>
            Weight + {by}
          </button>
          <button type="button" disabled={!revealed || !chain} onClick={() => nudge(-1)}>
            Weight − {by}
          </button>
        </div>
        {ratio !== undefined && (
          <p>
            The loss changed by <strong class="figures">{number(ratio)}</strong> times what the weight did.
          </p>
        )}
      </Panel>
    )
  }
}

/** Stops from the weight to the loss. */
const sorted = (chain: Chain): Chain => ({ ...chain, stops: [...chain.stops].sort((a, b) => a.row - b.row) })

/** The links, one after the other, from the loss back to the weight. */
export function backStage({ ways = false, knob = false } = {}): Stage {
  return function BackStage(props: StageProps): JSX.Element {
    const { scene, revealed } = props
    const chain = useChain(props)
    const rows = chain ? Math.max(...chain.stops.map(({ row }) => row)) : 0
    const [back, setBack] = useState(0)
    const [chosen, setChosen] = useState<number | undefined>(undefined)
    const seen = useRef(new Set<number>()).current
    const uncovered = ways ? rows : Math.max(back, scene.fact('uncover') ?? 0)
    const known = rows - uncovered
    useEffect(() => {
      if (!chain) return
      scene.notice('gradient', chain.answer.gradient)
      scene.notice('back', uncovered)
      scene.notice('rows', rows)
      const at = chain.stops.filter(({ row }) => row === 1)
      scene.notice('first', at[0].gradient)
    }, [chain, uncovered])
    const look = (way: number): void => {
      setChosen(way)
      seen.add(way)
      scene.notice('ways', seen.size)
    }
    const wayAsked = scene.fact('show way')
    const at = wayAsked ?? chosen
    return (
      <Panel
        title={ways ? 'All ways from the weight to the loss' : 'From the loss back to the weight'}
        {...(chain && { stamp: chain.answer.stamp })}
      >
        {chain ? (
          <Picture
            chain={chain}
            known={known}
            {...(!ways && { now: known })}
            way={at === undefined ? undefined : chain.ways[at]}
          />
        ) : (
          <p class="muted">Recording the pass …</p>
        )}
        {!ways && (
          <div class="row">
            <button type="button" disabled={!revealed || uncovered === 0} onClick={() => setBack(uncovered - 1)}>
              Cover one
            </button>
            <button
              type="button"
              class="primary"
              disabled={!revealed || !chain || uncovered >= rows}
              onClick={() => setBack(uncovered + 1)}
            >
              One link back
            </button>
          </div>
        )}
        {!ways && chain && uncovered > 0 && <Product chain={chain} known={known} />}
        {ways && chain && (
          <div class="row">
            {chain.ways.map((way, i) => (
              <button
                type="button"
                key={way.map(({ to }) => to.key).join()}
                aria-pressed={i === at}
                disabled={!revealed}
                onClick={() => look(i)}
              >
                way {i + 1}
              </button>
            ))}
          </div>
        )}
        {ways && chain && revealed && <Sum chain={chain} chosen={at} />}
        {knob && chain && (
          <div class="row">
            <span>weight w</span>
            <Knob
              name="weight"
              symbol="w"
              value={chain.answer.value}
              min={-3}
              max={3}
              disabled={!revealed}
              onInput={(value) => void scene.set(weightName, [value])}
            />
          </div>
        )}
      </Panel>
    )
  }
}

/** The product so far, for a chain with a single way. */
function Product({ chain, known }: { readonly chain: Chain; readonly known: number }): JSX.Element {
  const [way] = chain.ways
  const links = way.filter(({ from }) => from.row >= known).reverse()
  const from = chain.stops.find(({ row }) => row === known)
  if (!from || links.length === 0) return <span />
  const names = links.map(({ from, to }) => `\\frac{\\partial ${to.letter}}{\\partial ${from.letter}}`).join(' \\cdot ')
  const numbers = links.map(({ local }, i) => tex3(local, i > 0)).join(' \\cdot ')
  return (
    <Formula
      display
      tex={`\\begin{aligned}\\frac{\\partial L}{\\partial ${from.letter}} &= ${names}\\\\[4pt] &= ${numbers}\\\\ &= ${tex3(from.gradient)}\\end{aligned}`}
      words={`The gradient of ${from.letter} is ${links.map(({ local }) => number(local)).join(' times ')}, which is ${number(from.gradient)}`}
    />
  )
}

/** The sum over all ways, beside the library's gradient. */
function Sum({ chain, chosen }: { readonly chain: Chain; readonly chosen: number | undefined }): JSX.Element {
  const products = chain.ways.map((way) => way.reduce((product, { local }) => product * local, 1))
  const lines = chain.ways.map((way, i) => {
    const text = [...way]
      .reverse()
      .map(({ local }, k) => tex3(local, k > 0))
      .join(' \\cdot ')
    return `\\text{way ${i + 1}} &= ${i === chosen ? `\\mathbf{${text}}` : text} = ${tex3(products[i])}`
  })
  const sum = products.reduce((a, b) => a + b, 0)
  return (
    <>
      <Formula
        display
        tex={`\\begin{aligned}${lines.join('\\\\')}\\\\[4pt] \\frac{\\partial L}{\\partial w} &= ${products.map((product, i) => tex3(product, i > 0)).join(' + ')} = ${tex3(sum)}\\end{aligned}`}
      />
      <p class="muted small">
        The gradient that training computes: <span class="figures">{number(chain.answer.gradient, 4)}</span>
      </p>
    </>
  )
}

/** With three digits that count, as the picture has them. */
const tex3 = (value: number, bracket = false): string => {
  const text = number(value)
    .replaceAll('−', '-')
    .replace(/e(-?\d+)$/, ' \\cdot 10^{$1}')
  return Math.abs(value) >= 1e4 || !Number.isFinite(value)
    ? tex(value, bracket)
    : bracket && text.startsWith('-')
      ? `(${text})`
      : text
}

/** The microscope on one weight of the network. */
export function microscopeStage(
  weight: { readonly name: string; readonly element: number },
  { update = false, check = false } = {},
): Stage {
  return function MicroscopeStage({ run, info, scene }: StageProps): JSX.Element {
    const { selection } = scene.lab
    useEffect(() => {
      selection.pinned.value = { kind: 'weight', ...weight }
      selection.input.value = sample
    }, [selection])
    return (
      <Microscope
        run={run}
        info={info}
        choose={false}
        update={update}
        check={check}
        begin={update ? 'batch' : sample}
        onSeen={(what, value) => scene.notice(what, value)}
        onUpdate={(next) => scene.notice('next', next)}
      />
    )
  }
}
