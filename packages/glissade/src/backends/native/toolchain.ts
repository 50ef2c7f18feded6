/**
 * The machine's C compiler: which one, whether it works, which flags it takes, and what vectors it
 * makes here. The answer is kept in the cache folder, under the compiler's file and the processor, so
 * that a process with a full cache starts no compiler at all.
 * Not here: what is compiled (print-c.ts, runtime.ts) and where it is kept (cache.ts).
 */
import { execFile } from 'node:child_process'
import {
  accessSync,
  constants,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { cpus } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'
import type { Target } from '../../kernel/ir.ts'
import { type DiskCache, digest } from './cache.ts'
import { printProgram } from './print-c.ts'

export interface Toolchain {
  /** The compiler and the arguments that came with its name. */
  readonly command: readonly string[]
  /** The first line of what it says of itself. */
  readonly version: string
  /** What programs are compiled with. */
  readonly flags: readonly string[]
  readonly target: Target
  /** The vector instructions, for people. */
  readonly vectors: string
}

export class CompileError extends Error {
  /** What the compiler printed. */
  readonly output: string

  constructor(message: string, output: string) {
    super(message)
    this.output = output
  }
}

/**
 * -O2, without what finds vectors in scalar loops: kernels already say where vectors are.
 * -ffp-contract=off: only `fma` may round once. -fwrapv: i32 wraps around.
 * -fno-strict-aliasing: the memory plan puts f32 and i32 in the same place. -fPIC -shared: a library.
 */
const baseFlags = [
  '-std=gnu11',
  '-O2',
  '-fno-tree-vectorize',
  '-fno-tree-slp-vectorize',
  '-ffp-contract=off',
  '-fwrapv',
  '-fno-strict-aliasing',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-fno-asynchronous-unwind-tables',
  '-w',
  '-fPIC',
  '-shared',
  '-fvisibility=default',
]

const portable = '-DGLISSADE_PORTABLE'

/** Tried in this order: the machine's own instructions, then what every machine of its kind has. */
const flagSets: readonly (readonly string[])[] = [
  ['-march=native'],
  ['-mcpu=native'],
  [],
  ['-march=native', portable],
  [portable],
]

const compileTimeout = 300_000

interface Outcome {
  readonly code: number
  readonly output: string
  readonly stdout: string
}

function start(command: readonly string[], args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { timeout: compileTimeout, maxBuffer: 1 << 26, env: { ...process.env, LC_ALL: 'C' } }
    execFile(command[0], [...command.slice(1), ...args], options, (error, stdout, stderr) => {
      const text = `${stderr}${stdout}`
      const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0
      resolve({ code, stdout, output: text.trim() === '' && error ? error.message : text })
    })
  })
}

/** Compiles the C file `source` to the shared object `to`. */
export async function compileShared(
  toolchain: Pick<Toolchain, 'command' | 'flags'>,
  source: string,
  to: string,
  extra: readonly string[] = [],
): Promise<void> {
  const { code, output } = await start(toolchain.command, [...toolchain.flags, ...extra, '-o', to, source, '-lm'])
  if (code !== 0) throw new CompileError(`${toolchain.command.join(' ')} failed (${code})`, output)
}

/** The first lines of a compiler's output, for a message. */
export function firstLines(output: string, count = 6): string {
  return output.trim().split('\n').slice(0, count).join('\n')
}

/** The full path of the program `name`, as a shell would find it. */
function locate(name: string): string | undefined {
  const folders = isAbsolute(name) || name.includes('/') ? [''] : (process.env['PATH'] ?? '').split(delimiter)
  for (const folder of folders) {
    const path = folder === '' ? name : join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      if (statSync(path).isFile()) return path
    } catch {
      // Not here; the next folder may have it.
    }
  }
  return undefined
}

/** What of the processor the compiled code depends on. */
function processor(): string {
  let flags = ''
  try {
    flags = /^(?:flags|Features)\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0] ?? ''
  } catch {
    // Not Linux: the model says enough.
  }
  return `${process.platform} ${process.arch} ${cpus()[0]?.model ?? ''} ${flags}`
}

/** Data cache sizes of one core in bytes, where the system tells, else what most cores have at least. */
function cacheSizes(): { l1: number; l2: number } {
  const found = { l1: 32 << 10, l2: 512 << 10 }
  const base = '/sys/devices/system/cpu/cpu0/cache'
  try {
    for (const entry of readdirSync(base).filter((name) => name.startsWith('index'))) {
      const read = (file: string): string => readFileSync(join(base, entry, file), 'utf8').trim()
      const size = /^(\d+)([KM])$/.exec(read('size'))
      if (!size || read('type') === 'Instruction') continue
      const bytes = Number(size[1]) << (size[2] === 'M' ? 20 : 10)
      if (read('level') === '1') found.l1 = bytes
      if (read('level') === '2') found.l2 = bytes
    }
  } catch {
    // The defaults stand.
  }
  return found
}

/** The predefined macros that decide about the target. */
const tellingMacros = ['__AVX512F__', '__AVX2__', '__FMA__', '__SSE2__', '__aarch64__', 'GLISSADE_PORTABLE']

function tellingOf(macros: string): string[] {
  return tellingMacros.filter((name) => new RegExp(`#define ${name} `).test(macros))
}

