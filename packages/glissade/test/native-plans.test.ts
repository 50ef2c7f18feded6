/** Plans kept on disk: what comes back is what was kept, and whatever is not whole is as good as nothing. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Plan } from '../src/backends/backend.ts'
import { DiskCache, digest } from '../src/backends/native/cache.ts'
import { compilerDigest, DiskPlans } from '../src/backends/native/plans.ts'
import { printKernel } from '../src/backends/native/print-c.ts'
import { interpreterBackend } from '../src/backends/reference/interpreter.ts'
import { compile, loss, nn, optim, scan, setBackend, type Tensor, tensor, where, zeros } from '../src/index.ts'
import { freshFolder, working } from './native/harness.ts'

const { target } = interpreterBackend()
let plan: Plan

beforeAll(async () => {
  await setBackend(interpreterBackend())
  const model = nn.languageModel({ vocab: 11, width: 16, layers: 2, heads: 2, context: 8 })
  const tokens = tensor(new Int32Array(16), { shape: [2, 8] })
  plan = (await compile((x: Tensor) => model.forward(x)).program(tokens)).plan
})
afterAll(() => setBackend('auto'))

function plansIn(folder: string, wanted = target): DiskPlans {
  return new DiskPlans(new DiskCache(folder), wanted)
}

/** Changes the only plan in `folder`, with its checksum made right or left as it was. */
function change(folder: string, edit: (text: string) => string, honest: boolean): void {
  const name = readdirSync(folder).find((each) => each.endsWith('.json')) as string
  const text = edit(readFileSync(join(folder, name), 'utf8'))
  writeFileSync(join(folder, name), text)
  if (honest) writeFileSync(join(folder, `${name}.sha256`), digest(text))
}

const editPlan =
  (edit: (plan: { -readonly [key in keyof Plan]: Plan[key] }) => void) =>
  (text: string): string => {
    const file = JSON.parse(text)
    edit(file.plan)
    return JSON.stringify(file)
  }

test('a plan belongs to the text of the compiler: any of its files, and none without them', () => {
  const library = freshFolder()
  for (const folder of ['graph', 'ops/derived', 'kernel', 'compile'])
    mkdirSync(join(library, folder), { recursive: true })
  const digests = new Set<string | undefined>()
  for (const file of ['shape.js', 'graph/graph.js', 'ops/derived/conv.js', 'kernel/ir.js', 'compile/lower.js']) {
    for (const text of ['1', '2']) {
      writeFileSync(join(library, file), text)
      digests.add(compilerDigest(library))
    }
  }
  expect(digests.size).toBe(10)
  writeFileSync(join(library, 'compile/lower.d.ts'), '')
  expect(digests).toContain(compilerDigest(library))
  expect(compilerDigest(freshFolder())).toBeUndefined()
})

test('a plan is found again by its key, by another process too', () => {
  const folder = freshFolder()
  plansIn(folder).keep('key', plan)
  const found = plansIn(folder).find('key')
  expect(found).toEqual(plan)
  // The same C too, or its library would not be found: a printer names what is one object.
  expect(found?.kernels.map(printKernel)).toEqual(plan.kernels.map(printKernel))
  expect(plansIn(folder).find('other key')).toBeUndefined()
})

test('numbers that JSON lacks come back, and loops with places that move', async () => {
  const last = compile((xs: Tensor) => {
    const { carry } = scan(
      (h: Tensor, x: Tensor) => ({ carry: where(x.gt(0), h.add(x), Number.NEGATIVE_INFINITY).mul(-0) }),
      zeros([3]),
      xs,
    )
    return where(carry.gt(0), carry, Number.NaN)
  })
  const { plan: odd } = await last.program(zeros([5, 3]))
  expect(odd.repeats).toHaveLength(1)
  const folder = freshFolder()
  plansIn(folder).keep('odd', odd)
  expect(plansIn(folder).find('odd')).toEqual(odd)
})

test('a plan for another machine is not found', () => {
  const folder = freshFolder()
  plansIn(folder).keep('key', plan)
  expect(plansIn(folder, { ...target, lanes: 2 * target.lanes }).find('key')).toBeUndefined()
})

test.each([
  ['cut short', (text: string) => text.slice(0, text.length / 2), false],
  ['cut short, its checksum right', (text: string) => text.slice(0, text.length / 2), true],
  ['changed', (text: string) => text.replace('"tasks":1', '"tasks":2'), false],
  ['kept for another key', (text: string) => text.replace(/"of":"..../, '"of":"0000'), true],
  ['of kernels that are not there', editPlan((each) => (each.kernels = each.kernels.slice(1))), true],
  ['no plan', () => '{"of":1}', true],
  ['beyond the arena', editPlan((each) => (each.arenaBytes = 64)), true],
  ['beyond its arguments', editPlan((each) => (each.arguments = each.arguments.slice(1))), true],
  ['with words that no backend knows', (text: string) => text.replace('"op":"store"', '"op":"shell"'), true],
  ['with C for a name', (text: string) => text.replace('"name":"t0"', '"name":"t0; abort()"'), true],
  ['with a number for nothing', (text: string) => text.replace(/"a":\d+/, '"a":100000'), true],
  ['with a loop out of it', editPlan((each) => (each.repeats = [{ first: 0, end: 10_000, count: 2 }])), true],
])('a plan that is %s is not used, and replaced by the next that is kept', (_, edit, honest) => {
  const folder = freshFolder()
  plansIn(folder).keep('key', plan)
  change(folder, edit, honest)
  expect(plansIn(folder).find('key')).toBeUndefined()
  plansIn(folder).keep('key', plan)
  expect(plansIn(folder).find('key')).toEqual(plan)
})

test('a training step from a kept plan gives the same numbers; from a damaged one, too', async () => {
  const cacheFolder = freshFolder()
  const x = tensor(
    Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
    { shape: [4, 6] },
  )
  const y = tensor(Int32Array.from([0, 1, 2, 1]))
  const weights = Array.from({ length: 3 }, (_, i) =>
    tensor(
      Float32Array.from({ length: 36 }, (_, k) => Math.cos(i + k)),
      { shape: [6, 6] },
    ),
  )
  const train = async (): Promise<[number[], Plan]> => {
    const backend = await setBackend(await working({ threads: 1, cacheFolder }))
    const model = nn.sequential(...weights.flatMap(() => [nn.linear(6, 6), nn.gelu()]))
    weights.forEach((weight, i) => {
      const layer = model.layers[2 * i] as nn.Linear
      layer.weight.assign(weight)
      layer.bias?.assign(zeros([6]))
    })
    const optimizer = optim.adamW({ lr: 0.1 }).for(model)
    const step = compile(() => {
      const l = loss.crossEntropy(model.forward(x), y)
      optimizer.minimize(l)
      return l
    })
    const losses: number[] = []
    for (let i = 0; i < 3; i++) losses.push(await (await step()).item())
    const made = (await step.program()).plan
    await setBackend(interpreterBackend())
    await backend.dispose()
    return [losses, made]
  }
  const first = await train()
  expect(readdirSync(cacheFolder).filter((name) => /^[0-9a-f]{64}\.json$/.test(name))).toHaveLength(1)
  const libraries = readdirSync(cacheFolder).filter((name) => name.endsWith('.so')).length
  expect(await train()).toEqual(first)
  expect(readdirSync(cacheFolder).filter((name) => name.endsWith('.so'))).toHaveLength(libraries)
  change(cacheFolder, (text) => text.slice(1), false)
  expect(await train()).toEqual(first)
})
