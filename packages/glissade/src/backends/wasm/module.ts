/**
 * A program as one WebAssembly module: its kernels, the walks over its tape, the memory it imports.
 *
 * Imports: `env.memory`, `env.clock`. Exports: `serial` and, where the memory is shared, `parallel`
 * (tape.ts says with which arguments). Also here: what the engine can do, asked with tiny modules.
 * Next: statements.ts (kernels), program.ts (who runs the module).
 */
import type { Kernel } from '../../kernel/ir.ts'
import {
  Code,
  FunctionBody,
  moduleBytes,
  opcode as op,
  section,
  sized,
  text,
  unsigned,
  valueType,
  vectorOf,
} from './encode.ts'
import { emitKernel } from './statements.ts'
import { advance, parallelWalk, serialWalk } from './tape.ts'

export interface MemoryLimits {
  readonly maximumPages: number
  readonly shared: boolean
}

export interface ModuleOptions {
  readonly memory: MemoryLimits
  readonly relaxed: boolean
}

export interface ProgramExports {
  serial(tape: number, launch: number, steps: number, scratch: number, times: number): number
  parallel?(tape: number, count: number, scratch: number, times: number, together: number): void
}

const { i32, f64 } = valueType
const functionType = (parameters: readonly number[], results: readonly number[]): number[] => [
  0x60,
  ...unsigned(parameters.length),
  ...parameters,
  ...unsigned(results.length),
  ...results,
]

/** Numbers of the function types below. */
const types = { kernel: 0, clock: 1, walk: 2, pair: 3, serial: 4 } as const
const typeSection = vectorOf([
  functionType([i32, i32, i32], []),
  functionType([], [f64]),
  functionType([i32, i32, i32, i32, i32], []),
  functionType([i32, i32], [i32]),
  functionType([i32, i32, i32, i32, i32], [i32]),
])

/** Kind bytes of imports and exports. */
const kindOf = { function: 0, table: 1, memory: 2 } as const
const FUNCREF = 0x70

export function programModule(kernels: readonly Kernel[], { memory, relaxed }: ModuleOptions): Uint8Array<ArrayBuffer> {
  const clock = 0
  const divide = 1
  const advancing = 2
  const serial = 3
  const parallel = 4
  const firstKernel = memory.shared ? 5 : 4
  const functions = [
    types.pair,
    types.pair,
    types.serial,
    ...(memory.shared ? [types.walk] : []),
    ...kernels.map(() => types.kernel),
  ]
  const tape = { kernelType: types.kernel, clock, advance: advancing }
  const bodies = [
    divideI32(),
    advance(),
    serialWalk(tape),
    ...(memory.shared ? [parallelWalk(tape)] : []),
    ...kernels.map((kernel) => emitKernel(kernel, { relaxed, divide })),
  ]
  const names = [
    'clock',
    'divide',
    'advance',
    'serial',
    ...(memory.shared ? ['parallel'] : []),
    ...kernels.map((kernel, i) => `${kernel.kind}${i}`),
  ]
  return moduleBytes([
    [section.type, typeSection],
    [
      section.import,
      vectorOf([
        [...text('env'), ...text('memory'), kindOf.memory, memory.shared ? 3 : 1, 1, ...unsigned(memory.maximumPages)],
        [...text('env'), ...text('clock'), kindOf.function, types.clock],
      ]),
    ],
    [section.function, vectorOf(functions.map(unsigned))],
    [section.table, vectorOf([[FUNCREF, 0, ...unsigned(kernels.length)]])],
    [
      section.export,
      vectorOf([
        [...text('serial'), kindOf.function, serial],
        ...(memory.shared ? [[...text('parallel'), kindOf.function, parallel]] : []),
      ]),
    ],
    [
      section.element,
      vectorOf([[0, ...new Code().i32(0).end().flat(), ...vectorOf(kernels.map((_, i) => unsigned(firstKernel + i)))]]),
    ],
    [section.code, vectorOf(bodies.map(sized))],
    [section.custom, nameSection(names)],
  ])
}

/** Function names, for profilers and error traces. */
function nameSection(names: readonly string[]): number[] {
  const FUNCTION_NAMES = 1
  return [...text('name'), FUNCTION_NAMES, ...sized(vectorOf(names.map((name, i) => [...unsigned(i), ...text(name)])))]
}

/**
 * `(a, b) → a / b`, where x / 0 = 0 and the least integer over -1 is itself.
 * For b in {0, -1} that is a · b modulo 2^32, and the division is by 1 instead.
 */
function divideI32(): number[] {
  const body = new FunctionBody(2)
  const special = body.local(i32)
  const [a, b] = [0, 1]
  body.code.get(a).get(b).op(op.i32Mul)
  body.code
    .get(a)
    .i32(1)
    .get(b)
    .get(b)
    .i32(1)
    .op(op.i32Add)
    .i32(1)
    .op(op.i32LeU)
    .tee(special)
    .op(op.select)
    .op(op.i32DivS)
  body.code.get(special).op(op.select)
  return body.bytes()
}

export interface EngineFeatures {
  readonly simd: boolean
  readonly relaxed: boolean
  readonly atomics: boolean
}

/** What this engine accepts, found by offering it modules of one function. */
export function engineFeatures(): EngineFeatures {
  const zero = (code: Code): Code => code.vector([0, 0, 0, 0], 'i32')
  return {
    simd: accepts((code) => zero(code).op(op.drop)),
    relaxed: accepts((code) =>
      zero(zero(zero(code)))
        .op(op.f32x4RelaxedMadd)
        .op(op.drop),
    ),
    atomics: accepts((code) => code.i32(0).i32(0).memory(op.i32AtomicAdd, 0).op(op.drop), [3, 1, 1]),
  }
}

function accepts(write: (code: Code) => void, memory: readonly number[] = [0, 1]): boolean {
  const MEMORY_SECTION = 5
  const body = new FunctionBody(0)
  write(body.code)
  return WebAssembly.validate(
    moduleBytes([
      [section.type, vectorOf([functionType([], [])])],
      [section.function, vectorOf([[0]])],
      [MEMORY_SECTION, vectorOf([memory])],
      [section.code, vectorOf([sized(body.bytes())])],
    ]),
  )
}
