/** PyTorch's files and pickles: as PyTorch and Python wrote them, hostile ones, and a real network by its real score. */
import { existsSync, rmSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { tensor } from '../src/create.ts'
import * as io from '../src/io/index.ts'
import type { PtValue } from '../src/io/pt.ts'
import { formatZip } from '../src/io/zip.ts'
import * as nn from '../src/nn/index.ts'
import { getBackend, setBackend } from '../src/run/backend.ts'
import { compile } from '../src/run/compile.ts'
import '../src/run/realize.ts'
import { Tensor } from '../src/tensor.ts'
import { fixture, fuzz, mnistTest, numbers, sharedData } from './interchange.ts'

beforeAll(() => setBackend('reference'))

/** Tensors as [type, shape, numbers], all else as it is. */
function plain(value: PtValue): unknown {
  if (value instanceof Tensor) return [value.dtype, value.shape, numbers(value)]
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]))
}

const counted = Array.from({ length: 12 }, (_, i) => i)
const state = {
  float32: ['float32', [3, 4], counted],
  transposed: ['float32', [4, 3], [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]],
  column: ['float32', [2], [6, 10]],
  tied: ['float32', [3, 4], counted],
  expanded: ['float32', [2, 3], [3, 3, 3, 3, 3, 3]],
  float64: ['float32', [2], [0.5, -1.25]],
  float16: ['float32', [2], [0.5, -1.25]],
  bfloat16: ['float32', [2], [0.5, -1.25]],
  int64: ['int32', [2], [5, -6]],
  int32: ['int32', [2], [5, -6]],
  int16: ['int32', [2], [5, -6]],
  int8: ['int32', [2], [5, -6]],
  uint8: ['int32', [2], [5, 250]],
  bool: ['bool', [2], [1, 0]],
  scalar: ['float32', [], [2.5]],
  empty: ['float32', [0, 3], []],
  parameter: ['float32', [2], [1, 1]],
}

describe('files of torch.save', () => {
  it.each(['zip.pt', 'legacy.pt'])('%s holds every type, shared storages and strides', async (name) => {
    const value = (await io.parsePt(fixture(name))) as Record<string, Tensor>
    expect(plain(value)).toEqual(state)
    expect(Object.keys(value)).toEqual(Object.keys(state))
    expect(value.tied).toBe(value.float32)
  })

  it('the same tensors in a safetensors file of its own library are the same', () => {
    const { tensors, metadata } = io.parseSafetensors(fixture('torch.safetensors'))
    expect(plain(tensors)).toEqual(state)
    expect(metadata).toEqual({ format: 'pt', who: 'safetensors' })
  })

  it.each([2, 3, 4, 5])('with protocol %d', async (protocol) => {
    expect(plain(await io.parsePt(fixture(`protocol${protocol}.pt`)))).toEqual({ w: ['float32', [2], [1, 1]], n: 3 })
  })

  it.each(['checkpoint.pt', 'checkpoint-legacy.pt'])(
    '%s: a training run with all that people put there',
    async (name) => {
      const value = plain(await io.parsePt(fixture(name))) as Record<string, unknown>
      const { state_dict: weights, optimizer, names, ...rest } = value as Record<string, never>
      expect(rest).toEqual({
        epoch: 7,
        loss: 0.25,
        best: 0.125,
        shape: [2, 3],
        dtype: 'torch.float16',
        device: 'cpu',
        history: [
          [1, null, true],
          [2, 'ü', false],
        ],
        big: 2n ** 70n,
        array: ['int32', [2, 3], [0, 1, 2, 3, 4, 5]],
        bytes: Uint8Array.of(0, 255),
      })
      expect([...(names as string[])].sort()).toEqual(['a', 'b'])
      expect((weights as Record<string, unknown>)['module.0.weight']).toEqual(['float32', [2, 3], [0, 1, 2, 3, 4, 5]])
      const { param_groups: groups, state: moments } = optimizer as {
        param_groups: { lr: number }[]
        state: Record<string, { step: unknown }>
      }
      expect(groups[0].lr).toBe(0.125)
      expect(moments['0'].step).toEqual(['float32', [], [1]])
    },
  )

  it('give a state dict, wherever it is kept and whatever wraps it', async () => {
    const value = await io.parsePt(fixture('checkpoint.pt'))
    const names = [
      '0.weight',
      '0.bias',
      '1.weight',
      '1.bias',
      '1.running_mean',
      '1.running_var',
      '1.num_batches_tracked',
    ]
    expect(Object.keys(io.stateDictOf(value))).toEqual(names)
    expect(Object.keys(io.stateDictOf(value, { key: 'state_dict' }))).toEqual(names)
    expect(Object.keys(await io.loadStateDict(fixture('zip.pt')))).toEqual(Object.keys(state))
    expect(() => io.stateDictOf(value, { key: 'none' })).toThrow(/'none'.*epoch/)
    expect(() => io.stateDictOf({ a: 1 })).toThrow(/the keys a; expected tensors by name/)
    await expect(io.loadStateDict(fixture('list.pt'))).rejects.toThrow(/state dict: received a list/)
    const model = nn.sequential(nn.linear(3, 2))
    await model.loadStateDict(io.stateDictOf(value), { strict: false })
    expect(numbers(model.forward(tensor([[1, 0, 2]])))).toEqual([4 + 1, 13 + 2])
  })
})

