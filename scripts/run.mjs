/**
 * Runs one TypeScript file of this repository (an example, a benchmark) against the compiled library:
 * node scripts/run.mjs examples/xor.ts
 *
 * Node 20 does not read TypeScript; vite, which the tests bring along, takes the types out.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { root, setUp } from './setup.mjs'

const [, , name, ...args] = process.argv
if (name === undefined || !existsSync(resolve(name))) {
  process.stderr.write(
    `run: ${name ?? 'no file'} does not exist; name a file, as in: node scripts/run.mjs examples/xor.ts\n`,
  )
  process.exit(1)
}
const file = resolve(name)
setUp()
process.argv = [process.argv[0], file, ...args]
const { runnerImport } = await import('vite')
await runnerImport(file, { root, configFile: false, logLevel: 'error' })
