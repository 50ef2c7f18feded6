/**
 * Named sets of text and of sound: names, Shakespeare, SST-2, Multi30k, spoken digits. Samples are text still: encode
 * them with `map` and a tokenizer. Facts: catalogue.ts.
 */
import { fail } from '../../errors.ts'
import { parseArchive } from '../../io/archive.ts'
import { decodeText, refuse } from '../../io/bytes.ts'
import { gunzip } from '../../io/gzip.ts'
import { parseWav } from '../../io/wav.ts'
import { splitPositions } from '../order.ts'
import { from, type Samples } from '../samples.ts'
import { facts, type SetFacts } from './catalogue.ts'
import { infoOf, type SetInfo, type SetOptions, setFile } from './locate.ts'
import type { SetFile } from './origins.ts'

export interface SampleSets<T> extends SetInfo {
  readonly train: Samples<T>
  readonly validation: Samples<T>
  readonly test: Samples<T>
}

async function readLines(
  about: SetFacts,
  file: SetFile,
  options: SetOptions,
): Promise<{ lines: string[]; path: string }> {
  const { bytes, path } = await setFile(about, file, options)
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? await gunzip(bytes, { file: path }) : bytes
  const lines = decodeText(plain, path).split(/\r?\n/)
  // The last line ends in a break, after which there is nothing.
  if (lines.at(-1) === '') lines.pop()
  return { lines, path }
}

const nameShares = [0.8, 0.1, 0.1]

/** 32,033 first names, lower case. Errors: `data-missing`, `file-format`, `download-failed`. */
export async function names(options: SetOptions = {}): Promise<SampleSets<string> & { all: readonly string[] }> {
  const { lines } = await readLines(facts.names, facts.names.files[0], options)
  const all = lines.map((line) => line.trim()).filter((line) => line !== '')
  const [train, validation, test] = splitPositions(all.length, nameShares, 0).map((rows) =>
    from(Array.from(rows, (row) => all[row])),
  )
  return { train, validation, test, all, ...infoOf(facts.names) }
}

export interface TextParts extends SetInfo {
  readonly train: string
  readonly validation: string
  /** Both, in one. */
  readonly text: string
}

/** Tiny Shakespeare: one text; its last tenth is for validation. Errors: as names. */
export async function shakespeare(options: SetOptions = {}): Promise<TextParts> {
  const { bytes, path } = await setFile(facts.shakespeare, facts.shakespeare.files[0], options)
  const text = decodeText(bytes, path)
  const border = Math.floor(text.length * 0.9)
  return { train: text.slice(0, border), validation: text.slice(border), text, ...infoOf(facts.shakespeare) }
}

export interface Sentence {
  readonly text: string
  /** 0: negative, 1: positive. */
  readonly label: number
}

/** Sentences of film reviews, negative (0) or positive (1). Errors: as names. */
export async function sst2(options: SetOptions = {}): Promise<SampleSets<Sentence> & { classes: readonly string[] }> {
  const [train, validation, test] = await Promise.all(
    facts.sst2.files.map(async (file) => {
      const { lines, path } = await readLines(facts.sst2, file, options)
      const sentences = lines.map((line, i): Sentence => {
        const tab = line.lastIndexOf('\t')
        const label = line.slice(tab + 1).trim()
        if (tab < 1 || !/^[01]$/.test(label)) {
          refuse(path, `line ${i + 1}`, line, 'a sentence, a tab, and 0 or 1', 'It may be cut short; get it again.')
        }
        return { text: line.slice(0, tab), label: Number(label) }
      })
      return from(sentences)
    }),
  )
  return { train, validation, test, classes: ['negative', 'positive'], ...infoOf(facts.sst2) }
}

export type Language = 'en' | 'de' | 'fr'

export interface Pair {
  readonly source: string
  readonly target: string
}

export interface TranslationOptions extends SetOptions {
  /** Default 'de'. */
  readonly from?: Language
  /** Default 'en'. */
  readonly to?: Language
}

/** Captions of pictures in two of three languages. Errors: as names; `file-format` where lines do not pair up. */
export async function multi30k(options: TranslationOptions = {}): Promise<SampleSets<Pair>> {
  const { from: source = 'de', to: target = 'en' } = options
  for (const language of [source, target]) {
    if (['en', 'de', 'fr'].includes(language)) continue
    const expected = "'en', 'de' or 'fr'"
    fail('value-invalid', { what: 'multi30k: language', received: `'${language}'`, expected, fix: 'Change it.' })
  }
  const read = async (part: string, language: string): Promise<{ lines: string[]; path: string }> => {
    const file = facts.multi30k.files.find(({ path }) => path === `text/multi30k.${part}.${language}.gz`) as SetFile
    return readLines(facts.multi30k, file, options)
  }
  const [train, validation, test] = await Promise.all(
    ['train', 'val', 'test_2016_flickr'].map(async (part) => {
      const [a, b] = [await read(part, source), await read(part, target)]
      if (a.lines.length !== b.lines.length) {
        refuse(b.path, 'lines', String(b.lines.length), `${a.lines.length}, as in ${a.path}`, 'Get both files again.')
      }
      return from(a.lines.map((line, i): Pair => ({ source: line.trim(), target: b.lines[i].trim() })))
    }),
  )
  return { train, validation, test, ...infoOf(facts.multi30k) }
}

export interface SpokenDigit {
  /** From -1 to 1; lengths differ. */
  readonly sound: Float32Array
  /** 8000 samples per second. */
  readonly sampleRate: number
  readonly digit: number
  readonly speaker: string
  /** The number of the recording, of this digit by this speaker. */
  readonly take: number
}

export interface SpokenDigits extends SetInfo {
  readonly train: Samples<SpokenDigit>
  readonly test: Samples<SpokenDigit>
  readonly classes: readonly string[]
  readonly speakers: readonly string[]
}

/** Recordings 0 to 4 of each digit and speaker are the test part, as the makers say. */
const testTakes = 5

/** Spoken digits: 3,000 recordings of 0 to 9. Errors: as names. */
export async function spokenDigits(options: SetOptions = {}): Promise<SpokenDigits> {
  const { bytes, path } = await setFile(facts.spokenDigits, facts.spokenDigits.files[0], options)
  const name = /(?:^|\/)recordings\/(\d)_([a-z]+)_(\d+)\.wav$/
  const files = await parseArchive(bytes, { filter: (file) => name.test(file) }, path)
  if (files.size === 0) refuse(path, 'files', 'no recordings', 'recordings/digit_speaker_number.wav', 'Get it again.')
  const all = [...files.keys()].sort().map((file): SpokenDigit => {
    const [, digit, speaker, take] = name.exec(file) as unknown as [string, string, string, string]
    const { data, shape, sampleRate } = parseWav(files.get(file) as Uint8Array, `${path}: ${file}`)
    // One recording has two channels; the first is taken.
    return { sound: data.subarray(0, shape[1]), sampleRate, digit: Number(digit), speaker, take: Number(take) }
  })
  return {
    train: from(all.filter(({ take }) => take >= testTakes)),
    test: from(all.filter(({ take }) => take < testTakes)),
    classes: Array.from({ length: 10 }, (_, digit) => String(digit)),
    speakers: [...new Set(all.map(({ speaker }) => speaker))],
    ...infoOf(facts.spokenDigits),
  }
}
