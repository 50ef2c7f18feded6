/**
 * Starts a process that runs one TypeScript engine: node harness/serve.mjs <engine> <backend> <threads>
 *
 * Node 20 does not read TypeScript; vite, which the tests bring along, takes the types out of serve.ts and the engine.
 * The library itself is the compiled one, as users have it.
 */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runnerImport } from 'vite'

const here = dirname(fileURLToPath(import.meta.url))
await runnerImport(fileURLToPath(new URL('../serve.ts', import.meta.url)), {
  root: here,
  configFile: false,
  logLevel: 'error',
})
