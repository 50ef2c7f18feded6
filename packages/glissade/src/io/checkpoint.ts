/**
 * Checkpoints: one safetensors file with the tensors of a training run, and everything else as JSON in its header,
 * under one checksum. A file that is cut short or damaged is refused. What stands in them: train/session.ts.
 */
import { fail } from '../errors.ts'
import { fromArray, type Tensor } from '../tensor.ts'
import { crc32c } from './checksum.ts'
import { readFile, replaceFile } from './files.ts'
import { joinPath, listFolder, removeFile } from './folders.ts'
import { formatSafetensors, parseSafetensors, readHeader } from './safetensors.ts'

/** What JSON can say, and with it NaN, infinities and -0. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json | undefined }

export interface Checkpoint {
  readonly tensors: Readonly<Record<string, Tensor>>
  readonly state: Json
}

const stateKey = 'glissade.checkpoint'
const sumKey = 'glissade.crc32c'
/** Stands for the checksum while it is being computed: eight hexadecimal digits. */
const noSum = '00000000'
const utf8 = new TextEncoder()

/** The bytes of a checkpoint. The tensors are read now; later changes of variables do not reach it. */
export async function formatCheckpoint({ tensors, state }: Checkpoint): Promise<Uint8Array> {
  const bytes = await formatSafetensors(tensors, { [stateKey]: encodeJson(state), [sumKey]: noSum })
  const at = placeOfSum(bytes)
  bytes.set(utf8.encode(hex(crc32c(bytes))), at)
  return bytes
}

/** Reads a checkpoint's bytes. float64 stays as it is. Errors: `file-format`. */
export function parseCheckpoint(bytes: Uint8Array, file = 'checkpoint'): Checkpoint {
  const { entries, metadata, dataStart } = readHeader(bytes, file)
  const damaged = (what: string, received: string, expected: string): never =>
    fail('file-format', {
      file,
      what,
      received,
      expected,
      fix: 'The file is damaged or no checkpoint; go on from the one before it.',
    })
  const text = metadata[stateKey] ?? damaged('header', 'no state of training', `a text under '${stateKey}'`)
  const sum = metadata[sumKey] ?? damaged('header', 'no checksum', `a text under '${sumKey}'`)
  const place = placeOfSum(bytes)
  if (place < 0) damaged('checksum', `'${sum}'`, 'eight hexadecimal digits')
  const copy = Uint8Array.from(bytes)
  copy.set(utf8.encode(noSum), place)
  const found = hex(crc32c(copy))
  if (found !== sum) damaged('checksum', found, sum)
  const { tensors } = parseSafetensors(bytes, file)
  for (const [name, { dtype, shape, from, to }] of entries) {
    if (dtype === 'F64')
      tensors[name] = fromArray(new Float64Array(copy.slice(dataStart + from, dataStart + to).buffer), shape)
  }
  return { tensors, state: decodeJson(text) }
}

/** Writes a checkpoint: beside, then renamed, so that there is always a whole one. Errors: `file-format`. */
export async function saveCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  await replaceFile(path, await formatCheckpoint(checkpoint))
}

/** Errors: `data-missing`, `file-format`. */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  return parseCheckpoint(await readFile(path), path)
}

// ---- several in one folder ----

const pattern = /^step-(\d+)\.safetensors$/

/** The name of the checkpoint after so many steps; names sort by steps. */
export function checkpointName(steps: number): string {
  return `step-${String(steps).padStart(9, '0')}.safetensors`
}

/** The paths of the checkpoints in a folder, the newest first. */
export async function listCheckpoints(folder: string): Promise<string[]> {
  const steps = (name: string): number => Number(pattern.exec(name)?.[1])
  const names = (await listFolder(folder)).filter((name) => pattern.test(name))
  return names.sort((a, b) => steps(b) - steps(a)).map((name) => joinPath(folder, name))
}

/** Removes all but the newest `keep`, and what a killed process left half written. */
export async function pruneCheckpoints(folder: string, keep: number): Promise<void> {
  for (const path of (await listCheckpoints(folder)).slice(keep)) await removeFile(path)
  for (const name of await listFolder(folder)) {
    if (name.startsWith('step-') && name.endsWith('.part')) await removeFile(joinPath(folder, name))
  }
}

/**
 * The newest checkpoint of a folder, or undefined if there is none. With `fallback`, one that is damaged is passed
 * over for the one before it, and named in `refused`. Errors: `file-format`.
 */
export async function loadNewest(
  folder: string,
  { fallback = false }: { fallback?: boolean } = {},
): Promise<(Checkpoint & { readonly path: string; readonly refused: readonly string[] }) | undefined> {
  const refused: string[] = []
  let last: unknown
  for (const path of await listCheckpoints(folder)) {
    try {
      return { ...(await loadCheckpoint(path)), path, refused }
    } catch (error) {
      if (!fallback) throw error
      last = error
      refused.push(path)
    }
  }
  if (last !== undefined) throw last
  return undefined
}

// ---- JSON with all numbers ----

const strange: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  '-0': -0,
}
/** The key of an object that stands for a number which JSON cannot say. */
const numberKey = '$number'

function encodeJson(state: Json): string {
  return JSON.stringify(state, (_, value) =>
    typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
      ? { [numberKey]: Object.is(value, -0) ? '-0' : String(value) }
      : value,
  )
}

function decodeJson(text: string): Json {
  return JSON.parse(text, (_, value) =>
    typeof value === 'object' && value !== null && typeof value[numberKey] === 'string'
      ? (strange[value[numberKey]] ?? value)
      : value,
  )
}

// ---- the checksum's place ----

const hex = (sum: number): string => sum.toString(16).padStart(8, '0')

/** Where the digits of the checksum stand. Quotes inside texts are escaped in JSON, so only the key itself matches. */
function placeOfSum(bytes: Uint8Array): number {
  const headerEnd = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  const header = bytes.subarray(0, headerEnd)
  const key = utf8.encode(`"${sumKey}":"`)
  for (let at = header.indexOf(key[0]); at >= 0; at = header.indexOf(key[0], at + 1)) {
    if (!key.every((byte, i) => header[at + i] === byte)) continue
    const start = at + key.length
    return header[start + noSum.length] === 0x22 ? start : -1
  }
  return -1
}
