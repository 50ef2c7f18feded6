/** The sum behind a number: each product with its weight and input, the largest first, then bias, sum and activation. */
import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { largestSize } from '../../ui/colour.ts'
import { number, shape, words } from '../../ui/format.ts'
import { Picture } from '../../ui/picture.tsx'
import { indexOf } from '../../ui/tiles.ts'
import type { ModuleInfo, RunInfo, Terms } from '../../worker/protocol.ts'
import { whatItDoes } from './meaning.ts'

/** Terms that are listed before the rest is summed up. */
const few = 8

interface Row {
  readonly from: string
  readonly input: number
  readonly weight: number
  readonly element: number
  readonly product: number
}

export interface SumProps {
  readonly terms: Terms
  readonly module: ModuleInfo
  readonly info: RunInfo
}

/** What an input of a module is called: a feature, a unit of the layer before, a place. */
function inputName({ kind, from }: ModuleInfo, info: RunInfo, sizes: readonly number[], at: number): string {
  const index = indexOf(sizes, at)
  if (/^(conv|max|avg)/.test(kind)) return `channel ${index[0] + 1} [${index.slice(1).join(', ')}]`
  const unit = index[index.length - 1]
  return (from.includes('') && info.features[unit]) || `unit ${unit + 1}`
}

export function SumTable({ terms, module, info }: SumProps): JSX.Element {
  const { rule, input, inputAt, inputs, weights, weightAt, value, bias, then } = terms
  const name = (i: number): string => inputName(module, info, input.shape, inputAt[i])
  if (rule === 'inside') return <Inside terms={terms} module={module} />
  if (rule === 'row') {
    const token = inputs[0]
    return (
      <p>
        The token {info.labels[token] ? `“${info.labels[token]}”` : token} picks its row of the table:{' '}
        <Weight terms={terms} element={weightAt[0]} value={weights[0]} />
        <Then then={then} info={info} />
      </p>
    )
  }
  if (rule === 'each') {
    return (
      <p class="figures">
        {words(module.kind)}({number(inputs[0], 4)}) = <Worth value={value} />
      </p>
    )
  }
  if (rule !== 'sum') {
    const best = rule === 'largest' ? inputs.indexOf(value) : -1
    return (
      <p class="figures">
        the {rule === 'largest' ? 'largest' : 'mean'} of {Array.from(inputs, (x) => number(x)).join(', ')} ={' '}
        <Worth value={value} />
        {best >= 0 && <span class="muted"> from {name(best)}</span>}
      </p>
    )
  }
  const rows = Array.from(inputs, (x, i): Row => {
    return { from: name(i), input: x, weight: weights[i], element: weightAt[i], product: Math.fround(x * weights[i]) }
  }).sort((a, b) => Math.abs(b.product) - Math.abs(a.product))
  return (
    <>
      <Rows rows={rows} terms={terms} />
      <dl class="facts figures sum">
        {bias && (
          <div>
            <dt>+ bias</dt>
            <dd>
              <Weight terms={terms} name={bias.name} element={bias.element} value={bias.value} />
            </dd>
          </div>
        )}
        <div>
          <dt>= sum</dt>
          <dd>
            <Worth value={value} />
          </dd>
        </div>
        <Then then={then} info={info} />
      </dl>
    </>
  )
}

/** Of a module that is more than one sum: what it does, what it was given, what it gave. */
function Inside({ terms, module }: Pick<SumProps, 'terms' | 'module'>): JSX.Element {
  const { input } = terms
  const newest = useRef(input.values)
  newest.current = input.values
  return (
    <>
      <p>
        {whatItDoes(module.kind) ?? `${words(module.kind)} makes it of all these numbers.`}{' '}
        {module.composite && 'Open it in the network to see its parts. '}
      </p>
      <h3>What it was given: {shape(input.shape)}</h3>
      <Picture
        label="What it was given"
        shape={input.shape}
        values={() => newest.current}
        scale={() => largestSize(newest.current)}
        height={140}
      />
      <p>
        <Made terms={terms} />
      </p>
    </>
  )
}

/** What the modules behind it made of the number. */
function Then({ then, info }: { readonly then: Terms['then']; readonly info: RunInfo }): JSX.Element {
  return (
    <>
      {then.map(({ module, value }) => (
        <div key={module}>
          <dt>→ {words(info.modules.find(({ path }) => path === module)?.kind ?? module)}</dt>
          <dd>
            <Worth value={value} />
          </dd>
        </div>
      ))}
    </>
  )
}

const Made = ({ terms: { value, then } }: { readonly terms: Terms }): JSX.Element => (
  <span class="figures">
    It gave <Worth value={value} />
    {then.map(({ module, value: after }) => (
      <span key={module}>
        , then <Worth value={after} />
      </span>
    ))}
    .
  </span>
)

/** A number that was computed, with all its digits for who asks. */
const Worth = ({ value }: { readonly value: number }): JSX.Element => (
  <strong class="worth" data-worth={value} title={String(value)}>
    {number(value, 4)}
  </strong>
)

/** A number of a parameter, which can be pinned. */
function Weight({
  terms,
  name = terms.weightName,
  element,
  value,
}: {
  readonly terms: Terms
  readonly name?: string | undefined
  readonly element: number
  readonly value: number
}): JSX.Element {
  const { selection } = useLab()
  if (name === undefined) return <Worth value={value} />
  const chosen = { kind: 'weight', name, element } as const
  return (
    <button
      type="button"
      class="weight"
      data-weight={`${name} ${element}`}
      data-worth={value}
      title={`${name}: keep in sight`}
      onClick={() => selection.pin(chosen)}
    >
      {number(value, 4)}
    </button>
  )
}

function Rows({ rows, terms }: { readonly rows: readonly Row[]; readonly terms: Terms }): JSX.Element {
  const [all, setAll] = useState(false)
  const listed = all ? rows : rows.slice(0, rows.length <= few + 2 ? rows.length : few)
  const rest = rows.slice(listed.length)
  const largest = Math.max(...rows.map(({ product }) => Math.abs(product)), 1e-30)
  return (
    <>
      <div class="terms">
        <table>
          <caption class="hidden-text">The products of the sum, the largest first</caption>
          <thead>
            <tr>
              <th scope="col">from</th>
              <th scope="col">input</th>
              <th scope="col">× weight</th>
              <th scope="col">= product</th>
            </tr>
          </thead>
          <tbody class="figures">
            {listed.map(({ from, input, element, weight, product }) => (
              <tr key={element}>
                <th scope="row">{from}</th>
                <td data-worth={input}>{number(input, 4)}</td>
                <td>
                  <Weight terms={terms} element={element} value={weight} />
                </td>
                <td data-product={product}>
                  <span
                    class={`bar ${product < 0 ? 'below' : 'above'}`}
                    style={{ width: `${(50 * Math.abs(product)) / largest}%` }}
                  />
                  <span>{number(product, 4)}</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {(rest.length > 0 || all) && (
        <p class="row">
          {rest.length > 0 && (
            <span>
              and {rest.length} more, together{' '}
              <span class="figures">
                {number(
                  rest.reduce((sum, { product }) => sum + product, 0),
                  4,
                )}
              </span>
            </span>
          )}
          <button type="button" class="quiet" onClick={() => setAll(!all)}>
            {all ? 'show few' : 'show all'}
          </button>
        </p>
      )}
    </>
  )
}
