/**
 * Waiting does not block: while a long program runs, timers of the event loop go on.
 *
 * Beats of a 1 ms timer are counted during one run that takes a while. On a busy machine beats come late, so what is
 * asked is only that they come throughout: a run on the main thread would let none through.
 */
import { afterAll, describe, expect, it } from 'vitest'
import { type BackendName, compile, probeBackend, setBackend, type Tensor } from '../../src/index.ts'
import { fromArray } from '../../src/tensor.ts'

afterAll(async () => {
  await setBackend('reference')
})

/** A run has to last this long for its beats to be counted. */
const longEnough = 300
/** One beat in this many milliseconds at least; the timer asks for one each. */
const slowestBeat = 50

const square = (n: number): Tensor =>
  fromArray(
    Float32Array.from({ length: n * n }, (_, i) => Math.fround(Math.sin(i) / n)),
    [n, n],
  )

async function beatsDuring(work: () => Promise<unknown>): Promise<{ beats: number; milliseconds: number }> {
  let beats = 0
  const timer = setInterval(() => beats++, 1)
  const start = performance.now()
  await work()
  const milliseconds = performance.now() - start
  clearInterval(timer)
  return { beats, milliseconds }
}

for (const name of ['native', 'wasm'] as const satisfies readonly BackendName[]) {
  const probe = await probeBackend(name)
  const missing = 'reason' in probe ? probe.reason : undefined
  if ('backend' in probe) await probe.backend.dispose()
  describe.skipIf(missing)(`${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    it.each([1, 2])('a timer keeps its beat while a program runs on %i threads', async (threads) => {
      const backend = await setBackend(name, { threads })
      const n = 512
      const x = square(n)
      for (let products = 8; ; products *= 2) {
        const chain = compile((a: Tensor) => {
          let y = a
          for (let i = 0; i < products; i++) y = y.matmul(a)
          return y
        })
        await chain(x)
        const { beats, milliseconds } = await beatsDuring(() => chain(x))
        chain.release()
        if (milliseconds < longEnough && products < 512) continue
        expect(beats, `${beats} beats in ${milliseconds.toFixed(0)} ms`).toBeGreaterThan(milliseconds / slowestBeat)
        break
      }
      await setBackend('reference')
      await backend.dispose()
    })
  })
}
