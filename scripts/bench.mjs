/** `npm run bench`: sets up what is missing, then measures. Options go through: npm run bench -- --json */
import { join } from 'node:path'
import { root } from './setup.mjs'

process.argv.splice(2, 0, join(root, 'bench/main.ts'))
await import('./run.mjs')
