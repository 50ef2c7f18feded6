/**
 * Small markup for the trail's text: paragraphs between empty lines, **strong**, *emphasis*, $formula$, a paragraph
 * $$formula$$ for one of its own line, [[term]] or [[words|term]] for the glossary, [words](#/place) for ways in the lab.
 */
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { Formula } from './formula.tsx'
import { glossary } from './glossary.ts'
import { LiveFormula } from './live-formula.tsx'

const inline = /\*\*(.+?)\*\*|\*(.+?)\*|\$(.+?)\$|\[\[(.+?)\]\]|\[([^\]]+)\]\((#\/[^)]*)\)/g

export function Inline({ text }: { readonly text: string }): JSX.Element {
  const parts: ComponentChildren[] = []
  let from = 0
  for (const found of text.matchAll(inline)) {
    parts.push(text.slice(from, found.index))
    from = found.index + found[0].length
    const [, strong, emphasis, tex, term, words, place] = found
    if (strong !== undefined)
      parts.push(
        <strong>
          <Inline text={strong} />
        </strong>,
      )
    else if (emphasis !== undefined)
      parts.push(
        <em>
          <Inline text={emphasis} />
        </em>,
      )
    else if (tex !== undefined) parts.push(<Formula tex={tex} />)
    else if (term !== undefined) {
      const [shown, word = shown] = term.split('|')
      parts.push(<Term word={word}>{shown}</Term>)
    } else parts.push(<a href={place}>{words}</a>)
  }
  parts.push(text.slice(from))
  return <>{parts}</>
}

export function Text({ text }: { readonly text: string }): JSX.Element {
  return (
    <>
      {text
        .trim()
        .split(/\n\s*\n/)
        .map((paragraph) => paragraph.trim().replace(/\s*\n\s*/g, ' '))
        .map((paragraph, i) => {
          // The text of a card does not change: its paragraphs are known by their place.
          if (paragraph.startsWith('$$')) return <LiveFormula key={i} tex={paragraph.replaceAll('$$', '')} />
          return (
            <p key={i}>
              <Inline text={paragraph} />
            </p>
          )
        })}
    </>
  )
}

/** A word with its meaning, shown when it is pointed at, focused or tapped. */
function Term({ word, children }: { readonly word: string; readonly children: ComponentChildren }): JSX.Element {
  const id = useId()
  const button = useRef<HTMLButtonElement>(null)
  const note = useRef<HTMLSpanElement>(null)
  const [open, setOpen] = useState(false)
  useEffect(() => {
    const [from, shown] = [button.current, note.current]
    if (!open || !from || !shown) return
    const place = from.getBoundingClientRect()
    const { width, height } = shown.getBoundingClientRect()
    shown.style.left = `${Math.max(8, Math.min(place.left, document.documentElement.clientWidth - width - 8))}px`
    shown.style.top = `${place.bottom + height + 12 > innerHeight ? place.top - height - 6 : place.bottom + 6}px`
    const away = (): void => setOpen(false)
    addEventListener('scroll', away, { capture: true, passive: true })
    return () => removeEventListener('scroll', away, { capture: true })
  }, [open])
  return (
    <>
      <button
        type="button"
        class="term"
        ref={button}
        aria-describedby={open ? id : undefined}
        onPointerEnter={(event) => event.pointerType === 'mouse' && setOpen(true)}
        onPointerLeave={(event) => event.pointerType === 'mouse' && setOpen(false)}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onClick={() => setOpen(true)}
        onKeyDown={(event) => event.key === 'Escape' && setOpen(false)}
      >
        {children}
      </button>
      {open && (
        <span class="term-note" role="tooltip" id={id} ref={note}>
          {glossary[word] ?? word}
        </span>
      )}
    </>
  )
}
