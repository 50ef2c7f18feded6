/**
 * A formula on a line of its own, whose numbers change while a network trains: drawn anew a few times a second only, and
 * scrolled by keyboard too where it is wider than its place.
 */
import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Formula, lit } from './formula.tsx'

/** Milliseconds between two pictures: faster nobody reads. */
const between = 120

export function LiveFormula({ tex }: { readonly tex: string }): JSX.Element {
  const place = useRef<HTMLDivElement>(null)
  const [shown, show] = useState(tex)
  const shownAt = useRef(0)
  useEffect(() => {
    if (tex === shown) return
    const draw = (): void => {
      shownAt.current = performance.now()
      show(tex)
    }
    const wait = shownAt.current + between - performance.now()
    if (wait <= 0) return draw()
    const later = setTimeout(draw, wait)
    return () => clearTimeout(later)
  }, [tex, shown])
  useEffect(() => {
    const formula = place.current?.firstElementChild
    if (!(formula instanceof HTMLElement)) return
    const watcher = new ResizeObserver(() => {
      if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0
      else formula.removeAttribute('tabindex')
    })
    watcher.observe(formula)
    return () => watcher.disconnect()
  }, [])
  // The same element again is not rendered again, however often the stage is.
  const formula = useMemo(() => <Formula tex={shown} display />, [shown])
  return <div ref={place}>{formula}</div>
}

/** Lights up everything in a place that has the name of the symbol that is pointed at. */
export function light(place: Element | null): void {
  const name = lit.value
  for (const each of place?.querySelectorAll<HTMLElement>('[data-sym]') ?? [])
    each.classList.toggle('lit', name !== undefined && each.dataset.sym === name)
}
