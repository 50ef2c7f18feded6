/** Every example runs: for three steps, to its end, without an error, and prints something. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test, vi } from 'vitest'

const folder = dirname(dirname(fileURLToPath(import.meta.url)))
const examples = readdirSync(folder).filter((name) => name.endsWith('.ts'))

/** Where the data is that examples would fetch: a folder beside the repository, or the one that the user names. */
const beside = join(folder, '../../shared/data')
const dataFolder = process.env.GLISSADE_DATA ?? (existsSync(beside) ? beside : undefined)
const fetches = (name: string): boolean => readFileSync(join(folder, name), 'utf8').includes('download: true')

afterEach(() => {
  vi.unstubAllEnvs()
  process.removeAllListeners('SIGINT')
})

describe('examples', () => {
  test.for(examples)('%s runs', { timeout: 300_000 }, async (name, { skip }) => {
    if (fetches(name) && dataFolder === undefined) skip(`its data is neither in GLISSADE_DATA nor in ${beside}`)
    vi.stubEnv('STEPS', '3')
    if (dataFolder !== undefined) vi.stubEnv('GLISSADE_DATA', dataFolder)
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
