/**
 * Index algebra against brute force: random sums, products, divisions and remainders of loop variables, evaluated at
 * every value of the variables, as symbols, as words of the loop language, and by plain arithmetic.
 */
import { describe, expect, it } from 'vitest'
import { indexScalar } from '../../src/compile/address.ts'
import {
  type Atom,
  addIndex,
  type Condition,
  constantIndex,
  divIndex,
  type Index,
  isAffine,
  modIndex,
  scaleIndex,
  stepOf,
  substitute,
  symbols,
  variableIndex,
  variablesOf,
  varies,
} from '../../src/compile/symbolic.ts'
import type { Expr } from '../../src/kernel/ir.ts'
import { flatten, unflatten } from '../../src/ops/move.ts'
import { generator } from '../opinfo/common.ts'

/** Values of the variables. */
type Point = Readonly<Record<string, number>>

/** An index both ways: as symbols, and as a function of the point by definition. */
interface Pair {
  readonly index: Index
  readonly at: (point: Point) => number
  readonly text: string
}

const sizes: Readonly<Record<string, number>> = { a: 2, b: 3, c: 4, d: 5, e: 1 }
const points: readonly Point[] = Object.entries(sizes).reduce<Point[]>(
  (known, [name, size]) =>
    known.flatMap((point) => Array.from({ length: size }, (_, value) => ({ ...point, [name]: value }))),
  [{}],
)
const floorMod = (x: number, by: number): number => x - by * Math.floor(x / by)

const leafPair = (name: string): Pair => ({
  index: variableIndex(name, sizes[name]),
  at: (point) => point[name],
  text: name,
})
const constantPair = (value: number): Pair => ({ index: constantIndex(value), at: () => value, text: String(value) })
const addPair = (x: Pair, y: Pair): Pair => ({
  index: addIndex(x.index, y.index),
  at: (p) => x.at(p) + y.at(p),
  text: `(${x.text} + ${y.text})`,
})
const scalePair = (x: Pair, by: number): Pair => ({
  index: scaleIndex(x.index, by),
  at: (p) => x.at(p) * by,
  text: `${by} ${x.text}`,
})
const divPair = (x: Pair, by: number): Pair => ({
  index: divIndex(x.index, by),
  at: (p) => Math.floor(x.at(p) / by),
  text: `(${x.text} div ${by})`,
})
const modPair = (x: Pair, by: number): Pair => ({
  index: modIndex(x.index, by),
  at: (p) => floorMod(x.at(p), by),
  text: `(${x.text} mod ${by})`,
})

function randomPair(next: () => number, depth: number): Pair {
  const below = (n: number): number => Math.floor(next() * n)
  if (depth === 0) return next() < 0.8 ? leafPair('abcde'[below(5)]) : constantPair(below(9) - 4)
  const x = randomPair(next, depth - 1)
  switch (below(7)) {
    case 0:
    case 1:
      return addPair(x, randomPair(next, depth - 1))
    case 2:
      return scalePair(x, [-3, -1, 0, 1, 2, 3, 4, 6, 12][below(9)])
    case 3:
      return divPair(x, [1, 2, 3, 4, 6, 8, 12][below(7)])
    case 4:
      return modPair(x, [1, 2, 3, 4, 6, 8, 12][below(7)])
    case 5: {
      // Nearly apart and together: must not come out as what it was.
      const by = [2, 3, 4, 6][below(4)]
      return addPair(
        scalePair(divPair(x, by), [1, 2, 3, 12][below(4)]),
        scalePair(modPair(x, by), [1, 2, -1][below(3)]),
      )
    }
    default: {
      // Apart and together again: must come out as what it was.
      const by = [2, 3, 4, 6][below(4)]
      return addPair(scalePair(divPair(x, by), by), modPair(x, by))
    }
  }
}

/** The value of symbols by their definition. */
function meaningOf(index: Index, point: Point): number {
  const atom = (each: Atom): number => {
    if (each.kind === 'variable') return point[each.key]
    if (each.kind === 'dynamic') throw new Error('no dynamic atoms here')
    const of = meaningOf(each.of, point)
    return each.kind === 'div' ? Math.floor(of / each.by) : floorMod(of, each.by)
  }
  return index.terms.reduce((sum, { atom: each, factor }) => sum + factor * atom(each), index.constant)
}

