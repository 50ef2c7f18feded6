/** The frame of all pages: name, ways, theme, what must be said. Pages are loaded when they are opened. */
import type { ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useLab } from '../state/ask.ts'
import { IconButton } from '../ui/controls.tsx'
import { Announcer } from './announcer.tsx'
import { type Route, route } from './routes.ts'
import './shell.css'
import { ThemeButton } from './theme-button.tsx'

const pages: Readonly<Record<Route['page'], () => Promise<ComponentType>>> = {
  home: async () => (await import('../trail/contents.tsx')).Contents,
  trail: async () => (await import('../trail/trail.tsx')).Trail,
  studio: async () => (await import('../studio/studio.tsx')).Studio,
  runs: async () => (await import('../take/node-runs/runs.tsx')).Runs,
}

export function Shell(): JSX.Element {
  const { page } = route.value
  const [shown, show] = useState<{ page: string; Page: ComponentType } | undefined>(undefined)
  useEffect(() => {
    let left = false
    void pages[page]().then((Page) => {
      if (!left) show({ page, Page })
    })
    return () => {
      left = true
    }
  }, [page])
  const Page = shown?.Page
  return (
    <>
      <button type="button" class="skip" onClick={skip}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href="#/">
          <img src="icon.svg" alt="" width="26" height="26" />
          Glissade
        </a>
        <nav aria-label="Places">
          <a href="#/trail/1" aria-current={page === 'trail' ? 'page' : undefined}>
            Trail
          </a>
          <a href="#/studio" aria-current={page === 'studio' ? 'page' : undefined}>
            Studio
          </a>
          <a href="#/runs" aria-current={page === 'runs' ? 'page' : undefined}>
            Runs
          </a>
        </nav>
        <ThemeButton />
      </header>
      <NoticeBar />
      <main id="main" tabIndex={-1}>
        {Page && <Page />}
      </main>
      {!globalThis.crossOriginIsolated && (
        <footer class="one-thread muted">
          Training runs on one thread here: this host does not send the headers that threads need. Everything else works
          as it should; <code>glissade lab</code> serves the page with them.
        </footer>
      )}
      <Announcer />
    </>
  )
}

/** A button, since the address after the hash names the page: a link to #main would leave it. */
function skip(): void {
  document.getElementById('main')?.focus()
}

function NoticeBar(): JSX.Element | null {
  const lab = useLab()
  const notice = lab.notice.value
  if (!notice) return null
  return (
    <div class={`notice ${notice.kind}`} role={notice.kind === 'error' ? 'alert' : 'status'}>
      <span>{notice.text}</span>
      <IconButton
        glyph="close"
        name="Put away"
        class="icon quiet"
        onClick={() => {
          lab.notice.value = undefined
        }}
      />
    </div>
  )
}
