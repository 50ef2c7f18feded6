/**
 * A table from a CSV file: columns of numbers as they are (brought to mean 0 and deviation 1), columns of words as one
 * input for each word. The target is a class if it has words or few whole numbers, and a number otherwise.
 */
import { data as library } from 'glissade'
import Papa from 'papaparse'
import type { DataSpec, TableData } from '../../spec/spec.ts'
import { type LabData, type NumberColumn, trainCountOf } from './data.ts'

/** A column of at most so many different whole numbers is one of classes. */
const mostClasses = 20
/** Words beyond so many are one input together. */
const mostWords = 12

type Row = Readonly<Record<string, string>>

export function tableData(spec: DataSpec & TableData): LabData {
  const { data: rows, errors } = Papa.parse<Row>(spec.text, { header: true, skipEmptyLines: 'greedy' })
  const broken = errors.find(({ type }) => type !== 'Delimiter')
  if (rows.length < 4)
    throw new Error(
      `${spec.name} has ${rows.length} rows of data${broken ? ` (${broken.message})` : ''}; at least 4 are needed.`,
    )
  for (const column of [...spec.inputs, spec.target]) {
    if (!Object.hasOwn(rows[0], column))
      throw new Error(`${spec.name} has no column "${column}". Choose among ${Object.keys(rows[0]).join(', ')}.`)
  }
  const known = rows.filter((row) => (row[spec.target] ?? '').trim() !== '')
  const order = library.permutation(known.length, spec.seed)
  const mixed = Array.from(order, (at) => known[at])
  const trainCount = trainCountOf(mixed.length, spec)
  const columns = spec.inputs.flatMap((name) =>
    encode(
      name,
      mixed.map((row) => (row[name] ?? '').trim()),
      trainCount,
    ),
  )
  const inputs = new Float32Array(mixed.length * columns.length)
  columns.forEach(({ values }, k) => {
    for (let i = 0; i < mixed.length; i++) inputs[i * columns.length + k] = values[i]
  })
  const truth = mixed.map((row) => row[spec.target].trim())
  const words = [...new Set(truth)].sort(naturally)
  const classes =
    !truth.every(isNumber) || (truth.every((text) => Number.isInteger(Number(text))) && words.length <= mostClasses)
  return {
    task: classes ? 'class' : 'number',
    inputs,
    inputShape: [columns.length],
    targets: classes ? Int32Array.from(truth, (text) => words.indexOf(text)) : Float32Array.from(truth, Number),
    targetShape: classes ? [] : [1],
    trainCount,
    testCount: mixed.length - trainCount,
    labels: classes ? words : [],
    features: columns.map(({ name }) => name),
    columns: columns.flatMap(({ name, values, scale }, input) => {
      if (!scale) return []
      let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
      for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)]
      const { mean, deviation } = scale
      return [{ name, input, mean, deviation, low: mean + deviation * low, high: mean + deviation * high }]
    }),
  }
}

const isNumber = (text: string): boolean => text !== '' && Number.isFinite(Number(text))

const naturally = (a: string, b: string): number =>
  isNumber(a) && isNumber(b) ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0

interface Encoded {
  readonly name: string
  readonly values: Float32Array
  /** Of a column of numbers. */
  readonly scale?: Pick<NumberColumn, 'mean' | 'deviation'>
}

/** What a column is to the network. Means and deviations are those of the training part; what is missing is the mean. */
function encode(name: string, texts: readonly string[], trainCount: number): Encoded[] {
  const given = texts.filter((text) => text !== '')
  if (given.every(isNumber)) {
    const seen = texts
      .slice(0, trainCount)
      .filter((text) => text !== '')
      .map(Number)
    const mean = seen.reduce((sum, value) => sum + value, 0) / Math.max(1, seen.length)
    const variance = seen.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, seen.length)
    const deviation = Math.sqrt(variance) || 1
    const values = Float32Array.from(texts, (text) => (text === '' ? 0 : (Number(text) - mean) / deviation))
    return [{ name, values, scale: { mean, deviation } }]
  }
  const counts = new Map<string, number>()
  for (const text of given) counts.set(text, (counts.get(text) ?? 0) + 1)
  const words = [...counts].sort((a, b) => b[1] - a[1]).map(([word]) => word)
  const own = words.slice(0, mostWords)
  const columns: Encoded[] = own.map((word) => ({
    name: `${name} = ${word}`,
    values: Float32Array.from(texts, (text) => Number(text === word)),
  }))
  if (words.length > own.length) {
    const rest = new Set(words.slice(mostWords))
    columns.push({ name: `${name} = other`, values: Float32Array.from(texts, (text) => Number(rest.has(text))) })
  }
  return columns
}
