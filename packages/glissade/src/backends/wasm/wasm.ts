/**
 * The WebAssembly backend: bytes emitted at run time, SIMD, and threads where memory can be shared.
 *
 * It needs no toolchain and runs in Node and in browsers. Read on in the order of the way:
 * statements.ts and emit.ts (a kernel to code), module.ts and tape.ts (a program), layout.ts and
 * program.ts (running it), pool.ts and worker.ts (threads), memory.ts, workspace.ts and residents.ts (bytes).
 */
import { fail } from '../../errors.ts'
import type { Target } from '../../kernel/ir.ts'
import type { Backend, BackendMemory, BackendOptions, BackendProbe, Executable, Plan } from '../backend.ts'
import { LinearMemory } from './memory.ts'
import { type EngineFeatures, engineFeatures, type ModuleOptions } from './module.ts'
import { detectPlatform, type Platform, turnOnRelaxed } from './platform.ts'
import { WorkerPool } from './pool.ts'
import { type Engine, Program } from './program.ts'
import { Residents } from './residents.ts'
import { LANES } from './scopes.ts'
import { Workspace } from './workspace.ts'

/** Cache sizes are not told to a page; these are what most cores have at least. */
const L1_BYTES = 32 * 1024
const L2_BYTES = 512 * 1024

/**
 * Register tiles for 16 registers. V8 reads all of a turn's operands before it multiplies, so sums, rows and vectors must
 * fit together: 4 x 2 with separate products, 3 x 3 with one instruction for both, which needs no place for a product.
 * Later V8 reads where it multiplies, and 6 x 2 fit.
 */
const tiles = {
  separate: { rows: 4, vectors: 2 },
  early: { rows: 3, vectors: 3 },
  fused: { rows: 6, vectors: 2 },
} as const

export interface WasmOptions extends BackendOptions {
  /** The most bytes the memory may have; default: 4 GB, or what the engine grants. */
  readonly maxBytes?: number
}

/**
 * The WebAssembly backend of this engine, or why there is none. Workers start with the first program
 * that is large enough for them.
 */
export async function createWasm(options: WasmOptions = {}): Promise<BackendProbe> {
  const { threads } = options
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    fail('value-invalid', {
      what: 'createWasm: threads',
      received: String(threads),
      expected: 'a whole number from 1',
      fix: 'Leave it out for one per core.',
    })
  }
  if (typeof WebAssembly !== 'object') {
    return {
      reason: 'this engine has no WebAssembly',
      fix: 'Use a current browser or Node 20, or the reference backend.',
    }
  }
  const byFlag = await turnOnRelaxed()
  const features = engineFeatures()
  if (!features.simd) {
    return {
      reason: 'this engine has WebAssembly without SIMD',
      fix: 'Use a browser of 2023 or later (Safari 16.4), or Node 20, or the reference backend.',
    }
  }
  const platform = await detectPlatform()
  const alone =
    platform.sharing === true
      ? features.atomics
        ? undefined
        : 'this engine has no WebAssembly threads'
      : platform.sharing
  let memory: LinearMemory
  try {
    memory = new LinearMemory({
      shared: alone === undefined,
      ...(options.maxBytes !== undefined && { maxBytes: options.maxBytes }),
    })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return {
      reason: `the engine refuses to reserve memory (${error.message})`,
      fix: 'Close other pages or programs, or give a smaller maxBytes.',
    }
  }
  const tile = byFlag && features.relaxed ? tiles.early : features.relaxed ? tiles.fused : tiles.separate
  return { backend: new WasmBackend(memory, features, tile, platform, threads ?? platform.cores, alone) }
}

class WasmBackend implements Backend {
  readonly name = 'wasm'
  readonly target: Target
  readonly #features: EngineFeatures
  readonly #platform: Platform
  readonly #memory: LinearMemory
  readonly #engine: Engine
  /** Threads asked for; whether they are there shows when the workers start. */
  readonly #wanted: number
  /** Why only the calling thread works; undefined while nothing speaks against workers. */
  #alone: string | undefined
  #pool: Promise<WorkerPool | undefined> | undefined
  readonly #programs = new Set<Program>()
  #count = 0
  #busy = false
  /** Whether a program went while another ran, so that the workspace may be too large. */
  #refit = false
  #disposed = false

