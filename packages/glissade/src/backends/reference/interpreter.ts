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
import type { Argument, Backend, Executable, Launch, Plan, Slot } from '../backend.ts'

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
    for (const launch of this.#plan.launches) this.#launch(launch, hosts)
    return undefined
  }

  async profile(storages: readonly Storage[]): Promise<Float64Array> {
    const hosts = this.#start(storages)
    return Float64Array.from(this.#plan.launches, (launch) => {
      const before = performance.now()
      this.#launch(launch, hosts)
      return performance.now() - before
    })
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

  #launch({ kernel, slots }: Launch, hosts: readonly Elements[]): void {
    const { buffers } = this.#plan.kernels[kernel]
    this.#kernels[kernel](
      slots.map((slot, i) => {
        if (slot.kind === 'argument') return hosts[slot.argument]
        const Elements = buffers[i].type === 'f32' ? Float32Array : Int32Array
        return new Elements(this.#arena, slot.offset, slot.length)
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
    launch.slots.forEach((slot, j) => {
      const { name, length } = kernel.buffers[j]
      checkSlot(slot, plan, `launch ${i} (${launch.label}), buffer ${name}`, length)
    })
  })
}

function checkSlot(slot: Slot, plan: Plan, where: string, needed: number): void {
  if (slot.kind === 'argument') {
    const argument = plan.arguments[slot.argument]
    if (!argument) throw new Error(`interpreter: ${where}: argument ${slot.argument} of ${plan.arguments.length}`)
    if (argument.length < needed)
      throw new Error(
        `interpreter: ${where}: argument ${slot.argument} has ${argument.length} elements, ${needed} are needed`,
      )
    return
  }
  const fits = slot.offset % 4 === 0 && slot.offset >= 0 && slot.offset + 4 * slot.length <= plan.arenaBytes
  if (!fits)
    throw new Error(
      `interpreter: ${where}: bytes ${slot.offset} to ${slot.offset + 4 * slot.length} of an arena of ${plan.arenaBytes}`,
    )
  if (slot.length < needed)
    throw new Error(`interpreter: ${where}: a slot of ${slot.length} elements, ${needed} are needed`)
}
