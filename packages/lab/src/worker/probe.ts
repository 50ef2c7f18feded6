/**
 * Looking into a run without changing it: outputs of all modules for some inputs, and the gradients of the next step.
 *
 * Everything is computed by the library's own programs on the run's own weights; random draws (dropout) are those that
 * the next step will make, and do not count as made. Gradients are those of the batch that the next step learns from,
 * so that the step changes weights by exactly what is shown.
 */
import { compile, gradients, observe, type Tensor, take, tensor } from 'glissade'
import { forwardOf, type Run } from './run.ts'

export type Values = ReadonlyMap<string, Tensor>

export interface Seen {
  readonly output: Tensor
  /** By module name. */
  readonly values: Values
}

/** What a module is given: whose outputs, or what was computed of them ('' is the network's input), and its shape. */
export interface Source {
  readonly from: readonly string[]
  readonly shape: readonly number[]
}

export interface SeenInside extends Seen {
  /** What modules were given, by name. */
  readonly inputs: Values
}

export interface SeenBackward {
  readonly loss: Tensor
  readonly values: Values
  /** Of the loss, with respect to what the modules gave back. */
  readonly slopes: Values
  /** Of the loss, by parameter name. */
  readonly parameters: Values
}

export class Probe {
  readonly #run: Run
  readonly #forward: (x: Tensor) => Promise<{ output: Tensor; values: Record<string, Tensor> }>
  readonly #backward: (
    x: Tensor,
    y: Tensor,
  ) => Promise<{
    loss: Tensor
    values: Record<string, Tensor>
    slopes: Record<string, Tensor>
    parameters: Record<string, Tensor>
  }>
  readonly #inside: (
    x: Tensor,
  ) => Promise<{ output: Tensor; values: Record<string, Tensor>; inputs: Record<string, Tensor> }>
  readonly #score: (x: Tensor, y: Tensor) => Promise<{ loss: Tensor; output: Tensor }>
  readonly #releases: (() => void)[]
  #order: readonly string[] = []
  #sources: ReadonlyMap<string, Source> = new Map()
  #kept: { step: number; seen: Promise<SeenBackward> } | undefined

  constructor(run: Run) {
    this.#run = run
    const { model, loss } = run
    const forward = compile((x: Tensor) => {
      const { result, values, inputs, order } = observe(model, () => forwardOf(model, x))
      this.#order = order
      this.#sources = sourcesOf(x, values, inputs, order)
      return { output: result, values: { ...values } }
    })
    const inside = compile((x: Tensor) => {
      const { result, values, inputs } = observe(model, () => forwardOf(model, x))
      return { output: result, values: { ...values }, inputs: { ...inputs } }
    })
    const backward = compile((x: Tensor, y: Tensor) => {
      const names = [...model.namedParameters()].filter(([, parameter]) => parameter.trainable)
      const {
        result,
        values,
        gradients: slopes,
      } = observe(model, () => {
        const found = loss(forwardOf(model, x), y)
        const each = gradients(
          found,
          names.map(([, parameter]) => parameter),
        )
        return { loss: found, parameters: Object.fromEntries(names.map(([name], i) => [name, each[i] as Tensor])) }
      })
      return { ...result, values: { ...values }, slopes: { ...slopes } }
    })
    const score = compile((x: Tensor, y: Tensor) => {
      const output = forwardOf(model, x)
      return { loss: loss(output, y), output }
    })
    this.#forward = forward
    this.#inside = inside
    this.#backward = backward
    this.#score = score
    this.#releases = [() => forward.release(), () => inside.release(), () => backward.release(), () => score.release()]
  }

  /** What the network makes of inputs, as in use (without dropout). x: [B, …inputShape] */
  async forward(x: Tensor): Promise<Seen> {
    const { output, values } = await this.#inUse(() => this.#forward(x))
    return { output, values: new Map(Object.entries(values)) }
  }

  /** The same, and what each module was given. */
  async inside(x: Tensor): Promise<SeenInside> {
    const { output, values, inputs } = await this.#inUse(() => this.#inside(x))
    return { output, values: new Map(Object.entries(values)), inputs: new Map(Object.entries(inputs)) }
  }

  /**
   * Begins `work` with the model as in use. A compiled function takes the mode from its call, so it is training again at
   * once: what mode a model is left in counts for the programs of all runs.
   */
  #inUse<T>(work: () => Promise<T>): Promise<T> {
    this.#run.model.eval()
    const done = work()
    this.#run.model.train()
    return done
  }

  /** The names of all outputs in the order in which they were given back, after a `forward`. */
  get order(): readonly string[] {
    return this.#order
  }

  /** By the name of a module: what it was given, after a `forward`. */
  get sources(): ReadonlyMap<string, Source> {
    return this.#sources
  }

  /** Loss and outputs on inputs, as in use. */
  async score(x: Tensor, y: Tensor): Promise<{ loss: number; output: Tensor }> {
    const { loss, output } = await this.#inUse(() => this.#score(x, y))
    return { loss: await loss.item(), output }
  }

  /** The batch of the next step, forward and backward, as in training. Kept until a step is made. */
  backward(): Promise<SeenBackward> {
    const { step, inputs, targets } = this.#run
    if (this.#kept?.step !== step) {
      const at = tensor(this.#run.nextBatch())
      this.#kept = { step, seen: this.backwardOf(take(inputs, at, 0), take(targets, at, 0)) }
    }
    return this.#kept.seen
  }

  /** The same for inputs and targets of one's own. */
  backwardOf(x: Tensor, y: Tensor): Promise<SeenBackward> {
    return this.#run.withDraws(async () => {
      this.#run.model.train()
      const seen = await this.#backward(await realizedCopy(x), await realizedCopy(y))
      return {
        loss: seen.loss,
        values: new Map(Object.entries(seen.values)),
        slopes: new Map(Object.entries(seen.slopes)),
        parameters: new Map(Object.entries(seen.parameters)),
      }
    })
  }

  /** Forgets what was kept: weights changed by something else than a step. */
  forget(): void {
    this.#kept = undefined
  }

  release(): void {
    for (const release of this.#releases) release()
  }
}

