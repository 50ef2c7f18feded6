/** Share, take away, find again: the ways out of the studio and back. The dialogs are loaded when they are opened. */
import type { FunctionComponent, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { route } from '../app/routes.ts'
import { useLab } from '../state/ask.ts'
import { IconButton } from '../ui/controls.tsx'
import { arrive, goOn } from './arrive.ts'
import { keptAs, startKeeping } from './keeper.ts'
import { forget, listSaved, type SavedHead, StoreError } from './store.ts'
import './take-bar.css'
import { ago } from './words.ts'

export interface DialogProps {
  readonly onClose: () => void
}

const dialogs = {
  share: { title: 'Share', glyph: 'share', load: async () => (await import('./share.tsx')).ShareDialog },
  away: { title: 'Take away', glyph: 'save', load: async () => (await import('./away.tsx')).AwayDialog },
  saved: { title: 'Open and keep', glyph: 'menu', load: async () => (await import('./saved.tsx')).SavedDialog },
} as const
type DialogName = keyof typeof dialogs

export function TakeBar(): JSX.Element {
  const lab = useLab()
  const [Shown, show] = useState<FunctionComponent<DialogProps> | undefined>(undefined)
  const state = route.value.page === 'studio' ? route.value.state : undefined
  useEffect(() => {
    void arrive(lab, state)
  }, [lab, state])
  useEffect(() => startKeeping(lab), [lab])
  return (
    <fieldset class="take-bar" aria-label="This work">
      {(Object.keys(dialogs) as DialogName[]).map((name) => (
        <IconButton
          key={name}
          glyph={dialogs[name].glyph}
          name={dialogs[name].title}
          class="icon quiet"
          onClick={async () => {
            const Dialog = await dialogs[name].load()
            show(() => Dialog)
          }}
        />
      ))}
      {Shown && <Shown onClose={() => show(undefined)} />}
    </fieldset>
  )
}

/** Offers the work of the last visit; opens nothing by itself. */
export function ReturnOffer(): JSX.Element | null {
  const lab = useLab()
  const [offer, setOffer] = useState<SavedHead | undefined>(undefined)
  useEffect(() => {
    listSaved().then(
      (found) => setOffer(found.find(({ id }) => id !== keptAs.peek())),
      // Where nothing can be kept there is nothing to offer.
      (problem) => {
        if (!(problem instanceof StoreError)) throw problem
      },
    )
  }, [])
  if (!offer) return null
  const away = (): void => setOffer(undefined)
  return (
    <div class="notice note return-offer" role="status">
      <span>
        Go on where you were, {ago(offer.at)}? {offer.name || offer.about}, epoch {offer.stamp.epoch}.
      </span>
      <span class="row">
        <button
          type="button"
          class="primary"
          onClick={async () => {
            away()
            try {
              await goOn(lab, offer.id)
            } catch (problem) {
              if (!(problem instanceof StoreError)) throw problem
              lab.notice.value = { kind: 'error', text: problem.message }
            }
          }}
        >
          Go on
        </button>
        <button
          type="button"
          onClick={() => {
            away()
            void forget(offer.id)
          }}
        >
          Forget it
        </button>
        <IconButton glyph="close" name="Not now" class="icon quiet" onClick={away} />
      </span>
    </div>
  )
}
