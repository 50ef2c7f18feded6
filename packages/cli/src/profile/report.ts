/**
 * What was seen of programs (watch.ts), in numbers and in words: where the time goes, by kernel and by module path, and
 * what part of the machine's best it is (roofline/roofline.ts).
 */
import { boundOf, type Ceiling } from '../roofline/roofline.ts'
import { drawTable } from '../terminal/charts.ts'
import { bytes, duration, percent } from '../terminal/style.ts'
import type { Plan, Seen } from './watch.ts'

export interface KernelLine {
  /** Which of the program's kernels; one may run in several places. */
  readonly code: number
  readonly kind: string
  /** The operations that it does. */
  readonly label: string
  readonly path: string
  /** In a loop, of all turns together. */
  readonly milliseconds: number
  readonly turns: number
  readonly flops: number
  readonly bytes: number
  /** The shortest time that the machine would need, and what it would need it for. */
  readonly bound?: { readonly milliseconds: number; readonly by: 'compute' | 'memory' }
}

export interface PathLine {
  readonly path: string
  readonly milliseconds: number
  /** The sum of its kernels'. */
  readonly bound?: number
}

export interface ProgramReport {
  readonly runs: number
  /** Milliseconds of all runs. */
  readonly total: number
  /** Of one run, as it is without timing; undefined where all were timed. */
  readonly run: number | undefined
  readonly compiled: number
  /** Bytes of temporaries, and of parameters, inputs and outputs. */
  readonly temporaries: number
  readonly given: number
  /** Slowest first. */
  readonly kernels: readonly KernelLine[]
  readonly paths: readonly PathLine[]
}

/** Programs by their time, most first; those that never ran are left out. */
export function reportOf(programs: readonly Seen[], ceiling: Ceiling | undefined): ProgramReport[] {
  return programs
    .filter(({ runs, first }) => runs > 0 && first)
    .map((seen) => reportProgram(seen, ceiling))
    .sort((a, b) => b.total - a.total)
}

function reportProgram({ plan, compiled, runs, total, plain, timed, first }: Seen, ceiling?: Ceiling): ProgramReport {
  const samples = timed.length > 0 ? timed : first ? [first] : []
  const turns = turnsOf(plan)
  const kernels = plan.launches.map(({ kernel, label, path }, i): KernelLine => {
    const { kind, flops, bytes } = plan.kernels[kernel]
    const work = { flops: turns[i] * flops, bytes: turns[i] * bytes }
    const milliseconds = middle(samples.map((times) => times[i]))
    const once = ceiling && boundOf(ceiling, flops, bytes)
    const bound = once && { ...once, milliseconds: turns[i] * once.milliseconds }
    return { code: kernel, kind, label, path, milliseconds, turns: turns[i], ...work, bound }
  })
  return {
    runs,
    total,
    run: plain.length > 0 ? middle(plain) : undefined,
    compiled,
    temporaries: plan.arenaBytes,
    given: plan.arguments.reduce((sum, { length }) => sum + 4 * length, 0),
    kernels: kernels.sort((a, b) => b.milliseconds - a.milliseconds),
    paths: byPath(kernels),
  }
}

/** How often each launch runs. */
function turnsOf({ launches, repeats = [] }: Plan): number[] {
  return launches.map((_, i) =>
    repeats.reduce((times, { first, end, count }) => (first <= i && i < end ? times * count : times), 1),
  )
}

function byPath(kernels: readonly KernelLine[]): PathLine[] {
  const found = new Map<string, PathLine>()
  for (const { path, milliseconds, bound } of kernels) {
    const before = found.get(path)
    found.set(path, {
      path,
      milliseconds: milliseconds + (before?.milliseconds ?? 0),
      bound: bound && bound.milliseconds + (before?.bound ?? 0),
    })
  }
  return [...found.values()].sort((a, b) => b.milliseconds - a.milliseconds)
}

/** The places in which the same kernel does the same are one line. */
export interface Family extends KernelLine {
  readonly places: number
}

/** Slowest first. The path has stars where places differ. */
export function familiesOf(kernels: readonly KernelLine[]): Family[] {
  const found = new Map<string, Family>()
  for (const kernel of kernels) {
    const key = `${kernel.code} ${kernel.label} ${kernel.turns}`
    const before = found.get(key)
    found.set(key, before ? joined(before, kernel) : { ...kernel, places: 1 })
  }
  return [...found.values()].sort((a, b) => b.milliseconds - a.milliseconds)
}

