/** What is to be achieved on a card: it sees by itself when that is done, and completes the card. */
import { effect } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Glyph } from '../ui/controls.tsx'
import type { Card, Scene } from './chapter.ts'
import { completeCard, progressOf } from './progress.ts'
import { Inline } from './text.tsx'

export function Goal({
  chapter,
  card,
  scene,
  ready,
  revealed,
}: {
  readonly chapter: string
  readonly card: Card
  readonly scene: Scene
  /** Whether the card's network is open. */
  readonly ready: boolean
  /** Whether what was to be predicted was predicted. */
  readonly revealed: boolean
}): JSX.Element | null {
  const { achieve } = card
  const isDone = progressOf(chapter).done.includes(card.id)
  const [showing, setShowing] = useState(false)
  // A card without anything to achieve is done when it was read, or when its prediction was made.
  useEffect(() => {
    if (!achieve && ready && revealed) completeCard(chapter, card.id)
  }, [achieve, ready, revealed, chapter, card.id])
  const watching = ready && revealed && !isDone
  useEffect(() => {
    if (!achieve || !watching) return
    // Signals that the condition reads bring it here again.
    return effect(() => {
      if (achieve.when(scene)) completeCard(chapter, card.id)
    })
  }, [achieve, watching, scene, chapter, card.id])
  if (!achieve) return null
  return (
    <div class={isDone ? 'goal done' : 'goal'}>
      <div class="goal-text">
        <span class="goal-mark" aria-hidden="true">
          {isDone && <Glyph name="check" />}
        </span>
        <p>
          <strong>{isDone ? 'Done: ' : 'Try it: '}</strong>
          <Inline text={achieve.text} />
        </p>
      </div>
      <div role="status">
        {isDone && (
          <p>
            <Inline text={achieve.done} />
          </p>
        )}
      </div>
      {!isDone && achieve.showMe && (
        <button
          type="button"
          class="quiet"
          disabled={!ready || !revealed || showing}
          onClick={async () => {
            setShowing(true)
            await achieve.showMe?.(scene)
            setShowing(false)
          }}
        >
          Show me
        </button>
      )}
    </div>
  )
}
