/** CSV and JSON lines into tables: types, missing values, and errors that name line and column; and tables themselves. */
import { describe, expect, it } from 'vitest'
import * as data from '../src/data/index.ts'
import * as io from '../src/io/index.ts'

describe('CSV', () => {
  it('becomes columns of numbers and text, with missing values', async () => {
    const text = 'age,city, score\n31,"Rome, Italy",1e3\n,Oslo,-.5\n40,NA,3\n\n'
    const rows = await io.parseCsv(text)
    expect(rows.names).toEqual(['age', 'city', 'score'])
    expect([...rows.numbers('age')]).toEqual([31, Number.NaN, 40])
    expect([...rows.numbers('score')]).toEqual([1000, -0.5, 3])
    expect(rows.strings('city')).toEqual(['Rome, Italy', 'Oslo', null])
    expect(rows.missing('city')).toBe(1)
  })

  it('has quotes, breaks within them, and byte order marks', async () => {
    const rows = await io.loadCsv(new TextEncoder().encode('\ufeffa;b\r\n"x ""y""\nz";1\r\nw;2\r\n'))
    expect(rows.strings('a')).toEqual(['x "y"\nz', 'w'])
    expect([...rows.numbers('b')]).toEqual([1, 2])
    // The quoted break counts as a line.
    expect(rows.placeOf(1, 'a')).toBe("CSV: line 4, column 'a'")
  })

  it('may have no names, others, other types, and remarks', async () => {
    expect((await io.parseCsv('1,2\n3,4', { header: false })).names).toEqual(['column0', 'column1'])
    const named = await io.parseCsv('# made today\n1,yes\n# more\n0,no\n?,?', {
      header: ['id', 'good'],
      types: { id: 'string', good: 'boolean' },
      missing: ['?'],
      comment: '#',
    })
    expect(named.strings('id')).toEqual(['1', '0', null])
    expect([...named.numbers('good')]).toEqual([1, 0, Number.NaN])
    expect(named.placeOf(1, 'id')).toBe("CSV: line 4, column 'id'")
    expect((await io.parseCsv('a\tb\n1\t2\n')).names).toEqual(['a', 'b'])
  })

  it.each([
    ['a row that is too short', 'a,b,c\n1,2,3\n4,5\n', {}, /line 3: received 2 fields; expected 3 \(a, b, c\)/],
    ['a row that is too long', 'a,b\n1,2\n\n3,4,5\n', {}, /line 4: received 3 fields; expected 2/],
    [
      'a word for a number',
      'a,b\n1,2\n3,four\n',
      { types: { b: 'number' } },
      /line 3, column 'b': received "four"; expected a number/,
    ],
    ['a word for a truth', 'a\ntrue\nmaybe\n', { types: { a: 'boolean' } }, /line 3, column 'a': received "maybe"/],
    ['a quote that stays open', 'a,b\n"1,2\n3,4\n', {}, /line \d: received Quoted field unterminated/],
    ['a name twice', 'a,b,a\n1,2,3\n', {}, /'a' twice/],
    ['nothing', '\n\n', {}, /received no rows/],
    ['types of columns that are not there', 'a\n1\n', { types: { b: 'number' } }, /received 'b'; expected one of a/],
  ] as const)('refuses %s', async (_, text, options, message) => {
    await expect(io.parseCsv(text, options as io.CsvOptions)).rejects.toThrow(message)
  })

  it('that is not UTF-8 is refused', async () => {
    await expect(io.loadCsv(Uint8Array.of(0x61, 0xff, 0xfe))).rejects.toThrow(/not UTF-8/)
    await expect(io.loadCsv('/nowhere.csv')).rejects.toThrow(/nowhere\.csv/)
  })
})

