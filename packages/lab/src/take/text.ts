/** Bytes as letters for an address, and back; packing with a bound, so that a small link cannot become a large page. */
import { deflateSync, Inflate } from 'fflate'

/** What cannot be read, in words for a person. */
export class UnreadableError extends Error {}

/** base64url (RFC 4648, section 5), without padding. */
export function toLetters(bytes: Uint8Array): string {
  let text = ''
  for (let from = 0; from < bytes.length; from += 0x8000)
    text += String.fromCharCode(...bytes.subarray(from, from + 0x8000))
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

export function fromLetters(letters: string): Uint8Array<ArrayBuffer> {
  try {
    if (!/^[\w-]*$/.test(letters)) throw new Error('other letters')
    return Uint8Array.from(atob(letters.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0))
  } catch {
    throw new UnreadableError('A part of it is not in the letters that links are written in.')
  }
}

export const pack = (bytes: Uint8Array): Uint8Array => deflateSync(bytes, { level: 9 })

/** Packed bytes are opened in pieces of this size: each becomes at most a thousand times as large. */
const piece = 4096

/** Errors: UnreadableError for what is damaged, cut short, or would become longer than `most` bytes. */
export function unpack(packed: Uint8Array, most: number): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = []
  let [length, ended] = [0, false]
  const opener = new Inflate((part, last) => {
    parts.push(part)
    length += part.length
    ended = last
  })
  try {
    for (let from = 0; from < packed.length && length <= most; from += piece)
      opener.push(packed.subarray(from, from + piece), from + piece >= packed.length)
  } catch {
    throw new UnreadableError('A part of it is damaged.')
  }
  if (length > most) throw new UnreadableError(`Unpacked it would be larger than ${Math.round(most / 1e6)} MB.`)
  if (!ended) throw new UnreadableError('It is cut short.')
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