describe('plain pickles', () => {
  it.each([0, 1, 2, 3, 4, 5])('of protocol %d', async (protocol) => {
    const matrix = ['float32', [2, 3], [0, 1, 2, 3, 4, 5]]
    expect(plain(await io.parsePt(fixture(`plain${protocol}.pkl`)))).toEqual({
      array: matrix,
      fortran: matrix,
      scalar: 1.5,
      whole: -3,
      list: [1, 2.5, true, null, 'text', new TextEncoder().encode('bytes'), -5, 300, 70000, 2 ** 40, -(2n ** 70n)],
      nested: { tuple: [1, [2, 3]], set: [1], frozen: [2], empty: [[], [], {}, []] },
      text: "quote ' back \\ line \n ☃ 😀",
    })
  })

  it('of tensors', async () => {
    expect(plain(await io.parsePt(fixture('tensors.pkl')))).toEqual({
      w: ['float32', [2, 3], [0, 1, 2, 3, 4, 5]],
      p: ['float32', [2], [1, 1]],
    })
  })
})

describe('refused, with nothing executed:', () => {
  const ran = '/tmp/glissade-pickle-ran'
  it.each([
    ['evil.pt', /the global 'posix\.system', which it wants to import.*Nothing of it was executed/],
    ['evil0.pkl', /the global 'posix\.system'/],
    ['evil5.pkl', /the global 'posix\.system'/],
    ['whole-model.pt', /the global 'torch\.nn\.modules\.container\.Sequential'.*state_dict/],
    ['complex.pt', /the global 'torch\.ComplexFloatStorage'/],
    ['quantized.pt', /the global 'torch/],
    ['sparse.pt', /the global 'torch/],
    ['wide.pt', /the number 1099511627776; expected whole numbers of 32 bits/],
    ['loop.pkl', /a list or dict inside itself/],
    ['deep.pkl', /a nesting of more than 100/],
  ])('%s', async (name, message) => {
    rmSync(ran, { force: true })
    await expect(io.parsePt(fixture(name), 'some.pt')).rejects.toThrow(message)
    await expect(io.parsePt(fixture(name), 'some.pt')).rejects.toThrow(/^some\.pt: /)
    expect(existsSync(ran)).toBe(false)
  })

  it('lists that double 60 times stay lists in lists', async () => {
    let value = await io.parsePt(fixture('doubling.pkl'))
    for (let i = 0; i < 60; i++) value = (value as PtValue[])[0]
    expect(value).toEqual([0.5])
  })

  /** A pickle by hand: texts are written as their character codes. */
  const pickle = (...parts: (string | number[])[]): Uint8Array =>
    Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...part].map((c) => c.charCodeAt(0)) : part)))
  const storage = (length: number): string => `((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI${length}\ntQ`
  const archive = (data: Uint8Array, bytes = 8): Promise<Uint8Array> =>
    formatZip(
      new Map([
        ['a/data.pkl', data],
        ['a/data/0', new Uint8Array(bytes)],
      ]),
    )

  it.each([
    ['nothing', pickle(), /at least 1: it is cut short/],
    ['an unknown opcode', pickle('\x7f'), /opcode 0x7f at byte 0/],
    ['extensions', pickle([0x82, 1], '.'), /opcode 0x82/],
    ['buffers outside', pickle([0x97], '.'), /opcode 0x97/],
    ['protocol 6', pickle([0x80, 6], 'N.'), /protocol 6/],
    ['no value', pickle('.'), /an empty stack/],
    ['no mark', pickle('t.'), /no mark/],
    ['an empty memo', pickle('h', [3], '.'), /memo 3, which is empty/],
    ['a negative length', pickle('T', [0xff, 0xff, 0xff, 0xff], '.'), /cut short/],
    ['a length of 8 bytes', pickle([0x8d, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], '.'), /cut short/],
    ['a number of 4 GB', pickle([0x8b, 0xff, 0xff, 0xff, 0x7f], '.'), /a number of 2147483647 bytes/],
    ['eval', pickle("cbuiltins\neval\n(S'1'\ntR."), /the global 'builtins\.eval'/],
    ['getattr', pickle('c__builtin__\ngetattr\n.'), /the global '__builtin__\.getattr'/],
    ['an inherited name', pickle('cconstructor\nconstructor\n.'), /the global 'constructor\.constructor'/],
    ['a name in two parts', pickle([0x8c, 2], 'os', [0x8c, 6], 'system', [0x93], '.'), /the global 'os\.system'/],
    ['INST', pickle("(S'1'\nios\nsystem\n."), /the global 'os\.system'/],
    ['OBJ of what is no function', pickle("(S'os'\no."), /a call of what is no function/],
    ['a call of a list', pickle('])R.'), /a call of what is no function/],
    ['a state for a list', pickle(']}b.'), /a state for what has none/],
    ['items for a list', pickle(']NNs.'), /items for what is no dict/],
    ['a persistent id', pickle("S'x'\nQ."), /persistent id/],
    ['a number that is none', pickle('I1e9\n.'), /expected a whole number/],
    ['keys that meet', pickle("}(I1\nNS'1'\nNu."), /two keys that are one text/],
    ['a dict as a key', pickle('}(}Nu.'), /a key that is no text/],
    ['a tar archive', pickle('\0'.repeat(257), 'ustar\0'), /a tar archive/],
    ['something after the pickle', pickle('N.N.'), /length: received 4 bytes; expected 2/],
  ])('%s', async (_, bytes, message) => {
    await expect(io.parsePt(bytes, 'x.pkl')).rejects.toThrow(message)
    await expect(io.parsePt(bytes, 'x.pkl')).rejects.toThrow(/^x\.pkl: /)
  })

  const rebuild = (length: number, offset: number, size: string, stride: string): Uint8Array =>
    pickle('ctorch._utils\n_rebuild_tensor_v2\n', storage(length), `I${offset}\n(${size}t(${stride}tI00\nN`, 'tR.')
  it.each([
    ['a storage of another size', rebuild(3, 0, 'I2\n', 'I1\n'), /storage '0': received 8 bytes; expected 3 of F32/],
    ['a view beyond its storage', rebuild(2, 0, 'I3\n', 'I1\n'), /expected a view inside its storage of 2 elements/],
    ['an offset beyond it', rebuild(2, 2, 'I1\n', 'I1\n'), /a view inside its storage/],
    ['strides beyond it', rebuild(2, 0, 'I2\n', 'I2\n'), /a view inside its storage/],
    ['a negative offset', rebuild(2, -1, 'I1\n', 'I1\n'), /tensor: offset/],
    ['a negative stride', rebuild(2, 1, 'I2\n', 'I-1\n'), /tensor: stride/],
    ['more sizes than strides', rebuild(2, 0, 'I1\nI1\n', 'I1\n'), /2 sizes and 1 strides/],
    ['a bomb of repeated elements', rebuild(2, 0, 'I100000\nI100000\n', 'I0\nI0\n'), /10000000000 elements/],
  ])('tensors with %s', async (_, data, message) => {
    await expect(io.parsePt(await archive(data))).rejects.toThrow(message)
  })

  it('archives without a pickle, or without a storage that it names', async () => {
    await expect(io.parsePt(await formatZip(new Map([['a/b', new Uint8Array(1)]])))).rejects.toThrow(
      /expected a file data\.pkl/,
    )
    const data = rebuild(2, 0, 'I2\n', 'I1\n')
    await expect(io.parsePt(await formatZip(new Map([['a/data.pkl', data]])))).rejects.toThrow(
      /storage '0': received no such file/,
    )
    const big = new Map([
      ['a/data.pkl', data],
      ['a/byteorder', new TextEncoder().encode('big')],
      ['a/data/0', new Uint8Array(8)],
    ])
    await expect(io.parsePt(await formatZip(big))).rejects.toThrow(/byte order: received big/)
    expect(plain(await io.parsePt(await archive(data)))).toEqual(['float32', [2], [0, 0]])
    await expect(io.parsePt('x' as unknown as Uint8Array)).rejects.toThrow()
    await expect(io.loadPt(3 as unknown as string)).rejects.toThrow(/expected a path, or bytes/)
  })

  it('copies of copies are counted', async () => {
    const long = `(${'N'.repeat(20000)}tp0\n0`
    const asked = Array.from({ length: 2000 }, () => 'cbuiltins\nset\n(g0\ntR0').join('')
    await expect(io.parsePt(pickle(long, asked, 'N.'))).rejects.toThrow(
      /calls that work through more than any model has/,
    )
  })

  it('nothing but the catalogue, cut or changed anywhere', async () => {
    for (const name of [
      'plain0.pkl',
      'plain2.pkl',
      'plain5.pkl',
      'tensors.pkl',
      'legacy.pt',
      'checkpoint-legacy.pt',
      'zip.pt',
    ])
      expect((await fuzz(fixture(name), (changed) => io.parsePt(changed), { flips: 1500 })).refused).toBeGreaterThan(
        100,
      )
    // Inside an archive the checksum would catch it all: the pickle alone.
    const data = rebuild(2, 0, 'I2\n', 'I1\n')
    await fuzz(data, async (changed) => io.parsePt(await archive(changed)), { flips: 3000 })
  })
})

