/** Files: safetensors both ways, models with their architecture, and every way in which a file can be wrong. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tensor } from '../src/create.ts'
import { GlissadeError } from '../src/errors.ts'
import { halfToNumber } from '../src/io/file-types.ts'
import { replaceFile } from '../src/io/files.ts'
import * as io from '../src/io/index.ts'
import * as nn from '../src/nn/index.ts'
import { setBackend } from '../src/run/backend.ts'
import '../src/run/realize.ts'
import type { Tensor } from '../src/tensor.ts'

/** As they are stored: what is not stored yet, such as first weights, becomes float32. */
const numbers = async (t: Tensor): Promise<number[]> => [...(await t.data())]

let folder = ''
beforeAll(async () => {
  await setBackend('reference')
  folder = await mkdtemp(join(tmpdir(), 'glissade-io-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** A file of the format from parts that need not fit together. */
function file(header: unknown, data: Uint8Array = new Uint8Array(), headerLength?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + text.length + data.length)
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(text.length), true)
  bytes.set(text, 8)
  bytes.set(data, 8 + text.length)
  return bytes
}
const entry = (dtype: string, shape: number[], from: number, to: number): object => ({
  dtype,
  shape,
  data_offsets: [from, to],
})
const bytesOf = (...arrays: { buffer: ArrayBufferLike }[]): Uint8Array =>
  Uint8Array.from(arrays.flatMap(({ buffer }) => [...new Uint8Array(buffer)]))

describe('safetensors', () => {
  it('hold tensors of every type, scalars, empty ones and odd names', async () => {
    const tensors = {
      'a.weight': tensor([
        [1.5, -2],
        [3e-40, Number.POSITIVE_INFINITY],
      ]),
      labels: tensor(Int32Array.of(-(2 ** 31), 7)),
      mask: tensor([true, false, true]),
      scalar: tensor(4),
      empty: tensor(new Float32Array(), { shape: [0, 3] }),
      __proto__x: tensor([1]),
      'naïve ☃': tensor([2]),
    }
    const bytes = await io.formatSafetensors(tensors, { who: 'me' })
    const { tensors: read, metadata } = io.parseSafetensors(bytes)
    expect(metadata).toEqual({ who: 'me' })
    expect(Object.keys(read).sort()).toEqual(Object.keys(tensors).sort())
    for (const [name, t] of Object.entries(tensors)) {
      expect([read[name].dtype, read[name].shape, await numbers(read[name])]).toEqual([
        t.dtype,
        t.shape,
        await numbers(t),
      ])
    }
    expect(new DataView(bytes.buffer).getBigUint64(0, true) % 8n).toBe(0n)
  })

  it('are read from other types', async () => {
    const half = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00, 0x7bff)
    const brain = Uint16Array.of(0x3f80, 0xc049)
    const long = BigInt64Array.of(-5n, 2147483647n)
    const double = Float64Array.of(Math.PI)
    const small = Int8Array.of(-1, 3)
    const header = {
      half: entry('F16', [5], 0, 10),
      brain: entry('BF16', [2], 10, 14),
      long: entry('I64', [2], 14, 30),
      double: entry('F64', [], 30, 38),
      small: entry('I8', [2], 38, 40),
    }
    const { tensors } = io.parseSafetensors(file(header, bytesOf(half, brain, long, double, small)))
    expect(await numbers(tensors.half)).toEqual([1, -2, 2 ** -24, Number.POSITIVE_INFINITY, 65504])
    expect(await numbers(tensors.brain)).toEqual([1, -3.140625])
    expect(await numbers(tensors.long)).toEqual([-5, 2147483647])
    expect(tensors.long.dtype).toBe('int32')
    expect(await numbers(tensors.double)).toEqual([Math.fround(Math.PI)])
    expect(await numbers(tensors.small)).toEqual([-1, 3])
    expect(() =>
      io.parseSafetensors(file({ long: entry('I64', [1], 0, 8) }, bytesOf(BigInt64Array.of(2n ** 31n)))),
    ).toThrow(/tensor long: received the number 2147483648/)
  })

  it('read half precision as the standard says', () => {
    expect([0x0000, 0x8000, 0x03ff, 0x0400, 0x3555, 0xfbff].map(halfToNumber)).toEqual([
      0,
      -0,
      1023 * 2 ** -24,
      2 ** -14,
      1365 * 2 ** -12,
      -65504,
    ])
    expect(halfToNumber(0x7e00)).toBeNaN()
  })

  const four = new Uint8Array(4)
  it.each([
    ['nothing', new Uint8Array(), /length: received 0 bytes/],
    ['a length without header', file('{}', four).subarray(0, 9), /at least 10 for the header alone: it is cut short/],
    ['a header longer than any', file('{}', four, 2n ** 63n), /length of the header: received 9223372036854775808/],
    ['a header that is no JSON', file('{"a":'), /header: received something else; expected a JSON object/],
    ['a header that is a list', file('[]'), /expected a JSON object/],
    ['a header that is not UTF-8', file('{}').fill(0xff, 8), /expected a JSON object/],
    ['metadata that are no texts', file({ __metadata__: { a: 1 } }), /__metadata__: received \{"a":1\}/],
    ['an entry that is null', file({ a: null }), /tensor a: dtype/],
    ['an unknown type', file({ a: entry('F8_E4M3', [4], 0, 4) }, four), /tensor a: dtype: received "F8_E4M3"/],
    ['an inherited type', file({ a: entry('toString', [4], 0, 4) }, four), /tensor a: dtype/],
    ['a negative size', file({ a: entry('F32', [-1], 0, 4) }, four), /tensor a: shape/],
    ['a fraction of a size', file({ a: entry('F32', [0.5, 2], 0, 4) }, four), /tensor a: shape/],
    ['sizes beyond counting', file({ a: entry('F32', [2 ** 52, 2 ** 52], 0, 4) }, four), /tensor a: size/],
    ['offsets backwards', file({ a: entry('F32', [1], 4, 0) }, four), /tensor a: offsets/],
    ['one offset', file({ a: { dtype: 'F32', shape: [1], data_offsets: [0] } }, four), /tensor a: offsets/],
    [
      'data cut short',
      file({ a: entry('F32', [2], 0, 8) }, four),
      /bytes 0 to 8 of 4; expected a range inside the data: the file is cut short/,
    ],
    [
      'a lying size',
      file({ a: entry('F32', [2], 0, 4) }, four),
      /tensor a: size: received 4 bytes; expected 8 for F32 \[2\]/,
    ],
    [
      'an overlap',
      file({ a: entry('F32', [1], 0, 4), b: entry('F32', [1], 0, 4) }, four),
      /tensor b: offsets.*no gap and no overlap/,
    ],
    ['a gap', file({ a: entry('U8', [1], 0, 1), b: entry('U8', [1], 2, 3) }, four), /tensor b: offsets/],
    ['bytes left over', file({ a: entry('U8', [3], 0, 3) }, four), /data: received 4 bytes; expected 3/],
  ])('refuse %s', (_, bytes, text) => {
    expect(() => io.parseSafetensors(bytes, 'some.safetensors')).toThrow(text)
    expect(() => io.parseSafetensors(bytes, 'some.safetensors')).toThrow(/^some\.safetensors: .*received .*; expected /)
  })

  it('cut anywhere, or with any byte changed, are read or refused, and nothing else', async () => {
    const bytes = await io.formatSafetensors(
      {
        w: tensor([
          [1, 2],
          [3, 4],
        ]),
        b: tensor([true, false]),
      },
      { k: 'v' },
    )
    const attempt = (changed: Uint8Array): void => {
      try {
        io.parseSafetensors(changed)
      } catch (error) {
        if (!(error instanceof GlissadeError && error.code === 'file-format')) throw error
      }
    }
    for (let end = 0; end < bytes.length; end++)
      expect(() => io.parseSafetensors(bytes.slice(0, end))).toThrow(GlissadeError)
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0, 1, 0x22, 0x7f, 0x80, 0xff]) {
        const changed = bytes.slice()
        changed[at] = value
        attempt(changed)
      }
    }
  })
})

