/** The first page: the chapters of the trail, and the way to the studio. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Glyph } from '../ui/controls.tsx'
import { type ChapterEntry, chapters } from './chapters/index.ts'
import './contents.css'
import { Learning } from './learning.tsx'
import { forget, progress } from './progress.ts'

export function Contents(): JSX.Element {
  useEffect(() => {
    document.title = 'Glissade lab'
  }, [])
  const known = progress.value
  const begun = chapters.some(({ id }) => (known[id]?.done.length ?? 0) > 0)
  const isDone = ({ id }: ChapterEntry): boolean => shareOf(id) === 1
  const next = chapters.find((each) => !isDone(each)) ?? chapters[0]
  return (
    <div class="contents">
      <section class="opening">
        <div>
          <h1>See inside a network while it learns</h1>
          <p class="lead">
            Small networks train in this page, in front of you, and every number in them can be looked at, followed and
            changed. Nothing leaves your computer.
          </p>
          <div class="row">
            {next && (
              <a class="button primary large" href={begun ? `#/trail/${next.number}` : '#/trail/1'}>
                {begun ? `Go on with ${next.number}, ${next.title}` : 'Begin with one neuron'} <Glyph name="next" />
              </a>
            )}
            <a class="button large" href="#/studio">
              Build your own in the studio
            </a>
          </div>
        </div>
        <Learning />
      </section>
      <section aria-labelledby="trail-title">
        <header class="row">
          <h2 id="trail-title">The trail</h2>
          <span class="muted">A few minutes each. Every chapter stands on the ones before it.</span>
        </header>
        <ol class="chapters">
          {chapters.map((chapter) => (
            <li key={chapter.id}>
              <Entry chapter={chapter} />
            </li>
          ))}
        </ol>
        {begun && <Again />}
      </section>
    </div>
  )
}

/** How much of a chapter is done, from 0 to 1. */
function shareOf(id: string): number {
  const known = progress.value[id]
  return known && known.cards > 0 ? Math.min(1, known.done.length / known.cards) : 0
}

function Entry({ chapter }: { readonly chapter: ChapterEntry }): JSX.Element {
  const { id, number, title, goal } = chapter
  const known = progress.value[id]
  const share = shareOf(id)
  return (
    <a class={share === 1 ? 'chapter done' : 'chapter'} href={`#/trail/${number}`}>
      <span class="chapter-number figures" aria-hidden="true">
        {share === 1 ? <Glyph name="check" /> : number}
      </span>
      <span class="chapter-words">
        <strong>
          <span class="hidden-text">Chapter {number}: </span>
          {title}
        </strong>
        <span class="muted">{goal}</span>
      </span>
      {known && known.done.length > 0 && (
        <span class="chapter-share muted">
          <span class="share-line" aria-hidden="true">
            <span style={{ width: `${100 * share}%` }} />
          </span>
          {share === 1 ? 'done' : `${known.done.length} of ${known.cards} cards`}
        </span>
      )}
    </a>
  )
}

/** Forgetting asks once more, since it cannot be undone. */
function Again(): JSX.Element {
  const [sure, ask] = useState(false)
  return (
    <p class="row small">
      {sure ? (
        <>
          <span>Forget what is done in all chapters?</span>
          <button
            type="button"
            onClick={() => {
              forget()
              ask(false)
            }}
          >
            Forget it
          </button>
          <button type="button" class="quiet" onClick={() => ask(false)}>
            Keep it
          </button>
        </>
      ) : (
        <button type="button" class="quiet" onClick={() => ask(true)}>
          Begin the trail again
        </button>
      )}
    </p>
  )
}
