/**
 * How the page is built: one script for the page, one for the worker that trains, and a folder that any static host
 * can serve. The library is taken from its sources, so that the lab never runs an older build of it.
 */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { assets } from './build/assets.ts'
import { pageOnly } from './build/page-only.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: here('.'),
  // Relative addresses: the page works from any folder of any host.
  base: './',
  resolve: { alias: { glissade: here('../glissade/src/index.ts') } },
  worker: { format: 'es', plugins: () => [pageOnly()] },
  build: {
    target: 'es2022',
    // Everything stays a file: the content security policy allows no data: addresses for scripts.
    assetsInlineLimit: 0,
    sourcemap: false,
    chunkSizeWarningLimit: 1200,
  },
  plugins: [pageOnly(), assets()],
})
