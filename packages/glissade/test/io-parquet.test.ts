/** Parquet files as pyarrow writes them, in every compression; and damage. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as io from '../src/io/index.ts'
import { readDamaged } from './damage.ts'

const { files } = JSON.parse(readFileSync(new URL('./fixtures/files.json', import.meta.url), 'utf8')) as {
  files: Record<string, string>
}
const bytesOf = (name: string): Uint8Array => new Uint8Array(Buffer.from(files[name], 'base64'))

describe('Parquet', () => {
  it.each(['none', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4'])('is read, compressed by %s', async (codec) => {
    const rows = await io.loadParquet(bytesOf(`${codec}.parquet`))
    expect(rows.names).toEqual(['count', 'ratio', 'name', 'good'])
    expect([...rows.numbers('count')]).toEqual([1, 2, Number.NaN, 4])
    expect([...rows.numbers('ratio')]).toEqual([0.5, -1.25, 3, Number.NaN])
    expect(rows.strings('name')).toEqual(['one', 'zwei', null, 'fyra'])
    expect([...rows.numbers('good')]).toEqual([1, 0, 1, Number.NaN])
  })

  it('gives the columns and rows that are asked for', async () => {
    const rows = await io.loadParquet(bytesOf('snappy.parquet'), { columns: ['name'], rowStart: 1, rowEnd: 3 })
    expect([rows.names, rows.strings('name')]).toEqual([['name'], ['zwei', null]])
    await expect(io.loadParquet(bytesOf('none.parquet'), { columns: ['nothing'] })).rejects.toThrow(/nothing/)
  })

  it.each([
    ['something else', new TextEncoder().encode('PAR1 but not at the end'), /expected PAR1 at both/],
    ['nested values', bytesOf('nested.parquet'), /row 0, column 'list': received a nested value/],
    [
      'numbers that lose digits',
      bytesOf('huge.parquet'),
      /received 1152921504606846977; expected numbers of at most 53 bits/,
    ],
  ])('refuses %s', async (_, bytes, message) => {
    await expect(io.loadParquet(bytes)).rejects.toThrow(message)
  })

  it('that is damaged is refused or read, and nothing else', async () => {
    await readDamaged(bytesOf('snappy.parquet'), (damaged) => io.loadParquet(damaged), { changes: 300, cuts: 100 })
  })
})
