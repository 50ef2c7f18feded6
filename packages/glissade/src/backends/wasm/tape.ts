/**
 * The walk over a program's launches, as WebAssembly functions: alone, and with other threads.
 *
 * A launch is a record of 64 bytes (a cache line, so that threads working on different launches do not
 * disturb each other). Threads take tasks from the present launch and go on when all of them are done.
 * There is no barrier that everybody must reach: a thread that comes late finds the launch done and
 * jumps to the present one, so one thread can walk through small launches alone.
 *
 * The steps of a walk are counted, each turn of a loop anew (`progress`). Tasks of a launch can be taken
 * only under the number of the present step, so nobody takes part in a turn that is over. Who finishes a
 * step makes the next one ready: its number, its launch, and, at the end of a loop's turn, where the
 * buffers of that loop have moved to. Next: module.ts, which puts these beside the kernels; pool.ts.
 */
import { type Code, FunctionBody, opcode as op, valueType } from './encode.ts'

/**
 * Byte offsets in a launch record. `next` (64 bits) holds the step in its upper half and the tasks taken in its lower;
 * `closes` is the address of the innermost loop of which the launch is the last, or 0.
 */
export const record = { kernel: 0, tasks: 4, chunk: 8, slots: 12, next: 16, done: 24, closes: 28, size: 64 } as const

/** Byte offsets in a loop's record; `outer` is the loop that ends with this one, or 0. */
export const loopRecord = { count: 0, turn: 4, first: 8, moves: 12, moveCount: 16, outer: 20, size: 24 } as const

/** Byte offsets in the record of a buffer that moves with a loop: the address of its word, and the row it is at. */
export const moveRecord = { slot: 0, row: 4, first: 8, step: 12, rows: 16, stride: 20, size: 24 } as const

/** Byte offsets in the words by which threads walk together: the number of the step, its launch, and who sleeps. */
export const together = { progress: 0, launch: 4, sleepers: 64, size: 128 } as const

/** Turns of the waiting loop before a thread goes to sleep: some 20 to 50 µs, about what waking it costs. */
const SPINS = 20_000

/** Alignments of 64-bit accesses, as a power of two. */
const EIGHT_BYTES = 3

export interface TapeFunctions {
  /** Type number of `(slots, task, scratch) → ()`. */
  readonly kernelType: number
  /** Function number of the clock, `() → f64` milliseconds. */
  readonly clock: number
  /** Function number of `advance`. */
  readonly advance: number
}

/** `(tape, launch) → launch`: the launch of the next step, and its buffers brought to where they are then. */
export function advance(): number[] {
  const body = new FunctionBody(2)
  const [tape, launch] = [0, 1]
  const local = (): number => body.local(valueType.i32)
  const [loop, turn, again, move, left, row, slot] = [local(), local(), local(), local(), local(), local(), local()]
  const code = body.code
  code.get(tape).get(launch).i32(record.size).op(op.i32Mul).op(op.i32Add)
  code.memory(op.i32Load, record.closes).set(loop)
  code.block('block').block('loop') // over the loops that may end here, the innermost first
  code.get(loop).op(op.i32Eqz).op(op.brIf, 1)
  code.get(loop).memory(op.i32Load, loopRecord.turn).i32(1).op(op.i32Add).tee(turn)
  code.get(loop).memory(op.i32Load, loopRecord.count).op(op.i32LtS).set(again)
  code.get(loop).get(turn).i32(0).get(again).op(op.select).memory(op.i32Store, loopRecord.turn)
  code.get(loop).memory(op.i32Load, loopRecord.moves).set(move)
  code.get(loop).memory(op.i32Load, loopRecord.moveCount).set(left)
  code.block('block').block('loop') // each buffer a row further, or back to its first
  code.get(left).op(op.i32Eqz).op(op.brIf, 1)
  code.get(move).memory(op.i32Load, moveRecord.row).set(row)
  code.get(row).get(move).memory(op.i32Load, moveRecord.step).op(op.i32Add)
  code.get(move).memory(op.i32Load, moveRecord.rows).op(op.i32Add)
  code.get(move).memory(op.i32Load, moveRecord.rows).op(op.i32RemS)
  code.get(move).memory(op.i32Load, moveRecord.first).get(again).op(op.select).set(turn)
  code.get(move).get(turn).memory(op.i32Store, moveRecord.row)
  code.get(move).memory(op.i32Load, moveRecord.slot).tee(slot)
  code.get(slot).memory(op.i32Load, 0).get(turn).get(row).op(op.i32Sub)
  code.get(move).memory(op.i32Load, moveRecord.stride).op(op.i32Mul).op(op.i32Add).memory(op.i32Store, 0)
  code.get(move).i32(moveRecord.size).op(op.i32Add).set(move)
  code.get(left).i32(1).op(op.i32Sub).set(left)
  code.op(op.br, 0).end().end()
  code.get(again).block('if')
  code.get(loop).memory(op.i32Load, loopRecord.first).op(op.return)
  code.end()
  code.get(loop).memory(op.i32Load, loopRecord.outer).set(loop)
  code.op(op.br, 0).end().end()
  code.get(launch).i32(1).op(op.i32Add)
  return body.bytes()
}

