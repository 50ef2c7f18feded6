/**
 * Where a NaN or an infinity began: a computation is done once more, part by part, and walked back from the first bad
 * number to the operation that made it of good ones.
 *
 * First one program computes the outputs and gradients of all modules; then only the operations around the first bad
 * one are computed singly. It changes nothing: variables keep their values, and random draws are those that the next
 * run would make. Who asks: train/fit.ts (`watch`), or `findNonFinite` from a loop of one's own.
 */
import type { TypedArray } from '../dtype.ts'
import { isFloat } from '../dtype.ts'
import { isInLoopBody } from '../graph/trace.ts'
import { realize } from '../run/realize.ts'
import type { Pass } from '../scope.ts'
import type { Storage } from '../storage.ts'
import type { Tensor } from '../tensor.ts'
import { traceOnce } from './once.ts'

/** The operation that first made a number that is none. */
export interface Origin {
  /** The module, as `blocks.0.attn`; empty outside modules. */
  readonly path: string
  /** Whether it was the output, a gradient, or the optimizer's update. */
  readonly pass: Pass
  /** The operation's name, as `log`; `data` for numbers from outside. */
  readonly op: string
  /** What it made: NaN, Infinity or -Infinity. */
  readonly value: number
  /** What it made it of, where each element comes of one number of each input. */
  readonly from: readonly number[]
  /** The first such element, and how many there are. */
  readonly position: readonly number[]
  readonly count: number
  readonly shape: readonly number[]
  /** The same in words. */
  toString(): string
}

/** How many operations of one module are looked at singly. */
const mostNodes = 512

/**
 * The origin of the first number that is not finite in what `body` computes, or undefined if there is none. `body` is
 * traced once: it must be made of tensor operations, and returns what is to be looked at (a loss, gradients).
 * `names` says what tensors from outside are called.
 *
 * ```ts
 * const origin = await findNonFinite(() => {
 *   const l = loss.crossEntropy(model.forward(x), y)
 *   return [l, ...gradients(l, model.parameters())]
 * })
 * console.log(String(origin))   // blocks.0: log(0) = -Infinity, …
 * ```
 */
export async function findNonFinite(
  body: () => readonly (Tensor | undefined)[],
  { names = new Map() }: { names?: ReadonlyMap<Tensor, string> } = {},
): Promise<Origin | undefined> {
  const stations = new Set<Tensor>()
  // A tensor of a loop's body has no single value; what comes out of the loop is looked at in its place.
  const { result: results, trace } = await traceOnce(
    () => body().flatMap((tensor) => (tensor ? [tensor.current()] : [])),
    ({ watchers, gradientWatchers }) => {
      watchers.push((_, output) => {
        if (!isInLoopBody()) stations.add(output.current())
      })
      gradientWatchers.push((tensor, gradient) => {
        if (isInLoopBody()) return
        if (stations.has(tensor) || tensor.attrs.variable !== undefined) stations.add(gradient)
      })
    },
  )
  const leaves = new Map(names)
  for (const [variable, state] of trace.states) leaves.set(state, `parameter ${variable.path}`)
  const roots = [...results, ...[...trace.assigned.values()].map((value) => value.current())].filter(({ dtype }) =>
    isFloat(dtype),
  )
  const seen = [...new Set([...stations, ...roots])].filter(({ dtype }) => isFloat(dtype)).sort((a, b) => a.id - b.id)
  await realize(...seen)
  const ends = new Set(roots.filter(isBad))
  if (ends.size === 0) return undefined
  // What is infinite on purpose (the scores of masked places) does not reach a result; NaN is nowhere on purpose.
  const first = seen.find(hasNaN) ?? seen.find((tensor) => ends.has(tensor)) ?? seen.find(isBad)
  return first && describe(await walkBack(first), leaves)
}

const numbersOf = (tensor: Tensor): TypedArray => (tensor.storage as Storage).read()
const isBad = (tensor: Tensor): boolean =>
  isFloat(tensor.dtype) && !numbersOf(tensor).every((value: number) => Number.isFinite(value))
const hasNaN = (tensor: Tensor): boolean => numbersOf(tensor).some((value: number) => Number.isNaN(value))

/** A wrapper passes its first input on; its others matter to gradients only. A loop's output is made of its inputs. */
const inputsOf = (tensor: Tensor): readonly Tensor[] => {
  if (tensor.op.kind === 'wrap') return tensor.inputs.slice(0, 1)
  return tensor.op.kind === 'output' ? tensor.inputs[0].inputs : tensor.inputs
}

/** The earliest operation that made a bad number of good ones, on the way to `start`. */
async function walkBack(start: Tensor): Promise<Tensor> {
  const visited = new Set<Tensor>([start])
  const open = [start]
  const origins: Tensor[] = []
  for (let node = open.pop(); node; node = open.pop()) {
    const inputs = inputsOf(node)
    if (inputs.some((input) => !input.storage)) await realizeAround(node)
    const bad = inputs.filter(isBad)
    if (bad.length === 0) origins.push(node)
    for (const input of bad) {
      if (visited.has(input)) continue
      visited.add(input)
      open.push(input)
    }
  }
  // A constant that is infinite is meant so, as long as something else can be the reason.
  const made = origins.filter(({ op }) => op.kind !== 'generate')
  return (made.length > 0 ? made : origins).reduce((a, b) => (a.id < b.id ? a : b))
}

/** Computes, in one program, the operations of `node`'s module and pass that lead to it, and its inputs. */
async function realizeAround(node: Tensor): Promise<void> {
  const wanted = new Set<Tensor>(inputsOf(node))
  const open = [...wanted]
  for (let next = open.pop(); next && wanted.size < mostNodes; next = open.pop()) {
    if (next.storage || next.path !== node.path || next.pass !== node.pass) continue
    for (const input of inputsOf(next)) {
      if (wanted.has(input)) continue
      wanted.add(input)
      open.push(input)
    }
  }
  await realize(...[...wanted].filter(({ storage }) => !storage))
}

const passes: Readonly<Record<Pass, string>> = {
  forward: '',
  backward: ' in the gradient',
  update: ' in the update of the optimizer',
}

function describe(node: Tensor, leaves: ReadonlyMap<Tensor, string>): Origin {
  const numbers = numbersOf(node)
  const at = numbers.findIndex((value: number) => !Number.isFinite(value))
  const value = numbers[at]
  let count = 0
  for (const each of numbers) if (!Number.isFinite(each)) count++
  let rest = at
  const position = node.shape.map((_, axis) => {
    const stride = node.shape.slice(axis + 1).reduce((a, b) => a * b, 1)
    const index = Math.floor(rest / stride)
    rest %= stride
    return index
  })
  const given = leaves.get(node)
  const from = node.op.kind === 'map' ? node.inputs.map((input) => numbersOf(input)[at]) : []
  const names: Readonly<Record<string, string>> = { leaf: 'data', output: 'scan' }
  const op = given ?? names[node.op.kind] ?? node.op.name
  const made =
    node.op.kind === 'leaf'
      ? `${op} holds ${value}`
      : `${op}${from.length > 0 ? `(${from.join(', ')})` : ''} = ${value}`
  const where = `${node.path === '' || node.op.kind === 'leaf' ? '' : `in ${node.path}`}${passes[node.pass]}`.trim()
  const place =
    node.shape.length === 0
      ? ''
      : ` at [${position.join(', ')}] of [${node.shape.join(', ')}], ${count} of ${numbers.length} elements`
  const text = `${where === '' ? '' : `${where}: `}${made}${place}`
  const { path, pass, shape } = node
  return { path, pass, op, value, from, position, count, shape, toString: () => text }
}
