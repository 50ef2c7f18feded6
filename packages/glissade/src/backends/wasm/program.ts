/**
 * A compiled plan: brings arguments in, runs the tape alone or with the workers, brings results out.
 *
 * Small programs run at once on the calling thread, where waking workers would take longer than the
 * work; larger ones run wholly in the workers, so that the event loop goes on. Without workers they
 * run here in slices. Next: layout.ts (addresses), pool.ts (workers), wasm.ts (the backend).
 */
import type { TypedArray } from '../../dtype.ts'
import { fail } from '../../errors.ts'
import type { Storage } from '../../storage.ts'
import type { Executable, Plan } from '../backend.ts'
import { type Layout, layOut, rewindLoops, rewindTape, writeTape } from './layout.ts'
import type { LinearMemory } from './memory.ts'
import { type ModuleOptions, type ProgramExports, programModule } from './module.ts'
import type { WorkerPool } from './pool.ts'
import { type Residents, WasmResident } from './residents.ts'
import type { Workspace } from './workspace.ts'

/** Operations and bytes of a run (about 0.15 ms) that gains nothing from waking workers and hearing from them. */
const WORTH_A_HOP = 5e6
/** Arrays up to this length are copied element by element: that is faster than calling `set`. */
const SHORT = 32
/** How long the calling thread works at a stretch where there are no workers. */
const SLICE_MS = 12

/** What programs share: the backend, as they see it. */
export interface Engine {
  /** The backend itself, as the owner of residents. */
  readonly owner: object
  readonly memory: LinearMemory
  readonly residents: Residents
  readonly workspace: Workspace
  readonly moduleOptions: ModuleOptions
  /** Threads for which scratch is laid out. */
  readonly threads: number
  /** A number for a program, never used twice. */
  nextProgram(): number
  /** The workers, started where need be; undefined where there are none. */
  workers(): Promise<WorkerPool | undefined>
  /** Mark the begin and the end of a run. */
  begin(): void
  end(): void
  /** Called by a program that has been released. */
  forget(program: Program, number: number): void
  /** A run failed because a worker did. */
  workersFailed(reason: unknown): Promise<never>
}

export class Program implements Executable {
  readonly #plan: Plan
  readonly #engine: Engine
  readonly #layout: Layout
  readonly #number: number
  readonly #serial: ProgramExports['serial']
  readonly #small: boolean
  readonly #inputs: number[] = []
  readonly #states: number[] = []
  readonly #outputs: number[] = []
  /** Where each argument was in the last run. */
  readonly #addresses: Int32Array
  readonly #block: number
  readonly #code: { readonly address: number; readonly bytes: number } | undefined
  #workspaceBase = -1
  #released = false
  /** Whether workers may be at it: giving back must wait. */
  #running = false

