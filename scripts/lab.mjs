/**
 * `npm run lab`: sets up what is missing, builds the lab, and serves it on this machine.
 * Options go through: npm run lab -- --port 5000 --runs runs --open
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { buildLab, root, setUp } from './setup.mjs'

setUp()
if (!buildLab()) process.exit(1)
const command = join(root, 'packages/cli/bin/glissade.js')
const child = spawn(process.execPath, [command, 'lab', ...process.argv.slice(2)], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => signal === 'SIGTERM' && child.kill(signal))
child.on('exit', (code) => process.exit(code ?? 0))
