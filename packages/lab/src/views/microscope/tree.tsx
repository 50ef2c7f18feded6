/**
 * The products of a gradient as a tree that is opened term by term, from the weight to the loss.
 *
 * One row is in the tab order; arrows walk, right and left open and close. What the row is of is lit in other views.
 */
import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { Glyph } from '../../ui/controls.tsx'
import { number } from '../../ui/format.ts'
import type { GradientTerm, GradientTerms, RunInfo } from '../../worker/protocol.ts'
import { isNoise, nameOfTerm, shown } from './words.ts'

/** The name of an element of the recording. */
export const keyOf = ({ id, element }: { readonly id: number; readonly element: number }): string => `${id}:${element}`

interface Row {
  /** The way to it, from the weight on. */
  readonly path: string
  readonly depth: number
  readonly place: number
  readonly count: number
  readonly term: GradientTerm
  readonly parts: GradientTerms | undefined
  readonly open: boolean
  readonly isLoss: boolean
  /** Of its siblings the largest product. */
  readonly scale: number
}

interface TreeProps {
  readonly root: GradientTerms
  readonly info: RunInfo
  readonly samples: readonly number[]
  /** What is known of terms that were opened, by key. */
  readonly known: ReadonlyMap<string, GradientTerms>
  /** The ways of the rows that are open. */
  readonly open: ReadonlySet<string>
  toggle(path: string, open: boolean): void
  more(): void
}

const isLoss = ({ name }: GradientTerm): boolean => name === 'loss'

function* rowsOf({ known, open }: TreeProps, { terms }: GradientTerms, way = '', depth = 1): Generator<Row> {
  const scale = Math.max(...terms.map(({ product }) => Math.abs(product)), Number.MIN_VALUE)
  for (const [i, term] of terms.entries()) {
    const path = `${way}/${keyOf(term)}`
    const parts = known.get(keyOf(term))
    const isOpen = open.has(path)
    const row = {
      path,
      depth,
      place: i + 1,
      count: terms.length,
      term,
      parts,
      open: isOpen,
      isLoss: isLoss(term),
      scale,
    }
    yield row
    if (isOpen && parts) yield* rowsOf({ known, open } as TreeProps, parts, path, depth + 1)
  }
}

export function TermTree(props: TreeProps): JSX.Element {
  const { root, info, samples, toggle, more } = props
  const { selection } = useLab()
  const list = useRef<HTMLDivElement>(null)
  const rows = [...rowsOf(props, root)]
  const [at, setAt] = useState('')
  const current = rows.some(({ path }) => path === at) ? at : rows[0]?.path
  const focus = (i: number): void => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, i))]
    if (!row) return
    setAt(row.path)
    list.current?.querySelectorAll<HTMLElement>('[role="treeitem"]')[rows.indexOf(row)]?.focus()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const i = rows.findIndex(({ path }) => path === current)
    const row = rows[i]
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'ArrowDown') focus(i + 1)
    else if (event.key === 'ArrowUp') focus(i - 1)
    else if (event.key === 'Home') focus(0)
    else if (event.key === 'End') focus(rows.length - 1)
    else if (event.key === 'ArrowRight') row.open ? focus(i + 1) : !row.isLoss && toggle(row.path, true)
    else if (event.key === 'ArrowLeft') {
      if (row.open) toggle(row.path, false)
      else focus(rows.findLastIndex(({ depth }, k) => k < i && depth < row.depth))
    } else if (event.key === 'Enter' || event.key === ' ') {
      if (!row.isLoss) toggle(row.path, !row.open)
    } else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <>
      <div class="terms-head figures" aria-hidden="true">
        <span>by way of</span>
        <span>local</span>
        <span>upstream</span>
        <span>product</span>
      </div>
      <div class="terms" role="tree" aria-label="The products of the gradient" ref={list} onKeyDown={onKeyDown}>
        {rows.map((row) => (
          <TermRow
            key={row.path}
            row={row}
            info={info}
            samples={samples}
            tabIndex={row.path === current ? 0 : -1}
            onToggle={() => {
              setAt(row.path)
              if (!row.isLoss) toggle(row.path, !row.open)
            }}
            onLight={(on) => {
              if (on) setAt(row.path)
              selection.hovered.value = on ? nameOfTerm(row.term, info, samples).chosen : undefined
            }}
          />
        ))}
      </div>
      {root.rest.count > 0 && (
        <p class="terms-rest muted">
          and {root.rest.count} smaller {root.rest.count === 1 ? 'product' : 'products'}, together{' '}
          <span class="figures">{number(root.rest.sum)}</span>
          <button type="button" class="quiet" onClick={more}>
            Show more
          </button>
        </p>
      )}
    </>
  )
}

function TermRow({
  row: { depth, place, count, term, parts, open, isLoss: ends, scale },
  info,
  samples,
  tabIndex,
  onToggle,
  onLight,
}: {
  readonly row: Row
  readonly info: RunInfo
  readonly samples: readonly number[]
  readonly tabIndex: number
  onToggle(): void
  onLight(on: boolean): void
}): JSX.Element {
  const { text, place: where } = nameOfTerm(term, info, samples)
  const { local, upstream, product, value } = term
  const rest = open ? parts?.rest : undefined
  return (
    // Keys are heard by the tree, which knows the rows around.
    // biome-ignore lint/a11y/useKeyWithClickEvents: see above
    <div
      role="treeitem"
      class={ends ? 'term end' : 'term'}
      aria-level={depth}
      aria-posinset={place}
      aria-setsize={count}
      {...(!ends && { 'aria-expanded': open })}
      tabIndex={tabIndex}
      style={{ '--depth': depth - 1 }}
      onClick={onToggle}
      onFocus={() => onLight(true)}
      onBlur={() => onLight(false)}
      onPointerEnter={() => onLight(true)}
      onPointerLeave={() => onLight(false)}
    >
      <span class="term-name">
        <span class={open ? 'twisty open' : 'twisty'}>{!ends && <Glyph name="next" />}</span>
        <span>
          {text} <span class="muted">{where}</span>
          <span class="muted term-value"> = {number(value)}</span>
        </span>
      </span>
      <span class="figures">
        <span class="hidden-text">local </span>
        {number(local, 4)}
      </span>
      <span class="figures">
        <span class="hidden-text">upstream </span>
        <span class="times">× </span>
        {number(upstream, 4)}
      </span>
      <span class="figures term-product">
        <span class="times">= </span>
        {number(product, 4)}
        <i class={product < 0 ? 'bar minus' : 'bar'} style={{ width: `${(100 * Math.abs(product)) / scale}%` }} />
      </span>
      {open && (
        <span class="term-note-line muted">
          {parts
            ? `its upstream ${shown(parts.gradient, isNoise(parts))} is the sum of ${parts.terms.length + parts.rest.count === 1 ? 'this product' : `${parts.terms.length + parts.rest.count} products`}${rest && rest.count > 0 ? `, the largest ${parts.terms.length} here; the others make ${number(rest.sum)}` : ''}:`
            : 'following it …'}
        </span>
      )}
    </div>
  )
}
