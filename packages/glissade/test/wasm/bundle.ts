/** Bundles a test's script with the sources it imports into one file, for a plain Node or a page. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'

/** The path of a new bundle of test/wasm/`name`; what it loads only when asked lies beside it. Removed when this process ends. */
export async function bundle(name: string, platform: 'node' | 'browser'): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'glissade-bundle-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const input = { bundle: fileURLToPath(new URL(name, import.meta.url)) }
  const names = { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' }
  await build({ input, platform, logLevel: 'silent', output: { dir: folder, format: 'esm', ...names } })
  return join(folder, 'bundle.mjs')
}
