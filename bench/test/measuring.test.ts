/**
 * Taking times, with engines made for the purpose: right, wrong, absent, unable, and crashing ones; and that the real
 * engines in TypeScript give the same numbers on the smallest works.
 */
import { expect, test } from 'vitest'
import { type Contestant, chooseContestants, label } from '../harness/contestants.ts'
import { Measurement, type Pace } from '../harness/measure.ts'
import type { MissingRow, Row } from '../harness/row.ts'
import { cnn } from '../works/cnn.ts'
import { firstStep } from '../works/first-step.ts'
import { matmul } from '../works/matmul.ts'
import { tiny } from '../works/tiny.ts'
import type { Work } from '../works/work.ts'

const quick: Pace = { rounds: 2, milliseconds: 5 }

/** An engine that says what its script makes of each request `r`. */
function fake(engine: string, script: string, greeting = "{version: '1', backend: 'fake', threads: 1}"): Contestant {
  const program = `
    const tell = (message) => console.log(JSON.stringify(message))
    const answer = (r) => { ${script} }
    tell(${greeting})
    require('readline').createInterface({ input: process.stdin }).on('line', (line) => tell(answer(JSON.parse(line))))`
  const rest = { backend: 'fake', threads: 1, caches: true, env: {} }
  return { ...rest, engine, command: [process.execPath, '-e', program] }
}

/** Answers everything; its check gives `values`, its times are `times`. */
const always = (values: string, times: string): string =>
  `return r.do === 'check' ? { values: ${values} } : r.do === 'measure' ? { times: ${times} } : { ok: true }`

const work: Work = {
  name: 'sum-2',
  kind: 'sum',
  title: 'a sum',
  flops: 1e6,
  settings: {},
  inputs: async () => ({ x: { shape: [2], data: Float32Array.of(1, 2) } }),
  judge: (answers) => new Map([...answers].filter(([, [value]]) => value !== 3).map(([who]) => [who, 'not 3'])),
}

async function measure(
  works: Work[],
  contestants: Contestant[],
  pace = quick,
): Promise<{ rows: Row[]; said: string[] }> {
  const rows: Row[] = []
  const said: string[] = []
  const measurement = new Measurement(pace, {
    started: () => {},
    row: (row) => rows.push(row),
    skipped: (who, reason) => said.push(`${who} skipped: ${reason}`),
    failed: (who, reason) => said.push(`${who} failed: ${reason}`),
  })
  try {
    for (const each of works) await measurement.run(each, contestants)
  } finally {
    measurement.close()
  }
  return { rows, said }
}

test('right engines are timed; wrong, absent, unable and crashing ones are told of', async () => {
  const { rows, said } = await measure(
    [work],
    [
      fake('right', always('[3]', '[2, 4, 9]')),
      fake('wrong', always('[4]', '[1]')),
      fake('absent', '', "{absent: 'not installed'}"),
      fake('unable', "return { unsupported: 'no sums' }"),
      fake('faulty', "return r.do === 'check' ? { error: 'out of paper' } : { ok: true }"),
      fake('crashing', "console.error('last words'); process.exit(7)"),
      fake('late', "if (r.do === 'measure') process.exit(3); return { values: [3] }"),
    ],
  )
  expect(rows.map(({ engine }) => engine)).toEqual(['right'])
  expect(rows[0]).toMatchObject({ work: 'sum-2', median_ms: 4, min_ms: 2, gflops: 0.25, samples: 6 })
  expect(said.sort()).toEqual([
    'absent fake ×1 skipped: not installed',
    'crashing fake ×1 failed: it ended with code 7\n    last words',
    'faulty fake ×1 failed: out of paper',
    'late fake ×1 failed: it ended with code 3',
    'unable fake ×1 skipped: no sums',
    'wrong fake ×1 failed: wrong result: not 3',
  ])
})

test('what is missing is told for each work, and memory where an engine tells it', async () => {
  const missing: MissingRow[] = []
  const rows: Row[] = []
  const quiet = { started: () => {}, skipped: () => {}, failed: () => {} }
  const listener = { ...quiet, row: (row: Row) => rows.push(row), missing: (row: MissingRow) => missing.push(row) }
  const measurement = new Measurement(quick, listener)
  const telling = `if (r.do === 'memory') return { peak: 3e6, planned: 2e6 }; ${always('[3]', '[1]')}`
  const elsewhere = fake('moved', '', "{absent: 'not in this Python'}")
  const contestants = [
    fake('telling', telling),
    fake('absent', '', "{absent: 'not installed'}"),
    { ...elsewhere, alternatives: [fake('moved', always('[3]', '[1]')).command] },
  ]
  try {
    for (const name of ['one', 'two']) await measurement.run({ ...work, name }, contestants)
  } finally {
    measurement.close()
  }
  expect(missing.map(({ work, engine, missing }) => [work, engine, missing])).toEqual([
    ['one', 'absent', 'not installed'],
    ['two', 'absent', 'not installed'],
  ])
  expect(rows.map(({ work, engine, memory_mb, planned_mb }) => [work, engine, memory_mb, planned_mb])).toEqual([
    ['one', 'telling', 3, 2],
    ['one', 'moved', null, null],
    ['two', 'telling', 3, 2],
    ['two', 'moved', null, null],
  ])
})

test('short work is repeated within a sample, slow work is not repeated at all', async () => {
  const echo = (median: string): string =>
    `if (r.do === 'check') return { values: [3], times: [${median}] }
     return r.do === 'measure' ? { times: [r.inner === 1 ? ${median} : r.inner] } : { ok: true }`
  const { rows } = await measure([work], [fake('short', echo('0.01')), fake('slow', echo('60000'))])
  // two milliseconds' worth of it
  expect(rows[0]).toMatchObject({ engine: 'short', median_ms: 200, samples: 2 })
  expect(rows[1]).toMatchObject({ engine: 'slow', median_ms: 60000, samples: 1 })
})

test('a first run finds its cache empty, or as another process left it', async () => {
  const script = `
    const { existsSync, writeFileSync } = require('fs')
    const file = process.env.GLISSADE_CACHE + '/program'
    if (r.do !== 'measure') return { ok: true }
    const filled = existsSync(file)
    writeFileSync(file, '')
    return { times: [filled ? 1 : 50] }`
  const contestants = [fake('caching', script), { ...fake('plain', always('[]', '[5]')), caches: false }]
  const works = [firstStep(cnn(), 'cold'), firstStep(cnn(), 'warm')].map((each) => ({ ...each, inputs: work.inputs }))
  const { rows, said } = await measure(works, contestants)
  expect(said).toEqual([])
  expect(rows.map(({ work, engine, median_ms, samples }) => [work, engine, median_ms, samples])).toEqual([
    ['first-cnn-cold', 'caching', 50, 2],
    ['first-cnn-cold', 'plain', 5, 2],
    ['first-cnn-warm', 'caching', 1, 2],
  ])
})

test('the engines in TypeScript agree (against the compiled library: npm run build)', {
  timeout: 180_000,
}, async () => {
  const chosen = { engines: ['glissade', 'tfjs', 'jax-js'], backends: ['wasm'], threads: [1], python: 'python3' }
  const contestants = chooseContestants(chosen)
  const { rows, said } = await measure([matmul(20), tiny()], contestants, { rounds: 1, milliseconds: 5 })
  expect(said).toEqual([])
  expect(rows.map((row) => [row.work, label(row)])).toEqual(
    ['matmul-20', 'tiny'].flatMap((name) => contestants.map((each) => [name, label(each)])),
  )
  for (const { min_ms } of rows) expect(min_ms).toBeGreaterThan(0)
})
