/**
 * The walk over a program's launches, as two WebAssembly functions: alone, and with other threads.
 *
 * A launch is a record of 64 bytes (a cache line, so that threads working on different launches do not
 * disturb each other). Threads take tasks from a launch through an atomic counter and go on when all of
 * its tasks are done. There is no barrier that everybody must reach: a thread that comes late finds the
 * launch done and jumps to the present one, so one thread can walk through small launches alone.
 * Next: module.ts, which puts these beside the kernels; pool.ts, which calls them.
 */
import { FunctionBody, opcode as op, valueType } from './encode.ts'

/** Byte offsets in a launch record. */
export const record = { kernel: 0, tasks: 4, chunk: 8, slots: 12, next: 16, done: 20, size: 64 } as const

/** Byte offsets in the words by which threads walk together: how many launches are done, and who sleeps. */
export const together = { progress: 0, sleepers: 64, size: 128 } as const

/** Turns of the waiting loop before a thread goes to sleep: some 20 to 50 µs, about what waking it costs. */
const SPINS = 20_000

export interface TapeFunctions {
  /** Type number of `(slots, task, scratch) → ()`. */
  readonly kernelType: number
  /** Function number of the clock, `() → f64` milliseconds. */
  readonly clock: number
}

/** `(tape, from, to, scratch, times)`: run launches `from` up to `to` on this thread. */
export function serialWalk({ kernelType, clock }: TapeFunctions): number[] {
  const body = new FunctionBody(5)
  const [tape, launch, to, scratch, times] = [0, 1, 2, 3, 4]
  const at = body.local(valueType.i32)
  const task = body.local(valueType.i32)
  const code = body.code
  code.get(tape).get(launch).i32(record.size).op(op.i32Mul).op(op.i32Add).set(at)
  code.block('block').block('loop')
  code.get(launch).get(to).op(op.i32GeS).op(op.brIf, 1)
  code.i32(0).set(task)
  code.block('loop')
  code.get(at).memory(op.i32Load, record.slots).get(task).get(scratch)
  code.get(at).memory(op.i32Load, record.kernel).op(op.callIndirect, kernelType, 0)
  code.get(task).i32(1).op(op.i32Add).tee(task)
  code.get(at).memory(op.i32Load, record.tasks).op(op.i32LtS).op(op.brIf, 0).end()
  writeTime(body, times, launch, clock)
  code.get(launch).i32(1).op(op.i32Add).set(launch)
  code.get(at).i32(record.size).op(op.i32Add).set(at)
  code.op(op.br, 0).end().end()
  return body.bytes()
}

/** Where times are wanted, note when `launch` was done. */
function writeTime(body: FunctionBody, times: number, launch: number, clock: number): void {
  body.code.get(times).block('if')
  body.code.get(times).get(launch).i32(3).op(op.i32Shl).op(op.i32Add)
  body.code.op(op.call, clock).memory(op.f64Store, 0, 3)
  body.code.end()
}

/** `(tape, count, scratch, times, together)`: run `count` launches with all threads that call this. */
export function parallelWalk({ kernelType, clock }: TapeFunctions): number[] {
  const body = new FunctionBody(5)
  const [tape, count, scratch, times, shared] = [0, 1, 2, 3, 4]
  const local = (): number => body.local(valueType.i32)
  const [launch, at, tasks, chunk, slots, kernel] = [local(), local(), local(), local(), local(), local()]
  const [task, end, taken, spins, seen] = [local(), local(), local(), local(), local()]
  const code = body.code
  const field = (name: 'kernel' | 'tasks' | 'chunk' | 'slots', to: number): void => {
    code.get(at).memory(op.i32Load, record[name]).set(to)
  }

  code.block('block').block('loop') // until all launches are done
  code.get(shared).memory(op.i32AtomicLoad, together.progress).tee(launch)
  code.get(count).op(op.i32GeS).op(op.brIf, 1)
  code.get(tape).get(launch).i32(record.size).op(op.i32Mul).op(op.i32Add).set(at)
  field('tasks', tasks)
  field('chunk', chunk)
  field('slots', slots)
  field('kernel', kernel)

  code.block('block').block('loop') // take tasks until none are left
  code.get(at).get(chunk).memory(op.i32AtomicAdd, record.next).tee(task)
  code.get(tasks).op(op.i32GeS).op(op.brIf, 1)
  code.get(task).get(chunk).op(op.i32Add).tee(end)
  code.get(tasks).get(end).get(tasks).op(op.i32LtS).op(op.select).set(end)
  code.get(end).get(task).op(op.i32Sub).set(taken)
  code.block('loop')
  code.get(slots).get(task).get(scratch).get(kernel).op(op.callIndirect, kernelType, 0)
  code.get(task).i32(1).op(op.i32Add).tee(task).get(end).op(op.i32LtS).op(op.brIf, 0).end()
  code.get(at).get(taken).memory(op.i32AtomicAdd, record.done).get(taken).op(op.i32Add)
  code.get(tasks).op(op.i32Eq).block('if') // the last task of the launch: let the others go on
  writeTime(body, times, launch, clock)
  code.get(shared).get(launch).i32(1).op(op.i32Add).memory(op.i32AtomicStore, together.progress)
  code.get(shared).memory(op.i32AtomicLoad, together.sleepers).block('if')
  code.get(shared).i32(-1).memory(op.atomicNotify, together.progress).op(op.drop)
  code.end().end()
  code.op(op.br, 0).end().end()

  // Wait until this launch is done: watch for a while, then sleep. A sleeper counts itself first, and the
  // sleep begins only if the progress is still what it saw, so no wake-up can be lost.
  code.i32(SPINS).set(spins)
  code.block('block').block('loop')
  code.get(shared).memory(op.i32AtomicLoad, together.progress).tee(seen)
  code.get(launch).op(op.i32GtS).op(op.brIf, 1)
  code.get(spins).i32(1).op(op.i32Sub).tee(spins).op(op.brIf, 0)
  code.get(shared).i32(1).memory(op.i32AtomicAdd, together.sleepers).op(op.drop)
  code.get(shared).get(seen).op(op.i64Const, 0x7f).memory(op.atomicWait32, together.progress).op(op.drop)
  code.get(shared).i32(1).memory(op.i32AtomicSub, together.sleepers).op(op.drop)
  code.i32(1).set(spins)
  code.op(op.br, 0).end().end()
  code.op(op.br, 0).end().end()
  return body.bytes()
}