describe('JSON lines', () => {
  it('are values, or rows of a table', async () => {
    const values = [{ a: 1, b: 'x' }, { a: null }, { b: 'y', c: true }]
    const text = io.formatJsonLines(values)
    expect(io.parseJsonLines(`${text}\n  \n`)).toEqual(values)
    const rows = await io.loadJsonTable(new TextEncoder().encode(text))
    expect([...rows.numbers('a')]).toEqual([1, Number.NaN, Number.NaN])
    expect(rows.strings('b')).toEqual(['x', null, 'y'])
    expect([...rows.numbers('c')]).toEqual([Number.NaN, Number.NaN, 1])
  })

  it('refuse what is cut or nested', () => {
    expect(() => io.parseJsonLines('{"a":1}\n{"a":')).toThrow(/line 2: received {"a":; expected one JSON value/)
    expect(() => io.tableOfRows([{ a: 1 }, 3])).toThrow(/row 2: received 3/)
    expect(() => io.tableOfRows([{ a: [1] }])).toThrow(/column 'a': received \[1\]/)
    expect(io.tableOfRows([JSON.parse('{"__proto__": 1}')]).names).toEqual(['__proto__'])
  })
})

describe('tables', () => {
  const people = data.table({
    age: [30, 41, null, 25, 60, 33],
    city: ['Rome', 'Oslo', 'Oslo', null, 'Rome', 'Bern'],
    rich: [true, false, false, true, true, false],
  })

  it('can be selected from, cut and added to', () => {
    expect(people.select([4, 0]).row(0)).toEqual({ age: 60, city: 'Rome', rich: 1 })
    expect(people.row(2).age).toBe(null)
    expect(people.filter(({ city }) => city === 'Oslo').length).toBe(2)
    expect(people.slice(1, 3).strings('city')).toEqual(['Oslo', 'Oslo'])
    expect(people.drop('city').names).toEqual(['age', 'rich'])
    expect([...people.with({ twice: people.numbers('age').map((v) => 2 * v) }).numbers('twice')][0]).toBe(60)
    expect(people.take(2).strings('age')).toEqual(['30', '41'])
  })

  it('become tensors and sets', async () => {
    const whole = people.filter(({ age }) => age !== null)
    expect(await whole.tensor('age', 'rich').array()).toEqual([
      [30, 1],
      [41, 0],
      [25, 1],
      [60, 1],
      [33, 0],
    ])
    const { x, y } = await whole.dataset('rich', ['age']).batchAt([1, 0])
    expect([y.dtype, await y.array(), await x.array()]).toEqual(['int32', [0, 1], [[41], [30]]])
    expect(whole.dataset('rich', ['age'], { yType: 'float32' }).columns.y.dtype).toBe('float32')
  })

  it('split by share, by label, and by group', () => {
    const many = data.table({
      id: Array.from({ length: 50 }, (_, i) => i),
      group: Array.from({ length: 50 }, (_, i) => `g${i % 7}`),
    })
    const parts = many.split([0.6, 0.4], { seed: 4 })
    expect(parts.map((part) => part.length)).toEqual([30, 20])
    expect(parts.flatMap((part) => [...part.numbers('id')]).sort((a, b) => a - b)).toEqual([...many.numbers('id')])
    const [train, test] = many.split(0.7, { group: 'group' })
    const held = new Set(test.strings('group'))
    expect(train.strings('group').some((group) => held.has(group))).toBe(false)
    expect(Math.abs(train.length - 35)).toBeLessThan(8)
  })

  it.each([
    ['text as numbers', () => people.tensor('city'), /row 0, column 'city': received "Rome"; expected numbers/],
    ['missing values', () => people.tensor('age'), /row 2, column 'age': received a missing value.*Fill the 1 missing/],
    ['a name that is not there', () => people.column('name'), /received 'name'; expected one of 'age', 'city', 'rich'/],
    ['fractions as classes', () => data.table({ a: [1.5] }).vector('a', 'int32'), /received 1.5/],
    ['rows outside', () => people.select([6]), /expected 0 to 5/],
    ['columns of different lengths', () => data.table({ a: [1], b: [1, 2] }), /a 1, b 2/],
    ['fractions that are not a whole', () => people.split([0.5, 0.4]), /add up to 1/],
  ])('refuse %s', (_, act, message) => {
    expect(act).toThrow(message)
  })
})
