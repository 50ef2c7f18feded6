/**
 * TensorBoard's event files: scalars and histograms over steps.
 *
 * A file is a row of records: length (8 bytes), masked CRC-32C of those, the data, masked CRC-32C of it (TFRecord,
 * tensorflow/core/lib/io/record_writer.h). The data is the message `Event` (tensorboard/compat/proto/event.proto) as
 * protocol buffers, of which two wire types and a dozen fields are needed: they are written here by hand. Only writing;
 * reading is TensorBoard's work. Who writes runs: run-folder.ts.
 */
import { crc32c } from './checksum.ts'
import { load } from './files.ts'
import { type GrowingFile, growFile, joinPath, makeFolder } from './folders.ts'

// ---- protocol buffers ----

type Part = Uint8Array

function concat(parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Seven bits a byte, the lowest first; steps beyond 2^31 need more than bit operations. */
function varint(value: number): Part {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  bytes.push(rest)
  return Uint8Array.from(bytes)
}

/** Wire types: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes. */
const key = (field: number, wire: 0 | 1 | 2 | 5): Part => varint(field * 8 + wire)
const whole = (field: number, value: number): Part => concat([key(field, 0), varint(value)])
/** Left out where it is 0, as proto3 does. */
const double = (field: number, value: number): Part =>
  value === 0 ? new Uint8Array() : concat([key(field, 1), new Uint8Array(Float64Array.of(value).buffer)])
const float = (field: number, value: number): Part =>
  concat([key(field, 5), new Uint8Array(Float32Array.of(value).buffer)])
const bytes = (field: number, data: Part): Part => concat([key(field, 2), varint(data.length), data])
const text = (field: number, value: string): Part => bytes(field, new TextEncoder().encode(value))
const doubles = (field: number, values: readonly number[]): Part =>
  bytes(field, new Uint8Array(Float64Array.from(values).buffer))

// ---- the messages ----

/** How often values fell below each limit (and not below the one before). */
export interface Histogram {
  readonly min: number
  readonly max: number
  readonly count: number
  readonly sum: number
  readonly sumOfSquares: number
  readonly limits: readonly number[]
  readonly counts: readonly number[]
}

export type EventValue =
  | { readonly tag: string; readonly scalar: number }
  | { readonly tag: string; readonly histogram: Histogram }

export interface BoardEvent {
  /** Seconds since 1970. */
  readonly wallTime: number
  readonly step?: number
  /** First record of a file. */
  readonly fileVersion?: string
  /** The session starts again here: what was written for this step and later ones no longer counts. */
  readonly restart?: boolean
  readonly values?: readonly EventValue[]
}

/** One `Event`. */
export function formatEvent({ wallTime, step = 0, fileVersion, restart, values }: BoardEvent): Uint8Array {
  const parts = [double(1, wallTime)]
  if (step !== 0) parts.push(whole(2, step))
  if (fileVersion !== undefined) parts.push(text(3, fileVersion))
  if (values) parts.push(bytes(5, concat(values.map((value) => bytes(1, formatValue(value))))))
  if (restart) parts.push(bytes(7, whole(1, 1))) // SessionLog.status = START
  return concat(parts)
}

function formatValue(value: EventValue): Part {
  const tag = text(1, value.tag)
  return 'scalar' in value
    ? concat([tag, float(2, value.scalar)])
    : concat([tag, bytes(5, formatHistogram(value.histogram))])
}

function formatHistogram({ min, max, count, sum, sumOfSquares, limits, counts }: Histogram): Part {
  const numbers = [min, max, count, sum, sumOfSquares].map((value, i) => double(i + 1, value))
  return concat([...numbers, doubles(6, limits), doubles(7, counts)])
}

// ---- the records ----

/** A checksum of data that holds checksums is weak, so they are stored turned and shifted (record_writer.h). */
function masked(data: Uint8Array): Part {
  const crc = crc32c(data)
  const turned = ((crc >>> 15) | (crc << 17)) + 0xa282ead8
  return new Uint8Array(Uint32Array.of(turned >>> 0).buffer)
}

/** One record of a file. */
export function frameRecord(data: Uint8Array): Uint8Array {
  const length = new Uint8Array(BigUint64Array.of(BigInt(data.length)).buffer)
  return concat([length, masked(length), data, masked(data)])
}

// ---- histograms ----

const bins = 30

/** The histogram of finite `values` in 30 parts of equal width. */
export function histogramOf(values: ArrayLike<number>): Histogram {
  let [min, max, sum, sumOfSquares, count] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0, 0]
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (!Number.isFinite(value)) continue
    min = Math.min(min, value)
    max = Math.max(max, value)
    sum += value
    sumOfSquares += value * value
    count++
  }
  if (count === 0) return { min: 0, max: 0, count, sum, sumOfSquares, limits: [0], counts: [0] }
  const width = (max - min) / bins
  // All alike: one part around the value.
  if (!(width > 0)) return { min, max, count, sum, sumOfSquares, limits: [max], counts: [count] }
  const counts = new Array<number>(bins).fill(0)
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) counts[Math.min(bins - 1, Math.floor((values[i] - min) / width))]++
  }
  const limits = counts.map((_, i) => (i === bins - 1 ? max : min + (i + 1) * width))
  return { min, max, count, sum, sumOfSquares, limits, counts }
}

// ---- the writer ----

/** An event file that grows. */
export interface BoardWriter {
  readonly path: string
  write(step: number, values: readonly EventValue[]): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

let files = 0

/**
 * Begins an event file in `folder`, which TensorBoard is to be pointed at (or at a folder above). `from`: the run goes on
 * after this step; what an earlier file holds of later ones no longer counts. Errors: `file-format`.
 */
export async function boardWriter(folder: string, { from }: { from?: number } = {}): Promise<BoardWriter> {
  await makeFolder(folder)
  const { hostname } = await load<typeof import('node:os')>('os')
  const now = (): number => Date.now() / 1000
  const start = String(Math.floor(now())).padStart(10, '0')
  const path = joinPath(folder, `events.out.tfevents.${start}.${hostname()}.${process.pid}.${files++}`)
  const file: GrowingFile = await growFile(path)
  const add = (event: BoardEvent): Promise<void> => file.append(frameRecord(formatEvent(event)))
  await add({ wallTime: now(), fileVersion: 'brain.Event:2' })
  if (from !== undefined) await add({ wallTime: now(), step: from + 1, restart: true })
  return {
    path,
    write: (step, values) => add({ wallTime: now(), step, values }),
    sync: file.sync,
    close: file.close,
  }
}