/** The value of words, by the rules of the machine: division and remainder round towards 0. */
function wordValue(expr: Expr, point: Point): number {
  if (expr.op === 'const') return expr.value
  if (expr.op === 'var') return point[expr.name]
  if (expr.op !== 'binary') throw new Error(`no ${expr.op} in an address`)
  const [a, b] = [wordValue(expr.a, point), wordValue(expr.b, point)]
  switch (expr.fn) {
    case 'add':
      return a + b
    case 'sub':
      return a - b
    case 'mul':
      return a * b
    case 'div':
      return Math.trunc(a / b)
    case 'mod':
      return a % b
    default:
      throw new Error(`no ${expr.fn} in an address`)
  }
}

const pairs = (seed: number, count: number, depth: number): Pair[] => {
  const next = generator(seed)
  return Array.from({ length: count }, () => randomPair(next, 1 + Math.floor(next() * depth)))
}
const all = [...pairs(1, 400, 3), ...pairs(2, 300, 5)]

/** What `check` finds wrong at any point of any pair, the first few. */
function wrong(check: (pair: Pair, point: Point) => string | undefined): string[] {
  const found: string[] = []
  for (const pair of all) {
    for (const point of points) {
      const problem = check(pair, point)
      if (!problem) continue
      found.push(`${pair.text} = ${pair.index.key} at ${JSON.stringify(point)}: ${problem}`)
      break
    }
    if (found.length > 5) break
  }
  return found
}

describe('random indices', () => {
  it('are what they mean', () => {
    expect(
      wrong(({ index, at }, point) =>
        meaningOf(index, point) === at(point) ? undefined : `${meaningOf(index, point)} instead of ${at(point)}`,
      ),
    ).toEqual([])
  })

  it('are what they mean on a machine that divides towards 0', () => {
    const words = new Map(all.map(({ index }) => [index, indexScalar(index)]))
    const check = ({ index, at }: Pair, point: Point): string | undefined => {
      const value = wordValue(words.get(index) as Expr, point)
      return value === at(point) ? undefined : `${value} instead of ${at(point)}`
    }
    expect(wrong(check)).toEqual([])
  })

  it('stay in the range that they claim', () => {
    expect(
      wrong(({ index, at }, point) =>
        at(point) >= index.low && at(point) <= index.high
          ? undefined
          : `${at(point)} is not ${index.low} to ${index.high}`,
      ),
    ).toEqual([])
  })

  it('are equal where their keys are', () => {
    const known = new Map<string, Pair>()
    const differing: string[] = []
    for (const pair of all) {
      const twin = known.get(pair.index.key)
      if (twin && points.some((point) => twin.at(point) !== pair.at(point)))
        differing.push(`${twin.text} and ${pair.text}`)
      known.set(pair.index.key, pair)
    }
    expect(differing).toEqual([])
    // The test would prove nothing if hardly any keys met.
    expect(known.size).toBeLessThan(all.length * 0.9)
  })

  it('take the step that they claim with each variable, and vary with no other', () => {
    const steps = ({ index, at }: Pair, point: Point): string | undefined => {
      for (const [name, size] of Object.entries(sizes)) {
        if (point[name] + 1 >= size) continue
        const difference = at({ ...point, [name]: point[name] + 1 }) - at(point)
        const step = stepOf(index, name)
        if (step !== undefined && step !== difference) return `a step of ${difference} with ${name}, not ${step}`
        if (difference !== 0 && !varies(index, name)) return `varies with ${name}`
        if (difference !== 0 && !variablesOf(index).has(name)) return `depends on ${name}`
      }
      return undefined
    }
    expect(wrong(steps)).toEqual([])
  })

  it('keep their meaning when variables are replaced', () => {
    const next = generator(3)
    for (const { index, at, text } of all.slice(0, 200)) {
      const inner = randomPair(next, 2)
      const replaced = substitute(index, (name) =>
        name === 'b' ? modIndex(inner.index, 3) : variableIndex(name, sizes[name]),
      )
      const bad = points.find(
        (point) => meaningOf(replaced, point) !== at({ ...point, b: floorMod(inner.at(point), 3) }),
      )
      expect(bad && `${text} with b = ${inner.text} mod 3 at ${JSON.stringify(bad)}`).toBeUndefined()
    }
  })

  it('meet conditions where they do', () => {
    const holds = (condition: Condition, point: Point): boolean => {
      if (typeof condition === 'boolean') return condition
      const value = meaningOf(condition.index, point)
      return condition.kind === 'within'
        ? value >= condition.from && value < condition.to
        : floorMod(value, condition.by) === 0
    }
    const next = generator(4)
    let decided = 0
    for (const { index, at, text } of all) {
      const from = Math.floor(next() * 8) - 4
      const to = from + Math.floor(next() * 6)
      const by = 1 + Math.floor(next() * 5)
      const within = symbols.within(index, from, to)
      const divides = symbols.divides(by, index)
      if (typeof within === 'boolean') decided++
      const bad = points.find((point) => {
        const value = at(point)
        return (
          holds(within, point) !== (value >= from && value < to) ||
          holds(divides, point) !== (floorMod(value, by) === 0)
        )
      })
      expect(bad && `${text} within ${from} to ${to}, divided by ${by}, at ${JSON.stringify(bad)}`).toBeUndefined()
    }
    expect(decided).toBeGreaterThan(all.length / 10)
  })
})

