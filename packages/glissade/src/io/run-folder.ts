/**
 * A run folder: all that a training run leaves on disk, in forms that other tools read.
 *
 * ```
 * config.json          what the run was begun with
 * metrics.jsonl        a line of JSON for each event, in order
 * events.out.tfevents… the same numbers for TensorBoard
 * checkpoints/         all that is needed to go on; the newest few
 * best.safetensors     the best model so far, model.safetensors the last one
 * summary.json         how it ended
 * lock.json            while a process works on it: which one
 * ```
 *
 * What is written when: train/recorder.ts.
 */
import { fail } from '../errors.ts'
import type { Module } from '../nn/module.ts'
import {
  type Checkpoint,
  checkpointName,
  type Json,
  listCheckpoints,
  loadNewest,
  pruneCheckpoints,
  saveCheckpoint,
} from './checkpoint.ts'
import { readFile, replaceFile } from './files.ts'
import { type GrowingFile, growFile, joinPath, listFolder, makeFolder, removeFile } from './folders.ts'
import { type Lock, takeLock } from './lock.ts'
import { saveModel } from './model-file.ts'
import { type BoardWriter, boardWriter, histogramOf } from './tensorboard.ts'

/** One line of metrics.jsonl. */
export interface MetricLine {
  readonly event: string
  /** Steps since the run began. */
  readonly step: number
  /** When, as ISO 8601. */
  readonly time: string
  readonly [name: string]: Json | undefined
}

export interface RunFolderOptions {
  /** Kept in config.json. */
  readonly config?: Json
  /** Go on with the run that is there, if one is; default false: a folder with a run in it is refused. */
  readonly resume?: boolean
  /** Also write event files for TensorBoard; default true. */
  readonly tensorBoard?: boolean
}

const names = {
  config: 'config.json',
  metrics: 'metrics.jsonl',
  checkpoints: 'checkpoints',
  summary: 'summary.json',
  lock: 'lock.json',
} as const

const utf8 = new TextEncoder()

export class RunFolder {
  readonly path: string
  /** Whether there was a run here already, which this one goes on with. */
  readonly resumed: boolean
  readonly #lock: Lock
  readonly #tensorBoard: boolean
  #metrics: GrowingFile | undefined
  #board: BoardWriter | undefined

  private constructor(path: string, resumed: boolean, lock: Lock, tensorBoard: boolean) {
    this.path = path
    this.resumed = resumed
    this.#lock = lock
    this.#tensorBoard = tensorBoard
  }

