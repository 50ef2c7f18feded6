/**
 * The microscope: one weight, its gradient as the products of the chain rule, the proof by finite differences, and what
 * the optimizer makes of it.
 *
 * The products: tree.tsx; the optimizer: update.tsx; the proof: check.tsx. All numbers come from the worker's recording
 * of the pass (worker/questions/microscope.ts).
 */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { usePaced } from '../../state/paced.ts'
import { Panel, Select } from '../../ui/controls.tsx'
import { number } from '../../ui/format.ts'
import { Formula } from '../../ui/formula.tsx'
import type { LossPart, Questions, Stride } from '../../worker/protocol.ts'
import type { View, ViewProps } from '../view.ts'
import { CheckPart } from './check.tsx'
import { ChooseWeight, useWeight, WeightName } from './choose.tsx'
import './microscope.css'
import { keyOf, TermTree } from './tree.tsx'
import { UpdatePart } from './update.tsx'
import { isNoise, parametersOf, shown, tex } from './words.ts'

type Unfolded = Questions['unfolded']['answer']

const strides = [
  { value: 'modules', text: 'by layers' },
  { value: 'taps', text: 'by gates and heads' },
  { value: 'operations', text: 'by operations' },
] as const

/** How many products are listed at first. */
const first = 8

export interface MicroscopeParts {
  readonly choose?: boolean
  readonly update?: boolean
  readonly check?: boolean
  /** Open from the start, down to the loss, along the largest product. */
  readonly begin?: LossPart
  /** Called when all the way to the loss is open, and when a check was made. */
  onSeen?(what: 'loss' | 'check', value: number): void
  /** Called with the weight that the next step will make. */
  onUpdate?(next: number): void
}

export function Microscope({
  run,
  info,
  choose = true,
  update = true,
  check = true,
  begin = 'batch',
  onSeen,
  onUpdate,
}: ViewProps & MicroscopeParts): JSX.Element {
  const { selection } = useLab()
  const [chosen, setWeight] = useWeight(info)
  const weight = chosen ?? { name: parametersOf(info)[0]?.name ?? '', element: 0 }
  const [isBatch, setBatch] = useState(begin === 'batch')
  const [stride, setStride] = useState<Stride>('modules')
  const [limit, setLimit] = useState(first)
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const input = selection.input.value
  // A person's own input has no target, so there is no loss of it.
  const of: LossPart = isBatch || 'values' in input ? 'batch' : input
  const where = JSON.stringify([weight, of, stride])
  useEffect(() => {
    setOpen(new Set())
    setLimit(first)
  }, [where])
  const elements = new Map([...open].map((path) => [path.split('/').at(-1) as string, path]))
  const asked = [...elements.keys()].map((key) => {
    const [id, element] = key.split(':').map(Number)
    return { id, element }
  })
  const paced = usePaced('unfolded', { run, ...weight, of, stride, limit, open: asked })
  const fits = paced.ask && paced.ask.name === weight.name && paced.ask.element === weight.element
  const found = fits && paced.ask?.stride === stride ? paced.value : undefined
  const known = new Map(found?.opened.map((terms) => [keyOf(terms), terms]))
  const reached = [...open].some((path) => known.get(path.split('/').at(-1) as string)?.terms[0]?.name === 'loss')
  useEffect(() => {
    if (reached) onSeen?.('loss', found?.gradient ?? 0)
  }, [reached])

  return (
    <Panel title="Microscope" class="microscope-panel" {...(found && { stamp: found.stamp })}>
      {choose && <ChooseWeight info={info} weight={weight} onChange={setWeight} />}
      <div class="row choose">
        <Select
          label="Loss of"
          value={isBatch ? 'batch' : 'sample'}
          options={[
            { value: 'batch', text: 'the next batch' },
            { value: 'sample', text: 'one sample' },
          ]}
          onChange={(value) => setBatch(value === 'batch')}
        />
        <Select label="Steps of the chain" value={stride} options={strides} onChange={setStride} />
      </div>
      {!isBatch && 'values' in input && (
        <p class="muted">Your own input has no target, so it has no loss. This is the next batch.</p>
      )}
      {paced.problem && <p class="notice">{paced.problem}</p>}
      {found ? (
        <div class="microscope" aria-busy={paced.busy}>
          <div class="micro-main">
            <Headline found={found} />
            <p>
              <WeightName info={info} weight={weight} /> is <span class="figures">{number(found.value, 4)}</span>.{' '}
              {of === 'batch' ? (
                <>The loss is the mean over the {found.samples.length} samples of the next step</>
              ) : (
                <>
                  The loss is that of {of.part === 'train' ? 'training' : 'test'} sample {of.index}
                </>
              )}
              , <span class="figures">{number(found.loss, 4)}</span>.
            </p>
            <TermTree
              root={found.root}
              info={info}
              samples={found.samples}
              known={known}
              open={open}
              toggle={(path, isOpen) => {
                const next = new Set([...open].filter((each) => !each.startsWith(path)))
                if (isOpen) next.add(path)
                setOpen(next)
              }}
              more={() => setLimit(limit * 4)}
            />
            <Sums found={found} />
          </div>
          {(update || check) && (
            <div class="micro-side">
              {update && (
                <UpdatePart run={run} weight={weight} ofBatch={of === 'batch'} {...(onUpdate && { onUpdate })} />
              )}
              {check && <CheckPart run={run} weight={weight} of={of} onChecked={(error) => onSeen?.('check', error)} />}
            </div>
          )}
        </div>
      ) : (
        !paced.problem && <p class="muted">Recording the pass …</p>
      )}
    </Panel>
  )
}

/** ∂L/∂w = Σ local × upstream, with the largest products written out. */
function Headline({ found: { root, gradient } }: { readonly found: Unfolded }): JSX.Element {
  const noise = isNoise(root)
  const written = root.terms.slice(0, 2)
  const count = root.terms.length + root.rest.count
  const products = written.map(
    ({ local, upstream }) => `${tex(local, { bracket: true })} \\cdot ${tex(upstream, { bracket: true })}`,
  )
  const more = count - written.length
  const others = more > 0 ? ` + \\underbrace{\\cdots}_{${more}\\text{ more}}` : ''
  const sum = products.length > 0 ? `${products.join(' + ')}${others}` : '0'
  const result = noise ? '{\\approx} 0' : tex(gradient, { digits: 4 })
  return (
    <Formula
      display
      tex={`\\begin{aligned}\\frac{\\partial L}{\\partial w} &= \\sum \\text{local} \\times \\text{upstream} = \\mathbf{${result}}\\\\ &= ${sum}\\end{aligned}`}
      words={`The gradient is the sum of ${count} products, ${number(gradient, 4)}.`}
    />
  )
}

/** The sum of the products beside the gradient that training itself computes. */
function Sums({ found: { root, gradient } }: { readonly found: Unfolded }): JSX.Element {
  const noise = isNoise(root)
  return (
    <dl class="sums figures">
      <div>
        <dt>sum of the products</dt>
        <dd>{shown(root.sum, noise)}</dd>
      </div>
      <div>
        <dt>gradient that the training program computes</dt>
        <dd>{shown(gradient, noise)}</dd>
      </div>
      {noise && <div class="muted">The products cancel; what is left is rounding.</div>}
    </dl>
  )
}

export const microscope: View = {
  id: 'microscope',
  title: 'Microscope',
  about: 'The gradient of one weight, product by product, down to the loss, and what the next step makes of it.',
  fits: ({ parameterCount }) => parameterCount > 0,
  Component: Microscope,
}
