/**
 * Random programs against the float64 reference: whatever the compiler fuses, moves, stores or overwrites, the
 * numbers stay what the ops mean.
 *
 * Every graph is compiled with all checks on. A failure names its seed and prints its graph. Variables that read each
 * other's old and new values in one program: variables.test.ts.
 */
import { afterAll, describe, expect, it } from 'vitest'
import type { Backend } from '../../src/backends/backend.ts'
import { interpreterBackend } from '../../src/backends/reference/interpreter.ts'
import { evaluate } from '../../src/backends/reference/reference.ts'
import { compilerOptions } from '../../src/compile/lower.ts'
import { buildGraph, printGraph } from '../../src/graph/graph.ts'
import { probeBackend, setBackend } from '../../src/run/backend.ts'
import { realize } from '../../src/run/realize.ts'
import { difference, tensorsOf } from './fuzz-check.ts'

compilerOptions.verify = true
afterAll(async () => {
  compilerOptions.verify = false
  await setBackend('reference')
})

/** Computes the graphs of `seeds`, each as one program or all as one; returns what is wrong. */
async function problemsOf(seeds: readonly number[], together = false): Promise<string[]> {
  const cases = seeds.map((seed) => ({ seed, tensors: tensorsOf(seed) })).filter(({ tensors }) => tensors.length > 0)
  const problems: string[] = []
  if (together) await realize(...cases.flatMap(({ tensors }) => tensors))
  for (const { seed, tensors } of cases) {
    const expected = evaluate(tensors)
    const text = printGraph(buildGraph(tensors).graph)
    try {
      await realize(...tensors)
    } catch (error) {
      problems.push(`seed ${seed}: ${String(error)}\n${text}`)
      continue
    }
    for (const [i, tensor] of tensors.entries()) {
      const found = difference(await tensor.data(), expected[i].data)
      if (found) problems.push(`seed ${seed}: output ${i}: ${found}\n${text}`)
      if (found) break
    }
  }
  return problems
}

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)

async function use(backend: Backend | 'wasm' | 'native'): Promise<void> {
  await setBackend(backend)
}

describe('random graphs on the interpreter', () => {
  it.each([
    [4, 0],
    [4, 100],
    [8, 200],
    [16, 300],
  ])('vectors of %i elements, seeds from %i', async (lanes, from) => {
    await use(interpreterBackend(lanes))
    expect(await problemsOf(range(from, 60))).toEqual([])
  })
})

for (const [name, graphs] of [
  ['wasm', 30],
  ['native', 8],
] as const) {
  const probe = await probeBackend(name)
  const missing = 'reason' in probe ? probe.reason : undefined
  if ('backend' in probe) await probe.backend.dispose()
  describe.skipIf(missing)(`random graphs on ${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    it(`${graphs} graphs, as one program`, async () => {
      await use(name)
      expect(await problemsOf(range(1000, graphs), true)).toEqual([])
    })
  })
}
