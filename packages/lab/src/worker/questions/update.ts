/**
 * What the next step will do to one weight: the optimizer's own arithmetic, read from a recording of the step.
 *
 * It knows no optimizer by name. From the new value it goes back through the recorded operations to numbers that were
 * given: the weight, its gradient, what the optimizer remembers, and the rule's numbers of this step.
 */
import { type Recording, record, take, tensor } from 'glissade'
import type { Live } from '../desk.ts'
import type { UpdateLine, UpdateNode } from '../protocol.ts'
import { forwardOf } from '../run.ts'
import type { Answerer } from './index.ts'
import { remembered } from './remembered.ts'

export const update: Answerer<'update'> = async (live, { name, element }) => {
  const { run } = live
  const recording = await nextStep(live)
  const own = recording.updates.filter((each) => each.name === name || slotOf(each.name, name) !== undefined)
  const weight = own.find((each) => each.name === name)
  if (!weight) throw new Error(`The next step does not change ${name}: it is not trained.`)
  const slots = own.filter((each) => each !== weight)
  const reader = new Reader(recording, recording.operations[weight.before].shape.join())
  reader.call(weight.before, 'weight')
  for (const slot of slots) reader.call(slot.before, slotOf(slot.name, name) as string)
  const lines: UpdateLine[] = []
  for (const { name: full, before, after } of [...slots, weight]) {
    const line = slotOf(full, name) ?? 'weight'
    const root = await reader.node(after, element)
    lines.push({
      name: line,
      before: await reader.value(before, element),
      after: await reader.value(after, element),
      root,
    })
    // What comes later refers to it by its name.
    if (before !== after) reader.call(after, `${line} next`)
  }
  return { stamp: run.stamp, optimizer: run.optimizer.name, nodes: reader.nodes, lines }
}

/** A recording of the whole next step; variables keep their values. */
export function nextStep(live: Live): Promise<Recording> {
  const { run } = live
  return remembered(live, 'next step', '', async () => {
    const at = tensor(run.nextBatch())
    const [x, y] = [take(run.inputs, at, 0), take(run.targets, at, 0)]
    await Promise.all([x.realized(), y.realized()])
    return run.withDraws(() =>
      record(() => {
        run.model.train()
        const loss = run.loss(forwardOf(run.model, x), y)
        run.optimizer.minimize(loss)
        return loss
      }),
    )
  })
}

/** `m` for the slot `fc.weight.m` of `fc.weight`. */
function slotOf(full: string, name: string): string | undefined {
  const slot = full.startsWith(`${name}.`) ? full.slice(name.length + 1) : undefined
  return slot?.includes('.') ? undefined : slot
}

/** Turns operations of a recording into nodes, each once. */
class Reader {
  readonly nodes: UpdateNode[] = []
  readonly #recording: Recording
  readonly #shape: string
  readonly #called = new Map<number, string>()
  readonly #known = new Map<string, number>()
  readonly #values = new Map<number, ArrayLike<number>>()

  constructor(recording: Recording, shape: string) {
    this.#recording = recording
    this.#shape = shape
  }

  /** From now on an operation is given, by this name. */
  call(id: number, name: string): void {
    this.#called.set(id, name)
    this.#known.delete(String(id))
  }

  async value(id: number, element: number): Promise<number> {
    let values = this.#values.get(id)
    if (!values) {
      values = await this.#recording.value(id)
      this.#values.set(id, values)
    }
    return values[values.length === 1 ? 0 : element]
  }

  /** The place in the list of one element of an operation. */
  async node(id: number, element: number): Promise<number> {
    const known = this.#known.get(String(id))
    if (known !== undefined) return known
    const at = await this.#made(id, element)
    this.#known.set(String(id), at)
    return at
  }

  async #made(id: number, element: number): Promise<number> {
    const { op, kind, inputs, names, pass, shape } = this.#recording.operations[id]
    const called = this.#called.get(id)
    const value = await this.value(id, element)
    const given = (name?: string): number =>
      this.nodes.push({ op: 'given', inputs: [], value, ...(name && { name }) }) - 1
    if (called !== undefined) return given(called)
    if (kind === 'constant') return this.nodes.push({ op: 'constant', inputs: [], value }) - 1
    const sizes = inputs.map((input) => this.#recording.operations[input].shape)
    const isOne = (sizes: readonly number[]): boolean => sizes.every((n) => n === 1)
    // A number for all elements, moved to where the elements are.
    if (kind === 'movement' && pass === 'update' && isOne(sizes[0])) return this.node(inputs[0], 0)
    if (kind === 'same' && pass === 'update' && sizes[0].join() === shape.join()) return this.node(inputs[0], element)
    const isAlone = kind === 'elementwise' && sizes.every((each) => isOne(each) || each.join() === shape.join())
    if (pass === 'update' && isAlone) {
      const parts: number[] = []
      for (const input of inputs) parts.push(await this.node(input, element))
      return this.nodes.push({ op, inputs: parts, value }) - 1
    }
    const isGradient = pass !== 'update' && inputs.length > 0 && shape.join() === this.#shape
    return given(isGradient ? 'gradient' : (names.find((name) => name !== '') ?? op))
  }
}
