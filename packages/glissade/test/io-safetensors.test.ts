/** Safetensors against the format's own library, and the files that test/io.test.ts does not think of. */
import { beforeAll, describe, expect, it } from 'vitest'
import { tensor } from '../src/create.ts'
import * as io from '../src/io/index.ts'
import { setBackend } from '../src/run/backend.ts'
import '../src/run/realize.ts'
import { fixture, fuzz, numbers, sharedData } from './interchange.ts'

beforeAll(() => setBackend('reference'))

function file(header: string, data = new Uint8Array()): Uint8Array {
  const text = new TextEncoder().encode(header)
  const bytes = new Uint8Array(8 + text.length + data.length)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true)
  bytes.set(text, 8)
  bytes.set(data, 8 + text.length)
  return bytes
}
const entry = (from: number, to: number): string =>
  `{"dtype":"U8","shape":[${to - from}],"data_offsets":[${from},${to}]}`

describe('safetensors', () => {
  it('as their own library writes them: F16, BF16, F64, I64, I16, I8, U8, BOOL', () => {
    const { tensors } = io.parseSafetensors(fixture('torch.safetensors'))
    expect(tensors.float16.dtype).toBe('float32')
    for (const name of ['float16', 'bfloat16', 'float64']) expect(numbers(tensors[name])).toEqual([0.5, -1.25])
    for (const name of ['int64', 'int32', 'int16', 'int8'])
      expect([tensors[name].dtype, numbers(tensors[name])]).toEqual(['int32', [5, -6]])
    expect(numbers(tensors.uint8)).toEqual([5, 250])
    expect([tensors.bool.dtype, numbers(tensors.bool)]).toEqual(['bool', [1, 0]])
  })

  it.each([
    ['a name twice', file(`{"a":${entry(0, 2)},"a":${entry(0, 2)}}`, new Uint8Array(2)), /header: received 'a' twice/],
    [
      'a name twice, spelled differently',
      file(`{"a":${entry(0, 2)},"\\u0061" : ${entry(0, 2)}}`, new Uint8Array(2)),
      /'a' twice/,
    ],
    ['a field twice', file('{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}'), /'dtype' twice/],
    [
      'an entry inside another',
      file(`{"a":${entry(0, 4)},"b":${entry(1, 3)}}`, new Uint8Array(4)),
      /no gap and no overlap/,
    ],
    ['a hole at the start', file(`{"a":${entry(1, 2)}}`, new Uint8Array(2)), /to begin at 0/],
  ])('refuse %s', (_, bytes, message) => expect(() => io.parseSafetensors(bytes)).toThrow(message))

  it('may have texts that look like keys', () => {
    const { metadata } = io.parseSafetensors(file('{"__metadata__":{"a":"{\\"a\\":1,\\"a\\":2}","b":"a"}}'))
    expect(metadata).toEqual({ a: '{"a":1,"a":2}', b: 'a' })
  })

  it('with a name of another object’s come and go, and change nothing else', async () => {
    const tensors = Object.fromEntries([
      ['__proto__', tensor([1])],
      ['constructor', tensor([2])],
    ])
    const { tensors: read } = io.parseSafetensors(await io.formatSafetensors(tensors))
    expect(Object.keys(read)).toEqual(['__proto__', 'constructor'])
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
  })

  it('cut or changed anywhere are read or refused', async () => {
    const { refused } = await fuzz(fixture('torch.safetensors'), (changed) => io.parseSafetensors(changed), {
      flips: 5000,
    })
    expect(refused).toBeGreaterThan(2000)
  })

  it('of real weights have PyTorch’s names', async (context) => {
    const shared = sharedData()
    if (!shared) return context.skip()
    const { tensors } = await io.loadTensors(`${shared}models/burn-mnist.safetensors`)
    expect(tensors['fc1.weight'].shape).toEqual([32, 11616])
    expect([tensors['norm1.num_batches_tracked'].dtype, tensors['norm1.num_batches_tracked'].shape]).toEqual([
      'int32',
      [],
    ])
  })
})
