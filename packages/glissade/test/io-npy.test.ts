/** NumPy's files: written by NumPy and read here, written here and read again, and every way in which they are wrong. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tensor } from '../src/create.ts'
import { crc32 } from '../src/io/checksum.ts'
import * as io from '../src/io/index.ts'
import { formatZip, readZip } from '../src/io/zip.ts'
import { setBackend } from '../src/run/backend.ts'
import '../src/run/realize.ts'
import { fixture, fuzz, numbers, sharedData } from './interchange.ts'

let folder = ''
beforeAll(async () => {
  await setBackend('reference')
  folder = await mkdtemp(join(tmpdir(), 'glissade-npy-'))
})
afterAll(() => rm(folder, { recursive: true }))

const counted = Array.from({ length: 24 }, (_, i) => i - 5)
const text = (part: string): Uint8Array => new TextEncoder().encode(part)

/** An .npy file of version 1 from parts that need not fit together. */
function npy(header: string, data: Uint8Array = new Uint8Array(), version = 1): Uint8Array {
  const bytes = new Uint8Array(10 + header.length + data.length)
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0])
  new DataView(bytes.buffer).setUint16(8, header.length, true)
  bytes.set(text(header), 10)
  bytes.set(data, 10 + header.length)
  return bytes
}

describe('.npy', () => {
  const kinds = ['f2', 'f4', 'f8', 'i1', 'u1', 'i2', 'u2', 'i4', 'u4', 'i8', 'u8']
  const files = ['little-', 'big-', ''].flatMap((order) => kinds.map((kind) => `${order}${kind}.npy`))
  const made = new Set(
    'f2 f4 f8 i2 u2 i4 u4 i8 u8'
      .split(' ')
      .map((k) => `little-${k}.npy`)
      .concat(
        'f2 f4 f8 i2 i4 i8'.split(' ').map((k) => `big-${k}.npy`),
        ['i1.npy', 'u1.npy'],
      ),
  )
  it.each(files.filter((name) => made.has(name)))('%s, as NumPy wrote it', (name) => {
    const t = io.parseNpy(fixture(name))
    expect(t.shape).toEqual([2, 3, 4])
    expect(t.dtype).toBe(name.includes('f') ? 'float32' : 'int32')
    expect(numbers(t)).toEqual(name.includes('u') ? counted.map(Math.abs) : counted)
  })

  it('of bools, in Fortran order, a scalar, an empty one, in all versions', () => {
    const bools = io.parseNpy(fixture('bool.npy'))
    expect([bools.dtype, numbers(bools)]).toEqual(['bool', counted.map((v) => Number(v % 3 === 0))])
    const fortran = io.parseNpy(fixture('fortran.npy'))
    expect([fortran.shape, numbers(fortran)]).toEqual([[2, 3, 4], counted])
    const scalar = io.parseNpy(fixture('scalar.npy'))
    expect([scalar.shape, numbers(scalar)]).toEqual([[], [2.5]])
    expect(io.parseNpy(fixture('empty.npy')).shape).toEqual([0, 3])
    for (const version of [1, 2, 3]) expect(numbers(io.parseNpy(fixture(`version${version}.npy`)))).toEqual([0, 1, 2])
  })

  it('written here is what NumPy writes, byte by byte', async () => {
    const t = tensor(Float32Array.from(counted), { shape: [2, 3, 4] })
    expect(await io.formatNpy(t)).toEqual(fixture('little-f4.npy'))
    expect(await io.formatNpy(tensor(Int32Array.from(counted), { shape: [2, 3, 4] }))).toEqual(fixture('little-i4.npy'))
    expect(await io.formatNpy(tensor(counted.map((v) => v % 3 === 0)).reshape([2, 3, 4]))).toEqual(fixture('bool.npy'))
    expect(await io.formatNpy(tensor(2.5))).toEqual(fixture('scalar.npy'))
    expect(await io.formatNpy(tensor([0, 1, 2]))).toEqual(fixture('version1.npy'))
  })

  it('goes to a file and back', async () => {
    const path = join(folder, 'a.npy')
    await io.saveNpy(path, tensor([[1, 2]]))
    expect(numbers(await io.loadNpy(path))).toEqual([1, 2])
    await expect(io.loadNpy(join(folder, 'none.npy'))).rejects.toThrow(/looked in .*none.npy/)
  })

  const four = new Uint8Array(4)
  const good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n"
  it.each([
    ['nothing', new Uint8Array(), /first bytes/],
    ['another file', text('PK\x03\x04 and more'), /first bytes/],
    ['version 9', npy(good, four, 9), /version: received 9/],
    ['a header longer than the file', npy(good, four).subarray(0, 30), /cut short/],
    ['no dict', npy('[1, 2]', four), /header: received \[1, 2\]; expected a Python dict/],
    ['code', npy('__import__("os").system("true")', four), /header/],
    ['an expression', npy(good.replace('(1,)', '(1+1,)'), four), /header/],
    ['another key', npy(good.replace('}', "'more': 1}"), four), /header: .*the keys/],
    ['a key twice', npy(good.replace('}', "'descr': '<f4'}"), four), /header/],
    ['something after it', npy(`${good}{}`, four), /header/],
    ['a text without end', npy("{'descr", four), /header/],
    ['a negative size', npy(good.replace('(1,)', '(-1,)'), four), /header/],
    ['a size that is a text', npy(good.replace('(1,)', "('1',)"), four), /shape/],
    ['too many axes', npy(good.replace('(1,)', `(${'1,'.repeat(65)})`), four), /shape: .*at most 64/],
    [
      'sizes beyond counting',
      npy(good.replace('(1,)', `(${'9007199254740991,'.repeat(30)})`), four),
      /data: received 4 bytes/,
    ],
    [
      'a lying size',
      npy(good.replace('(1,)', '(2,)'), four),
      /data: received 4 bytes; expected 8 for <f4 \[2\]: the file is cut short/,
    ],
    ['two arrays', npy(good, new Uint8Array(8)), /data: received 8 bytes; expected 4/],
    ['a deep nesting', npy('('.repeat(5000), four), /header/],
  ])('refuse %s', (_, bytes, message) => {
    expect(() => io.parseNpy(bytes, 'some.npy')).toThrow(message)
    expect(() => io.parseNpy(bytes, 'some.npy')).toThrow(/^some\.npy: /)
  })

  it.each([
    ['objects', /"\|O", which are pickles; expected one of f2, f4/],
    ['complex', /"<c16"/],
    ['text', /"<U1"/],
    ['fields', /dtype/],
  ])('refuse %s', (name, message) => expect(() => io.parseNpy(fixture(`${name}.npy`))).toThrow(message))

  it('refuse whole numbers beyond 32 bits', () => {
    const data = new Uint8Array(BigInt64Array.of(2n ** 31n).buffer)
    expect(() => io.parseNpy(npy(good.replace('f4', 'i8'), data))).toThrow(/the number 2147483648/)
  })

  it('cut anywhere or changed anywhere are read or refused, and nothing else', async () => {
    const bytes = fixture('version1.npy')
    const { refused } = await fuzz(bytes, (changed) => io.parseNpy(changed))
    expect(refused).toBeGreaterThan(bytes.length)
  })

  it('of real drawings', async (context) => {
    const shared = sharedData()
    if (!shared) return context.skip()
    const { readdirSync } = await import('node:fs')
    const name = readdirSync(`${shared}quickdraw`).find((each) => each.endsWith('.npy')) as string
    const drawings = await io.loadNpy(`${shared}quickdraw/${name}`)
    expect([drawings.shape, drawings.dtype]).toEqual([[5000, 784], 'int32'])
  })
})

