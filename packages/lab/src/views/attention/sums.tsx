/**
 * The arithmetic of one query with its numbers: products with the keys, scale, mask, softmax; one product term by term;
 * and the weighted sum of values.
 */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Slider } from '../../ui/controls.tsx'
import { number } from '../../ui/format.ts'
import type { Numbers, Questions } from '../../worker/protocol.ts'
import '../sequence/sequence.css'

type Inside = Questions['attentionInside']['answer']

/** The most keys that are listed; those with the smallest weights are added up. */
const most = 16

/** One place of one head. */
function vector({ shape: [, places, size], values }: Numbers, head: number, place: number): Float32Array {
  return values.subarray((head * places + place) * size, (head * places + place + 1) * size)
}

export function AttentionSums({
  inside,
  head,
  query,
  chosenKey,
  letters,
  onKey,
  parts = ['scores', 'product', 'values'],
}: {
  readonly inside: Inside
  readonly head: number
  readonly query: number
  readonly chosenKey: number
  readonly letters: readonly string[]
  readonly onKey: (key: number) => void
  readonly parts?: readonly ('scores' | 'product' | 'values')[]
}): JSX.Element {
  const shared = Math.floor(head / inside.group)
  const q = vector(inside.q, head, query)
  const scores = vector(inside.scores, head, query)
  const weights = vector(inside.weights, head, query)
  const keyOf = (place: number): Float32Array => vector(inside.keys, shared, place)
  const dots = letters.map((_, place) => q.reduce((sum, each, i) => sum + each * keyOf(place)[i], 0))
  const order = letters
    .map((_, place) => place)
    .sort((a, b) => weights[b] - weights[a] || a - b)
    .slice(0, most)
    .sort((a, b) => a - b)
  const key = Math.min(chosenKey, letters.length - 1)
  const biased = order.some(
    (place) => scores[place] > -1e30 && Math.abs(scores[place] - dots[place] * inside.scale) > 1e-3,
  )
  const highest = Math.max(...scores)
  const total = scores.reduce((sum, score) => sum + Math.exp(score - highest), 0)
  return (
    <div class="sums">
      {parts.includes('scores') && (
        <div class="wide">
          <table class="terms-table keys-table">
            <caption class="hidden-text">Scores and weights of {letters[query]}</caption>
            <thead>
              <tr>
                <th scope="col">key</th>
                <th scope="col">q · k</th>
                <th scope="col">× {number(inside.scale)}</th>
                {biased && <th scope="col">with place</th>}
                <th scope="col">e to that</th>
                <th scope="col">weight</th>
                <th scope="col">
                  <span class="hidden-text">as a bar</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {order.map((place) => {
                const score = scores[place]
                const hidden = score === Number.NEGATIVE_INFINITY
                return (
                  <tr key={place} class={place === key ? 'chosen' : ''}>
                    <th scope="row">
                      <button
                        type="button"
                        class="quiet"
                        aria-pressed={place === key}
                        aria-label={`Key ${place + 1}, ${letters[place]}`}
                        onClick={() => onKey(place)}
                      >
                        {letters[place]}
                      </button>
                    </th>
                    <td>{number(dots[place])}</td>
                    {hidden ? (
                      <td colSpan={biased ? 3 : 2}>comes later: masked, 0</td>
                    ) : (
                      <>
                        <td data-score={place}>{number(biased ? dots[place] * inside.scale : score)}</td>
                        {biased && <td data-score={place}>{number(score)}</td>}
                        <td>{number(Math.exp(score))}</td>
                      </>
                    )}
                    <td data-weight={place}>{number(weights[place])}</td>
                    <td>
                      <span class="weight-bar" aria-hidden="true">
                        <span style={{ width: `${100 * weights[place]}%` }} />
                      </span>
                    </td>
                  </tr>
                )
              })}
            </tbody>
            <tfoot>
              <tr>
                <th scope="row" colSpan={biased ? 4 : 3}>
                  {letters.length > most ? `sum over all ${letters.length}` : 'sum'}
                </th>
                <td>{number(total * Math.exp(highest))}</td>
                <td>{number(weights.reduce((sum, weight) => sum + weight, 0))}</td>
                <td />
              </tr>
            </tfoot>
          </table>
          <p class="sequence-note">Softmax: each e to the score over the sum of all.</p>
        </div>
      )}
      {parts.includes('product') && (
        <Product q={q} k={keyOf(key)} from={letters[query]} to={letters[key]} dot={dots[key]} />
      )}
      {parts.includes('values') && (
        <Mixed
          weights={weights}
          value={(place) => vector(inside.values, shared, place)}
          mixed={vector(inside.mixed, head, query)}
          order={order}
          letters={letters}
        />
      )}
    </div>
  )
}

/** q · k, one column for each term. */
function Product({
  q,
  k,
  from,
  to,
  dot,
}: {
  readonly q: Float32Array
  readonly k: Float32Array
  readonly from: string
  readonly to: string
  readonly dot: number
}): JSX.Element {
  const row = (name: string, values: Float32Array, whole?: number): JSX.Element => (
    <tr>
      <th scope="row">{name}</th>
      {Array.from(values, (value, i) => (
        <td key={i}>{number(value, 2)}</td>
      ))}
      <td>{whole !== undefined && <strong data-dot>= {number(whole)}</strong>}</td>
    </tr>
  )
  return (
    <div class="part">
      <p class="sequence-note">
        What <span class="figures">{from}</span> asks (its query) times what <span class="figures">{to}</span> offers
        (its key)
      </p>
      <div class="wide">
        <table class="terms-table">
          <tbody>
            {row(`q of ${from}`, q)}
            {row(`k of ${to}`, k)}
            {row(
              'products',
              q.map((each, i) => each * k[i]),
              dot,
            )}
          </tbody>
        </table>
      </div>
    </div>
  )
}

/** The weighted sum of values, for one of its numbers. */
function Mixed({
  weights,
  value,
  mixed,
  order,
  letters,
}: {
  readonly weights: Float32Array
  readonly value: (place: number) => Float32Array
  readonly mixed: Float32Array
  readonly order: readonly number[]
  readonly letters: readonly string[]
}): JSX.Element {
  const [chosen, choose] = useState(0)
  const at = Math.min(chosen, mixed.length - 1)
  const seen = order.filter((place) => weights[place] > 0)
  const listed = seen.reduce((sum, place) => sum + weights[place] * value(place)[at], 0)
  return (
    <div class="part">
      <Slider
        label="What is taken along: number"
        value={at + 1}
        min={1}
        max={mixed.length}
        step={1}
        show={(i) => `${i} of ${mixed.length}`}
        onInput={(i) => choose(i - 1)}
      />
      <p class="sum">
        {seen.map((place, i) => (
          <span key={place}>
            {i > 0 && ' + '}
            {number(weights[place], 2)}
            <span class="part-name">{letters[place]}</span> ·{' '}
            {value(place)[at] < 0 ? `(${number(value(place)[at])})` : number(value(place)[at])}
          </span>
        ))}
        {seen.length < weights.length &&
          Math.abs(mixed[at] - listed) > 1e-3 &&
          ` + ${number(mixed[at] - listed)} of others`}
        {' = '}
        <span class="result" data-mixed={at}>
          {number(mixed[at])}
        </span>
      </p>
    </div>
  )
}
