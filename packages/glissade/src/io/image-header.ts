/** What kind of image bytes are, and how large it says it is: read before anything is decoded. Next: image-decode.ts. */
import { refuse } from './bytes.ts'

export interface ImageHeader {
  readonly kind: 'jpeg' | 'png' | 'webp'
  readonly width: number
  readonly height: number
}

/** Errors: `file-format` for what is none of the three, or has no size. */
export function imageHeader(bytes: Uint8Array, file: string): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const tag = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4))
  const header = readHeader(view, tag)
  if (!header) {
    const received = `${bytes.length} bytes that begin with ${[...bytes.subarray(0, 4)].join(', ') || 'nothing'}`
    return refuse(file, 'start', received, 'a JPEG, PNG or WebP image', 'Check that it is one, and whole.')
  }
  if (header.width < 1 || header.height < 1) {
    return refuse(file, 'size', `${header.width} by ${header.height}`, 'at least one pixel', 'Get the file again.')
  }
  return header
}

function readHeader(view: DataView, tag: (at: number) => string): ImageHeader | undefined {
  if (view.byteLength < 16) return undefined
  if (view.getUint32(0) === 0x89504e47 && view.getUint32(4) === 0x0d0a1a0a && view.byteLength >= 33) {
    return tag(12) === 'IHDR' ? { kind: 'png', width: view.getUint32(16), height: view.getUint32(20) } : undefined
  }
  if (view.getUint16(0) === 0xffd8) return jpegHeader(view)
  if (tag(0) === 'RIFF' && tag(8) === 'WEBP' && view.byteLength >= 30) return webpHeader(view, tag(12))
  return undefined
}

/** Markers SOF0 to SOF15 without those that mean something else (ITU-T T.81, table B.1). */
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc

function jpegHeader(view: DataView): ImageHeader | undefined {
  for (let at = 2; at + 9 <= view.byteLength; ) {
    if (view.getUint8(at) !== 0xff) return undefined
    const marker = view.getUint8(at + 1)
    if (marker === 0xff) at++
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2
    else if (isFrame(marker)) return { kind: 'jpeg', height: view.getUint16(at + 5), width: view.getUint16(at + 7) }
    else at += 2 + view.getUint16(at + 2)
  }
  return undefined
}

/** Google, "WebP Container Specification" and "WebP Lossless Bitstream"; RFC 6386 for the lossy frame. */
function webpHeader(view: DataView, chunk: string): ImageHeader | undefined {
  const kind = 'webp'
  if (chunk === 'VP8X') {
    const three = (at: number): number => view.getUint16(at, true) | (view.getUint8(at + 2) << 16)
    return { kind, width: three(24) + 1, height: three(27) + 1 }
  }
  if (chunk === 'VP8L' && view.getUint8(20) === 0x2f) {
    const bits = view.getUint32(21, true)
    return { kind, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  if (chunk === 'VP8 ' && view.getUint16(23) === 0x9d01 && view.getUint8(25) === 0x2a) {
    return { kind, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
  }
  return undefined
}
