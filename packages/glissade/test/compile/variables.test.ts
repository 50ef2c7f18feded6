/**
 * Variables that are overwritten in place while others still want their old values: random programs of assignments,
 * against a plain simulation that copies every matrix.
 *
 * All numbers are whole and from 0 to 6, so that every backend must agree exactly. The cases that are known to be
 * tempting to a compiler stand below by name.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { interpreterBackend } from '../../src/backends/reference/interpreter.ts'
import { compilerOptions } from '../../src/compile/lower.ts'
import {
  compile,
  concat,
  type DType,
  scatterAdd,
  setBackend,
  type Tensor,
  tensor,
  Variable,
  where,
  zeros,
} from '../../src/index.ts'
import { probeBackend } from '../../src/run/backend.ts'
import { fromArray } from '../../src/tensor.ts'
import { generator } from '../opinfo/common.ts'

beforeAll(() => {
  compilerOptions.verify = true
})
afterAll(async () => {
  compilerOptions.verify = false
  await setBackend('reference')
})

// ---- the simulation: square matrices, copied at every step ----

type Matrix = readonly (readonly number[])[]

const build = (n: number, element: (i: number, j: number) => number): Matrix =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => ((element(i, j) % 7) + 7) % 7))
const total = (n: number, term: (k: number) => number): number =>
  Array.from({ length: n }, (_, k) => term(k)).reduce((a, b) => a + b, 0)

/** Tensor and matrix of one operation; all results are taken modulo 7. */
interface Operation {
  readonly name: string
  readonly tensor: (a: Tensor, b: Tensor, c: Tensor, places: Tensor) => Tensor
  readonly matrix: (a: Matrix, b: Matrix, c: Matrix, places: readonly number[]) => Matrix
}