describe('what must be simple comes out simple', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => variableIndex(name, sizes[name]))

  it.each([
    ['a reshape and back', [2, 3, 4], [[6, 4], [24], [4, 6], [2, 12], [2, 3, 4]]],
    ['through many axes', [2, 3, 4], [[24], [2, 1, 3, 2, 2], [12, 2], [2, 3, 4]]],
  ])('%s is nothing', (_, shape, chain) => {
    let index: readonly Index[] = [a, b, c]
    let before: readonly number[] = shape
    for (const next of chain) {
      index = unflatten(symbols, flatten<Index, Condition>(symbols, index, before), next)
      before = next
    }
    expect(index.map((i) => i.key)).toEqual([a, b, c].map((i) => i.key))
  })

  it('a flip twice is nothing', () => {
    const flip = (i: Index): Index => addIndex(constantIndex(3), scaleIndex(i, -1))
    expect(flip(flip(c)).key).toBe(c.key)
  })

  it('a split axis stays a straight line', () => {
    // i = 8 o + k of an axis of 40, read as [5, 8]: rows and columns are o and k themselves.
    const flat = addIndex(scaleIndex(variableIndex('o', 5), 8), variableIndex('k', 8))
    const [row, column] = unflatten<Index, Condition>(symbols, flat, [5, 8])
    expect([row.key, column.key]).toEqual([variableIndex('o', 5).key, variableIndex('k', 8).key])
    expect(isAffine(row) && isAffine(column)).toBe(true)
  })

  it('an axis taken apart and put together is itself', () => {
    const flat = variableIndex('r', 7 * 4 * 6 * 5)
    expect(flatten(symbols, unflatten<Index, Condition>(symbols, flat, [7, 4, 6, 5]), [7, 4, 6, 5]).key).toBe(flat.key)
  })

  it('it is itself from any place on', () => {
    for (const start of [0, 1, 7, 12, 16, 143, 150]) {
      const place = addIndex(variableIndex('x', 288 - start), constantIndex(start))
      const apart = unflatten<Index, Condition>(symbols, place, [2, 12, 12])
      expect(flatten<Index, Condition>(symbols, apart, [2, 12, 12]).key, `from ${start}`).toBe(place.key)
    }
  })

  it('a remainder of a remainder is one', () => {
    const i = variableIndex('i', 100)
    expect(modIndex(modIndex(i, 12), 4).key).toBe(modIndex(i, 4).key)
    expect(divIndex(divIndex(i, 5), 4).key).toBe(divIndex(i, 20).key)
  })
})