/** The target that the defined macros among `tellingMacros` stand for. */
export function targetFrom(macros: readonly string[]): { target: Target; vectors: string } {
  const sizes = cacheSizes()
  const fused = !macros.includes('GLISSADE_PORTABLE')
  // The tile keeps rows x vectors sums in registers, with room for `vectors` loads and a broadcast:
  // of 32 registers with AVX-512 and NEON, of 16 otherwise.
  const of = (lanes: number, fma: boolean, rows: number, width: number): Target => ({
    lanes,
    fma,
    tile: { rows, vectors: width },
    ...sizes,
  })
  if (macros.includes('__AVX512F__')) return { target: of(16, fused, 12, 2), vectors: 'AVX-512' }
  if (macros.includes('__AVX2__')) return { target: of(8, fused && macros.includes('__FMA__'), 6, 2), vectors: 'AVX2' }
  if (macros.includes('__aarch64__')) return { target: of(4, fused, 8, 3), vectors: 'NEON' }
  return { target: of(4, false, 4, 3), vectors: macros.includes('__SSE2__') ? 'SSE2' : 'portable vectors' }
}

/** A kernel that uses each helper family once, to see that this compiler takes the prelude. */
function probeProgram(lanes: number): string {
  const f = `vf${lanes}`
  return printProgram([
    `(char *const *b, ix task, void *scratch) {
  float *const b_x = (float *)b[0];
  const ${f} v = *(const uf${lanes} *)b_x;
  const vi${lanes} m = v < max_f${lanes}(v, sqrt_f${lanes}(v));
  *(uf${lanes} *)b_x = sel_f${lanes}(m, fma_f${lanes}(v, v, v), floor_f${lanes}(gather_f${lanes}(b_x, to_i${lanes}(round_f${lanes}(v)))));
  b_x[0] = alladd_f${lanes}(v);
}`,
  ])
}

export interface Search {
  readonly candidates: readonly string[]
  readonly cache: DiskCache
  /** Loads a shared object, or throws. */
  readonly load: (path: string) => void
}

export interface NoToolchain {
  readonly reason: string
  readonly fix: string
}

const installHint =
  process.platform === 'darwin'
    ? 'Install the command line tools with "xcode-select --install"'
    : 'Install a C compiler (Debian and Ubuntu: apt install gcc; Fedora: dnf install gcc; Alpine: apk add build-base)'

export function defaultCompilers(env: NodeJS.ProcessEnv = process.env): string[] {
  return [...(env['CC'] ? [env['CC']] : []), 'clang', 'gcc', 'cc']
}

/** The first of the candidates that works. */
export async function findToolchain(search: Search): Promise<Toolchain | NoToolchain> {
  const problems: string[] = []
  const seen = new Set<string>()
  for (const candidate of search.candidates) {
    const [name, ...args] = candidate.trim().split(/\s+/)
    const path = locate(name)
    if (path === undefined) continue
    const identity = [realpathSync(path), ...args].join(' ')
    if (seen.has(identity)) continue
    seen.add(identity)
    const found = await examine([path, ...args], search)
    if ('command' in found) return found
    problems.push(`${candidate} does not work: ${found.problem}`)
  }
  if (problems.length > 0) {
    return { reason: problems.join('; '), fix: `${installHint}, or name a working one in the environment variable CC.` }
  }
  return {
    reason: `no C compiler was found (looked for ${search.candidates.join(', ')})`,
    fix: `${installHint}, or name one in the environment variable CC.`,
  }
}

/** What is kept of an examination: all that only the compiler can tell. */
interface Finding {
  readonly version: string
  readonly flags: readonly string[]
  readonly macros: readonly string[]
}

const toolchainOf = (command: readonly string[], { version, flags, macros }: Finding): Toolchain => ({
  command,
  version,
  flags,
  ...targetFrom(macros),
})

async function examine(command: readonly string[], search: Search): Promise<Toolchain | { problem: string }> {
  const file = realpathSync(command[0])
  const { size, mtimeMs } = statSync(file)
  const subject = [command, file, size, mtimeMs, processor(), baseFlags, flagSets, probeProgram(16)]
  const key = `toolchain-${digest(JSON.stringify(subject))}.json`
  const kept = search.cache.readText(key)
  if (kept !== undefined) return toolchainOf(command, JSON.parse(kept) as Finding)
  const { code, stdout, output } = await start(command, ['--version'])
  if (code !== 0) return { problem: firstLines(output, 2) || `it ended with ${code}` }
  const version = stdout.split('\n')[0].trim()
  let problem = ''
  for (const set of flagSets) {
    const flags = [...baseFlags, ...set]
    const listing = await start(command, [...flags, ...'-dM -E -x c /dev/null'.split(' ')])
    if (listing.code !== 0) {
      problem ||= firstLines(listing.output, 2)
      continue
    }
    const finding: Finding = { version, flags, macros: tellingOf(listing.stdout) }
    const toolchain = toolchainOf(command, finding)
    const failure = await tryOut(toolchain, search)
    if (failure === undefined) {
      search.cache.keepText(key, JSON.stringify(finding))
      return toolchain
    }
    problem ||= failure
  }
  return { problem }
}

/** Compiles and loads the probe; what went wrong, or undefined. */
async function tryOut(toolchain: Toolchain, search: Search): Promise<string | undefined> {
  const source = search.cache.scratchPath('probe.c')
  const object = search.cache.scratchPath('probe.so')
  try {
    writeFileSync(source, probeProgram(toolchain.target.lanes))
    await compileShared(toolchain, source, object)
    search.load(object)
    return undefined
  } catch (error) {
    if (error instanceof CompileError) return firstLines(error.output, 2)
    return error instanceof Error ? error.message : String(error)
  } finally {
    rmSync(source, { force: true })
    rmSync(object, { force: true })
  }
}