  /** Makes or opens the folder and takes its lock. Errors: `run-locked`, `value-invalid`, `file-format`. */
  static async open(path: string, options: RunFolderOptions = {}): Promise<RunFolder> {
    const { config = {}, resume = false, tensorBoard = true } = options
    await makeFolder(path)
    const lock = await takeLock(joinPath(path, names.lock), path)
    try {
      const there = (await listFolder(path)).includes(names.config)
      if (there && !resume) {
        fail('value-invalid', {
          what: 'run folder',
          received: `'${path}', which holds a run`,
          expected: 'a new folder',
          fix: 'Choose another name, or go on with that run: { resume: true }.',
        })
      }
      await makeFolder(joinPath(path, names.checkpoints))
      // What a killed process left half written.
      for (const name of await listFolder(path)) if (name.endsWith('.part')) await removeFile(joinPath(path, name))
      await pruneCheckpoints(joinPath(path, names.checkpoints), Number.POSITIVE_INFINITY)
      if (!there) {
        const text = JSON.stringify({ begun: new Date().toISOString(), config: plain(config) }, undefined, 2)
        await replaceFile(joinPath(path, names.config), utf8.encode(`${text}\n`))
      }
      return new RunFolder(path, there, lock, tensorBoard)
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /** The newest checkpoint, if there is one; see `loadNewest`. */
  newest(options: { fallback?: boolean } = {}): ReturnType<typeof loadNewest> {
    return loadNewest(joinPath(this.path, names.checkpoints), options)
  }

  checkpoints(): Promise<string[]> {
    return listCheckpoints(joinPath(this.path, names.checkpoints))
  }

  /** Opens the records after `from` steps: what they hold of later ones, which will be done again, is taken out. */
  async begin(from: number): Promise<void> {
    const path = joinPath(this.path, names.metrics)
    if (this.resumed) {
      const kept = (await readMetrics(this.path)).filter(({ step }) => step <= from)
      await replaceFile(path, utf8.encode(kept.map((line) => `${JSON.stringify(line)}\n`).join('')))
    }
    this.#metrics = await growFile(path)
    if (this.#tensorBoard) this.#board = await boardWriter(this.path, this.resumed ? { from } : {})
  }

  /** Adds a line to metrics.jsonl, and its numbers to TensorBoard under `event/name`. Errors: `file-format`. */
  async record(event: string, step: number, values: { readonly [name: string]: Json | undefined }): Promise<void> {
    const line: MetricLine = { event, step, time: new Date().toISOString(), ...values }
    await this.#metrics?.append(utf8.encode(`${JSON.stringify(plain(line))}\n`))
    const scalars = event === 'start' ? [] : scalarsOf(event, values)
    if (scalars.length > 0) await this.#board?.write(step, scalars)
  }

  /** Histograms for TensorBoard, by tag. */
  async histograms(step: number, values: Readonly<Record<string, ArrayLike<number>>>): Promise<void> {
    const events = Object.entries(values).map(([tag, numbers]) => ({ tag, histogram: histogramOf(numbers) }))
    if (events.length > 0) await this.#board?.write(step, events)
  }

  /** Writes a checkpoint and removes all but the newest `keep`. Errors: `run-locked`, `file-format`. */
  async saveCheckpoint(steps: number, checkpoint: Checkpoint, keep: number): Promise<string> {
    await this.#lock.check()
    await this.sync()
    const folder = joinPath(this.path, names.checkpoints)
    const path = joinPath(folder, checkpointName(steps))
    await saveCheckpoint(path, checkpoint)
    await pruneCheckpoints(folder, keep)
    return path
  }

  /** Writes a model's file under `name`, such as best.safetensors. */
  async saveModel(name: string, model: Module, metadata: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#lock.check()
    await saveModel(joinPath(this.path, name), model, metadata)
  }

  async summarize(summary: Json): Promise<void> {
    const text = JSON.stringify(plain(summary), undefined, 2)
    await replaceFile(joinPath(this.path, names.summary), utf8.encode(`${text}\n`))
  }

  /** Waits until the disk has all records. */
  async sync(): Promise<void> {
    await this.#metrics?.sync()
    await this.#board?.sync()
  }

  /** Closes the records and gives the lock back. */
  async close(): Promise<void> {
    await this.#metrics?.close()
    await this.#board?.close()
    this.#metrics = undefined
    this.#board = undefined
    await this.#lock.release()
  }
}

/** The lines of a run's metrics.jsonl. A last line that a killed process left half written is passed over. */
export async function readMetrics(run: string): Promise<MetricLine[]> {
  const path = joinPath(run, names.metrics)
  if (!(await listFolder(run)).includes(names.metrics)) return []
  const lines = new TextDecoder().decode(await readFile(path)).split('\n')
  // After the last line break stands nothing, or a line that was not finished.
  lines.pop()
  return lines.map((text, i) => {
    try {
      const line = JSON.parse(text) as MetricLine
      if (typeof line.event === 'string' && Number.isFinite(line.step)) return line
    } catch {
      // Told below.
    }
    return fail('file-format', {
      file: path,
      what: `line ${i + 1}`,
      received: text.slice(0, 40),
      expected: 'an event as JSON',
      fix: 'Remove the line.',
    })
  })
}

/** The numbers in what is recorded, by tag: those of nested objects under `outer/inner`. */
function scalarsOf(prefix: string, values: { readonly [name: string]: unknown }): { tag: string; scalar: number }[] {
  return Object.entries(values).flatMap(([name, value]) => {
    // Steps are the axis; epochs would be a curve of no use.
    if (name === 'epoch') return []
    const tag = `${prefix}/${name}`
    if (typeof value === 'number') return [{ tag, scalar: value }]
    const nested = typeof value === 'object' && value !== null && !Array.isArray(value)
    return nested ? scalarsOf(tag, value as { readonly [name: string]: unknown }) : []
  })
}

/** NaN and infinities as texts: JSON has no words for them, and null would hide which. */
function plain(value: Json): Json {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, each]) => (each === undefined ? [] : [[name, plain(each as Json)]])),
  )
}