/** `(tape, launch, steps, scratch, times) → launch`: so many steps from `launch` on, on this thread. */
export function serialWalk({ kernelType, clock, advance }: TapeFunctions): number[] {
  const body = new FunctionBody(5)
  const [tape, launch, steps, scratch, times] = [0, 1, 2, 3, 4]
  const at = body.local(valueType.i32)
  const task = body.local(valueType.i32)
  const timer = new Timer(body, times, clock)
  const code = body.code
  code.block('block').block('loop')
  code.get(steps).op(op.i32Eqz).op(op.brIf, 1)
  code.get(tape).get(launch).i32(record.size).op(op.i32Mul).op(op.i32Add).set(at)
  code.i32(0).set(task)
  code.block('loop')
  code.get(at).memory(op.i32Load, record.slots).get(task).get(scratch)
  code.get(at).memory(op.i32Load, record.kernel).op(op.callIndirect, kernelType, 0)
  code.get(task).i32(1).op(op.i32Add).tee(task)
  code.get(at).memory(op.i32Load, record.tasks).op(op.i32LtS).op(op.brIf, 0).end()
  timer.note(code, launch)
  code.get(tape).get(launch).op(op.call, advance).set(launch)
  code.get(steps).i32(1).op(op.i32Sub).set(steps)
  code.op(op.br, 0).end().end()
  code.get(launch)
  return body.bytes()
}

/** Adds up the times of launches, where they are wanted: `times` begins with the moment of the last note. */
class Timer {
  readonly #times: number
  readonly #clock: number
  readonly #now: number
  readonly #at: number

  constructor(body: FunctionBody, times: number, clock: number) {
    this.#times = times
    this.#clock = clock
    this.#now = body.local(valueType.f64)
    this.#at = body.local(valueType.i32)
  }

