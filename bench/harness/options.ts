/** The command line of the benchmark. */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { type WorkName, workNames } from '../works/index.ts'
import { defaultSizes } from '../works/matmul.ts'
import { engineNames, isRival, slowOnes } from './contestants.ts'
import type { Pace } from './measure.ts'

export interface Options {
  readonly help: boolean
  readonly json: boolean
  readonly table: boolean
  readonly works: readonly WorkName[]
  readonly sizes: readonly number[]
  readonly engines: readonly string[]
  readonly backends?: readonly string[]
  readonly threads: readonly number[]
  readonly pace: Pace
}

export const help = `npm run bench -- [options]

  --work <names>        ${workNames.join(', ')}; default: all
  --size <numbers>      of the matrices; default: ${defaultSizes.join(',')}
  --rivals              all engines that are on the machine, and not Glissade alone
  --engine <names>      only these: ${engineNames.join(', ')}
  --backend <names>     only these, such as native or wasm; slow ones (${slowOnes.join(', ')}) must be named
  --threads <numbers>   default: 1,2
  --rounds <number>     how often each engine has its turn; default: 7
  --ms <number>         how long it runs in each turn; default: 300
  --quick               2 rounds of 60 ms, matrices up to 512: to see that all works
  --json                one object a line on standard output, instead of tables
  --table               with all rivals, and write docs/benchmarks.md
  --help

Names and numbers are lists with commas. What is not on the machine is skipped, with the reason on standard error.
numpy (OpenBLAS), PyTorch, JAX and onnxruntime are found in the Pythons that GLISSADE_PYTHON names, separated as in
PATH, or else in python3:
  python3 -m venv <folder> && <folder>/bin/pip install numpy torch jax onnxruntime
  GLISSADE_PYTHON=<folder>/bin/python npm run bench -- --rivals
`

/** Errors: a text for the user. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      work: { type: 'string' },
      size: { type: 'string' },
      rivals: { type: 'boolean', default: false },
      engine: { type: 'string' },
      backend: { type: 'string' },
      threads: { type: 'string' },
      rounds: { type: 'string' },
      ms: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      table: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const { quick, json, table, rivals } = values
  const single = (name: string, text: string | undefined, fallback: number): number =>
    text === undefined ? fallback : numbers(name, text)[0]
  const sizes =
    values.size === undefined ? defaultSizes.filter((n) => !quick || n <= 512) : numbers('size', values.size)
  return {
    help: values.help,
    json,
    table,
    works: names('work', values.work, workNames),
    sizes,
    engines: names(
      'engine',
      values.engine,
      engineNames,
      engineNames.filter((name) => rivals || table || !isRival(name)),
    ),
    backends: values.backend?.split(','),
    threads: values.threads ? numbers('threads', values.threads) : [1, 2].filter((n) => n <= availableParallelism()),
    pace: {
      rounds: single('rounds', values.rounds, quick ? 2 : 7),
      milliseconds: single('ms', values.ms, quick ? 60 : 300),
    },
  }
}

/** What the text names of those that are `known`; without one, `usual`. */
function names<T extends string>(
  option: string,
  text: string | undefined,
  known: readonly T[],
  usual: readonly T[] = known,
): readonly T[] {
  if (text === undefined) return usual
  return text.split(',').map((name) => {
    const found = known.find((each) => each === name)
    if (!found) throw new Error(`--${option}: received ${name}, expected one of ${known.join(', ')}`)
    return found
  })
}

function numbers(option: string, text: string): number[] {
  return text.split(',').map((part) => {
    const value = Number(part)
    if (!Number.isInteger(value) || value < 1) {
      throw new Error(`--${option}: received ${part || 'nothing'}, expected whole numbers of at least 1, as in 1,2`)
    }
    return value
  })
}
