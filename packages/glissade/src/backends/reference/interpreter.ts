/**
 * A backend that interprets kernels: slow, checks every access, and needs no machine code.
 *
 * It runs exactly the plans that wasm and native run, so a wrong result here is the compiler's, and a right
 * one that another backend gets wrong is that backend's. Memory that a plan reads before it is written shows as
 * NaN. Not the definition of what an op means: that is the float64 reference. Next: kernel/interpret.ts.
 */

import { type PreparedKernel, prepareKernel } from '../../kernel/interpret.ts'
import type { Elements } from '../../kernel/interpret-expr.ts'
import type { Target } from '../../kernel/ir.ts'
import type { Storage } from '../../storage.ts'
import type { Argument, Backend, Executable, Plan, Slot } from '../backend.ts'
import { eachLaunch, movedBy, repeatsAround } from '../repeats.ts'

/** A small machine, so that blocked loops and their remainders occur at small sizes. */
const targetOf = (lanes: number): Target => ({
  lanes,
  fma: true,
  tile: { rows: 4, vectors: 2 },
  l1: 32 * 1024,
  l2: 256 * 1024,
})

/** Every byte of a float32 NaN and of the int32 -1: what unwritten memory holds. */
const unwritten = 0xff

/** The interpreter as a backend, for vectors of `lanes` elements. One thread; every run is done when `run` returns. */
export function interpreterBackend(lanes = 4): Backend {
  const live = new Set<{ readonly bytes: number }>()
  return {
    name: 'interpreter',
    target: targetOf(lanes),
    threads: 1,
    description: `interpreter, vectors of ${lanes} elements, 1 thread`,
    async compile(plan) {
      const executable = new InterpretedPlan(plan, (held) => live.delete(held))
      live.add(executable)
      return executable
    },
    memory() {
      let arenas = 0
      for (const { bytes } of live) arenas += bytes
      return { resident: 0, arenas }
    },
    async dispose() {
      live.clear()
    },
  }
}

class InterpretedPlan implements Executable {
  readonly bytes: number
  #plan: Plan
  #kernels: PreparedKernel[]
  #arena: ArrayBuffer
  #released: (held: InterpretedPlan) => void

  constructor(plan: Plan, released: (held: InterpretedPlan) => void) {
    checkPlan(plan)
    this.#plan = plan
    this.#released = released
    this.#kernels = plan.kernels.map((kernel, i) => {
      const label = plan.launches.find((launch) => launch.kernel === i)?.label
      return prepareKernel(kernel, { name: label ? `${kernel.kind} ${label}` : kernel.kind })
    })
    this.bytes = plan.arenaBytes
    this.#arena = new ArrayBuffer(plan.arenaBytes)
  }

  run(storages: readonly Storage[]): undefined {
    const hosts = this.#start(storages)
    eachLaunch(this.#plan, (launch, turns) => this.#launch(launch, turns, hosts))
    return undefined
  }

  async profile(storages: readonly Storage[]): Promise<Float64Array> {
    const hosts = this.#start(storages)
    const times = new Float64Array(this.#plan.launches.length)
    eachLaunch(this.#plan, (launch, turns) => {
      const before = performance.now()
      this.#launch(launch, turns, hosts)
      times[launch] += performance.now() - before
    })
    return times
  }

  release(): void {
    this.#arena = new ArrayBuffer(0)
    this.#kernels = []
    this.#released(this)
  }

  #start(storages: readonly Storage[]): Elements[] {
    const wanted = this.#plan.arguments
    if (storages.length !== wanted.length)
      throw new Error(`interpreter: got ${storages.length} storages, the plan has ${wanted.length} arguments`)
    new Uint8Array(this.#arena).fill(unwritten)
    return wanted.map((argument, i) => elementsOf(argument, storages[i], i))
  }

  #launch(launch: number, turns: readonly number[], hosts: readonly Elements[]): void {
    const { kernel, slots } = this.#plan.launches[launch]
    const { buffers } = this.#plan.kernels[kernel]
    this.#kernels[kernel](
      slots.map((slot, i) => {
        const moved = movedBy(slot, turns)
        if (slot.kind === 'argument') {
          const host = hosts[slot.argument]
          if (slot.start === undefined && !slot.moves) return host
          const start = (slot.start ?? 0) + moved
          return host.subarray(start, start + buffers[i].length)
        }
        const Elements = buffers[i].type === 'f32' ? Float32Array : Int32Array
        return new Elements(this.#arena, slot.offset + 4 * moved, slot.length)
      }),
    )
  }
}

