/**
 * One number of a linear layer: behind maps, as what each map gave for it and against it; otherwise its largest terms.
 * Of the last layer also what softmax makes of all scores.
 */
import type { JSX } from 'preact'
import { useLab } from '../../state/ask.ts'
import { largestSize } from '../../ui/colour.ts'
import { added, number, percent, words } from '../../ui/format.ts'
import type { ModuleInfo, RunInfo, Terms } from '../../worker/protocol.ts'
import { useTextQuestion } from '../slow.ts'
import type { ViewProps } from '../view.ts'
import { MapPicture } from './map-picture.tsx'
import { followers } from './terms.ts'

/** Maps or terms that are shown: those that weigh most. */
const most = 6

export function LinearDetail({
  run,
  info,
  module,
  unit,
}: ViewProps & { readonly module: ModuleInfo; readonly unit: number }): JSX.Element {
  const input = useLab().selection.input.value
  const { path, kind } = module
  const then = followers(info, path)
  const answer = useTextQuestion('terms', {
    run,
    module: path,
    index: [unit],
    input,
    then: then.map((each) => each.path),
  })
  const terms = answer.value?.index[0] === unit ? answer.value : undefined
  const isLast = info.modules.filter(({ composite }) => !composite).at(-1)?.path === path
  const label = isLast ? info.labels[unit] : undefined
  const maps = mapsBefore(info, module)
  return (
    <section class="conv-detail" aria-label={`Unit ${unit + 1} of ${words(kind)} ${path}`}>
      <h3>
        {label === undefined ? `Unit ${unit + 1}` : `The score of “${label}”`}
        {terms?.rule === 'sum' && <>: {terms.inputs.length} products and a bias</>}
      </h3>
      {terms?.rule === 'sum' && maps && <MapTerms terms={terms} shape={maps} />}
      {terms?.rule === 'sum' && !maps && <TopTerms terms={terms} />}
      {terms && terms.rule !== 'sum' && (
        <p class="figures sum-line" data-value={terms.value}>
          {terms.rule === 'mean' && `the mean of ${terms.inputs.length} numbers = `}
          {terms.rule === 'largest' && `the largest of ${terms.inputs.length} numbers = `}
          {terms.rule === 'each' && `${words(kind)}(${number(terms.inputs[0])}) = `}
          <strong>{number(terms.value)}</strong>
        </p>
      )}
      {terms && then.length > 0 && (
        <p class="muted small">
          {then.map((each, i) => (
            <span key={each.path}>
              {words(each.kind)} makes <span class="figures">{number(terms.then[i]?.value ?? Number.NaN)}</span> of it.{' '}
            </span>
          ))}
        </p>
      )}
      {isLast && info.task === 'class' && <Softmax run={run} info={info} unit={unit} />}
      {answer.problem && <p>{answer.problem}</p>}
    </section>
  )
}

/** The maps that were laid in a row before a linear layer: [channels, rows, columns]. */
function mapsBefore({ modules }: RunInfo, { from }: ModuleInfo): readonly [number, number, number] | undefined {
  for (let at = from; at.length === 1; ) {
    const before = modules.find(({ path }) => path === at[0])
    if (!before) return undefined
    if (before.outputShape.length === 3) return before.outputShape as unknown as readonly [number, number, number]
    if (before.kind === 'flatten' && before.inputShape.length === 3)
      return before.inputShape as unknown as readonly [number, number, number]
    if (!/dropout|identity/i.test(before.kind)) return undefined
    at = before.from
  }
  return undefined
}

interface Part {
  readonly name: string
  readonly sum: number
}

