/**
 * Where a Chromium is that the browser tests can use: CHROME_PATH, or the places where systems install one.
 * Nothing is downloaded. Where there is none, the browser tests are skipped and say so.
 */
import { existsSync } from 'node:fs'

const places = {
  linux: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/snap/bin/chromium'],
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ],
  win32: [
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
    'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
  ],
}

/** `{ path }` of the browser, or `{ reason }` why there is none. */
export function findChromium() {
  const named = process.env.CHROME_PATH
  if (named) return existsSync(named) ? { path: named } : { reason: `CHROME_PATH names ${named}, which does not exist` }
  const path = (places[process.platform] ?? []).find((place) => existsSync(place))
  if (path) return { path }
  return { reason: 'no Chromium found; install one (Debian: apt-get install chromium) or set CHROME_PATH' }
}