  /** A step of `launch` is done. */
  note(code: Code, launch: number): void {
    code.get(this.#times).block('if')
    code.op(op.call, this.#clock).set(this.#now)
    code.get(this.#times).get(launch).i32(1).op(op.i32Add).i32(3).op(op.i32Shl).op(op.i32Add).tee(this.#at)
    code.get(this.#at).memory(op.f64Load, 0, EIGHT_BYTES)
    code.get(this.#now).get(this.#times).memory(op.f64Load, 0, EIGHT_BYTES).op(op.f64Sub).op(op.f64Add)
    code.memory(op.f64Store, 0, EIGHT_BYTES)
    code.get(this.#times).get(this.#now).memory(op.f64Store, 0, EIGHT_BYTES)
    code.end()
  }
}

/** `(tape, count, scratch, times, together)`: walk through `count` launches with all threads that call this. */
export function parallelWalk({ kernelType, clock, advance }: TapeFunctions): number[] {
  const body = new FunctionBody(5)
  const [tape, count, scratch, times, shared] = [0, 1, 2, 3, 4]
  const local = (): number => body.local(valueType.i32)
  const [step, launch, at, tasks, chunk, slots] = [local(), local(), local(), local(), local(), local()]
  const [kernel, task, end, taken, spins, following] = [local(), local(), local(), local(), local(), local()]
  const word = body.local(valueType.i64)
  const timer = new Timer(body, times, clock)
  const code = body.code
  const field = (name: 'kernel' | 'tasks' | 'chunk' | 'slots', to: number): void => {
    code.get(at).memory(op.i32Load, record[name]).set(to)
  }
  const address = (of: number): Code => code.get(tape).get(of).i32(record.size).op(op.i32Mul).op(op.i32Add)
  /** The word of `next` that says: `low` tasks are taken in the step `high`. */
  const pack = (high: () => void, low: () => void): void => {
    high()
    code.op(op.i64ExtendI32U).op(op.i64Const, 32).op(op.i64Shl)
    low()
    code.op(op.i64ExtendI32U).op(op.i64Or)
  }

  code.block('block').block('loop') // until all launches are done: each turn looks at the present step anew
  code.get(shared).memory(op.i32AtomicLoad, together.progress).set(step)
  code.get(shared).memory(op.i32AtomicLoad, together.launch).tee(launch)
  code.get(count).op(op.i32GeS).op(op.brIf, 1)
  address(launch).set(at)
  field('tasks', tasks)
  field('chunk', chunk)
  field('slots', slots)
  field('kernel', kernel)

  code.block('block').block('loop') // take tasks until none are left
  code.get(at).memory(op.i64AtomicLoad, record.next, EIGHT_BYTES).tee(word)
  code.op(op.i64Const, 32).op(op.i64ShrU).op(op.i32WrapI64)
  code.get(step).op(op.i32Ne).op(op.brIf, 2) // another step is the present one
  code.get(word).op(op.i32WrapI64).tee(task).get(tasks).op(op.i32GeS).op(op.brIf, 1)
  code.get(task).get(chunk).op(op.i32Add).tee(end)
  code.get(tasks).get(end).get(tasks).op(op.i32LtS).op(op.select).set(end)
  code.get(at).get(word)
  pack(
    () => code.get(step),
    () => code.get(end),
  )
  code.memory(op.i64AtomicCompareExchange, record.next, EIGHT_BYTES)
  code.get(word).op(op.i64Ne).op(op.brIf, 0) // somebody else was faster
  code.get(end).get(task).op(op.i32Sub).set(taken)
  code.block('loop')
  code.get(slots).get(task).get(scratch).get(kernel).op(op.callIndirect, kernelType, 0)
  code.get(task).i32(1).op(op.i32Add).tee(task).get(end).op(op.i32LtS).op(op.brIf, 0).end()
  code.get(at).get(taken).memory(op.i32AtomicAdd, record.done).get(taken).op(op.i32Add)
  code.get(tasks).op(op.i32Eq).block('if') // the last task of the step: make the next one ready
  timer.note(code, launch)
  code.get(at).i32(0).memory(op.i32AtomicStore, record.done)
  code.get(tape).get(launch).op(op.call, advance).tee(following)
  code.get(count).op(op.i32LtS).block('if')
  address(following)
  pack(
    () => code.get(step).i32(1).op(op.i32Add),
    () => code.i32(0),
  )
  code.memory(op.i64AtomicStore, record.next, EIGHT_BYTES)
  code.end()
  code.get(shared).get(following).memory(op.i32AtomicStore, together.launch)
  code.get(shared).get(step).i32(1).op(op.i32Add).memory(op.i32AtomicStore, together.progress)
  code.get(shared).memory(op.i32AtomicLoad, together.sleepers).block('if')
  code.get(shared).i32(-1).memory(op.atomicNotify, together.progress).op(op.drop)
  code.end()
  code.op(op.br, 3) // to the next step
  code.end()
  code.op(op.br, 0).end().end()

  // Wait until this step is done: watch for a while, then sleep. A sleeper counts itself first, and the
  // sleep begins only if the progress is still what it saw, so no wake-up can be lost.
  code.i32(SPINS).set(spins)
  code.block('block').block('loop')
  code.get(shared).memory(op.i32AtomicLoad, together.progress)
  code.get(step).op(op.i32Ne).op(op.brIf, 1)
  code.get(spins).i32(1).op(op.i32Sub).tee(spins).op(op.brIf, 0)
  code.get(shared).i32(1).memory(op.i32AtomicAdd, together.sleepers).op(op.drop)
  code.get(shared).get(step).op(op.i64Const, 0x7f).memory(op.atomicWait32, together.progress).op(op.drop)
  code.get(shared).i32(1).memory(op.i32AtomicSub, together.sleepers).op(op.drop)
  code.i32(1).set(spins)
  code.op(op.br, 0).end().end()
  code.op(op.br, 0).end().end()
  return body.bytes()
}
