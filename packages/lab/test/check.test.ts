/** Specs from outside: what is good passes as it is; what is not ends in a message, at once, whatever it is. */
import { describe, expect, test } from 'vitest'
import { checkModel, checkSpec } from '../src/spec/check.ts'
import { perceptron, planeSpec, presets } from '../src/spec/presets.ts'
import type { LayerSpec } from '../src/spec/spec.ts'

const good = planeSpec('circle', [4, 3])
const nested = (depth: number): unknown => {
  let layer: unknown = { kind: 'tanh' }
  for (let i = 0; i < depth; i++) layer = { kind: 'sequential', layers: [layer] }
  return layer
}

describe('a spec from outside', () => {
  test.each(presets.map(({ id, spec }) => [id, spec] as const))('preset %s passes as it is', (_, spec) => {
    const sent = JSON.parse(JSON.stringify(spec)) as unknown
    expect(checkSpec(sent)).toEqual({ value: expect.objectContaining({ data: spec.data, batchSize: spec.batchSize }) })
    expect(checkSpec(sent).problem).toBeUndefined()
  })
  test('own points, own text and a table pass', () => {
    const shared = { testShare: 0.3, seed: 2 }
    const points = {
      kind: 'points',
      points: [
        [1, 2, 0],
        [-1, 2, 1],
      ],
      features: ['x', 'y'],
      ...shared,
    }
    const text = { kind: 'text', corpus: 'own', text: 'to be or not to be', context: 4, samples: 100, ...shared }
    const table = { kind: 'table', name: 'a.csv', text: 'a,b\n1,2', inputs: ['a'], target: 'b', ...shared }
    for (const data of [points, text, table]) expect(checkSpec({ ...good, data })).toMatchObject({ value: { data } })
  })
  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['nothing', undefined, /an object/],
    ['a number', 7, /an object/],
    ['a list', [good], /an object/],
    ['another version', { ...good, version: 2 }, /version: received 2; expected 1/],
    [
      'huge samples',
      { ...good, data: { ...good.data, samples: 1e12 } },
      /data\.samples: received 1000000000000; expected a whole number/,
    ],
    ['negative noise', { ...good, data: { ...good.data, noise: -1 } }, /data\.noise/],
    ['a feature twice', { ...good, data: { ...good.data, features: ['x', 'x'] } }, /twice/],
    ['an unknown set', { ...good, data: { ...good.data, set: '__proto__' } }, /data\.set.*one of circle/],
    ['an unknown layer', { ...good, model: { kind: 'constructor' } }, /model\.kind.*catalogue/],
    ['a layer that does not fit', { ...good, model: { kind: 'bilinear' } }, /two inputs/],
    ['huge units', { ...good, model: perceptron([2, 1e9, 2]) }, /model\.layers\[0\]\.out/],
    ['too many weights', { ...good, model: perceptron([2, 4096, 4096, 2]) }, /weights/],
    [
      'an unknown option',
      { ...good, model: { kind: 'linear', in: 2, out: 2, constructor: 3 } },
      /constructor.*in, out, bias/,
    ],
    ['a wrong option', { ...good, model: { kind: 'linear', in: 2, out: '2' } }, /model\.out: received "2"/],
    ['too deep', { ...good, model: nested(5000) }, /at most 6/],
    [
      'too many layers',
      { ...good, model: { kind: 'sequential', layers: new Array(1e6).fill({ kind: 'tanh' }) } },
      /list of/,
    ],
    [
      'a long list',
      { ...good, data: { kind: 'points', points: new Array(1e6), features: ['x'], testShare: 0.3, seed: 1 } },
      /data\.points/,
    ],
    ['a wrong optimizer', { ...good, optimizer: { kind: 'magic', lr: 1 } }, /optimizer\.kind.*sgd/],
    ['no learning rate', { ...good, optimizer: { kind: 'sgd' } }, /optimizer\.lr/],
    ['a rate that is none', { ...good, optimizer: { kind: 'sgd', lr: Number.NaN } }, /optimizer\.lr: received NaN/],
    ['a wrong seed', { ...good, seed: -1 }, /seed/],
    ['half a batch', { ...good, batchSize: 0.5 }, /batchSize/],
    [
      'a table of itself',
      { ...good, data: { kind: 'table', name: '', text: '', inputs: ['a'], target: 'a', testShare: 0.3, seed: 1 } },
      /without the target/,
    ],
  ]
  test.each(bad)('%s is refused with the reason', (_, value, message) => {
    const from = performance.now()
    expect(checkSpec(value).problem).toMatch(message)
    expect(performance.now() - from).toBeLessThan(200)
  })
  test('a prototype is not an option', () => {
    const model = JSON.parse('{"kind":"linear","in":2,"out":2,"__proto__":{"polluted":1}}') as unknown
    expect(checkModel(model).problem).toMatch(/__proto__/)
    const inherited = Object.create({ kind: 'linear', in: 2, out: 2 }) as LayerSpec
    expect(checkModel(inherited).problem).toMatch(/model\.kind/)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })
})
