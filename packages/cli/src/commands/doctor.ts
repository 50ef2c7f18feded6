/**
 * `glissade doctor`: which backends work on this machine, why others do not and what to do about it, and how fast
 * each is. Measures for a few seconds at most.
 */
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { compile, GlissadeError, getBackend, ones, setBackend, type Tensor } from 'glissade'
import { bytes, duration, type Terminal, terminalOf } from '../terminal/style.ts'

export interface DoctorOptions {
  readonly json?: boolean
}

const names = ['native', 'wasm', 'reference'] as const
type Name = (typeof names)[number]

interface Working {
  readonly name: Name
  readonly works: true
  readonly description: string
  readonly threads: number
  /** Thousand million floating-point operations a second in a matrix product of `size`. */
  readonly gflops: number
  readonly size: number
  /** Thousand million bytes a second read and written by an addition. */
  readonly gigabytes: number
  /** Seconds until the first small program had run: what a first step costs besides the work itself. */
  readonly start: number
}

interface Missing {
  readonly name: Name
  readonly works: false
  readonly reason: string
  readonly fix: string
}

/** How large the test programs are: large enough to keep all threads busy, small enough to end soon. */
const sizes: Record<Name, { matmul: number; add: number }> = {
  native: { matmul: 1024, add: 2 ** 23 },
  wasm: { matmul: 1024, add: 2 ** 23 },
  reference: { matmul: 96, add: 2 ** 16 },
}

/** How long one measurement repeats itself, in milliseconds. */
const patience = 600

export async function doctor(options: DoctorOptions): Promise<void> {
  const terminal = terminalOf(process.stdout)
  const machine = {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory: totalmem(),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.versions.node,
    v8: process.versions.v8,
  }
  if (!options.json) {
    const line = (name: string, value: string): void => void process.stdout.write(`${name.padEnd(10)} ${value}\n`)
    line('machine', `${machine.processor}, ${machine.cores} cores, ${bytes(machine.memory)}`)
    line('system', `${machine.system}, Node ${machine.node}, V8 ${machine.v8}`)
    line('settings', settings() || 'no GLISSADE_ variables are set')
    process.stdout.write('\n')
  }
  const reports: (Working | Missing)[] = []
  for (const name of names) {
    const report = await examine(name)
    reports.push(report)
    if (!options.json) print(report, terminal)
  }
  await setBackend('auto')
  const chosen = (await getBackend()).name
  if (options.json) process.stdout.write(`${JSON.stringify({ machine, chosen, backends: reports })}\n`)
  else
    process.stdout.write(
      `programs run on ${terminal.colors.bold(chosen)} unless GLISSADE_BACKEND or --backend says otherwise\n`,
    )
}

function settings(): string {
  return Object.entries(process.env)
    .filter(([name]) => name.startsWith('GLISSADE_'))
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}

async function examine(name: Name): Promise<Working | Missing> {
  try {
    await setBackend(name)
    const backend = await getBackend()
    const from = performance.now()
    await ones([2]).add(1).data()
    const start = (performance.now() - from) / 1000
    const { matmul, add } = sizes[name]
    const [a, b] = [filled([matmul, matmul]), filled([matmul, matmul])]
    const product = await fastest(
      compile((a: Tensor, b: Tensor) => a.matmul(b)),
      await a,
      await b,
    )
    const sum = await fastest(
      compile((x: Tensor, y: Tensor) => x.add(y)),
      await filled([add]),
      await filled([add]),
    )
    return {
      name,
      works: true,
      description: backend.description,
      threads: backend.threads,
      gflops: (2 * matmul ** 3) / product / 1e9,
      size: matmul,
      // two arrays of four-byte numbers are read, one is written
      gigabytes: (3 * 4 * add) / sum / 1e9,
      start,
    }
  } catch (error) {
    if (!(error instanceof GlissadeError)) throw error
    const { reason = error.message, fix = '' } = error.fields as { reason?: string; fix?: string }
    return { name, works: false, reason, fix }
  }
}

/** Ones that are really in memory: a constant would be folded into the program. */
async function filled(shape: readonly number[]): Promise<Tensor> {
  const tensor = ones(shape)
  await tensor.realized()
  return tensor
}

/** Seconds of the fastest of several runs. */
async function fastest(run: (a: Tensor, b: Tensor) => Promise<Tensor>, a: Tensor, b: Tensor): Promise<number> {
  await run(a, b)
  let best = Number.POSITIVE_INFINITY
  const end = performance.now() + patience
  do {
    const from = performance.now()
    await run(a, b)
    best = Math.min(best, performance.now() - from)
  } while (performance.now() < end)
  return best / 1000
}

function print(report: Working | Missing, { colors, unicode }: Terminal): void {
  const say = (line = ''): void => void process.stdout.write(`${line}\n`)
  const detail = (name: string, value: string): void => say(`  ${colors.dim(name.padEnd(9))} ${value}`)
  if (!report.works) {
    say(`${colors.red(unicode ? '✗' : 'x')} ${colors.bold(report.name)}`)
    detail('why', report.reason)
    if (report.fix) detail('fix', report.fix)
    return say()
  }
  say(`${colors.green(unicode ? '✓' : '+')} ${colors.bold(report.name)}  ${report.description}`)
  const product = `${report.gflops.toPrecision(3)} GFLOP/s (${report.size} ${unicode ? '×' : 'x'} ${report.size})`
  detail('matmul', product)
  detail('memory', `${report.gigabytes.toPrecision(3)} GB/s`)
  detail('start', duration(report.start))
  say()
}
