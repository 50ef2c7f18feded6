/** What is kept in this browser, under names or by itself, and files to open. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useLab } from '../state/ask.ts'
import { count } from '../ui/format.ts'
import { goOn } from './arrive.ts'
import { Dialog } from './dialog.tsx'
import { keepNow } from './keeper.ts'
import { openFile } from './open-file.ts'
import { forget, forgetAll, listSaved, type SavedHead, StoreError } from './store.ts'
import type { DialogProps } from './take-bar.tsx'
import { ago } from './words.ts'

export function SavedDialog({ onClose }: DialogProps): JSX.Element {
  const lab = useLab()
  const [list, setList] = useState<readonly SavedHead[]>([])
  const [name, setName] = useState('')
  const [said, say] = useState('')
  const trying = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work()
      setList(await listSaved())
    } catch (problem) {
      if (!(problem instanceof StoreError)) throw problem
      say(problem.message)
    }
  }
  useEffect(() => void trying(async () => {}), [])
  return (
    <Dialog title="Open and keep" onClose={onClose}>
      <form
        class="take-field"
        onSubmit={(event) => {
          event.preventDefault()
          void trying(async () => {
            await keepNow(lab, `named ${Date.now()}`, name.trim() || 'Without a name')
            say('Kept.')
            setName('')
          })
        }}
      >
        <label class="field">
          <span>Keep this work in the browser as</span>
          <input type="text" maxLength={80} value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <button type="submit">Keep</button>
      </form>
      <label class="field">
        <span>Open a file: a session, or a model of the library (.glissade, .safetensors)</span>
        <input
          type="file"
          accept=".glissade,.safetensors"
          onChange={async (event) => {
            const [file] = event.currentTarget.files ?? []
            if (file && (await openFile(lab, file))) onClose()
            else if (file) say(lab.notice.peek()?.text ?? '')
          }}
        />
      </label>
      <h3>Kept in this browser</h3>
      {list.length === 0 && <p class="muted">Nothing yet. What you train is kept here by itself.</p>}
      <ul class="take-list">
        {list.map(({ id, name, about, at, stamp }) => (
          <li key={id}>
            <span>
              <b>{name || about}</b>
              <span class="muted">
                {name ? `${about}, ` : ''}step {count(stamp.step)}, {ago(at)}
                {name ? '' : ', kept by itself'}
              </span>
            </span>
            <span class="row">
              <button
                type="button"
                aria-label={`Open ${name || about}, ${ago(at)}`}
                onClick={() => trying(async () => (await goOn(lab, id)) && onClose())}
              >
                Open
              </button>
              <button
                type="button"
                aria-label={`Forget ${name || about}, ${ago(at)}`}
                onClick={() => trying(() => forget(id))}
              >
                Forget
              </button>
            </span>
          </li>
        ))}
      </ul>
      {list.length > 1 && (
        <div class="row">
          <button type="button" class="quiet" onClick={() => trying(forgetAll)}>
            Forget all
          </button>
        </div>
      )}
      <p role="status">{said}</p>
    </Dialog>
  )
}
