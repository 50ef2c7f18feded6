/**
 * `glissade profile`: runs a program, and shows where its time goes: by kernel, by module path, and against what this
 * machine could do at best.
 */
import { type Backend, type BackendName, GlissadeError, setBackend } from 'glissade'
import { findProgram, runProgram } from '../profile/load.ts'
import { type ProgramReport, programText, reportOf } from '../profile/report.ts'
import { Watch } from '../profile/watch.ts'
import { measureNative } from '../roofline/native.ts'
import { better, type Ceiling, isMissing, type Missing } from '../roofline/roofline.ts'
import { measureSimd128 } from '../roofline/simd128.ts'
import { terminalOf } from '../terminal/style.ts'

export interface ProfileOptions {
  readonly backend?: BackendName | 'auto'
  readonly threads?: number
  readonly steps: number
  readonly top: number
  readonly programs: number
  readonly json?: boolean
}

export async function profile(name: string, args: readonly string[], options: ProfileOptions): Promise<void> {
  const file = findProgram(name)
  const backend = await setBackend(options.backend ?? 'auto', { threads: options.threads })
  if (backend.name !== 'native' && backend.name !== 'wasm') {
    throw new GlissadeError('value-invalid', {
      what: 'profile: --backend',
      received: backend.name,
      expected: 'native or wasm: the others are for checking, not for speed',
      fix: 'Choose another backend, or none.',
    })
  }
  const say = (text: string): void => void process.stderr.write(`${text}\n`)
  const before = await ceilingOf(backend)
  const watch = new Watch(backend)
  await setBackend(watch.backend)
  // the examples end after so many steps
  process.env.STEPS ??= String(options.steps)
  process.argv = [process.argv[0], file, ...args]
  try {
    await runProgram(file)
  } finally {
    // once more, since something else may have been at work the first time
    const found = better(before, await ceilingOf(backend))
    if (isMissing(found)) say(`glissade: the machine's peak could not be measured: ${found.missing}`)
    const ceiling = isMissing(found) ? undefined : found
    print(reportOf(watch.programs, ceiling), backend, ceiling, options)
  }
}

/** What the machine could do with as many threads. */
async function ceilingOf({ name, threads }: Backend): Promise<Ceiling | Missing> {
  const [found] = await (name === 'native' ? measureNative([threads]) : measureSimd128([threads]))
  return found
}

function print(
  reports: readonly ProgramReport[],
  backend: Backend,
  ceiling: Ceiling | undefined,
  { top, programs, json }: ProfileOptions,
): void {
  const write = (text: string): void => void process.stdout.write(`${text}\n`)
  const { name, description, threads } = backend
  if (json) {
    write(JSON.stringify({ backend: { name, description, threads }, machine: ceiling, programs: reports }))
    return
  }
  const { colors } = terminalOf(process.stdout)
  write('')
  write(`${colors.bold(name)}  ${description}`)
  if (ceiling) {
    const reading = ceiling.levels.map(({ bytes, rate }) => `${giga(rate)} GB/s from ${bytes / 1024} KiB`)
    write(`this machine at best: ${giga(ceiling.flops)} GFLOP/s (${ceiling.vectors}); reading ${reading.join(', ')}`)
  }
  if (reports.length === 0) {
    write('no program ran on this copy of the library, or the program chose a backend of its own with setBackend')
    return
  }
  for (const [i, report] of reports.slice(0, programs).entries()) write(`\n${programText(report, i + 1, top)}`)
  const hidden = reports.slice(programs)
  if (hidden.length === 0) return
  const time = hidden.reduce((sum, { total }) => sum + total, 0)
  write(`\n… and ${hidden.length} more programs, which ran for ${time.toFixed(1)} ms in all (--programs shows more)`)
}

const giga = (value: number): string => (value / 1e9).toPrecision(3)
