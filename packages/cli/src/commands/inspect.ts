/** `glissade inspect`: what is in a model file, without building the model. */
import { readFile } from 'node:fs/promises'
import { GlissadeError, io } from 'glissade'
import { modelPath } from '../digits/run.ts'
import { drawTable } from '../terminal/charts.ts'
import { bytes, grouped, terminalOf } from '../terminal/style.ts'

export interface InspectOptions {
  readonly json?: boolean
}

interface Entry {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  readonly parameters: number
  readonly bytes: number
}

export async function inspect(modelName: string, options: InspectOptions): Promise<void> {
  const file = await modelPath(modelName)
  const data = await readFile(file).catch((cause: unknown) => {
    throw new GlissadeError('data-missing', { what: 'The model', looked: [file], fix: 'Check the path.' }, { cause })
  })
  const { entries, metadata } = io.readHeader(data, file)
  const tensors: Entry[] = [...entries]
    .sort(([, a], [, b]) => a.from - b.from)
    .map(([name, { dtype, shape, from, to }]) => {
      return { name, dtype, shape, parameters: shape.reduce((product, n) => product * n, 1), bytes: to - from }
    })
  const total = { tensors: tensors.length, parameters: sum(tensors, 'parameters'), bytes: data.length }
  const architecture = parse(metadata[io.architectureKey])
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ file, tensors, total, architecture, metadata }, undefined, 2)}\n`)
    return
  }
  const { colors } = terminalOf(process.stdout)
  const say = (line = ''): void => void process.stdout.write(`${line}\n`)
  say(`${colors.bold(file)}  ${bytes(data.length)}`)
  say()
  const layers = layersOf(architecture)
  if (layers.length > 0) {
    const owned = (path: string): number =>
      sum(
        tensors.filter(({ name }) => name.slice(0, name.lastIndexOf('.')) === path),
        'parameters',
      )
    const rows = layers.map(({ path, kind, options }) => [
      path,
      kind,
      options,
      owned(path) === 0 ? '' : grouped(owned(path)),
    ])
    const [head, ...lines] = drawTable([['layer', 'kind', 'options', 'parameters'], ...rows], [3])
    say(colors.bold(head))
    for (const line of lines) say(line)
    say()
  }
  const rows = tensors.map(({ name, dtype, shape, parameters }) => [
    name,
    dtype,
    `[${shape.join(', ')}]`,
    grouped(parameters),
  ])
  const [head, ...lines] = drawTable([['tensor', 'type', 'shape', 'numbers'], ...rows], [3])
  say(colors.bold(head))
  for (const line of lines) say(line)
  say()
  say(`${grouped(total.parameters)} numbers in ${total.tensors} tensors`)
  const notes = Object.entries(metadata).filter(([key]) => key !== io.architectureKey)
  if (notes.length > 0) {
    say()
    say(colors.bold('metadata'))
    for (const [key, value] of notes) say(`${key}: ${value.length > longest ? `${value.slice(0, longest)} …` : value}`)
  }
}

/** Characters of a metadata value that are shown; all of it with --json. */
const longest = 200

const sum = (entries: readonly Entry[], key: 'parameters' | 'bytes'): number =>
  entries.reduce((total, entry) => total + entry[key], 0)

function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    // shown as it is, with the other metadata
    return text
  }
}

interface LayerRow {
  readonly path: string
  readonly kind: string
  readonly options: string
}

/** The layers of a description (io.ModelDescription) one after the other, under the names of their parameters. */
function layersOf(description: unknown, path = ''): LayerRow[] {
  if (typeof description !== 'object' || description === null) return []
  const { kind, layers, ...options } = description as Record<string, unknown>
  if (Array.isArray(layers))
    return layers.flatMap((layer, i) => layersOf(layer, path === '' ? String(i) : `${path}.${i}`))
  const words = Object.entries(options).map(
    ([name, value]) => `${name} ${Array.isArray(value) ? value.join('×') : String(value)}`,
  )
  return [{ path, kind: String(kind), options: words.join(', ') }]
}
