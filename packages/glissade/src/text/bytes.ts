/**
 * Bytes written as printable characters, one for each, so that any text can be split into tokens without a loss.
 *
 * The alphabet is that of GPT-2 (Radford et al. 2019): printable Latin-1 characters stand for themselves, the other 68
 * bytes for the characters from U+0100 on.
 */
const characterOf: string[] = []
const byteOf = new Map<string, number>()
{
  const itself = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff)
  let next = 0x100
  for (let byte = 0; byte < 256; byte++) {
    const character = String.fromCharCode(itself(byte) ? byte : next++)
    characterOf.push(character)
    byteOf.set(character, byte)
  }
}

/** The 256 characters, in the order of Unicode. */
export const byteAlphabet: readonly string[] = [...characterOf].sort()

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The characters for the UTF-8 bytes of a text. */
export function toByteCharacters(text: string): string {
  let result = ''
  for (const byte of encoder.encode(text)) result += characterOf[byte]
  return result
}

/** The bytes that a token's characters stand for; a token with other characters stands for itself. */
export function bytesOf(token: string): Uint8Array {
  const bytes = Array.from(token, (character) => byteOf.get(character))
  return bytes.every((byte) => byte !== undefined) ? Uint8Array.from(bytes as number[]) : encoder.encode(token)
}

export const utf8 = (text: string): Uint8Array => encoder.encode(text)

/** Text from bytes; what is not UTF-8 becomes U+FFFD. */
export function fromUtf8(bytes: Iterable<number>): string {
  return decoder.decode(Uint8Array.from(bytes))
}

const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })

/** Text from bytes, or undefined where they are not UTF-8. */
export function ifUtf8(bytes: readonly number[]): string | undefined {
  try {
    return strict.decode(Uint8Array.from(bytes))
  } catch {
    return undefined
  }
}
