/**
 * The part of a program (code.ts) that makes its samples: points are drawn as the lab draws them (worker/data/plane.ts;
 * a test holds both to the same bits), other data are read from a file that the lab saves beside the program.
 */
import type { DataSpec, PlaneSet } from './spec.ts'

/** The file with the samples of data that are not drawn. */
export const samplesFile = 'samples.safetensors'

const circleRule = `const inner = i % 2 === 0
    const [x, y] = polar(inner ? uniform(0, 2.4) : uniform(3.4, 5), uniform(0, 2 * Math.PI))
    return [x, y, inner ? 1 : 0]`

/** How each set draws point number i of `count`. */
const rules: Readonly<Record<PlaneSet, string>> = {
  circle: circleRule,
  xor: `const away = (value: number) => value + Math.sign(value) * 0.3
    const [x, y] = [away(uniform(-5, 5)), away(uniform(-5, 5))]
    return [x, y, x * y >= 0 ? 1 : 0]`,
  gaussians: `const side = i % 2 === 0 ? 2 : -2
    return [side + normal(), side + normal(), i % 2 === 0 ? 1 : 0]`,
  spiral: `const arm = i % 2
    const along = Math.floor(i / 2) / Math.max(1, count / 2)
    const [x, y] = polar(0.3 + along * 5, 1.75 * along * 2 * Math.PI + arm * Math.PI)
    return [x, y, arm]`,
  moons: `const angle = uniform(0, Math.PI)
    return i % 2 === 0
      ? [3 * Math.cos(angle) - 1.5, 3 * Math.sin(angle) - 0.8, 0]
      : [3 * Math.cos(angle + Math.PI) + 1.5, 3 * Math.sin(angle + Math.PI) + 0.8, 1]`,
  rings: `const ring = i % 3
    const [x, y] = polar(ring * 2 + uniform(0, 1.1), uniform(0, 2 * Math.PI))
    return [x, y, ring]`,
  pinwheel: `const arm = i % 5
    const radius = uniform(0.8, 5.2)
    const [x, y] = polar(radius, (arm / 5) * 2 * Math.PI + 0.28 * radius + 0.14 * normal())
    return [x, y, arm]`,
  slope: `const [x, y] = [uniform(-6, 6), uniform(-6, 6)]
    return [x, y, (x + y) / 12]`,
  hills: `const [x, y] = [uniform(-6, 6), uniform(-6, 6)]
    const hill = (cx: number, cy: number, sign: number) => sign * Math.max(0, 1 - Math.hypot(x - cx, y - cy) / 2.2)
    return [x, y, hill(-2.8, 2.6, 1) + hill(2.8, -2.6, 1) + hill(2.8, 2.6, -1) + hill(-2.8, -2.6, -1)]`,
}

const split = (
  classes: boolean,
): string => `/** The inputs of points [x, y, target], in mixed order, as a training and a test part. */
function parts(points: (readonly [number, number, number])[], features: readonly string[], testShare: number, seed: number) {
  const inputs: Record<string, (x: number, y: number) => number> = {
    x: (x) => x,
    y: (_, y) => y,
    'x²': (x) => x * x,
    'y²': (_, y) => y * y,
    xy: (x, y) => x * y,
    'sin x': (x) => Math.sin(x),
    'sin y': (_, y) => Math.sin(y),
  }
  const mixed = Array.from(data.permutation(points.length, seed), (at) => points[at])
  // Coordinates are kept in single precision before anything is made of them.
  const x = mixed.map((point) => features.map((name) => inputs[name](Math.fround(point[0]), Math.fround(point[1]))))
  const y = mixed.map(([, , target]) => ${classes ? 'target' : '[target]'})
  const count = Math.min(y.length - 1, Math.max(1, y.length - Math.round(y.length * testShare)))
  const part = (from: number, to: number) =>
    data.dataset({ x: tensor(x.slice(from, to)), y: tensor(y.slice(from, to)${classes ? ", { dtype: 'int32' }" : ''}) })
  return { train: part(0, count), test: part(count, y.length) }
}`

/** Lines that only some of the rules need. */
const polar = `
  const polar = (radius: number, angle: number) => [radius * Math.cos(angle), radius * Math.sin(angle)]`
const uniform = `
  const uniform = (low: number, high: number) => low + (high - low) * next()`

function drawing(set: PlaneSet): string {
  const rule = rules[set]
  const numbered = /\bi\b/.test(rule)
  return `interface Plane {
  set: string
  samples: number
  noise: number
  features: string[]
  testShare: number
  seed: number
}

/** Points of the plane, drawn from the seed as the lab draws them. */
function plane({ samples: count, noise, features, testShare, seed }: Plane) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }${rule.includes('uniform(') ? uniform : ''}
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())${rule.includes('polar(') ? polar : ''}
  const sample = (${numbered ? 'i: number' : ''}): number[] => {
    ${rule}
  }
  const clean = Array.from({ length: count }, ${numbered ? '(_, i) => sample(i)' : 'sample'})
  const moved = clean.map(([x, y, target]) => [x + noise * 6 * normal(), y + noise * 6 * normal(), target] as const)
  return parts(moved, features, testShare, seed)
}`
}

const painted = `/** Points that were put there by hand. */
function points(
  list: [number, number, number][],
  { features, testShare, seed }: { features: string[]; testShare: number; seed: number },
) {
  return parts(list, features, testShare, seed)
}`

const kept = `/** The samples that the lab saved beside this program, those for training first. */
async function kept(name: string, trainCount: number) {
  const { tensors } = io.parseSafetensors(await readFile(new URL(name, import.meta.url)), name)
  const part = (from: number, to?: number) =>
    data.dataset({ x: tensors.inputs.slice([[from, to]]), y: tensors.targets.slice([[from, to]]) })
  return { train: part(0, trainCount), test: part(trainCount) }
}`

export interface DataCode {
  /** The expression that gives { train, test }. */
  readonly call: string
  readonly helpers: string
  readonly drawn: boolean
}

/** `object` and `value` write literals; see code.ts. */
export function dataCode(
  spec: DataSpec,
  trainCount: number,
  classes: boolean,
  write: { object(value: object): string; value(value: unknown): string },
): DataCode {
  const { testShare, seed } = spec
  if (spec.kind === 'plane') {
    const { kind: _, ...options } = spec
    return {
      call: `plane(${write.object(options)})`,
      helpers: `${drawing(spec.set)}\n\n${split(classes)}`,
      drawn: true,
    }
  }
  if (spec.kind === 'points') {
    const options = write.object({ features: spec.features, testShare, seed })
    return {
      call: `points(${write.value(spec.points)}, ${options})`,
      helpers: `${painted}\n\n${split(true)}`,
      drawn: true,
    }
  }
  return { call: `await kept('${samplesFile}', ${trainCount})`, helpers: kept, drawn: false }
}
