/**
 * A compiled program: its plan, its executable on a backend, and what people want to know of it.
 *
 * Runs on one backend follow one another in the order in which they were asked for. Next: realize.ts and
 * compile.ts, which make programs from tensors.
 */
import type { Argument, Backend, Executable, Plan } from '../backends/backend.ts'
import { environmentVariable } from '../backends/environment.ts'
import { timesOf } from '../backends/repeats.ts'
import { compilerOptions, lower, type Signature } from '../compile/lower.ts'
import { planKey } from '../compile/plan-key.ts'
import { fail } from '../errors.ts'
import { bodyOf, type Graph, printGraph } from '../graph/graph.ts'
import { printKernel } from '../kernel/print.ts'
import type { Storage } from '../storage.ts'
import { isReference } from './backend.ts'

/** One kernel's part in a profile; of one in a loop, all its turns. */
export interface KernelTime {
  readonly kind: string
  readonly label: string
  readonly path: string
  readonly milliseconds: number
  readonly flops: number
  readonly bytes: number
}

export interface Profile {
  readonly kernels: readonly KernelTime[]
  /** Milliseconds by module path, largest first. */
  readonly paths: readonly { readonly path: string; readonly milliseconds: number }[]
  readonly milliseconds: number
  /** A table for people. */
  toString(): string
}

/** The last work on each backend; the next one waits for it. */
const running = new WeakMap<Backend, Promise<void>>()

/**
 * Does `work` when all that was asked of the backend before is done; at once, if nothing is under way. Everything that
 * belongs to a run (numbers that the host supplies, the run, what follows it) is one piece of work.
 */
export async function inTurn<T>(backend: Backend, work: () => T | Promise<T>): Promise<T> {
  const before = running.get(backend)
  const done = before ? before.then(work) : Promise.resolve(work())
  const settled: Promise<void> = done.then(
    () => {},
    () => {},
  )
  running.set(backend, settled)
  try {
    return await done
  } finally {
    if (running.get(backend) === settled) running.delete(backend)
  }
}

export class Program {
  readonly plan: Plan
  readonly backend: Backend
  readonly #graph: Graph
  readonly #executable: Executable | undefined

  private constructor(plan: Plan, graph: Graph, backend: Backend, executable: Executable | undefined) {
    this.plan = plan
    this.backend = backend
    this.#graph = graph
    this.#executable = executable
  }

  static async create(
    graph: Graph,
    args: readonly Argument[],
    outputs: readonly number[],
    backend: Backend,
  ): Promise<Program> {
    if (isReference(backend)) {
      return new Program(
        { kernels: [], launches: [], arguments: args, arenaBytes: 0, flops: 0, bytes: 0 },
        graph,
        backend,
        undefined,
      )
    }
    refuseFloat64(graph, backend)
    const plan = planOf(graph, { arguments: args, outputs }, backend)
    return new Program(plan, graph, backend, await backend.compile(plan))
  }

  /** Runs once on storages in the order of `plan.arguments`, in its turn (see `inTurn`). */
  run(storages: readonly Storage[]): undefined | Promise<void> {
    return this.#executable?.run(storages)
  }

  /** Runs once more, timing each kernel. */
  async profile(storages: readonly Storage[]): Promise<Profile> {
    const times = this.#executable ? await this.#executable.profile(storages) : new Float64Array()
    const turns = timesOf(this.plan)
    const kernels = this.plan.launches.map(({ kernel, label, path }, i): KernelTime => {
      const { kind, flops, bytes } = this.plan.kernels[kernel]
      return { kind, label, path, milliseconds: times[i], flops: turns[i] * flops, bytes: turns[i] * bytes }
    })
    const byPath = new Map<string, number>()
    for (const { path, milliseconds } of kernels) byPath.set(path, (byPath.get(path) ?? 0) + milliseconds)
    const paths = [...byPath]
      .map(([path, milliseconds]) => ({ path, milliseconds }))
      .sort((a, b) => b.milliseconds - a.milliseconds)
    const milliseconds = kernels.reduce((sum, kernel) => sum + kernel.milliseconds, 0)
    return { kernels, paths, milliseconds, toString: () => profileTable(kernels, paths, milliseconds) }
  }

