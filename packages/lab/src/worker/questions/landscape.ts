/**
 * The loss surface around the weights: the loss of fixed samples at each place of a plane (or on a line) through the
 * present point, computed by the library on a copy of the network; and the way of the run, seen on that plane.
 *
 * A surface takes many forward passes, so it is computed in pieces: each call does what fits its budget and answers with
 * the finest grid that is complete. Directions: directions.ts; the way: path.ts.
 */
import { type CompiledFunction, compile, type Tensor, tensor } from 'glissade'
import { buildModel } from '../build.ts'
import { drawsFrom } from '../data/plane.ts'
import type { Live } from '../desk.ts'
import { alongWeight, coordinates, dot, filterNormalised, type Layout, principal, sizeOf } from '../directions.ts'
import { weightsOf } from '../path.ts'
import type { LandscapePlane, Questions, Stamp } from '../protocol.ts'
import { forwardOf } from '../run.ts'
import type { Answerer } from './index.ts'
import { nextStep } from './update.ts'

type Ask = Questions['landscape']['ask']
type Window = readonly [from: number, to: number]

/** The coarsest grid. Finer ones have their places between its own. */
const coarsest = 9
/** So many samples, and numbers of input, at the most. */
const mostSamples = 512
const mostNumbers = 60_000
/** More points of the way would not change its main directions. */
const pointsForDirections = 64

/** The loss of fixed samples anywhere in the space of weights. */
class Losses {
  readonly samples: number
  readonly layout: Layout
  readonly #program: CompiledFunction<[Tensor, Tensor], Tensor>
  readonly #models: readonly ReturnType<typeof buildModel>[]
  readonly #live: Live

