import { expect, it } from 'vitest'
import { compilerOptions } from '../../src/compile/lower.ts'
import { gradients } from '../../src/autodiff/gradients.ts'
import { interpreterBackend } from '../../src/backends/reference/interpreter.ts'
import { evaluate } from '../../src/backends/reference/reference.ts'
import { buildGraph, printGraph } from '../../src/graph/graph.ts'
import { setBackend } from '../../src/run/backend.ts'
import { realize } from '../../src/run/realize.ts'
import { difference, tensorsOf } from './fuzz-check.ts'
compilerOptions.verify = true
it('more', async () => {
  const from = Number(process.env.FROM ?? 5000), n = Number(process.env.N ?? 1000)
  const lanes = [4, 8, 16]
  for (let seed = from; seed < from + n; seed++) {
    if (seed % 50 === 0) { await setBackend(interpreterBackend(lanes[(seed / 50) % 3])) }
    const tensors = tensorsOf(seed)
    if (tensors.length === 0) continue
    const expected = evaluate(tensors)
    const text = printGraph(buildGraph(tensors).graph)
    try { await realize(...tensors) } catch (e) { console.log(`seed ${seed} ${String(e).slice(0, 1200)}\n${text}`); continue }
    for (const [i, t] of tensors.entries()) {
      const found = difference(await t.data(), expected[i].data)
      if (found) { console.log(`seed ${seed}: output ${i}: ${found}\n${text}`); break }
    }
  }
}, 600000)