  private constructor(
    plan: Plan,
    engine: Engine,
    layout: Layout,
    exports: ProgramExports,
    block: number,
    code: Program['code'],
  ) {
    this.#plan = plan
    this.#engine = engine
    this.#layout = layout
    this.#number = engine.nextProgram()
    this.#serial = exports.serial
    this.#small = isSmall(plan)
    this.#addresses = new Int32Array(plan.arguments.length).fill(-1)
    this.#block = block
    this.#code = code
    for (const [i, { role, length }] of plan.arguments.entries()) {
      if (length === 0) continue
      const list = { input: this.#inputs, state: this.#states, output: this.#outputs }[role]
      list.push(i)
    }
  }

  static async create(plan: Plan, engine: Engine): Promise<Program> {
    for (const { dtype } of plan.arguments) {
      if (dtype === 'float64') fail('reference-only', { op: 'compile', dtype, backend: 'wasm' })
    }
    const { memory, workspace } = engine
    const bytes = programModule(plan.kernels, engine.moduleOptions)
    const [module, pool] = await Promise.all([WebAssembly.compile(bytes), isSmall(plan) ? undefined : engine.workers()])
    const env = { memory: memory.memory, clock: () => performance.now() }
    const { exports } = await WebAssembly.instantiate(module, { env })
    const layout = layOut(plan, engine.threads)
    const codeBytes = pool ? bytes.length : 0
    const block = memory.allocate(layout.tapeBytes + codeBytes, 'a compiled program')
    const code = pool && { address: block + layout.tapeBytes, bytes: codeBytes }
    if (code) new Uint8Array(memory.memory.buffer, code.address, code.bytes).set(bytes)
    writeTape(memory, plan, layout, block, engine.threads)
    const program = new Program(plan, engine, layout, exports as unknown as ProgramExports, block, code)
    workspace.register(program, layout.workspaceBytes)
    return program
  }

  /** The module's bytes in shared memory, where workers find them. */
  get code(): { readonly address: number; readonly bytes: number } | undefined {
    return this.#code
  }

  run(storages: readonly Storage[]): undefined | Promise<void> {
    if (!this.#small) return this.#runLong(storages, 0)
    this.#begin()
    try {
      this.#bringIn(storages)
      this.#serial(this.#block, 0, this.#layout.steps, this.#engine.workspace.base, 0)
      this.#bringOut(storages)
    } finally {
      this.#engine.end()
    }
    return undefined
  }

  async profile(storages: readonly Storage[]): Promise<Float64Array> {
    const { launches } = this.#layout
    const { memory } = this.#engine
    const times = memory.allocate(8 * (launches.length + 1), 'the times of a profile')
    try {
      new Float64Array(memory.memory.buffer, times, launches.length + 1).fill(0)
      await this.#runLong(storages, times)
      const [, ...noted] = new Float64Array(memory.memory.buffer, times, launches.length + 1)
      const perLaunch = new Float64Array(this.#plan.launches.length)
      for (const [i, launch] of launches.entries()) perLaunch[launch] = noted[i]
      return perLaunch
    } finally {
      memory.free(times)
    }
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    if (!this.#running) this.#giveBack()
  }

  #giveBack(): void {
    this.#engine.memory.free(this.#block)
    this.#engine.forget(this, this.#number)
  }

  #begin(): void {
    if (this.#released)
      fail('backend-failed', {
        backend: 'wasm',
        reason: 'this program was released, or its backend disposed of',
        fix: 'Compile it again.',
      })
    this.#engine.begin()
  }

  async #runLong(storages: readonly Storage[], times: number): Promise<void> {
    this.#begin()
    this.#running = true
    try {
      this.#bringIn(storages)
      const pool = this.#code && (await this.#engine.workers())
      if (pool && this.#code) await this.#runShared(pool, this.#code, times)
      else await this.#runSliced(times)
      this.#bringOut(storages)
    } finally {
      this.#running = false
      this.#engine.end()
      if (this.#released) this.#giveBack()
    }
  }

  async #runShared(pool: WorkerPool, code: { address: number; bytes: number }, times: number): Promise<void> {
    const { memory, workspace } = this.#engine
    rewindTape(memory, this.#layout, this.#block)
    try {
      await pool.run({
        program: this.#number,
        code: code.address,
        codeBytes: code.bytes,
        tape: this.#block,
        launches: this.#layout.launches.length,
        scratch: workspace.base,
        scratchBytes: this.#layout.scratchBytes,
        times,
      })
    } catch (error) {
      await this.#engine.workersFailed(error)
    }
  }

  /** On the calling thread, letting others have their turn between launches. */
  async #runSliced(times: number): Promise<void> {
    let since = performance.now()
    if (times) new Float64Array(this.#engine.memory.memory.buffer, times, 1)[0] = since
    let launch = 0
    for (let step = 0; step < this.#layout.steps; step++) {
      launch = this.#serial(this.#block, launch, 1, this.#engine.workspace.base, times)
      if (performance.now() - since < SLICE_MS) continue
      await nextTurn()
      since = performance.now()
    }
  }

  #bringIn(storages: readonly Storage[]): void {
    const { arguments: expected } = this.#plan
    if (storages.length !== expected.length) {
      throw new Error(
        `wasm: run received ${storages.length} storages; expected ${expected.length}, one for each argument`,
      )
    }
    this.#followWorkspace()
    const { owner, residents } = this.#engine
    for (const i of this.#states) {
      const storage = storages[i]
      const { resident } = storage
      if (resident instanceof WasmResident && resident.owner === owner) this.#point(i, resident.address)
      else this.#point(i, residents.moveIn(storage, owner).address)
    }
    for (const i of this.#inputs) {
      const { resident } = storages[i]
      if (resident instanceof WasmResident && resident.owner === owner) this.#point(i, resident.address)
      else {
        const address = this.#workspaceBase + this.#layout.staging[i]
        this.#point(i, address)
        this.#copyIn(storages[i].read(), address, expected[i].length)
      }
    }
    if (this.#layout.moving.length > 0) rewindLoops(this.#engine.memory, this.#layout, this.#block)
  }

  /** Take note of where the workspace is now. */
  #followWorkspace(): void {
    const { workspace, memory } = this.#engine
    if (workspace.bytes < this.#layout.workspaceBytes) workspace.fit()
    if (workspace.base === this.#workspaceBase) return
    this.#workspaceBase = workspace.base
    const first = this.#block >> 2
    for (const { word, offset } of this.#layout.arenaWords) memory.i32[first + word] = this.#workspaceBase + offset
    for (const [i, offset] of this.#layout.staging.entries()) {
      if (offset >= 0) this.#point(i, this.#workspaceBase + offset)
    }
  }

  #point(argument: number, address: number): void {
    if (this.#addresses[argument] === address) return
    this.#addresses[argument] = address
    const words = this.#engine.memory.i32
    const first = this.#block >> 2
    for (const { word, offset } of this.#layout.argumentWords[argument]) words[first + word] = address + offset
  }

  #copyIn(data: TypedArray, address: number, length: number): void {
    const { f32, i32 } = this.#engine.memory
    const to = data instanceof Float32Array ? f32 : i32
    const first = address >> 2
    if (length > SHORT) to.set(data, first)
    else for (let i = 0; i < length; i++) to[first + i] = data[i]
  }

  #bringOut(storages: readonly Storage[]): void {
    const { memory } = this.#engine
    for (const i of this.#outputs) {
      const { dtype, length } = this.#plan.arguments[i]
      const host = storages[i].host()
      const address = this.#workspaceBase + this.#layout.staging[i]
      if (length > SHORT) host.set(memory.view(dtype, address, length))
      else {
        const from = dtype === 'float32' ? memory.f32 : memory.i32
        const first = address >> 2
        for (let k = 0; k < length; k++) host[k] = from[first + k]
      }
    }
  }
}

const isSmall = (plan: Plan): boolean => plan.flops + plan.bytes <= WORTH_A_HOP

/** Resolves after other events of this thread have been handled. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(0)
  })
}
