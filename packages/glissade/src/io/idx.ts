/**
 * idx, the format of the MNIST files: two zero bytes, the type, the number of axes, the sizes, the numbers, all
 * big-endian (Y. LeCun, "The MNIST database", file formats).
 */
import { allocate } from '../dtype.ts'
import { refuse, sourceBytes, sourceName } from './bytes.ts'
import { gunzip } from './gzip.ts'
import type { Source } from './model-file.ts'
import type { NdArray } from './nd-array.ts'

type Read = (view: DataView, at: number) => number

/** Type byte: bytes of an element, whether it becomes float32, and how it is read. */
const types: Record<number, { bytes: number; float: boolean; read: Read }> = {
  8: { bytes: 1, float: false, read: (view, at) => view.getUint8(at) },
  9: { bytes: 1, float: false, read: (view, at) => view.getInt8(at) },
  11: { bytes: 2, float: false, read: (view, at) => view.getInt16(at) },
  12: { bytes: 4, float: false, read: (view, at) => view.getInt32(at) },
  13: { bytes: 4, float: true, read: (view, at) => view.getFloat32(at) },
  14: { bytes: 8, float: true, read: (view, at) => view.getFloat64(at) },
}

/** Reads an idx file, gzipped or not. Errors: `data-missing`, `file-format`. */
export async function loadIdx(source: Source): Promise<NdArray> {
  const file = sourceName(source, 'idx file')
  const bytes = await sourceBytes(source)
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b
  return parseIdx(packed ? await gunzip(bytes, { file }) : bytes, file)
}

/** The numbers of an idx file: int32 for whole types, float32 for the others. Errors: `file-format`. */
export function parseIdx(bytes: Uint8Array, file = 'idx file'): NdArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0) {
    const received = `${bytes.length} bytes that begin with ${[...bytes.subarray(0, 4)].join(', ') || 'nothing'}`
    refuse(file, 'start', received, 'two zero bytes, a type and a number of axes', 'Check that it is an idx file.')
  }
  const type = types[bytes[2]]
  if (!type) refuse(file, 'type', String(bytes[2]), 'one of 8, 9, 11, 12, 13, 14', 'Check that it is an idx file.')
  const rank = bytes[3]
  const start = 4 + 4 * rank
  if (rank === 0 || bytes.length < start) {
    refuse(file, 'axes', `${rank} in ${bytes.length} bytes`, 'at least one, with all sizes', 'Get the file again.')
  }
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis))
  const size = shape.reduce((a, b) => a * b, 1)
  // Compared before anything is allocated: a size that lies costs nothing.
  if (size * type.bytes !== bytes.length - start) {
    const received = `${bytes.length - start} bytes of numbers`
    refuse(
      file,
      'length',
      received,
      `${size * type.bytes} for [${shape.join(', ')}]`,
      'It may be cut short; get it again.',
    )
  }
  const data = allocate(type.float ? 'float32' : 'int32', size)
  if (bytes[2] === 8) data.set(bytes.subarray(start))
  else for (let i = 0; i < size; i++) data[i] = type.read(view, start + i * type.bytes)
  return { data, shape }
}
