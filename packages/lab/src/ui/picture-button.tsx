/** Saves the panel that it stands in as a picture. The picture is made by picture.ts, loaded when it is wanted. */
import type { JSX, RefObject } from 'preact'
import { useState } from 'preact/hooks'
import { IconButton } from './controls.tsx'

export function PictureButton({
  panel,
  title,
}: {
  readonly panel: RefObject<HTMLElement | null>
  readonly title: string
}): JSX.Element {
  const [open, setOpen] = useState(false)
  const save = async (format: 'png' | 'svg'): Promise<void> => {
    setOpen(false)
    const { savePicture } = await import('./picture.ts')
    if (panel.current) await savePicture(panel.current, format)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !open) return
    // Only the choice is put away, not what is pinned.
    event.stopPropagation()
    setOpen(false)
  }
  return (
    <span class={open ? 'as-picture open' : 'as-picture'}>
      {open && (
        <>
          <button type="button" class="quiet" onKeyDown={onKeyDown} onClick={() => save('png')}>
            PNG
          </button>
          <button type="button" class="quiet" onKeyDown={onKeyDown} onClick={() => save('svg')}>
            SVG
          </button>
        </>
      )}
      <IconButton
        glyph="save"
        name={`${title} as a picture`}
        class="icon quiet"
        aria-expanded={open}
        onKeyDown={onKeyDown}
        onClick={() => setOpen(!open)}
      />
    </span>
  )
}
