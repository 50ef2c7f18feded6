/** zip and tar: what is in them, what must not be, and damage. */
import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { crc32 } from '../src/io/checksum.ts'
import * as io from '../src/io/index.ts'
import { formatZip } from '../src/io/zip.ts'
import { readDamaged } from './damage.ts'

const text = (s: string): Uint8Array => new TextEncoder().encode(s)

interface TarFile {
  readonly name: string
  readonly data?: Uint8Array
  readonly type?: string
  readonly size?: number
}

/** A tar by hand. */
function tar(...files: TarFile[]): Uint8Array {
  const blocks = files.flatMap(({ name, data = new Uint8Array(0), type = '0', size = data.length }) => {
    const header = new Uint8Array(512)
    const put = (at: number, s: string): void => header.set(text(s), at)
    put(0, name)
    put(100, '0000644')
    put(124, size.toString(8).padStart(11, '0'))
    put(148, '        ')
    put(156, type)
    put(257, 'ustar')
    put(
      148,
      `${header
        .reduce((a, b) => a + b, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
    )
    const body = new Uint8Array(Math.ceil(data.length / 512) * 512)
    body.set(data)
    return [header, body]
  })
  return Uint8Array.from([...blocks, new Uint8Array(1024)].flatMap((block) => [...block]))
}

/** A zip of one deflated file, in which the directory may say something else; `attributes` are those of Unix. */
function zip(name: string, data: Uint8Array, { size = data.length, attributes = 0, repeat = 1 } = {}): Uint8Array {
  const packed = deflateRawSync(data)
  const u16 = (n: number): number[] => [n & 255, n >> 8]
  const u32 = (n: number): number[] => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]
  const common = (n: string): number[] => [
    20,
    0,
    0,
    0,
    8,
    0,
    0,
    0,
    0,
    0,
    ...u32(crc32(data)),
    ...u32(packed.length),
    ...u32(size),
    ...u16(n.length),
    0,
    0,
  ]
  const local = [0x50, 0x4b, 3, 4, ...common(name), ...text(name), ...packed]
  const directory = Array.from({ length: repeat }, (_, i) => {
    const own = repeat === 1 ? name : `${String.fromCharCode(97 + i)}${name.slice(1)}`
    return [0x50, 0x4b, 1, 2, 20, 3, ...common(own), 0, 0, 0, 0, 0, 0, ...u32(attributes), ...u32(0), ...text(own)]
  }).flat()
  const end = [
    0x50,
    0x4b,
    5,
    6,
    0,
    0,
    0,
    0,
    ...u16(repeat),
    ...u16(repeat),
    ...u32(directory.length),
    ...u32(local.length),
    0,
    0,
  ]
  return Uint8Array.from([...local, ...directory, ...end])
}

describe('archives', () => {
  it('give their files by name', async () => {
    const files = { 'a.txt': text('one'), 'folder/b.bin': new Uint8Array(1500).fill(3), 'c.txt': text('') }
    const entries = Object.entries(files).map(([name, data]) => ({ name, data }))
    const plain = tar({ name: 'folder/', type: '5' }, ...entries)
    for (const bytes of [plain, await io.gzip(plain), await formatZip(new Map(Object.entries(files)), true)]) {
      const found = await io.parseArchive(bytes)
      expect([...found.keys()].sort()).toEqual(['a.txt', 'c.txt', 'folder/b.bin'])
      for (const [name, data] of Object.entries(files)) expect(found.get(name)).toEqual(data)
      expect([...(await io.parseArchive(bytes, { filter: (name) => name.endsWith('.bin') })).keys()]).toEqual([
        'folder/b.bin',
      ])
    }
  })

  it('may have long names', async () => {
    const long = `${'x'.repeat(90)}/${'y'.repeat(90)}.txt`
    const record = ` path=${long}\n`
    const length = record.length + 3
    const pax = tar({ name: 'pax', type: 'x', data: text(`${length}${record}`) }, { name: 'short', data: text('1') })
    expect([...(await io.parseArchive(pax)).keys()]).toEqual([long])
    const gnu = tar({ name: '././@LongLink', type: 'L', data: text(`${long}\0`) }, { name: 'short', data: text('1') })
    expect([...(await io.parseArchive(gnu)).keys()]).toEqual([long])
  })

  it.each([
    ['a path that climbs out', tar({ name: '../etc/passwd', data: text('x') }), /name: received "\.\.\/etc\/passwd"/],
    ['one that climbs in the middle', tar({ name: 'a/../../b' }), /made to harm/],
    ['an absolute path', tar({ name: '/etc/passwd' }), /"\/etc\/passwd"/],
    ['a path of Windows', zip('C:\\x', text('x')), /made to harm/],
    ['a path with backslashes', zip('..\\x', text('x')), /made to harm/],
    ['a symbolic link', tar({ name: 'x', type: '2' }), /received a symbolic link/],
    ['a hard link', tar({ name: 'x', type: '1' }), /received a hard link/],
    ['a device', tar({ name: 'x', type: '3' }), /received a device/],
    ['a link in a zip', zip('x', text('/etc'), { attributes: 0xa1ff0000 | 0 }), /received a symbolic link/],
    ['a name twice', tar({ name: 'x' }, { name: './x' }), /the same name twice/],
    ['a size beyond the end', tar({ name: 'x', data: text('y'), size: 10_000 }), /10000 bytes where/],
    [
      'a size in a zip that lies low',
      zip('x', new Uint8Array(1000), { size: 10 }),
      /bytes; expected 10|11 bytes|broken/,
    ],
    ['a size in a zip that lies high', zip('x', new Uint8Array(1000), { size: 5000 }), /5000/],
    ['files on top of each other', zip('x', new Uint8Array(1000), { repeat: 3 }), /over the same bytes/],
    ['something else', text('hello'.repeat(300)), /a zip, a tar, or a gzipped tar|wrong checksum/],
    ['nothing', new Uint8Array(0), /0 bytes of something else/],
  ])('with %s are refused', async (_, bytes, message) => {
    await expect(io.parseArchive(bytes)).rejects.toThrow(message)
  })

  it('that hold more than the limit are refused before they are unpacked', async () => {
    const bytes = zip('x', new Uint8Array(1_000_000))
    await expect(io.parseArchive(bytes, { limit: 999_999 })).rejects.toThrow(/more than 999999 bytes/)
    expect((await io.parseArchive(bytes)).get('x')?.length).toBe(1_000_000)
    await expect(io.parseArchive(tar({ name: 'a' }, { name: 'b' }), { fileLimit: 1 })).rejects.toThrow(/more than 1/)
    const packed = await io.gzip(tar({ name: 'a', data: new Uint8Array(4_000_000) }))
    await expect(io.parseArchive(packed, { limit: 1000 })).rejects.toThrow(/more than/)
  })

  it('that are damaged are refused or read, and nothing else', async () => {
    const read = (damaged: Uint8Array): Promise<unknown> => io.parseArchive(damaged, { limit: 1e6 })
    const plain = tar({ name: 'a.txt', data: text('some text') }, { name: 'b', data: new Uint8Array(600) })
    await readDamaged(plain, read, { changes: 1500, cuts: 300, refuseCut: false })
    // A tar that ends between two files has lost its end.
    await expect(io.parseArchive(plain.slice(0, 1024))).rejects.toThrow(/no empty block/)
    await readDamaged(await io.gzip(plain), read, { changes: 300 })
    await readDamaged(zip('x.txt', text('some text, some text')), read, { changes: 1500 })
  })
})
