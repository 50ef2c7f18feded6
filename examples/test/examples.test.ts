/** Every example runs: for three steps, to its end, without an error, and prints something. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test, vi } from 'vitest'

const folder = dirname(dirname(fileURLToPath(import.meta.url)))
const examples = readdirSync(folder).filter((name) => name.endsWith('.ts'))

afterEach(() => vi.unstubAllEnvs())

describe('examples', () => {
  test.each(examples)('%s runs', { timeout: 120_000 }, async (name) => {
    vi.stubEnv('STEPS', '3')
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    try {
      await import(/* @vite-ignore */ join(folder, name))
      expect(log).toHaveBeenCalled()
    } finally {
      log.mockRestore()
    }
  })

  test.each(examples)('%s has at most 150 lines and says how to run it', (name) => {
    const text = readFileSync(join(folder, name), 'utf8')
    expect(text.split('\n').length).toBeLessThanOrEqual(151)
    expect(text).toContain(`node scripts/run.mjs examples/${name}`)
  })
})
