/**
 * Brings a fresh checkout to where it can run: a Node that is new enough, the packages of package-lock.json,
 * and the compiled library and command. Does only what is missing; a second call takes a few milliseconds.
 *
 * Plain JavaScript without packages, since it runs before there are any. Used by start.mjs, test.mjs, bench.mjs.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const oldestNode = [20, 12]
const built = ['packages/glissade', 'packages/cli']

/** Everything that `npm start` needs; ends the process with a message where something cannot be had. */
export function setUp() {
  setUpPackages()
  if (!build())
    stop('The sources do not compile (the messages are above).', 'Mend them, then run the same command again.')
}

/** The Node and the packages, without the compiled library. */
export function setUpPackages() {
  checkNode()
  installPackages()
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return
  stop(
    `This is Node ${process.versions.node}; Glissade needs ${oldestNode.join('.')} or later.`,
    'Install a current Node (https://nodejs.org), or run: npx node@20 scripts/start.mjs',
  )
}

function installPackages() {
  const lock = join(root, 'package-lock.json')
  // npm writes this file at the end of each installation
  const installed = join(root, 'node_modules/.package-lock.json')
  if (existsSync(installed) && changedAt(installed) >= changedAt(lock)) return
  const fresh = !existsSync(installed)
  say(fresh ? 'installing packages (once, about a minute)' : 'package-lock.json has changed: installing packages')
  const options = ['--no-audit', '--no-fund', '--loglevel=error']
  // nothing that Glissade uses has to run scripts at installation: prebuilt files come inside the packages
  const how = fresh ? ['ci', '--ignore-scripts'] : ['install', '--ignore-scripts']
  if (!npm([...how, ...options]) && !(fresh && npm(['install', '--ignore-scripts', ...options]))) {
    stop(
      'npm could not install the packages (its message is above).',
      'Check the network or the registry, then run the same command again.',
    )
  }
  if (existsSync(installed)) touch(installed)
}

/** Compiles what has changed; false where it does not compile. */
export function build() {
  const stamp = join(root, 'packages/cli/dist/.built')
  const complete = existsSync(stamp) && built.every((folder) => existsSync(join(root, folder, 'dist')))
  if (complete && changedAt(stamp) >= newestSource()) return true
  say('compiling')
  const started = Date.now()
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const { status } = spawnSync(process.execPath, [compiler, '-b', ...built], { cwd: root, stdio: 'inherit' })
  if (status !== 0) return false
  writeFileSync(stamp, '')
  // the time of the newest source, so that one saved while the compiler ran counts as changed
  const time = new Date(started)
  utimesSync(stamp, time, time)
  return true
}

/** Builds the page of the lab where its sources, or the library's, have changed; false where that fails. */
export function buildLab() {
  const lab = join(root, 'packages/lab')
  const sources = ['src', 'build', 'public', '../glissade/src'].map((folder) => newestIn(join(lab, folder)))
  const page = join(lab, 'dist/index.html')
  if (existsSync(page) && changedAt(page) >= Math.max(...sources, changedAt(join(lab, 'index.html')))) return true
  say('building the lab')
  const vite = join(root, 'node_modules/vite/bin/vite.js')
  const { status } = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'error'], { cwd: lab, stdio: 'inherit' })
  return status === 0
}

function newestSource() {
  let newest = changedAt(join(root, 'tsconfig.base.json'))
  for (const folder of built) {
    newest = Math.max(newest, changedAt(join(root, folder, 'tsconfig.json')), newestIn(join(root, folder, 'src')))
  }
  return newest
}

function newestIn(folder) {
  // the folder itself changes when a file in it is added or removed
  let newest = changedAt(folder)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    newest = Math.max(newest, entry.isDirectory() ? newestIn(path) : changedAt(path))
  }
  return newest
}

function npm(args) {
  // inside `npm start` this is the npm that is running; it may not be on the path
  const script = process.env.npm_execpath
  const [command, rest] = script?.endsWith('.js') ? [process.execPath, [script, ...args]] : ['npm', args]
  const shell = process.platform === 'win32' && command === 'npm'
  return spawnSync(command, rest, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], shell }).status === 0
}

const changedAt = (path) => statSync(path).mtimeMs
const touch = (path) => utimesSync(path, new Date(), new Date())

/** One line of progress; on stderr, so that a command's own output can be piped. */
export function say(what) {
  process.stderr.write(`glissade: ${what} …\n`)
}

function stop(what, fix) {
  process.stderr.write(`glissade: ${what}\n${fix}\n`)
  process.exit(1)
}
