/**
 * Formulas as MathML, made by Temml when the first one is shown. Symbols that are marked with \sym{name}{…} are linked
 * to the picture: pointing at one lights up what has the same name on the stage, and the other way round.
 */
import { signal, useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import './formula.css'

/** The name of the symbol that is pointed at, in a formula or on the stage. */
export const lit = signal<string | undefined>(undefined)

/** What makes an element of a stage one of a symbol: pointing at it lights the symbol. */
export function linked(name: string): {
  'data-sym': string
  onPointerEnter(): void
  onPointerLeave(): void
  onFocusIn(): void
  onFocusOut(): void
} {
  const on = (): void => {
    lit.value = name
  }
  const off = (): void => {
    if (lit.peek() === name) lit.value = undefined
  }
  return { 'data-sym': name, onPointerEnter: on, onPointerLeave: off, onFocusIn: on, onFocusOut: off }
}

type Render = (tex: string, element: HTMLElement, options: object) => void
let temml: Promise<Render> | undefined
let ready: Render | undefined

function load(): Promise<Render> {
  temml ??= import('temml').then((module) => {
    ready = (tex, element, options) => module.default.render(tex, element, options)
    return ready
  })
  return temml
}

/** `tex` in TeX; `words`: the same for those who do not see it, where MathML would not be read well. */
export function Formula({
  tex,
  display = false,
  words,
}: {
  readonly tex: string
  readonly display?: boolean
  readonly words?: string | undefined
}): JSX.Element {
  const element = useRef<HTMLSpanElement>(null)
  const [, loaded] = useState(false)
  useEffect(() => {
    if (!ready) void load().then(() => loaded(true))
  }, [])
  useEffect(() => {
    const place = element.current
    if (!place || !ready) return
    const marked = tex.replaceAll('\\sym{', '\\class{sym ')
    ready(marked, place, { displayMode: display, throwOnError: false, trust: true, annotate: false })
    for (const each of place.querySelectorAll<HTMLElement>('.sym')) each.dataset.sym = nameOf(each)
    light(place, lit.peek())
    // What is wider than its place is scrolled, by keyboard too.
    if (place.scrollWidth > place.clientWidth && display) place.tabIndex = 0
    else place.removeAttribute('tabindex')
  })
  useSignalEffect(() => light(element.current, lit.value))
  return (
    <span
      class={display ? 'formula display' : 'formula'}
      ref={element}
      {...(words && { role: 'img', 'aria-label': words })}
      onPointerOver={(event) => {
        lit.value = (event.target as Element).closest<HTMLElement>('[data-sym]')?.dataset.sym
      }}
      onPointerLeave={() => {
        lit.value = undefined
      }}
    />
  )
}

const nameOf = (element: Element): string => [...element.classList].find((name) => name !== 'sym') ?? ''

/** Lights up everything in a place that has this name. */
export function light(place: Element | null, name: string | undefined): void {
  for (const each of place?.querySelectorAll<HTMLElement>('[data-sym]') ?? [])
    each.classList.toggle('lit', name !== undefined && each.dataset.sym === name)
}
