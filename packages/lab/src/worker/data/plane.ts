/**
 * Points of the plane: drawn from a rule, or put there by hand.
 *
 * The rules are those that people know from other playgrounds (circle, xor, gaussians, spiral) and some with more than
 * two classes or with numbers instead of classes; all lie within -6 and 6. Draws come from the seed alone.
 */
import { data as library } from 'glissade'
import type { DataSpec, PlaneData, PlaneFeature, PlaneSet, PointsData } from '../../spec/spec.ts'
import { type LabData, trainCountOf } from './data.ts'

/** Half the side of the plane that is shown. */
export const reach = 6

const features: Readonly<Record<PlaneFeature, (x: number, y: number) => number>> = {
  x: (x) => x,
  y: (_, y) => y,
  'x²': (x) => x * x,
  'y²': (_, y) => y * y,
  xy: (x, y) => x * y,
  'sin x': (x) => Math.sin(x),
  'sin y': (_, y) => Math.sin(y),
}

/** Numbers from 0 to 1 and normal ones, one after the other, from a seed. */
export interface Draw {
  uniform(low: number, high: number): number
  normal(): number
}

type Sampler = (draw: Draw, index: number, count: number) => readonly [x: number, y: number, target: number]

interface Rule {
  /** How many classes; 0: the target is a number. */
  readonly classes: number
  readonly sample: Sampler
}

const polar = (radius: number, angle: number): [number, number] => [radius * Math.cos(angle), radius * Math.sin(angle)]

/** What a point is, by where it lies, among points spread evenly. */
const evenly =
  (target: (x: number, y: number) => number): Sampler =>
  (draw) => {
    const [x, y] = [draw.uniform(-reach, reach), draw.uniform(-reach, reach)]
    return [x, y, target(x, y)]
  }

const rules: Readonly<Record<PlaneSet, Rule>> = {
  circle: {
    classes: 2,
    sample: (draw, i) => {
      const inner = i % 2 === 0
      const [x, y] = polar(inner ? draw.uniform(0, 2.4) : draw.uniform(3.4, 5), draw.uniform(0, 2 * Math.PI))
      return [x, y, inner ? 1 : 0]
    },
  },
  xor: {
    classes: 2,
    sample: (draw) => {
      const away = (): number => {
        const value = draw.uniform(-5, 5)
        // A gap along the axes, so that the classes do not touch.
        return value + Math.sign(value) * 0.3
      }
      const [x, y] = [away(), away()]
      return [x, y, x * y >= 0 ? 1 : 0]
    },
  },
  gaussians: {
    classes: 2,
    sample: (draw, i) => {
      const side = i % 2 === 0 ? 2 : -2
      return [side + draw.normal(), side + draw.normal(), i % 2 === 0 ? 1 : 0]
    },
  },
  spiral: {
    classes: 2,
    sample: (_, i, count) => {
      const arm = i % 2
      const along = Math.floor(i / 2) / Math.max(1, count / 2)
      const [x, y] = polar(0.3 + along * 5, 1.75 * along * 2 * Math.PI + arm * Math.PI)
      return [x, y, arm]
    },
  },
  moons: {
    classes: 2,
    sample: (draw, i) => {
      const angle = draw.uniform(0, Math.PI)
      return i % 2 === 0
        ? [3 * Math.cos(angle) - 1.5, 3 * Math.sin(angle) - 0.8, 0]
        : [3 * Math.cos(angle + Math.PI) + 1.5, 3 * Math.sin(angle + Math.PI) + 0.8, 1]
    },
  },
  rings: {
    classes: 3,
    sample: (draw, i) => {
      const ring = i % 3
      const [x, y] = polar(ring * 2 + draw.uniform(0, 1.1), draw.uniform(0, 2 * Math.PI))
      return [x, y, ring]
    },
  },
  pinwheel: {
    classes: 5,
    sample: (draw, i) => {
      const arm = i % 5
      const radius = draw.uniform(0.8, 5.2)
      const [x, y] = polar(radius, (arm / 5) * 2 * Math.PI + 0.28 * radius + 0.14 * draw.normal())
      return [x, y, arm]
    },
  },
  slope: { classes: 0, sample: evenly((x, y) => (x + y) / (2 * reach)) },
  hills: {
    classes: 0,
    sample: evenly((x, y) => {
      const hill = (cx: number, cy: number, sign: number): number =>
        sign * Math.max(0, 1 - Math.hypot(x - cx, y - cy) / 2.2)
      return hill(-2.8, 2.6, 1) + hill(2.8, -2.6, 1) + hill(2.8, 2.6, -1) + hill(-2.8, -2.6, -1)
    }),
  },
}

/** Draws that depend on the seed alone: mulberry32 (T. Ettinger), and normal numbers by Box and Muller. */
export function drawsFrom(seed: number): Draw {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    uniform: (low, high) => low + (high - low) * next(),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  }
}

/** The points of a rule: [x, y, target] each, in mixed order. */
function drawn({ set, samples, noise, seed }: PlaneData & { seed: number }): (readonly [number, number, number])[] {
  const draw = drawsFrom(seed)
  const clean = Array.from({ length: samples }, (_, i) => rules[set].sample(draw, i, samples))
  const moved = clean.map(
    ([x, y, target]) => [x + noise * reach * draw.normal(), y + noise * reach * draw.normal(), target] as const,
  )
  return Array.from(library.permutation(samples, seed), (at) => moved[at])
}

export function planeData(spec: DataSpec & (PlaneData | PointsData)): LabData {
  const signs = spec.kind === 'plane' && spec.signs === true && rules[spec.set].classes === 2
  const all =
    spec.kind === 'plane'
      ? drawn(spec).map(([x, y, target]) => [x, y, signs ? 2 * target - 1 : target] as const)
      : Array.from(library.permutation(spec.points.length, spec.seed), (at) => spec.points[at])
  const classes = signs
    ? 0
    : spec.kind === 'plane'
      ? rules[spec.set].classes
      : Math.max(2, ...all.map(([, , c]) => c + 1))
  const points = Float32Array.from(all.flatMap(([x, y]) => [x, y] as const))
  const given = spec.features.map((name) => features[name])
  const fromPlane = (places: Float32Array): Float32Array => {
    const inputs = new Float32Array((places.length / 2) * given.length)
    for (let i = 0; i < places.length / 2; i++) {
      for (let k = 0; k < given.length; k++) inputs[i * given.length + k] = given[k](places[2 * i], places[2 * i + 1])
    }
    return inputs
  }
  const targets = all.map(([, , target]) => target)
  const trainCount = trainCountOf(all.length, spec)
  return {
    task: classes > 0 ? 'class' : 'number',
    inputs: fromPlane(points),
    inputShape: [given.length],
    targets: classes > 0 ? Int32Array.from(targets) : Float32Array.from(targets),
    targetShape: classes > 0 ? [] : [1],
    trainCount,
    testCount: all.length - trainCount,
    labels: Array.from({ length: classes }, (_, i) => String.fromCharCode(65 + i)),
    features: spec.features,
    points,
    fromPlane,
  }
}