  constructor(live: Live) {
    this.#live = live
    const { run } = live
    const numbers = sizeOf(run.data.inputShape)
    this.samples = Math.max(1, Math.min(run.data.trainCount, mostSamples, Math.floor(mostNumbers / numbers)))
    const [x, y] = [run.inputs.slice([[0, this.samples]]), run.targets.slice([[0, this.samples]])]
    const shapes = run.model.parameters().map(({ shape }) => shape)
    this.layout = { shapes, size: shapes.reduce((sum, shape) => sum + sizeOf(shape), 0) }
    // The network that is asked, and holders of numbers of the same shapes: where it stands, and two directions.
    this.#models = Array.from({ length: 4 }, () => buildModel(run.spec))
    const [moved, ...parts] = this.#models.map((model) => model.parameters())
    const [asked] = this.#models
    this.#program = compile((a: Tensor, b: Tensor) => {
      moved.forEach((parameter, i) => {
        const [center, first, second] = parts.map((each) => each[i])
        parameter.assign(center.add(first.mul(a)).add(second.mul(b)))
      })
      return run.loss(forwardOf(asked, x), y)
    })
  }

  release(): void {
    this.#program.release()
  }

  /** Where the coordinates are (0, 0), and what they count along. */
  async place(weights: Float32Array, directions: readonly Float32Array[]): Promise<void> {
    const none = new Float32Array(this.layout.size)
    const [asked, ...holders] = this.#models
    for (const [k, values] of [weights, directions[0], directions[1] ?? none].entries()) {
      let at = 0
      for (const parameter of holders[k].parameters()) {
        parameter.assign(tensor(values.slice(at, at + parameter.size), { shape: parameter.shape }))
        at += parameter.size
      }
    }
    // What is no parameter, such as the averages of a norm, is as it is in the run.
    const own = asked.namedVariables()
    const parameters = this.#live.run.model.namedParameters()
    for (const [name, variable] of this.#live.run.model.namedVariables())
      if (!parameters.has(name))
        own.get(name)?.assign(tensor(await variable.data(), { shape: variable.shape, dtype: variable.dtype }))
    asked.eval()
  }

  async at(a: number, b: number): Promise<number> {
    const number = (value: number) => tensor(Float32Array.of(value), { shape: [] })
    return (await this.#program(number(a), number(b))).item()
  }
}

/** A plane through the weights, and what is known of the losses on it. */
interface Survey {
  readonly stamp: Stamp
  readonly weights: Float32Array
  readonly directions: readonly Float32Array[]
  /** What the coordinates are at the center. */
  readonly origin: readonly number[]
  readonly windows: readonly Window[]
  readonly shares: readonly number[] | undefined
  /** Of the finest grid that was asked for; NaN where nothing is computed yet. */
  size: number
  losses: Float32Array
  /** How many places are done, in the order of `placesOf`. */
  done: number
}

/** The losses of a run, and the surfaces that were asked for last. */
interface Bench {
  readonly losses: Losses
  readonly surveys: Map<number, Survey>
}
const mostSurveys = 4

const benches = new WeakMap<Live, Bench>()

export const landscape: Answerer<'landscape'> = async (live, ask) => {
  let bench = benches.get(live)
  if (!bench) {
    bench = { losses: new Losses(live), surveys: new Map() }
    benches.set(live, bench)
    const { losses } = bench
    live.atEnd.push(() => losses.release())
  }
  const { losses, surveys } = bench
  let survey = surveys.get(ask.job)
  if (!survey) {
    survey = await surveyOf(live, losses, ask)
    surveys.set(ask.job, survey)
    for (const job of [...surveys.keys()].slice(0, -mostSurveys)) surveys.delete(job)
  }
  if (survey.size < ask.size) refine(survey, ask.size)
  await losses.place(survey.weights, survey.directions)
  const until = performance.now() + ask.budget
  const places = placesOf(survey.size, survey.directions.length)
  while (survey.done < places.length) {
    const place = places[survey.done]
    if (Number.isNaN(survey.losses[place])) {
      const [a, b] = at(survey, place)
      survey.losses[place] = await losses.at(a - survey.origin[0], survey.origin.length > 1 ? b - survey.origin[1] : 0)
    }
    survey.done++
    if (performance.now() >= until) break
  }
  const size = finestDone(survey)
  return {
    stamp: survey.stamp,
    samples: losses.samples,
    size,
    losses: thinned(survey, size),
    windows: survey.windows,
    finished: survey.done === places.length,
    ...(survey.shares && { shares: survey.shares }),
  }
}

export const landscapePath: Answerer<'landscapePath'> = async (live, { job, withNext }) => {
  const { run, probe, path } = live
  const survey = benches.get(live)?.surveys.get(job)
  if (!survey) throw new Error('There is no surface yet on which the way could be seen.')
  const now = await weightsOf(run)
  const on = (weights: ArrayLike<number>): number[] =>
    coordinates(difference(weights, survey.weights), survey.directions).map((value, i) => value + survey.origin[i])
  const axes = survey.directions.length
  const points = new Float32Array(path.points.length * axes)
  path.points.forEach(({ weights }, i) => points.set(on(weights), i * axes))
  const seen = await probe.backward()
  const gradient = await flattened(live, (name) => seen.parameters.get(name)?.data())
  return {
    stamp: run.stamp,
    steps: Int32Array.from(path.points, ({ step }) => step),
    points,
    now: on(now),
    loss: await seen.loss.item(),
    slope: survey.directions.map((direction) => dot(gradient, direction)),
    ...(withNext && { next: on(await afterStep(live)) }),
  }
}

/** All weights as they will be after the next step. */
async function afterStep(live: Live): Promise<Float32Array> {
  const recording = await nextStep(live)
  const after = new Map(recording.updates.map((update) => [update.name, update.after]))
  return flattened(live, (name, parameter) => {
    const id = after.get(name)
    return id === undefined ? parameter.data() : recording.value(id)
  })
}

type Parameter = ReturnType<Live['run']['model']['parameters']>[number]

async function flattened(
  { run }: Live,
  numbers: (name: string, parameter: Parameter) => Promise<ArrayLike<number>> | undefined,
): Promise<Float32Array> {
  const named = [...run.model.namedParameters()]
  const all = new Float32Array(named.reduce((sum, [, { size }]) => sum + size, 0))
  let from = 0
  for (const [name, parameter] of named) {
    all.set((await numbers(name, parameter)) ?? [], from)
    from += parameter.size
  }
  return all
}

async function surveyOf(live: Live, { layout }: Losses, ask: Ask): Promise<Survey> {
  const weights = await weightsOf(live.run)
  const { directions, origin, shares } = axesOf(live, layout, weights, ask.plane)
  const windows =
    ask.window ??
    ownWindows(live, weights, directions, ask.plane).map(([from, to], i): Window => {
      const [middle, half] = [(from + to) / 2 + origin[i], (to - from) / 2 / ask.zoom]
      return [middle - half, middle + half]
    })
  const axes = directions.length
  return {
    ...{ stamp: live.run.stamp, weights, directions, origin, windows, shares, size: coarsest, done: 0 },
    losses: new Float32Array(coarsest ** axes).fill(Number.NaN),
  }
}

function axesOf(
  live: Live,
  layout: Layout,
  weights: Float32Array,
  plane: LandscapePlane,
): Pick<Survey, 'directions' | 'origin' | 'shares'> {
  if (plane.kind === 'weights') {
    const places = plane.weights.map(({ name, element }) => placeOf(live, name, element))
    return {
      directions: places.map((place) => alongWeight(layout, place)),
      origin: places.map((place) => weights[place]),
      shares: undefined,
    }
  }
  const draw = drawsFrom(plane.kind === 'random' ? plane.seed : 1)
  if (plane.kind === 'random') {
    const directions = [0, 1].map(() => filterNormalised(layout, weights, draw))
    return { directions, origin: [0, 0], shares: undefined }
  }
  const { points } = live.path
  if (points.length < 3) throw new Error('There is no path yet. Train some steps, or choose other directions.')
  const every = Math.ceil(points.length / pointsForDirections)
  const some = points.filter((_, i) => i % every === 0).map((point) => point.weights)
  const { directions, shares } = principal([...some, weights], draw)
  return { directions, origin: [0, 0], shares }
}

/** Where a number of a parameter stands among all weights. */
function placeOf({ run }: Live, name: string, element: number): number {
  let from = 0
  for (const [each, { size }] of run.model.namedParameters()) {
    if (each === name && element >= 0 && element < size) return from + element
    from += size
  }
  throw new Error(`The model has no number ${element} of a parameter ${name}.`)
}

/** How far one looks where nothing is said: along random directions 1, along weights 3, and where the way has led. */
function ownWindows(
  { path }: Live,
  weights: Float32Array,
  directions: readonly Float32Array[],
  plane: LandscapePlane,
): Window[] {
  if (plane.kind !== 'path') {
    const reach = plane.kind === 'random' ? 1 : 3
    return directions.map(() => [-reach, reach])
  }
  const seen = path.points.map((point) => coordinates(difference(point.weights, weights), directions))
  const ends = directions.map((_, i): Window => {
    const along = [0, ...seen.map((place) => place[i])]
    return [Math.min(...along), Math.max(...along)]
  })
  // As wide as high, so that directions are true to scale.
  const half = 0.65 * Math.max(...ends.map(([from, to]) => to - from), 1e-3)
  return ends.map(([from, to]): Window => [(from + to) / 2 - half, (from + to) / 2 + half])
}

function difference(a: ArrayLike<number>, b: ArrayLike<number>): Float32Array {
  return Float32Array.from(a, (value, i) => value - b[i])
}

/** The coordinates of a place of the grid; rows go up. */
function at({ size, windows }: Survey, place: number): number[] {
  return windows.map(([from, to], axis) => {
    const step = axis === 0 ? place % size : Math.floor(place / size)
    return from + ((to - from) * step) / (size - 1)
  })
}

/** All places of a grid, those of coarser grids first. */
function placesOf(size: number, axes: number): number[] {
  const places: number[] = []
  const seen = new Set<number>()
  for (let stride = (size - 1) / (coarsest - 1); stride >= 1; stride /= 2)
    for (let row = 0; row < (axes > 1 ? size : 1); row += stride)
      for (let column = 0; column < size; column += stride) {
        const place = row * size + column
        if (!seen.has(place)) places.push(place)
        seen.add(place)
      }
  return places
}

/** A finer grid; what is known stays. */
function refine(survey: Survey, size: number): void {
  const axes = survey.directions.length
  const losses = new Float32Array(size ** axes).fill(Number.NaN)
  const stride = (size - 1) / (survey.size - 1)
  survey.losses.forEach((loss, i) => {
    const [column, row] = [i % survey.size, Math.floor(i / survey.size)]
    losses[row * stride * size + column * stride] = loss
  })
  survey.losses = losses
  survey.size = size
  survey.done = 0
}

/** The size of the finest grid of which every place is done. */
function finestDone({ size, done, directions }: Survey): number {
  let finest = coarsest
  for (let each = coarsest; each <= size; each = 2 * each - 1) if (done >= each ** directions.length) finest = each
  return finest
}

function thinned({ size, losses, directions }: Survey, wanted: number): Float32Array {
  const stride = (size - 1) / (wanted - 1)
  return Float32Array.from({ length: wanted ** directions.length }, (_, i) => {
    const [column, row] = [i % wanted, Math.floor(i / wanted)]
    return losses[row * stride * size + column * stride]
  })
}