/** The tensor that a module gave back: itself, or the one called `output` among several. */
export function givenBack(values: Values, module: string): Tensor | undefined {
  return values.get(module) ?? values.get(module === '' ? 'output' : `${module}.output`)
}

/** For each module's input: the outputs it is, or was computed from by what stands outside of all modules. */
function sourcesOf(
  x: Tensor,
  values: Readonly<Record<string, Tensor>>,
  inputs: Readonly<Record<string, Tensor>>,
  order: readonly string[],
): ReadonlyMap<string, Source> {
  const givers = new Map<Tensor, string[]>([[x, ['']]])
  for (const [name, value] of Object.entries(values)) givers.set(value, [...(givers.get(value) ?? []), name])
  const from = (start: Tensor): string[] => {
    const found = new Set<string>()
    const seen = new Set<Tensor>()
    const left = [start]
    for (let tensor = left.pop(); tensor; tensor = left.pop()) {
      if (seen.has(tensor)) continue
      seen.add(tensor)
      const known = givers.get(tensor)
      if (known) for (const name of known) found.add(name)
      else left.push(...tensor.inputs)
    }
    return [...found]
  }
  // What gives back its input (dropout in use) has the same tensor as its source, which is neither it nor what follows.
  const doneAt = (name: string): number => {
    const at = order.indexOf(name)
    return at >= 0 ? at : order.findLastIndex((each) => each.startsWith(`${name}.`))
  }
  const isBefore = (source: string, name: string): boolean =>
    source === '' || !(source === name || source.startsWith(`${name}.`) || order.indexOf(source) > doneAt(name))
  return new Map(
    Object.entries(inputs).map(([name, tensor]) => [
      name,
      { from: name === '' ? [''] : from(tensor).filter((source) => isBefore(source, name)), shape: tensor.shape },
    ]),
  )
}

/** The numbers of a lazy tensor, so that the program takes them as they are. */
async function realizedCopy(x: Tensor): Promise<Tensor> {
  await x.realized()
  return x
}