function MapTerms({
  terms,
  shape: [channels, rows, columns],
}: {
  readonly terms: Terms
  readonly shape: readonly [number, number, number]
}): JSX.Element {
  const size = rows * columns
  const products = terms.inputs.map((x, i) => x * terms.weights[i])
  const parts = Array.from({ length: channels }, (_, channel) => ({
    channel,
    sum: products.subarray(channel * size, (channel + 1) * size).reduce((sum, each) => sum + each, 0),
  })).sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum))
  const shown = parts.slice(0, most)
  const map = (values: Float32Array, channel: number) => () => ({
    values,
    from: channel * size,
    size: [rows, columns] as const,
    scale: largestSize(values),
  })
  return (
    <>
      <div class="linear-maps">
        {shown.map(({ channel, sum }) => (
          <div class="conv-row three" key={channel}>
            <MapPicture name={`Map ${channel + 1}`} size={[rows, columns]} picture={map(terms.inputs, channel)} />
            <span aria-hidden="true">⊙</span>
            <MapPicture
              name={`Weights of map ${channel + 1}`}
              size={[rows, columns]}
              picture={map(terms.weights, channel)}
            />
            <span aria-hidden="true">=</span>
            <MapPicture
              name={`Products of map ${channel + 1}`}
              size={[rows, columns]}
              picture={map(products, channel)}
            />
            <span class="figures">
              {sum < 0 ? '−' : '+'}
              {number(Math.abs(sum))} <span class="muted">map {channel + 1}</span>
            </span>
          </div>
        ))}
      </div>
      <SumLine
        terms={terms}
        shown={shown.map(({ channel, sum }) => ({ name: `map ${channel + 1}`, sum }))}
        others={parts.length - shown.length}
        what="maps"
      />
    </>
  )
}

function TopTerms({ terms }: { readonly terms: Terms }): JSX.Element {
  const order = Array.from(terms.inputs, (x, i) => ({ i, sum: x * terms.weights[i] })).sort(
    (a, b) => Math.abs(b.sum) - Math.abs(a.sum),
  )
  const shown = order.slice(0, most)
  return (
    <>
      <ul class="terms figures">
        {shown.map(({ i, sum }) => (
          <li key={i}>
            {number(terms.inputs[i])} · {number(terms.weights[i])} = {number(sum)}{' '}
            <span class="muted">input {i + 1}</span>
          </li>
        ))}
      </ul>
      <SumLine
        terms={terms}
        shown={shown.map(({ i, sum }) => ({ name: `input ${i + 1}`, sum }))}
        others={order.length - shown.length}
        what="inputs"
      />
    </>
  )
}

/** The parts, what all others give together, and the bias: they make the number. */
function SumLine({
  terms,
  shown,
  others,
  what,
}: {
  readonly terms: Terms
  readonly shown: readonly Part[]
  readonly others: number
  readonly what: string
}): JSX.Element {
  const bias = terms.bias?.value ?? 0
  const rest = terms.value - bias - shown.reduce((sum, part) => sum + part.sum, 0)
  return (
    <p class="figures sum-line" data-value={terms.value}>
      {shown.map(({ name, sum }, k) => (
        <span key={name} title={name}>
          {k > 0 ? added(sum) : number(sum)}
        </span>
      ))}
      {others > 0 && (
        <span title={`the other ${others} ${what}`}>
          {added(rest)} <span class="muted">(other {others})</span>
        </span>
      )}
      {terms.bias && (
        <span title="bias">
          {' '}
          {added(bias)} <span class="muted">(bias)</span>
        </span>
      )}{' '}
      = <strong>{number(terms.value)}</strong>
    </p>
  )
}

/** How scores become probabilities: each as a power of e, divided by the sum of all. */
function Softmax({ run, info, unit }: ViewProps & { readonly unit: number }): JSX.Element {
  const { selection } = useLab()
  const answer = useTextQuestion('prediction', { run, input: selection.input.value })
  const scores = answer.value?.output.values
  const shares = answer.value?.probabilities?.values
  if (!scores || !shares) return <p class="muted">…</p>
  const powers = Array.from(scores, (score) => Math.exp(score))
  const sum = powers.reduce((total, power) => total + power, 0)
  return (
    <div class="softmax">
      <h3>Softmax: scores become probabilities</h3>
      <table class="figures">
        <thead>
          <tr>
            <th scope="col">class</th>
            <th scope="col">score</th>
            <th scope="col">e to the score</th>
            <th scope="col">÷ {number(sum)}</th>
          </tr>
        </thead>
        <tbody>
          {info.labels.map((label, k) => (
            <tr key={label} class={k === unit ? 'chosen' : ''}>
              <th scope="row">{label}</th>
              <td>{number(scores[k])}</td>
              <td>{number(powers[k])}</td>
              <td>{percent(shares[k])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