  constructor(
    memory: LinearMemory,
    features: EngineFeatures,
    tile: Target['tile'],
    platform: Platform,
    threads: number,
    alone: string | undefined,
  ) {
    this.#memory = memory
    this.#features = features
    this.#platform = platform
    this.#wanted = threads
    this.#alone = alone
    this.target = { lanes: LANES, fma: features.relaxed, tile, l1: L1_BYTES, l2: L2_BYTES }
    this.#engine = this.#createEngine()
  }

  get threads(): number {
    return this.#alone === undefined ? this.#wanted : 1
  }
  get description(): string {
    const fma = this.#features.relaxed ? ' with fused multiply-add' : ''
    const threads =
      this.#alone === undefined ? `${this.#wanted} thread${this.#wanted === 1 ? '' : 's'}` : `1 thread: ${this.#alone}`
    return `WebAssembly SIMD128${fma}, ${this.#platform.engine}, ${threads}`
  }

  async compile(plan: Plan): Promise<Executable> {
    if (this.#disposed)
      fail('backend-failed', {
        backend: 'wasm',
        reason: 'it was disposed of',
        fix: 'Create it again with createWasm().',
      })
    const program = await Program.create(plan, this.#engine)
    this.#programs.add(program)
    try {
      if (!this.#busy) this.#engine.workspace.fit()
    } catch (error) {
      program.release()
      throw error
    }
    return program
  }

  memory(): BackendMemory {
    const resident = this.#engine.residents.bytes
    return { resident, arenas: this.#memory.used - this.#engine.residents.blockBytes }
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return
    this.#disposed = true
    const pool = await this.#pool
    await pool?.stop()
    for (const program of [...this.#programs]) program.release()
  }

  #createEngine(): Engine {
    return {
      owner: this,
      memory: this.#memory,
      residents: new Residents(this.#memory),
      workspace: new Workspace(this.#memory),
      moduleOptions: { memory: this.#memory, relaxed: this.#features.relaxed } satisfies ModuleOptions,
      threads: this.threads,
      nextProgram: () => ++this.#count,
      workers: () => this.#workers(),
      begin: () => this.#begin(),
      end: () => this.#end(),
      forget: (program, number) => this.#forget(program, number),
      workersFailed: (reason) => this.#workersFailed(reason),
    }
  }

  #begin(): void {
    const reason = this.#disposed ? 'it was disposed of' : this.#busy ? 'a run is still going on' : undefined
    if (reason)
      fail('backend-failed', {
        backend: 'wasm',
        reason,
        fix: this.#disposed ? 'Create it again with createWasm().' : 'Await the run before starting another.',
      })
    this.#busy = true
  }

  #end(): void {
    this.#busy = false
    if (!this.#refit) return
    this.#refit = false
    this.#engine.workspace.fit()
  }

  async #workers(): Promise<WorkerPool | undefined> {
    if (this.#alone !== undefined) return undefined
    this.#pool ??= this.#startWorkers()
    const pool = await this.#pool
    if (pool?.failure === undefined || this.#disposed) return pool
    // A worker died while nothing was running: nothing is lost.
    await pool.stop()
    this.#pool = this.#startWorkers()
    return this.#pool
  }

  async #startWorkers(): Promise<WorkerPool | undefined> {
    try {
      return await WorkerPool.start(this.#wanted, this.#memory, this.#platform)
    } catch (error) {
      this.#alone = `workers cannot be started (${error instanceof Error ? error.message : String(error)})`
      return undefined
    }
  }

  #forget(program: Program, number: number): void {
    const { workspace } = this.#engine
    this.#programs.delete(program)
    workspace.forget(program)
    if (this.#busy) this.#refit = true
    else workspace.fit()
    void this.#pool?.then((pool) => pool?.drop(number))
  }

  /** One worker is gone, so the others wait in vain: end them all; the next run starts new ones. */
  async #workersFailed(reason: unknown): Promise<never> {
    const pool = await this.#pool
    this.#pool = undefined
    await pool?.stop()
    const message = reason instanceof Error ? reason.message : String(reason)
    return fail(
      'backend-failed',
      {
        backend: 'wasm',
        reason: `a worker thread stopped in the middle of a run (${message})`,
        fix: 'What the run was writing, parameters too, may be half done: load the last saved weights and run again.',
      },
      reason,
    )
  }
}
