/**
 * Plays a chapter of the trail: one card after the other, each text beside its live stage.
 *
 * What a chapter is: chapter.ts; all of them: chapters/. A card's network lives on through the cards that follow with
 * the same spec. What was done is kept in progress.ts.
 */
import { useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { route } from '../app/routes.ts'
import { useLab } from '../state/ask.ts'
import { Glyph } from '../ui/controls.tsx'
import { Bar } from './bar.tsx'
import type { Chapter } from './chapter.ts'
import { chapters } from './chapters/index.ts'
import { Goal } from './goal.tsx'
import { light } from './live-formula.tsx'
import { Predict } from './predict.tsx'
import { forget, openedCard, progressOf } from './progress.ts'
import { LabScene, type Network } from './scene.ts'
import { Text } from './text.tsx'
import './stages/stages.css'
import './trail.css'

export function Trail(): JSX.Element {
  const now = route.value
  const number = now.page === 'trail' ? now.chapter : 1
  const entry = chapters.find((each) => each.number === number)
  const [shown, show] = useState<Chapter | undefined>(undefined)
  useEffect(() => {
    let left = false
    void entry?.load().then((chapter) => !left && show(chapter))
    return () => {
      left = true
    }
  }, [entry])
  if (!entry)
    return (
      <div class="trail">
        <h1>This chapter is not written yet</h1>
        <p>
          <a href="#/">All chapters</a>
        </p>
      </div>
    )
  return shown?.number === number ? <Play key={shown.id} chapter={shown} /> : <p class="muted">Opening…</p>
}

/** The card's network: its own, or that of the nearest card before it. */
function networkOf(chapter: Chapter, at: number): Network {
  return chapter.cards.slice(0, at + 1).findLast(({ spec }) => spec) ?? {}
}

function Play({ chapter }: { readonly chapter: Chapter }): JSX.Element {
  const lab = useLab()
  const scene = useMemo(() => new LabScene(lab), [lab])
  const { cards } = chapter
  const { done, at: last, given } = progressOf(chapter.id)
  const now = route.value
  const asked = now.page === 'trail' && now.card !== undefined ? now.card - 1 : cards.findIndex(({ id }) => id === last)
  const at = Math.max(0, Math.min(cards.length - 1, asked))
  const card = cards[at]
  const network = networkOf(chapter, at)
  const heading = useRef<HTMLHeadingElement>(null)
  const moved = useRef(false)
  // What is on the stage belongs to this card only when its network is open.
  const [openFor, setOpenFor] = useState<string | undefined>(undefined)

  useEffect(() => {
    let left = false
    document.title = `${card.title} · ${chapter.title} · Glissade lab`
    openedCard(chapter.id, card.id, cards.length)
    scene.forget()
    lab.speed.value = card.speed ?? 0
    if (lab.running.peek()) void lab.pause()
    void scene.open(network, card.start !== undefined).then((opened) => !left && opened && setOpenFor(card.id))
    if (moved.current) {
      heading.current?.focus({ preventScroll: true })
      scrollTo({ top: 0 })
    }
    moved.current = true
    return () => {
      left = true
    }
  }, [card.id, chapter.id])
  // Who leaves the trail leaves a network that stands still.
  useEffect(() => () => void (lab.running.peek() && lab.pause()), [lab])

  const article = useRef<HTMLElement>(null)
  useSignalEffect(() => light(article.current))

  const info = lab.info.value
  const ready = openFor === card.id && info !== undefined
  const revealed = card.predict === undefined || card.id in given
  const { stage: Stage } = card
  return (
    <article class="trail" aria-labelledby="chapter-title" ref={article}>
      <header class="trail-head">
        <p class="muted">
          <a href="#/">Trail</a> ·{' '}
          <span id="chapter-title">
            Chapter {chapter.number}, {chapter.title}
          </span>
        </p>
        <Steps chapter={chapter} at={at} done={done} />
      </header>
      <div class="trail-card">
        <section class="trail-text" aria-labelledby="card-title">
          <h1 id="card-title" tabIndex={-1} ref={heading}>
            {card.title}
          </h1>
          <Text text={card.text} />
          {card.predict && (
            <Predict
              key={card.id}
              chapter={chapter.id}
              card={card.id}
              asked={card.predict}
              scene={scene}
              ready={ready}
            />
          )}
        </section>
        <section class="trail-stage" aria-label="The stage">
          {card.bar && ready && <Bar parts={card.bar} locked={!revealed} onReset={() => scene.reset(network)} />}
          {ready && info && <Stage run={info.run} info={info} scene={scene} revealed={revealed} />}
        </section>
        <section class="trail-do" aria-label="What to do">
          <Goal
            key={`goal ${card.id}`}
            chapter={chapter.id}
            card={card}
            scene={scene}
            ready={ready}
            revealed={revealed}
          />
          <Ways chapter={chapter} at={at} />
        </section>
      </div>
    </article>
  )
}

/** The address of a card. */
const placeOf = (chapter: number, at: number): string => `#/trail/${chapter}/${at + 1}`

/** One dot for each card: where one is, what is done. */
function Steps({
  chapter,
  at,
  done,
}: {
  readonly chapter: Chapter
  readonly at: number
  readonly done: readonly string[]
}): JSX.Element {
  return (
    <nav aria-label="Cards of this chapter">
      <ol class="steps">
        {chapter.cards.map(({ id, title }, i) => (
          <li key={id}>
            <a
              href={placeOf(chapter.number, i)}
              aria-current={i === at ? 'step' : undefined}
              class={done.includes(id) ? 'done' : ''}
              title={title}
            >
              <span class="hidden-text">
                {title}
                {done.includes(id) ? ', done' : ''}
              </span>
              <span aria-hidden="true">{done.includes(id) ? <Glyph name="check" /> : i + 1}</span>
            </a>
          </li>
        ))}
      </ol>
    </nav>
  )
}

/** Back, on, and out. */
function Ways({ chapter, at }: { readonly chapter: Chapter; readonly at: number }): JSX.Element {
  const { done } = progressOf(chapter.id)
  const isDone = done.includes(chapter.cards[at].id)
  const isLast = at === chapter.cards.length - 1
  const next = chapters.find(({ number }) => number > chapter.number)
  const look = isDone ? 'button primary' : 'button'
  return (
    <footer class="ways">
      <div class="row">
        {at > 0 ? (
          <a class="button" href={placeOf(chapter.number, at - 1)} rel="prev">
            <Glyph name="back" /> Back
          </a>
        ) : (
          <a class="button" href="#/">
            <Glyph name="back" /> All chapters
          </a>
        )}
        {!isLast && (
          <a class={look} href={placeOf(chapter.number, at + 1)} rel="next">
            Next <Glyph name="next" />
          </a>
        )}
        {isLast && next && (
          <a class={look} href={`#/trail/${next.number}/1`} rel="next">
            Chapter {next.number}: {next.title} <Glyph name="next" />
          </a>
        )}
        {isLast && !next && (
          <a class={look} href="#/">
            All chapters <Glyph name="next" />
          </a>
        )}
      </div>
      <div class="row small">
        <a href="#/studio">Continue with this network in the studio</a>
        {done.length > 0 && (
          <button
            type="button"
            class="quiet"
            onClick={() => {
              forget(chapter.id)
              location.hash = placeOf(chapter.number, 0)
            }}
          >
            Begin this chapter again
          </button>
        )}
      </div>
    </footer>
  )
}