function joined(family: Family, kernel: KernelLine): Family {
  return {
    ...family,
    places: family.places + 1,
    path: commonPath(family.path, kernel.path),
    milliseconds: family.milliseconds + kernel.milliseconds,
    flops: family.flops + kernel.flops,
    bytes: family.bytes + kernel.bytes,
    bound: family.bound &&
      kernel.bound && { ...family.bound, milliseconds: family.bound.milliseconds + kernel.bound.milliseconds },
  }
}

/** `blocks.0.linear` and `blocks.1.linear` as `blocks.*.linear`. */
export function commonPath(a: string, b: string): string {
  const [left, right] = [a.split('.'), b.split('.')]
  if (left.length !== right.length) return '*'
  return left.map((part, i) => (part === right[i] ? part : '*')).join('.')
}

/** The median; of an even number the lower one. */
export function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[(sorted.length - 1) >> 1] ?? 0
}

const sum = (lines: readonly { readonly milliseconds: number }[]): number =>
  lines.reduce((total, { milliseconds }) => total + milliseconds, 0)

const share = (part: number, whole: number): string => percent(whole > 0 ? part / whole : 0)

/** From a tenth of a second on in seconds. */
const short = (milliseconds: number): string =>
  milliseconds < 100 ? `${milliseconds.toPrecision(3)} ms` : duration(milliseconds / 1000)

/** The lines of one program; at most `most` kernels and paths each. */
export function programText(report: ProgramReport, number: number, most: number): string {
  const { runs, run, kernels, paths, compiled, temporaries, given } = report
  const all = sum(kernels)
  const bounds = kernels.reduce((total, { bound }) => total + (bound?.milliseconds ?? 0), 0)
  const facts = [
    `${kernels.length} kernels`,
    `${runs} run${runs === 1 ? '' : 's'}`,
    ...(run === undefined ? [] : [`${short(run)} a run`]),
    `${short(all)} in kernels`,
    ...(bounds > 0 ? [`${share(bounds, all)} of the machine’s best`] : []),
    `compiled in ${short(compiled)}`,
    `${bytes(temporaries)} of temporaries, ${bytes(given)} of arguments`,
  ]
  const families = familiesOf(kernels)
  const kernelRows = families
    .slice(0, most)
    .map((kernel) => [
      kernel.milliseconds.toFixed(3),
      share(kernel.milliseconds, all),
      rate(kernel.flops, kernel.milliseconds),
      rate(kernel.bytes, kernel.milliseconds),
      kernel.bound ? share(kernel.bound.milliseconds, kernel.milliseconds) : '–',
      kernel.bound?.by ?? '–',
      kernel.turns > 1 ? `${kernel.kind} × ${kernel.turns}` : kernel.kind,
      String(kernel.places),
      kernel.label,
      kernel.path,
    ])
  const pathRows = paths
    .slice(0, most)
    .map(({ path, milliseconds, bound }) => [
      milliseconds.toFixed(3),
      share(milliseconds, all),
      bound === undefined ? '–' : share(bound, milliseconds),
      path || '(none)',
    ])
  return [
    `program ${number}: ${facts.join(', ')}`,
    '',
    ...drawTable(
      [['ms', 'share', 'GFLOP/s', 'GB/s', 'of best', 'bound by', 'kind', 'places', 'ops', 'module'], ...kernelRows],
      [0, 1, 2, 3, 4],
    ),
    ...rest(families, most),
    '',
    ...drawTable([['ms', 'share', 'of best', 'module'], ...pathRows], [0, 1, 2]),
    ...rest(paths, most),
  ].join('\n')
}

/** What is not shown. */
function rest(lines: readonly { readonly milliseconds: number }[], most: number): string[] {
  const hidden = lines.slice(most)
  return hidden.length > 0 ? [`… and ${hidden.length} more, ${sum(hidden).toFixed(3)} ms together`] : []
}

/** Thousand millions a second. */
const rate = (amount: number, milliseconds: number): string =>
  milliseconds > 0 ? (amount / milliseconds / 1e6).toFixed(1) : '–'