describe('.npz', () => {
  it.each(['stored.npz', 'deflated.npz'])('%s, as NumPy wrote it', async (name) => {
    const tensors = await io.parseNpz(fixture(name))
    expect(Object.keys(tensors)).toEqual(['w', 'deep/b', 'n'])
    expect([tensors.w.shape, numbers(tensors.w)]).toEqual([
      [2, 3],
      [0, 1, 2, 3, 4, 5],
    ])
    expect([tensors['deep/b'].dtype, numbers(tensors['deep/b'])]).toEqual(['bool', [1, 0]])
    expect([tensors.n.shape, numbers(tensors.n)]).toEqual([[], [7]])
  })

  it.each([false, true])('goes to a file and back, compressed: %s', async (compress) => {
    const path = join(folder, `a${compress}.npz`)
    const tensors = {
      'conv.weight': tensor(new Float32Array(5000), { shape: [50, 100] }),
      'naïve ☃': tensor([true]),
      __proto__x: tensor(1),
    }
    await io.saveNpz(path, tensors, { compress })
    const read = await io.loadNpz(path)
    expect(Object.keys(read)).toEqual(Object.keys(tensors))
    expect(numbers(read['naïve ☃'])).toEqual([1])
    expect((await readFile(path)).length < 10_000).toBe(compress)
    await expect(io.formatNpz({ '': tensor(1) })).rejects.toThrow(/name of a tensor/)
  })

  it('a name of another object’s does no harm', async () => {
    const bytes = await formatZip(new Map([['__proto__.npy', await io.formatNpy(tensor(3))]]))
    const read = await io.parseNpz(bytes)
    expect(Object.keys(read)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
  })

  const u16 = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
    const changed = bytes.slice()
    new DataView(changed.buffer).setUint16(at, value, true)
    return changed
  }
  const u32 = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
    const changed = bytes.slice()
    new DataView(changed.buffer).setUint32(at, value, true)
    return changed
  }

  it('refuse archives that lie', async () => {
    expect(crc32(text('123456789'))).toBe(0xcbf43926)
    const bytes = await formatZip(
      new Map([
        ['a', text('hello')],
        ['b', text('world')],
      ]),
    )
    const end = bytes.length - 22
    const directory = new DataView(bytes.buffer).getUint32(end + 16, true)
    const refuse = (changed: Uint8Array, message: RegExp): void =>
      void expect(() => readZip(changed, 'x.zip')).toThrow(message)
    refuse(u32(bytes, end + 12, 1000), /directory: received bytes/)
    refuse(u32(bytes, end + 16, 0), /directory entry 0/)
    refuse(u16(bytes, end + 10, 3), /directory entry 2/)
    refuse(u16(bytes, directory + 8, 1), /encrypted/)
    refuse(u16(bytes, directory + 10, 12), /compression method 12/)
    refuse(u32(bytes, directory + 24, 6), /5 bytes stored for 6/)
    refuse(u32(u16(bytes, directory + 10, 8), directory + 24, 5161), /said to become 5161; expected at most 5160/)
    refuse(u32(bytes, directory + 42, 3), /nothing at byte 3; expected its header/)
    refuse(u32(bytes, directory + 47 + 42, 0), /over the same bytes/)
    refuse(u32(bytes, directory + 24, 0xffffffff), /no zip64 sizes/)
    const same = bytes.slice()
    same[directory + 47 + 46] = 0x61
    refuse(same, /'a' twice/)
    const flipped = bytes.slice()
    flipped[31] ^= 1
    await expect(readZip(flipped, 'x.zip').get('a')?.read()).rejects.toThrow(/entry 'a': received another checksum/)
    const inflated = u16(bytes, directory + 10, 8)
    await expect(readZip(inflated, 'x.zip').get('a')?.read()).rejects.toThrow(/entry 'a'/)
  })

  it('with a stream that goes on after its promised size are refused', async () => {
    const bytes = await formatZip(new Map([['a', new Uint8Array(1000)]]), true)
    const directory = new DataView(bytes.buffer).getUint32(bytes.length - 6, true)
    await expect(
      readZip(u32(bytes, directory + 24, 10), 'x.zip')
        .get('a')
        ?.read(),
    ).rejects.toThrow(/entry 'a'/)
  })

  it.each(['stored.npz', 'deflated.npz'])('%s cut or changed anywhere is read or refused', async (name) => {
    const { refused } = await fuzz(fixture(name), (changed) => io.parseNpz(changed))
    expect(refused).toBeGreaterThan(1000)
  })
})