const operations: readonly Operation[] = [
  { name: 'a', tensor: (a) => a, matrix: (a) => a },
  { name: 'a + b', tensor: (a, b) => a.add(b).mod(7), matrix: (a, b) => build(a.length, (i, j) => a[i][j] + b[i][j]) },
  { name: 'a - b', tensor: (a, b) => a.sub(b).mod(7), matrix: (a, b) => build(a.length, (i, j) => a[i][j] - b[i][j]) },
  {
    name: 'a b + c',
    tensor: (a, b, c) => a.mul(b).add(c).mod(7),
    matrix: (a, b, c) => build(a.length, (i, j) => a[i][j] * b[i][j] + c[i][j]),
  },
  {
    name: 'a @ b',
    tensor: (a, b) => a.matmul(b).mod(7),
    matrix: (a, b) => build(a.length, (i, j) => total(a.length, (k) => a[i][k] * b[k][j])),
  },
  {
    name: 'c - a^T @ b',
    tensor: (a, b, c) => c.sub(a.transpose().matmul(b)).mod(7),
    matrix: (a, b, c) => build(a.length, (i, j) => c[i][j] - total(a.length, (k) => a[k][i] * b[k][j])),
  },
  { name: 'a^T', tensor: (a) => a.transpose(), matrix: (a) => build(a.length, (i, j) => a[j][i]) },
  {
    name: 'a^T + b',
    tensor: (a, b) => a.transpose().add(b).mod(7),
    matrix: (a, b) => build(a.length, (i, j) => a[j][i] + b[i][j]),
  },
  { name: 'flip', tensor: (a) => a.flip(1), matrix: (a) => build(a.length, (i, j) => a[i][a.length - 1 - j]) },
  {
    name: 'shift',
    tensor: (a, b) => concat([b.slice([[0, 1]]), a.slice([[0, a.shape[0] - 1]])]),
    matrix: (a, b) => build(a.length, (i, j) => (i === 0 ? b[0][j] : a[i - 1][j])),
  },
  {
    name: 'a + row sums of b',
    tensor: (a, b) => a.add(b.sum(1, { keepDims: true })).mod(7),
    matrix: (a, b) => build(a.length, (i, j) => a[i][j] + total(a.length, (k) => b[i][k])),
  },
  {
    name: 'a + column sums of b',
    tensor: (a, b) => a.add(b.sum(0)).mod(7),
    matrix: (a, b) => build(a.length, (i, j) => a[i][j] + total(a.length, (k) => b[k][j])),
  },
  {
    name: 'a - row maximum of a + b',
    tensor: (a, b) => a.sub(a.add(b).max(1, { keepDims: true })).mod(7),
    matrix: (a, b) => build(a.length, (i, j) => a[i][j] - Math.max(...a[i].map((x, k) => x + b[i][k]))),
  },
  {
    name: 'a - sum of all',
    tensor: (a, b) => a.sub(b.sum()).mod(7),
    matrix: (a, b) => build(a.length, (i, j) => a[i][j] - total(a.length, (k) => total(a.length, (l) => b[k][l]))),
  },
  {
    name: 'cumsum',
    tensor: (a) => a.cumsum(0).mod(7),
    matrix: (a) => build(a.length, (i, j) => total(i + 1, (k) => a[k][j])),
  },
  {
    name: 'cumsum of rows',
    tensor: (a) => a.cumsum(1).mod(7),
    matrix: (a) => build(a.length, (i, j) => total(j + 1, (k) => a[i][k])),
  },
  {
    name: 'scatter',
    tensor: (a, _b, _c, places) =>
      scatterAdd(zeros(a.shape, a.dtype), places.unsqueeze(1).expand(a.shape), a, 0).mod(7),
    matrix: (a, _b, _c, places) => build(a.length, (i, j) => total(a.length, (k) => (places[k] === i ? a[k][j] : 0))),
  },
  {
    name: 'scatter with nothing after it',
    tensor: (a, _b, _c, places) =>
      scatterAdd(zeros(a.shape, a.dtype), places.argSort().unsqueeze(1).expand(a.shape), a, 0),
    matrix: (a, _b, _c, places) => {
      const order = places.map((_, k) => k).sort((p, q) => places[p] - places[q] || p - q)
      return build(a.length, (i, j) => total(a.length, (k) => (order[k] === i ? a[k][j] : 0)))
    },
  },
  {
    name: 'gather',
    tensor: (a, _b, _c, places) => a.gather(places.unsqueeze(1).expand(a.shape), 0),
    matrix: (a, _b, _c, places) => build(a.length, (i, j) => a[places[i]][j]),
  },
  { name: 'sort', tensor: (a) => a.sort(1), matrix: (a) => a.map((row) => [...row].sort((x, y) => x - y)) },
  {
    name: 'order',
    tensor: (a) => a.argSort(1).cast(a.dtype).mod(7),
    matrix: (a) => build(a.length, (i, j) => a[i].map((_, k) => k).sort((p, q) => a[i][p] - a[i][q] || p - q)[j]),
  },
  {
    name: 'where',
    tensor: (a, b, c) => where(a.lt(b), c, a),
    matrix: (a, b, c) => build(a.length, (i, j) => (a[i][j] < b[i][j] ? c[i][j] : a[i][j])),
  },
]

// ---- random programs ----

/** What a statement works on: a variable now, as it was at first, an argument, or an earlier result. */
interface Operand {
  readonly from: 'now' | 'old' | 'given' | 'result'
  readonly place: number
}
interface Statement {
  readonly operation: Operation
  readonly operands: readonly [Operand, Operand, Operand]
  /** The variables that get the result. */
  readonly to: readonly number[]
}
interface Script {
  readonly statements: readonly Statement[]
  /** What the program returns. */
  readonly returned: readonly Operand[]
}

const variables = 3

