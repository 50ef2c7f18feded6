/** Which page the address names: `#/studio`, `#/trail/3`, `#/trail/3/2` (a card). Addresses after the hash never leave the browser. */
import { signal } from '@preact/signals'

export type Route =
  | { readonly page: 'home' }
  | { readonly page: 'trail'; readonly chapter: number; readonly card?: number }
  | { readonly page: 'studio'; readonly state: string | undefined }
  | { readonly page: 'runs' }

export function parseRoute(hash: string): Route {
  const [path, state] = hash.replace(/^#\/?/, '').split('?')
  const [page, chapter, card] = path.split('/')
  if (page === 'studio') return { page, state }
  if (page === 'runs') return { page }
  if (page === 'trail') {
    const at = Number.parseInt(card ?? '', 10)
    return {
      page,
      chapter: Math.max(1, Math.min(11, Number.parseInt(chapter ?? '', 10) || 1)),
      ...(at > 0 && { card: at }),
    }
  }
  return { page: 'home' }
}

export const route = signal<Route>(parseRoute(location.hash))
addEventListener('hashchange', () => {
  route.value = parseRoute(location.hash)
})
