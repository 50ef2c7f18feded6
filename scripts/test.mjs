/**
 * `npm test`: sets up what is missing, then runs everything: format and lint, types, dead code, all tests; at the end a
 * summary, and a non-zero exit code where anything failed. Names pass through to the tests: npm test -- shape
 *
 * Writes what it counted to .glissade/test-summary.json, which .ci/run reads.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findChromium } from './chromium.mjs'
import { build, root, say, setUpPackages } from './setup.mjs'

const report = join(root, '.glissade/test-report.json')
const summary = join(root, '.glissade/test-summary.json')
mkdirSync(join(root, '.glissade'), { recursive: true })
for (const file of [report, summary]) rmSync(file, { force: true })

setUpPackages()
const chromium = findChromium()
console.log(chromium.path ? `browser tests: with ${chromium.path}` : `browser tests: skipped (${chromium.reason})`)

const bin = (name) => join(root, 'node_modules', name)
const steps = [
  { name: 'format and lint', command: [bin('@biomejs/biome/bin/biome'), 'check', '.'] },
  { name: 'build', run: build },
  { name: 'types', command: [bin('typescript/bin/tsc'), '-p', 'tsconfig.test.json'] },
  { name: 'types of the lab', command: [bin('typescript/bin/tsc'), '-p', 'packages/lab'] },
  { name: 'dead code', command: [bin('knip/bin/knip.js'), '--exclude', 'types,duplicates'] },
  { name: 'tests', command: [bin('vitest/vitest.mjs'), 'run', ...process.argv.slice(2)] },
]

const started = performance.now()
const results = steps.map(({ name, command, run }) => {
  if (!run) say(name)
  const from = performance.now()
  const env = { ...process.env, GLISSADE_TEST_REPORT: report, ...(chromium.path ? { CHROME_PATH: chromium.path } : {}) }
  const node = () =>
    spawnSync(process.execPath, command, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env }).status
  const ok = run ? run() : node() === 0
  return { name, ok, seconds: (performance.now() - from) / 1000 }
})

const counts = countTests()
const ok = results.every((result) => result.ok) && counts.failed === 0
writeFileSync(summary, `${JSON.stringify({ ...counts, seconds: (performance.now() - started) / 1000 })}\n`)

console.log()
for (const { name, ok, seconds } of results) {
  console.log(`${ok ? 'ok    ' : 'FAILED'}  ${name.padEnd(16)} ${seconds.toFixed(1).padStart(6)} s`)
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exit(ok ? 0 : 1)

/** Each test counts as one; so does each of the other steps, and a test run that left no report, as failed. */
function countTests() {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const { name, ok } of results) {
    if (name !== 'tests') counts[ok ? 'passed' : 'failed']++
  }
  const testsOk = results.find(({ name }) => name === 'tests').ok
  if (!existsSync(report)) return { ...counts, failed: counts.failed + 1 }
  const found = JSON.parse(readFileSync(report, 'utf8'))
  counts.passed += found.numPassedTests
  counts.failed += found.numFailedTests
  counts.skipped += found.numPendingTests + (found.numTodoTests ?? 0)
  // a file that could not even be loaded has no failed tests, but the run failed
  if (!testsOk && found.numFailedTests === 0) counts.failed += Math.max(1, found.numFailedTestSuites)
  return counts
}