function randomScript(next: () => number): Script {
  const below = (n: number): number => Math.floor(next() * n)
  const statements: Statement[] = []
  const operand = (): Operand => {
    const chance = next()
    if (chance < 0.4) return { from: 'now', place: below(variables) }
    if (chance < 0.65) return { from: 'old', place: below(variables) }
    if (chance < 0.75 || statements.length === 0) return { from: 'given', place: 0 }
    return { from: 'result', place: below(statements.length) }
  }
  const count = 1 + below(6)
  for (let i = 0; i < count; i++) {
    const targets = next() < 0.25 ? [] : next() < 0.2 ? [below(variables), below(variables)] : [below(variables)]
    const operation = next() < 0.2 ? operations[0] : operations[below(operations.length)]
    statements.push({ operation, operands: [operand(), operand(), operand()], to: targets })
  }
  return { statements, returned: Array.from({ length: below(3) }, operand) }
}

const show = (script: Script): string => {
  const name = ({ from, place }: Operand): string => `${from}${place}`
  const lines = script.statements.map(
    ({ operation, operands, to }, i) =>
      `result${i} = ${operation.name} of ${operands.map(name).join(', ')}${to.map((k) => ` → variable ${k}`).join('')}`,
  )
  return `${lines.join('; ')}; return ${script.returned.map(name).join(', ')}`
}

/** Runs a script on values of any kind. */
function play<V>(script: Script, values: V[], given: V, apply: (operation: Operation, a: V, b: V, c: V) => V): V[] {
  const old = [...values]
  const results: V[] = []
  const read = ({ from, place }: Operand): V =>
    from === 'now' ? values[place] : from === 'old' ? old[place] : from === 'given' ? given : results[place]
  for (const { operation, operands, to } of script.statements) {
    const [a, b, c] = operands.map(read)
    results.push(apply(operation, a, b, c))
    for (const k of to) values[k] = results[results.length - 1]
  }
  return script.returned.map(read)
}

const randomMatrix = (n: number, next: () => number): Matrix => build(n, () => Math.floor(next() * 7))
const asTensor = (matrix: Matrix, dtype: DType): Tensor => {
  const flat = matrix.flat()
  return fromArray(dtype === 'int32' ? Int32Array.from(flat) : Float32Array.from(flat), [matrix.length, matrix.length])
}

/** Three runs of one random program; returns what is wrong. */
async function problemOf(seed: number): Promise<string | undefined> {
  const next = generator(seed)
  const script = randomScript(next)
  const dtype: DType = next() < 0.5 ? 'int32' : 'float32'
  const n = [3, 4, 5, 8, 17][Math.floor(next() * 5)]
  const places = Array.from({ length: n }, () => Math.floor(next() * n))
  const placeTensor = fromArray(Int32Array.from(places), [n])
  const matrices = Array.from({ length: variables }, () => randomMatrix(n, next))
  const states = matrices.map((matrix) => new Variable(asTensor(matrix, dtype)))
  const step = compile((given: Tensor) => {
    // A script's values are tensors here; what it leaves in its variables is assigned as it goes.
    const values = states.map((state) => state.current())
    const old = [...values]
    const results: Tensor[] = []
    const read = ({ from, place }: Operand): Tensor =>
      from === 'now' ? states[place].current() : from === 'old' ? old[place] : from === 'given' ? given : results[place]
    for (const { operation, operands, to } of script.statements) {
      const [a, b, c] = operands.map(read)
      results.push(operation.tensor(a, b, c, placeTensor))
      for (const k of to) states[k].assign(results[results.length - 1])
    }
    return script.returned.map(read)
  })
  for (let run = 0; run < 3; run++) {
    const given = randomMatrix(n, next)
    const expected = play(script, matrices, given, (operation, a, b, c) => operation.matrix(a, b, c, places))
    const where = `seed ${seed}, ${dtype} ${n} x ${n}, run ${run}`
    let returned: Tensor[]
    try {
      returned = await step(asTensor(given, dtype))
    } catch (error) {
      return `${where}: ${String(error)}\n${show(script)}`
    }
    for (const [what, tensors, wanted] of [
      ['variable', states, matrices],
      ['returned', returned, expected],
    ] as const) {
      for (const [i, each] of tensors.entries()) {
        const numbers = Array.from(await each.data())
        if (numbers.join() !== wanted[i].flat().join())
          return `${where}: ${what} ${i} is ${numbers.join()} instead of ${wanted[i].flat().join()}\n${show(script)}`
      }
    }
  }
  step.release()
  return undefined
}