/** The network of burn's example (tracel-ai/burn, pytorch-import): three convolutions, two norms, two layers. */
class BurnMnist extends nn.Module {
  conv1 = nn.conv2d(1, 8, 3)
  conv2 = nn.conv2d(8, 16, 3)
  conv3 = nn.conv2d(16, 24, 3)
  norm1 = nn.batchNorm2d(24)
  fc1 = nn.linear(24 * 22 * 22, 32)
  fc2 = nn.linear(32, 10)
  norm2 = nn.batchNorm1d(10)
  forward(x: Tensor): Tensor {
    const features = [this.conv1, this.conv2, this.conv3].reduce((y, conv) => conv.forward(y).relu(), x)
    return this.norm2.forward(this.fc2.forward(this.fc1.forward(this.norm1.forward(features).flatten(1)).relu()))
  }
}

describe('real weights', () => {
  // Two trainings of one network; PyTorch's own count on these images is the same.
  it.each([
    ['pt', 991],
    ['safetensors', 990],
  ])('burn-mnist.%s gets %d of the first 1,000 test images right', async (kind, expected) => {
    const shared = sharedData()
    if (!shared) return
    await setBackend('auto')
    try {
      const path = `${shared}models/burn-mnist.${kind}`
      const model = new BurnMnist()
      if (kind === 'pt') await model.loadStateDict(await io.loadStateDict(path), { source: path })
      else await io.loadWeights(model, path)
      model.eval()
      const { images, labels } = mnistTest(shared, 1000)
      const forward = compile((x: Tensor) => model.forward(x).argMax(-1))
      let right = 0
      for (let start = 0; start < 1000; start += 100) {
        const x = tensor(images.subarray(start * 784, (start + 100) * 784), { shape: [100, 1, 28, 28] })
        const answer = await (await forward(x.sub(0.1307).div(0.3081))).data()
        right += answer.filter((label, i) => label === labels[start + i]).length
      }
      console.log(`burn-mnist.${kind}: ${right} of 1000 on ${(await getBackend()).name}`)
      expect(right).toBe(expected)
    } finally {
      await setBackend('reference')
    }
  })
})