const network = (): nn.Sequential =>
  nn.sequential(
    nn.conv2d(1, 2, 3, { padding: 'same', dilation: 2, bias: false }),
    nn.leakyRelu(0.2),
    nn.maxPool2d(2, { padding: 1 }),
    nn.convTranspose2d(2, 2, [2, 3], { stride: 2, outputPadding: 1 }),
    nn.avgPool2d([2, 1], { countIncludePad: false }),
    nn.sequential(nn.gelu('tanh'), nn.dropout(0.3), nn.identity()),
    nn.flatten(),
    nn.linear(80, 3),
    nn.softmax(1),
  )

describe('models', () => {
  it('are rebuilt from their file alone, with the same numbers', async () => {
    const model = network()
    const path = join(folder, 'model.safetensors')
    await io.saveModel(path, model, { classes: 'a b c' })
    const { model: loaded, metadata } = await io.loadModel(path)
    expect(metadata.classes).toBe('a b c')
    expect(metadata.format).toBe('pt')
    expect(loaded.training).toBe(false)
    expect(loaded.toString()).toBe(model.toString())
    const x = tensor(
      Float32Array.from({ length: 72 }, (_, i) => Math.sin(i)),
      { shape: [2, 1, 6, 6] },
    )
    expect(await numbers(loaded.forward(x))).toEqual(await numbers(model.eval().forward(x)))
    expect(await readdir(folder)).toEqual(['model.safetensors'])
  })

  it('of every described kind can be built again', () => {
    const layers = [
      nn.linear(2, 3, { bias: false }),
      nn.conv1d(2, 4, 3, { groups: 2 }),
      nn.conv3d(1, 1, [1, 2, 2]),
      nn.maxPool1d(2),
      nn.maxPool3d(2),
      nn.avgPool1d(3, { stride: 1 }),
      nn.avgPool3d(2),
      nn.relu(),
      nn.tanh(),
      nn.sigmoid(),
      nn.silu(),
      nn.elu(0.5),
      nn.softplus(2),
      nn.flatten(0, 1),
      network(),
    ]
    const description = io.describeModel(nn.sequential(...layers))
    const again = io.buildModel(JSON.parse(JSON.stringify(description)))
    expect(io.describeModel(again)).toEqual(JSON.parse(JSON.stringify(description)))
  })

  it('with parts of the user’s own keep their weights, and say what is missing', async () => {
    class Own extends nn.Module {
      fc = nn.linear(2, 2)
      forward(x: Tensor): Tensor {
        return this.fc.forward(x)
      }
    }
    const [own, other] = [new Own(), new Own()]
    const path = join(folder, 'own.safetensors')
    expect(io.describeModel(own)).toBeUndefined()
    expect(io.describeModel(nn.sequential(nn.lambda((x) => x)))).toBeUndefined()
    await io.saveModel(path, own)
    await expect(io.loadModel(path)).rejects.toThrow(/own.safetensors: architecture: received weights alone/)
    await io.loadWeights(other, path)
    expect(await numbers(other.fc.weight)).toEqual(await numbers(own.fc.weight))
    await expect(io.loadWeights(nn.sequential(nn.linear(2, 2)), path)).rejects.toThrow(
      /own.safetensors does not fit the model:\n {2}0.weight: missing/,
    )
    await expect(io.loadWeights(own, join(folder, 'none.safetensors'))).rejects.toThrow(/looked in .*none.safetensors/)
    await writeFile(join(folder, 'cut.safetensors'), (await readFile(path)).subarray(0, -1))
    await expect(io.loadWeights(own, join(folder, 'cut.safetensors'))).rejects.toThrow(
      /cut.safetensors: tensor fc.*cut short/,
    )
  })

  it.each([
    ['a kind that is not on the list', { kind: 'eval' }],
    ['an inherited kind', { kind: 'constructor' }],
    ['an unknown option', { kind: 'linear', in: 1, out: 1, evil: 1 }],
    ['an option of another type', { kind: 'linear', in: '1', out: 1 }],
    ['a missing size', { kind: 'conv2d', in: 1, out: 1 }],
    ['too many axes', { kind: 'maxPool2d', size: [1, 1, 1, 1] }],
    ['layers that are no list', { kind: 'sequential', layers: {} }],
    ['null', null],
    [
      'a nesting without end',
      Array.from({ length: 50 }).reduce((inner) => ({ kind: 'sequential', layers: [inner] }), { kind: 'relu' }),
    ],
  ])('are not built from %s', (_, description) => {
    expect(() => io.buildModel(description, 'a.safetensors')).toThrow(/^a.safetensors: architecture: model/)
  })

  it('are saved whole or not at all', async () => {
    const path = join(folder, 'nowhere', 'model.safetensors')
    await expect(io.saveModel(path, nn.relu())).rejects.toThrow(/writing: received .*ENOENT/)
    const kept = join(folder, 'kept')
    await writeFile(kept, 'old')
    await rm(join(folder, 'dir'), { recursive: true, force: true })
    await replaceFile(kept, new TextEncoder().encode('new'))
    expect(await readFile(kept, 'utf8')).toBe('new')
    // A folder stands where the file should go: the rename fails, and what was written beside it is gone.
    await expect(replaceFile(folder, new Uint8Array(3))).rejects.toThrow(/Nothing was changed/)
    expect(
      (await readdir(join(folder, '..'))).filter(
        (name) => name.endsWith('.part') && name.startsWith(folder.split('/').pop() ?? '?'),
      ),
    ).toEqual([])
  })
})