function elementsOf(argument: Argument, storage: Storage, i: number): Elements {
  if (storage.dtype !== argument.dtype || storage.length !== argument.length) {
    throw new Error(
      `interpreter: argument ${i} is ${storage.dtype}[${storage.length}], the plan wants ${argument.dtype}[${argument.length}]`,
    )
  }
  const array = argument.role === 'input' ? storage.read() : storage.host()
  if (argument.role === 'output') new Uint8Array(array.buffer, array.byteOffset, array.byteLength).fill(unwritten)
  return array as Elements
}

function checkPlan(plan: Plan): void {
  plan.arguments.forEach(({ dtype }, i) => {
    if (dtype === 'float64')
      throw new Error(`interpreter: argument ${i} is float64, which only the reference backend computes`)
  })
  plan.launches.forEach((launch, i) => {
    const kernel = plan.kernels[launch.kernel]
    if (!kernel)
      throw new Error(
        `interpreter: launch ${i} (${launch.label}) names kernel ${launch.kernel} of ${plan.kernels.length}`,
      )
    if (launch.slots.length !== kernel.buffers.length) {
      throw new Error(
        `interpreter: launch ${i} (${launch.label}) has ${launch.slots.length} slots, its kernel has ${kernel.buffers.length} buffers`,
      )
    }
    const around = repeatsAround(plan.repeats ?? [], i)
    launch.slots.forEach((slot, j) => {
      const { name, length } = kernel.buffers[j]
      const where = `launch ${i} (${launch.label}), buffer ${name}`
      if (slot.moves?.some(({ repeat }) => !around.includes(repeat)))
        throw new Error(`interpreter: ${where} moves with a loop that the launch is not in`)
      checkSlot(slot, plan, where, length)
    })
  })
}

/** The least and the greatest number of elements by which a buffer moves. */
function reachOf({ moves = [] }: Slot, plan: Plan): [least: number, greatest: number] {
  let [least, greatest] = [0, 0]
  for (const { repeat, first, step, rows, stride } of moves) {
    const { count } = (plan.repeats ?? [])[repeat]
    const places = Array.from({ length: Math.min(count, rows) }, (_, turn) => ((first + turn * step) % rows) * stride)
    least += Math.min(...places)
    greatest += Math.max(...places)
  }
  return [least, greatest]
}

function checkSlot(slot: Slot, plan: Plan, where: string, needed: number): void {
  const [least, greatest] = reachOf(slot, plan)
  if (slot.kind === 'argument') {
    const argument = plan.arguments[slot.argument]
    if (!argument) throw new Error(`interpreter: ${where}: argument ${slot.argument} of ${plan.arguments.length}`)
    const start = slot.start ?? 0
    if (start + least < 0 || argument.length < start + greatest + needed)
      throw new Error(
        `interpreter: ${where}: argument ${slot.argument} has ${argument.length} elements, ${needed} are needed${start + greatest > 0 ? ` from ${start + least} to ${start + greatest} on` : ''}`,
      )
    return
  }
  const fits =
    slot.offset % 4 === 0 &&
    slot.offset + 4 * least >= 0 &&
    slot.offset + 4 * (slot.length + greatest) <= plan.arenaBytes
  if (!fits)
    throw new Error(
      `interpreter: ${where}: bytes ${slot.offset} to ${slot.offset + 4 * slot.length} of an arena of ${plan.arenaBytes}`,
    )
  if (slot.length < needed)
    throw new Error(`interpreter: ${where}: a slot of ${slot.length} elements, ${needed} are needed`)
}
