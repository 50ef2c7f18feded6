/** The settings of the training run, and the lines that tell of it. */
import pc from 'picocolors'
import { expect, test } from 'vitest'
import { Meter } from '../src/digits/meter.ts'
import { defaults, learningRate } from '../src/digits/network.ts'
import { runFolder } from '../src/digits/run.ts'
import type { Terminal } from '../src/terminal/style.ts'

test('the learning rate rises to its highest, then falls to nothing', () => {
  const rates = Array.from({ length: 1000 }, (_, step) => learningRate(step, 1000, 2))
  const top = rates.indexOf(Math.max(...rates))
  expect(rates[top]).toBeCloseTo(2, 10)
  expect(top).toBeGreaterThan(50)
  expect(rates[0]).toBeGreaterThan(0)
  for (let step = 1; step < 1000; step++) {
    if (step <= top) expect(rates[step]).toBeGreaterThanOrEqual(rates[step - 1])
    else expect(rates[step]).toBeLessThanOrEqual(rates[step - 1])
  }
  expect(rates[999]).toBeLessThan(0.001)
})

test('the meter adds up an epoch and begins the next one anew', () => {
  const terminal: Terminal = { color: false, unicode: true, colors: pc.createColors(false), columns: 80, live: true }
  const meter = new Meter(2, { ...defaults, epochs: 12 })
  meter.add({ epoch: 0, step: 1, loss: 2, correct: 10, count: 100 })
  expect(meter.liveLine(terminal)).toMatch(/^━━━━━ +epoch {2}1\/12 {2}loss 2\.0000 {2}accuracy 10\.00 %/)
  meter.add({ epoch: 0, step: 2, loss: 1, correct: 50, count: 50 })
  expect(meter.epochLine(terminal)).toMatch(/^epoch {2}1\/12 {2}loss 1\.6667 {2}accuracy 40\.00 %/)
  meter.add({ epoch: 1, step: 1, loss: 0.5, correct: 100, count: 100 })
  expect(meter.liveLine({ ...terminal, live: false })).toMatch(
    /^ 50 % {2}epoch {2}2\/12 {2}loss 0\.5000 {2}accuracy 100\.00 %.*left$/,
  )
  expect(meter.history).toMatchObject([{ epoch: 1, accuracy: 0.4 }])
  // another run takes up the epoch where this one left it
  const resumed = new Meter(2, { ...defaults, epochs: 12 }, meter.present)
  resumed.add({ epoch: 1, step: 2, loss: 1.5, correct: 0, count: 100 })
  expect(resumed.history).toMatchObject([{ epoch: 2, loss: 1, accuracy: 0.5 }])
})

test('a run is kept under the time at which it began', () => {
  expect(runFolder(new Date(2026, 0, 2, 3, 4, 5))).toBe('runs/digits-20260102-030405')
})
