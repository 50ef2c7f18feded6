/** The keys of the studio, and the list of them. */
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useLab } from '../state/ask.ts'
import { useKeys } from '../ui/keys.ts'
import { newSeed } from './training-panel.tsx'

const list: readonly (readonly [keys: string, does: string])[] = [
  ['Space', 'train, or pause'],
  ['→', 'one step'],
  ['E', 'to the end of the epoch'],
  ['R', 'reset: the same first weights'],
  ['S', 'a new seed: other first weights'],
  ['Ctrl Z', 'undo the last edit'],
  ['Ctrl Shift Z', 'redo it'],
  ['Esc', 'let go of what is pinned'],
  ['?', 'this list'],
]

export function useStudioKeys(help: () => void): void {
  const lab = useLab()
  const still = (work: () => unknown) => (): unknown => (lab.running.peek() ? undefined : work())
  useKeys({
    Space: () => lab.toggle(),
    ArrowRight: still(() => lab.advance(1)),
    e: still(() => lab.advance('epoch')),
    r: () => lab.reset(),
    s: () => newSeed(lab),
    Escape: () => lab.selection.letGo(),
    '?': help,
    'Ctrl+z': () => lab.editor.undo(),
    'Ctrl+Shift+z': () => lab.editor.redo(),
    'Ctrl+y': () => lab.editor.redo(),
  })
}

export function KeysDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal()
    if (!open && dialog.current?.open) dialog.current.close()
  }, [open])
  return (
    <dialog ref={dialog} class="panel keys" aria-labelledby="keys-title" onClose={onClose}>
      <h2 id="keys-title">Keys</h2>
      <dl>
        {list.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={onClose}>
        Close
      </button>
    </dialog>
  )
}
