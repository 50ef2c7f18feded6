/** Links: each preset comes back as it was, weights go on where they were, and what is hostile ends in words. */
import { deflateSync, strToU8 } from 'fflate'
import { setBackend } from 'glissade'
import { beforeAll, describe, expect, test } from 'vitest'
import { checkSpec } from '../src/spec/check.ts'
import { planeSpec, presets } from '../src/spec/presets.ts'
import type { LabSpec } from '../src/spec/spec.ts'
import { canonical } from '../src/take/knobs.ts'
import { linkOf, readLink } from '../src/take/link.ts'
import { fromLetters, pack, toLetters, unpack } from '../src/take/text.ts'
import { restore, sessionOf } from '../src/worker/keeping.ts'
import { Run } from '../src/worker/run.ts'
import { type Family, liveOf, specOf } from './networks.ts'

beforeAll(async () => {
  await setBackend('wasm')
})

const stateOf = (link: string): string => link.slice(link.indexOf('?') + 1)
const packedLink = (value: unknown): string => `v=1&z=${toLetters(deflateSync(strToU8(JSON.stringify(value))))}`

describe('links', () => {
  test.each(presets.map(({ id, spec }) => [id, spec] as const))('bring %s back as it was', (_, spec) => {
    const { value } = checkSpec(spec) as { value: LabSpec }
    expect(canonical(readLink(stateOf(linkOf({ spec }))).spec)).toBe(canonical(value))
  })

  test('of simple networks can be read, and say only what is special', () => {
    expect(linkOf({ spec: planeSpec('circle', [4, 3]) })).toBe('#/studio?v=1')
    expect(linkOf({ spec: planeSpec('spiral', [8, 8], { seed: 7, features: ['x', 'y', 'x²'] }) })).toBe(
      '#/studio?v=1&data=spiral&features=x-y-xx&net=8-8-2&seed=7',
    )
    const typed = readLink('v=1&data=xor&net=2-2&optimizer=sgd,lr:0.1,momentum:0.9,nesterov:true').spec
    expect(typed.optimizer).toEqual({ kind: 'sgd', lr: 0.1, momentum: 0.9, nesterov: true })
    expect(typed.model.layers).toHaveLength(3)
  })

  test('pack what words cannot say: other layers, points, tables', () => {
    const points = {
      kind: 'points',
      points: [
        [1, 2, 0],
        [-1, 0.5, 1],
        [3, 3, 2],
      ],
      features: ['x', 'y'],
      testShare: 0.3,
      seed: 1,
    }
    const spec = { ...planeSpec('circle', [3], { classes: 3 }), data: points } as unknown as LabSpec
    const link = linkOf({
      spec,
      pinned: { kind: 'unit', module: '0', unit: 2 },
      input: { part: 'test', index: 3 },
      hide: ['Loss'],
    })
    expect(link).toContain('z=')
    const back = readLink(stateOf(link))
    expect(back.spec.data).toEqual(points)
    expect(back).toMatchObject({
      pinned: { kind: 'unit', module: '0', unit: 2 },
      input: { part: 'test', index: 3 },
      hide: ['Loss'],
    })
  })

  test.each<Family>(['circle', 'names-lstm'])('with weights go on with the same numbers: %s', async (family) => {
    const { run } = await liveOf(family)
    for (let i = 0; i < 5; i++) await run.advance()
    const link = linkOf({ spec: specOf(family), session: await sessionOf(run) })
    const { spec, session } = readLink(stateOf(link))
    const again = new Run(0, spec, run.data)
    await restore(again, session as Uint8Array)
    expect(again.stamp).toEqual(run.stamp)
    const [there, here] = [[], []] as number[][]
    for (let i = 0; i < 5; i++) {
      there.push(await run.advance())
      here.push(await again.advance())
    }
    expect(here).toEqual(there)
  })

  test('that are hostile end in words', () => {
    const bomb = `v=1&z=${toLetters(deflateSync(new Uint8Array(60_000_000), { level: 9 }))}`
    const refused: readonly (readonly [string, RegExp])[] = [
      ['', /version/],
      ['v=2', /version 2/],
      ['v=1&z=%%%', /letters that links are written in|cannot be opened/],
      ['v=1&z=AAAA', /damaged|cut short/],
      [bomb, /larger than 8 MB/],
      [`v=1&z=${toLetters(strToU8('not deflated'))}`, /damaged|cut short/],
      [`v=1&z=${toLetters(deflateSync(strToU8('{"version":')))}`, /no JSON/],
      [packedLink([1, 2]), /expected an object/],
      [packedLink({ version: 1 }), /data/],
      [packedLink({ ...planeSpec('circle', [4]), batchSize: 'many' }), /batchSize: received "many"/],
      [packedLink(JSON.parse('{"version":1,"__proto__":{"data":{}}}')), /data/],
      ['v=1&net=4-1e9-2', /model/],
      ['v=1&samples=99999999', /data\.samples/],
      [`v=1&net=${'4-'.repeat(500)}2`, /layers/],
      ['v=1&run=yes', /"run"/],
      [`v=1&w=${toLetters(deflateSync(strToU8('x')))}x`, /damaged|cut short|letters/],
      [`v=1&net=4-2&optimizer=__proto__`, /optimizer/],
      [`v=1&${'x'.repeat(2_100_000)}`, /at most/],
    ]
    for (const [state, words] of refused) expect(() => readLink(state), state.slice(0, 60)).toThrow(words)
  })

  test('whose weights are damaged, or of another network, are refused by the worker', async () => {
    const { run } = await liveOf('circle')
    const session = await sessionOf(run)
    const other = await liveOf('names-lstm')
    await expect(restore(other.run, session)).rejects.toThrow(/session/)
    await expect(restore(run, session.subarray(0, 200))).rejects.toThrow(/cut short/)
    const text = new TextDecoder('latin1').decode(session)
    const broken = Uint8Array.from(text.replace('\\"step\\":0', '\\"step\\":x'), (letter) => letter.charCodeAt(0))
    await expect(restore(run, broken)).rejects.toThrow(/where training stood/)
  })

  test('are packed within bounds', () => {
    const bytes = new Uint8Array(500_000).map((_, i) => (i * i) % 251)
    expect(Buffer.from(unpack(fromLetters(toLetters(pack(bytes))), 500_000)).equals(Buffer.from(bytes))).toBe(true)
    expect(() => unpack(pack(bytes), 499_999)).toThrow(/larger/)
  })
})