  /**
   * The program as text: one line per kernel with its work at each turn, and totals of a run; with `code` the loops as
   * well.
   */
  describe(options: { readonly code?: boolean } = {}): string {
    const { kernels, launches, arenaBytes, flops, bytes } = this.plan
    const turns = timesOf(this.plan)
    const rows = launches.map(({ kernel, label, path }, i) => {
      const { kind, tasks, flops: work, bytes: moved } = kernels[kernel]
      const sizes = [String(turns[i]), String(tasks), count(work), `${count(moved)}B`]
      return [String(i), kind, label, path, `k${kernel}`, ...sizes]
    })
    const text = [
      `${launches.length} kernels (${kernels.length} distinct) on ${this.backend.description}`,
      table([['#', 'kind', 'ops', 'module', 'code', 'turns', 'tasks', 'flops', 'moved'], ...rows]),
      `${count(flops)} floating-point operations, ${count(bytes)}B moved, peak memory ${count(arenaBytes)}B of temporaries + ${count(this.#argumentBytes())}B of arguments`,
    ]
    if (options.code) text.push(...kernels.map((kernel, i) => `k${i}: ${printKernel(kernel)}`))
    return text.join('\n')
  }

  /** The graph that the program was made from, one line a node. */
  describeGraph(): string {
    return printGraph(this.#graph)
  }

  #argumentBytes(): number {
    return this.plan.arguments.reduce((sum, { length }) => sum + 4 * length, 0)
  }

  release(): void {
    this.#executable?.release()
  }
}

/** A graph of fewer nodes is lowered as fast as its plan is read. */
const nodesWorthKeeping = 100

/** The plan that the backend kept of an equal graph, or one made now. */
function planOf(graph: Graph, signature: Signature, { plans, target }: Backend): Plan {
  const looksInside = compilerOptions.verify || compilerOptions.show !== undefined
  if (!plans || looksInside || graph.nodes.length < nodesWorthKeeping) return lower(graph, signature, target)
  const key = planKey(graph, signature)
  const kept = plans.find(key)
  if (kept) return kept
  const plan = lower(graph, signature, target)
  plans.keep(key, plan)
  return plan
}

function refuseFloat64(graph: Graph, backend: Backend): void {
  for (const node of graph.nodes) {
    if (node.dtype === 'float64') fail('reference-only', { op: node.op.name, dtype: node.dtype, backend: backend.name })
    const body = bodyOf(node)
    if (body) refuseFloat64(body.graph, backend)
  }
}

/** 1234567 as `1.23M`. */
function count(value: number): string {
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (value >= size) return `${(value / size).toPrecision(3)} ${unit}`
  }
  return `${value} `
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function profileTable(kernels: readonly KernelTime[], paths: Profile['paths'], total: number): string {
  const share = (milliseconds: number): string => `${((100 * milliseconds) / (total || 1)).toFixed(1)} %`
  const byTime = [...kernels].sort((a, b) => b.milliseconds - a.milliseconds)
  return [
    table([
      ['ms', 'share', 'GFLOP/s', 'kind', 'ops', 'module'],
      ...byTime.map((k) => [
        k.milliseconds.toFixed(3),
        share(k.milliseconds),
        (k.flops / k.milliseconds / 1e6).toFixed(1),
        k.kind,
        k.label,
        k.path,
      ]),
    ]),
    '',
    table([
      ['ms', 'share', 'module'],
      ...paths.map((p) => [p.milliseconds.toFixed(3), share(p.milliseconds), p.path || '(none)']),
    ]),
    `${total.toFixed(3)} ms in ${kernels.length} kernels`,
  ].join('\n')
}

if (environmentVariable('DEBUG')?.split(',').includes('passes')) {
  compilerOptions.show = (stage, text) => console.error(`── ${stage} ──\n${text}\n`)
}
