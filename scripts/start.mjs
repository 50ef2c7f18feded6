/**
 * `npm start`: sets up what is missing, then trains a network on handwritten digits.
 * Options go through: npm start -- --epochs 3 --backend wasm
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root, setUp } from './setup.mjs'

setUp()
const command = join(root, 'packages/cli/bin/glissade.js')
const child = spawn(process.execPath, [command, 'run', 'digits', ...process.argv.slice(2)], { stdio: 'inherit' })
// Ctrl-C reaches the child by itself; it saves what it has, and says when it is done
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => signal === 'SIGTERM' && child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