async function problemsOf(from: number, count: number): Promise<string[]> {
  const found: string[] = []
  for (let seed = from; seed < from + count; seed++) {
    const problem = await problemOf(seed)
    if (problem) found.push(problem)
  }
  return found
}

describe('random programs of assignments', () => {
  it.each([
    [4, 0],
    [8, 200],
  ])('on the interpreter, vectors of %i elements, seeds from %i', async (lanes, from) => {
    await setBackend(interpreterBackend(lanes))
    expect(await problemsOf(from, 200)).toEqual([])
  })

  it('on wasm', async () => {
    await setBackend('wasm')
    expect(await problemsOf(1000, 40)).toEqual([])
  })

  it('on the reference', async () => {
    await setBackend('reference')
    expect(await problemsOf(2000, 40)).toEqual([])
  })
})

// ---- cases by name ----

const native = await probeBackend('native')
const why = 'reason' in native ? native.reason : undefined
if ('backend' in native) await native.backend.dispose()

for (const name of ['interpreter', 'wasm', 'native'] as const) {
  const missing = name === 'native' ? why : undefined
  describe.skipIf(missing)(`values that share a place, on ${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    beforeAll(async () => {
      await setBackend(name)
    })
    const list = async (t: Tensor): Promise<number[]> => Array.from(await t.data())

    it('a swap, and a ring of three', async () => {
      const [a, b, c] = [1, 2, 3].map((x) => new Variable(tensor([x, 10 * x])))
      const swap = compile(() => {
        const old = a.current()
        a.assign(b)
        b.assign(old)
      })
      await swap()
      expect([await list(a), await list(b)]).toEqual([
        [2, 20],
        [1, 10],
      ])
      const ring = compile(() => {
        const [x, y, z] = [a.current(), b.current(), c.current()]
        a.assign(z)
        b.assign(x)
        c.assign(y)
      })
      await ring()
      await ring()
      expect([await list(a), await list(b), await list(c)]).toEqual([
        [1, 10],
        [3, 30],
        [2, 20],
      ])
    })

    it('an argument that is the variable which the program overwrites', async () => {
      const v = new Variable(tensor([1, 2, 3]))
      const step = compile((x: Tensor) => {
        v.assign(v.mul(2))
        return x.flip(0).add(v.cumsum())
      })
      expect(await list(await step(v))).toEqual([5, 8, 13])
      expect(await list(v)).toEqual([2, 4, 6])
      expect(await list(await step(v))).toEqual([10, 16, 26])
    })

    it('one tensor in two variables, of which a program changes one', async () => {
      const start = tensor([1, 2])
      const [a, b] = [new Variable(start), new Variable(start)]
      const step = compile(() => a.assign(a.add(1)))
      await step()
      await step()
      expect([await list(a), await list(b), await list(start)]).toEqual([
        [3, 4],
        [1, 2],
        [1, 2],
      ])
    })

    it('one tensor in two variables, of which a program changes both', async () => {
      const start = zeros([3])
      const [a, b] = [new Variable(start), new Variable(start)]
      const step = compile(() => {
        a.assign(a.add(1))
        b.assign(b.sub(a))
      })
      await step()
      await step()
      expect([await list(a), await list(b)]).toEqual([
        [2, 2, 2],
        [-3, -3, -3],
      ])
    })

    it('a value captured from outside that is the old value of what is overwritten', async () => {
      const v = new Variable(tensor([1, 2, 3]))
      const before = v.current()
      const step = compile(() => {
        v.assign(v.mul(10))
        return before.flip(0).add(v.cumsum())
      })
      expect(await list(await step())).toEqual([13, 32, 61])
    })
  })
}
