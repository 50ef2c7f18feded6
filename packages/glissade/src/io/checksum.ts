/**
 * Checksums that find damage, not malice: CRC-32C (Castagnoli) of checkpoints and of TensorBoard's event files, and
 * CRC-32 of archives.
 *
 * Reflected polynomials, start and end inverted (RFC 3720, appendix B.4; ISO 3309); four bytes at a time with four
 * tables ("slicing by 4", Kounavis and Berry 2005).
 */

/** tables[k][b]: what the byte b does to the checksum when k more bytes follow it. */
function makeTables(polynomial: number): readonly Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    return crc
  })
  const all = [first]
  for (let k = 1; k < 4; k++) all.push(all[k - 1].map((crc) => (crc >>> 8) ^ first[crc & 0xff]))
  return all
}

/** The checksum of `bytes`; `before` is that of what came before them. */
type Checksum = (bytes: Uint8Array, before?: number) => number

function checksumOf(polynomial: number): Checksum {
  let tables: readonly Uint32Array[] | undefined
  return (bytes, before = 0) => {
    tables ??= makeTables(polynomial)
    const [t0, t1, t2, t3] = tables
    let crc = ~before
    let at = 0
    const whole = bytes.length - (bytes.length % 4)
    for (; at < whole; at += 4) {
      crc ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
      crc = t3[crc & 0xff] ^ t2[(crc >>> 8) & 0xff] ^ t1[(crc >>> 16) & 0xff] ^ t0[crc >>> 24]
    }
    for (; at < bytes.length; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]) & 0xff]
    return ~crc >>> 0
  }
}

export const crc32c: Checksum = checksumOf(0x82f63b78)
export const crc32: Checksum = checksumOf(0xedb88320)
