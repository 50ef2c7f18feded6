/** One unit at one letter, with its numbers: the sum behind each gate, and how the memory follows from the gates. */
import type { ComponentChildren, JSX } from 'preact'
import { useQuestion } from '../../state/ask.ts'
import { number } from '../../ui/format.ts'
import type { GateSum, Input, Questions, RunId } from '../../worker/protocol.ts'
import '../sequence/sequence.css'

type Answer = Questions['gateTerms']['answer']
/** The most terms that are listed; the others are added up. */
const most = 8

export interface StepSumProps {
  readonly run: RunId
  readonly module: string
  readonly track: string
  readonly time: number
  readonly unit: number
  readonly input: Input
  readonly letter: string
}

export function StepSum(props: StepSumProps): JSX.Element | null {
  const { letter, ...place } = props
  const { value: seen, problem } = useQuestion('gateTerms', { ...place }, { render: true })
  if (problem) return <p class="sequence-note">{problem}</p>
  if (!seen) return null
  return (
    <div class="sums">
      {seen.sums.map((sum) => (
        <Gate key={sum.gate} sum={sum} seen={seen} letter={letter} />
      ))}
      <Memory seen={seen} />
    </div>
  )
}

const bends = { sigmoid: 'σ', tanh: 'tanh', relu: 'max 0,' } as const

/** A number within a sum: in brackets where it is negative. */
const factor = (value: number): string => (value < 0 ? `(${number(value)})` : number(value))

function Part({ name, children }: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <span>
      {children} <span class="part-name">{name}</span>
    </span>
  )
}

function Gate({ sum, seen, letter }: { sum: GateSum; seen: Answer; letter: string }): JSX.Element {
  const { gate, bend, fromInput, fromHidden, value } = sum
  const reset = seen.kind === 'gru' && gate === 'n' ? seen.values.r : undefined
  const name = gate === 'hidden' ? 'h' : gate
  return (
    <details>
      <summary class="sum">
        <span class="name">{name}</span> = {bends[bend]}(<Part name="letter">{number(fromInput)}</Part> +{' '}
        {reset !== undefined && <>{number(reset)} r · </>}
        <Part name="state">{factor(fromHidden)}</Part>) ={' '}
        <span class="result" data-gate={gate}>
          {number(value)}
        </span>
      </summary>
      <div class="row" style={{ alignItems: 'flex-start', gap: '8px 32px' }}>
        <Products
          title={`From the letter ${letter}`}
          given="x"
          numbers={seen.inputs}
          weights={sum.inputWeights}
          bias={sum.inputBias}
          whole={fromInput}
        />
        <Products
          title="From the state before"
          given="h"
          numbers={seen.hiddens}
          weights={sum.hiddenWeights}
          bias={sum.hiddenBias}
          whole={fromHidden}
        />
      </div>
    </details>
  )
}

/** The largest products of a sum, and what the others come to. */
function Products({
  title,
  given,
  numbers,
  weights,
  bias,
  whole,
}: {
  readonly title: string
  readonly given: string
  readonly numbers: Float32Array
  readonly weights: Float32Array
  readonly bias: number
  readonly whole: number
}): JSX.Element {
  const products = Array.from(numbers, (x, i) => ({ i, x, w: weights[i], product: x * weights[i] }))
  const sorted = products.sort((a, b) => Math.abs(b.product) - Math.abs(a.product))
  const [listed, others] = [sorted.slice(0, most), sorted.slice(most)]
  return (
    <table class="terms-table">
      <caption class="sequence-note" style={{ textAlign: 'left' }}>
        {title}
      </caption>
      <thead>
        <tr>
          <th scope="col">{given}</th>
          <th scope="col">number</th>
          <th scope="col">× weight</th>
          <th scope="col">= product</th>
        </tr>
      </thead>
      <tbody>
        {listed.map(({ i, x, w, product }) => (
          <tr key={i}>
            <th scope="row">{i + 1}</th>
            <td>{number(x)}</td>
            <td>{number(w)}</td>
            <td>{number(product)}</td>
          </tr>
        ))}
        {others.length > 0 && (
          <tr>
            <th scope="row" colSpan={3}>
              {others.length} smaller ones
            </th>
            <td>{number(others.reduce((sum, { product }) => sum + product, 0))}</td>
          </tr>
        )}
        <tr>
          <th scope="row" colSpan={3}>
            bias
          </th>
          <td>{number(bias)}</td>
        </tr>
      </tbody>
      <tfoot>
        <tr>
          <th scope="row" colSpan={3}>
            sum
          </th>
          <td>{number(whole)}</td>
        </tr>
      </tfoot>
    </table>
  )
}

function Memory({ seen }: { readonly seen: Answer }): JSX.Element | null {
  const { kind, values, cellBefore, hiddens, unit } = seen
  if (kind === 'lstm')
    return (
      <>
        <p class="sum">
          <span class="name">c</span> = <Part name="f">{number(values.f)}</Part> ·{' '}
          <Part name="c before">{factor(cellBefore)}</Part> + <Part name="i">{number(values.i)}</Part> ·{' '}
          <Part name="g">{factor(values.g)}</Part> ={' '}
          <span class="result" data-gate="cell">
            {number(values.cell)}
          </span>
        </p>
        <p class="sum">
          <span class="name">h</span> = <Part name="o">{number(values.o)}</Part> · tanh({number(values.cell)}) ={' '}
          <span class="result" data-gate="hidden">
            {number(values.hidden)}
          </span>
        </p>
      </>
    )
  if (kind === 'gru')
    return (
      <p class="sum">
        <span class="name">h</span> = <Part name="1 − z">{number(1 - values.z)}</Part> ·{' '}
        <Part name="n">{factor(values.n)}</Part> + <Part name="z">{number(values.z)}</Part> ·{' '}
        <Part name="h before">{factor(hiddens[unit])}</Part> ={' '}
        <span class="result" data-gate="hidden">
          {number(values.hidden)}
        </span>
      </p>
    )
  return null
}
