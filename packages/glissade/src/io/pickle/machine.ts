/**
 * A machine for Python's pickles that builds data and calls nothing of the file's choosing.
 *
 * A pickle is a program for a machine with a stack and a memo. This one knows all opcodes of protocols 0 to 5, but a
 * name that the program asks for is looked up in a closed list (`Library`), and what stands there are our own small
 * functions; any other name is an error that says it. Lists and tuples are both arrays here, dicts are Maps. What
 * PyTorch and NumPy put in pickles: globals.ts. (Opcodes: CPython's Lib/pickletools.py.)
 */
import { shorten, type Wrong } from '../source.ts'

/** What a pickle may call: arguments in, value out. */
export class Callable {
  readonly name: string
  readonly call: (args: readonly unknown[], wrong: Wrong) => unknown
  constructor(name: string, call: (args: readonly unknown[], wrong: Wrong) => unknown) {
    this.name = name
    this.call = call
  }
}

/** A value that its pickle completes after making it, by a BUILD opcode. */
export interface Buildable {
  build(state: unknown, wrong: Wrong): void
}

export interface Library {
  /** The value of `module.name`, or undefined if it is not on the list. */
  find(module: string, name: string): unknown
  /** What a persistent id stands for. */
  persistent(id: unknown, wrong: Wrong): unknown
}

const mark = Symbol('mark')
/** Values on the stack or in the memo; a file of tensors has some thousands. */
const mostValues = 10_000_000
const latest = 5
/** How many elements calls may go through for each byte of the file: the same list may be passed again and again. */
const workPerByte = 8
/** A whole number of more bytes than this is no number of a model. */
const longestNumber = 256

/** The position and the value of the pickle that begins at `from`. */
export function runPickle(
  bytes: Uint8Array,
  from: number,
  library: Library,
  wrong: Wrong,
): { value: unknown; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const stack: unknown[] = []
  const memo = new Map<number, unknown>()
  const mostWork = mostValues + workPerByte * bytes.length
  let work = 0
  let at = from

  const take = (length: number): number => {
    if (!(length >= 0 && at + length <= bytes.length))
      wrong('pickle', `${bytes.length} bytes`, `at least ${at + length}: it is cut short`)
    at += length
    return at - length
  }
  const byte = (): number => bytes[take(1)]
  const u16 = (): number => view.getUint16(take(2), true)
  const u32 = (): number => view.getUint32(take(4), true)
  const i32 = (): number => view.getInt32(take(4), true)
  const u64 = (): number => Number(view.getBigUint64(take(8), true))
  const raw = (length: number): Uint8Array => {
    const start = take(length)
    return bytes.subarray(start, start + length)
  }
  const utf8 = (length: number): string => new TextDecoder().decode(raw(length))
  const line = (): string => {
    const end = bytes.indexOf(0x0a, at)
    if (end < 0) wrong('pickle', 'a line without end', 'a line feed: it is cut short')
    const text = latin1(raw(end - at))
    at = end + 1
    return text
  }
  const push = (value: unknown): void => {
    if (stack.length >= mostValues) wrong('pickle', 'more values than any model', `at most ${mostValues}`)
    stack.push(value)
  }
  const pop = (): unknown => {
    if (stack.length === 0 || stack[stack.length - 1] === mark) wrong('pickle', 'an empty stack', 'a value')
    return stack.pop()
  }
  const top = (): unknown => {
    const value = pop()
    stack.push(value)
    return value
  }
  const sinceMark = (): unknown[] => {
    const place = stack.lastIndexOf(mark)
    if (place < 0) wrong('pickle', 'no mark on the stack', 'one')
    const values = stack.splice(place)
    return values.slice(1)
  }
  const popN = (n: number): unknown[] => Array.from({ length: n }, pop).reverse()
  const asArray = (value: unknown, what: string): unknown[] =>
    Array.isArray(value) ? value : wrong('pickle', what, 'a list')
  const asText = (value: unknown): string =>
    typeof value === 'string' ? value : wrong('pickle', 'a name that is no text', 'a text')
  const remember = (place: number): void => {
    if (memo.size >= mostValues) wrong('pickle', 'more values than any model', `at most ${mostValues}`)
    memo.set(place, top())
  }
  const recall = (place: number): void => {
    if (!memo.has(place)) wrong('pickle', `memo ${place}, which is empty`, 'a value that was put there')
    push(memo.get(place))
  }
  const global = (module: string, name: string): unknown => {
    const value = library.find(module, name)
    if (value !== undefined) return value
    return wrong(
      'pickle',
      `the global '${shorten(`${module}.${name}`)}', which it wants to import`,
      'tensors, numbers, texts, lists and dicts only',
      'Nothing of it was executed. If you trust the file, save its tensors alone in Python: torch.save(model.state_dict(), path), or safetensors.',
    )
  }
  const call = (callable: unknown, args: unknown): unknown => {
    if (!(callable instanceof Callable)) return wrong('pickle', 'a call of what is no function', 'a global of the list')
    const given = asArray(args, 'arguments that are no tuple')
    work += given.length + given.reduce((sum: number, each) => sum + lengthOf(each), 0)
    if (work > mostWork)
      wrong('pickle', 'calls that work through more than any model has', `at most ${mostWork} elements`)
    return callable.call(given, wrong)
  }
  const extend = (target: unknown, values: readonly unknown[]): void => {
    const list = asArray(target, 'values for what is no list')
    for (const value of values) list.push(value)
  }
  const setItems = (target: unknown, values: readonly unknown[]): void => {
    if (!(target instanceof Map) || values.length % 2 !== 0)
      wrong('pickle', 'items for what is no dict', 'a dict, and pairs')
    for (let i = 0; i < values.length; i += 2) (target as Map<unknown, unknown>).set(values[i], values[i + 1])
  }
  const addAll = (target: unknown, values: readonly unknown[]): void => {
    if (!(target instanceof Set)) wrong('pickle', 'items for what is no set', 'a set')
    for (const value of values) (target as Set<unknown>).add(value)
  }
  const build = (target: unknown, state: unknown): void => {
    if (typeof target === 'object' && target !== null && 'build' in target && typeof target.build === 'function')
      (target as Buildable).build(state, wrong)
    // An OrderedDict's attributes (PyTorch's version notes, `_metadata`) are of no use here.
    else if (!(target instanceof Map)) wrong('pickle', 'a state for what has none', 'an array or a dict')
  }
  const decimal = (text: string): number | bigint => {
    const digits = text.trim().replace(/L$/, '')
    if (!/^[+-]?\d{1,1000}$/.test(digits)) wrong('pickle', `'${text}'`, 'a whole number')
    return narrow(BigInt(digits))
  }
  const long = (length: number): number | bigint => {
    if (length > longestNumber) wrong('pickle', `a number of ${length} bytes`, `at most ${longestNumber}`)
    let value = 0n
    const data = raw(length)
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(data[i])
    return narrow(BigInt.asIntN(8 * length, value))
  }

  const opcodes: Readonly<Record<string, () => void>> = {
    '\x80': () => {
      const protocol = byte()
      if (protocol > latest) wrong('pickle', `protocol ${protocol}`, `at most ${latest}`)
    },
    // FRAME: its length only helps reading ahead.
    '\x95': () => {
      take(8)
    },
    '(': () => push(mark),
    '0': () => void (stack.length > 0 ? stack.pop() : pop()),
    '1': () => void sinceMark(),
    '2': () => push(top()),
    N: () => push(null),
    '\x88': () => push(true),
    '\x89': () => push(false),
    I: () => {
      const text = line()
      push(text === '00' ? false : text === '01' ? true : decimal(text))
    },
    L: () => push(decimal(line())),
    J: () => push(i32()),
    K: () => push(byte()),
    M: () => push(u16()),
    '\x8a': () => push(long(byte())),
    '\x8b': () => push(long(i32())),
    F: () => push(Number(line())),
    G: () => push(view.getFloat64(take(8), false)),
    S: () => push(quoted(line(), wrong)),
    T: () => push(latin1(raw(i32()))),
    U: () => push(latin1(raw(byte()))),
    V: () => push(rawUnicode(line())),
    X: () => push(utf8(u32())),
    '\x8c': () => push(utf8(byte())),
    '\x8d': () => push(utf8(u64())),
    B: () => push(raw(u32())),
    C: () => push(raw(byte())),
    '\x8e': () => push(raw(u64())),
    '\x96': () => push(raw(u64())),
    ']': () => push([]),
    a: () => {
      const value = pop()
      extend(top(), [value])
    },
    e: () => {
      const values = sinceMark()
      extend(top(), values)
    },
    l: () => push(sinceMark()),
    ')': () => push([]),
    t: () => push(sinceMark()),
    '\x85': () => push(popN(1)),
    '\x86': () => push(popN(2)),
    '\x87': () => push(popN(3)),
    '}': () => push(new Map()),
    d: () => {
      const values = sinceMark()
      push(new Map())
      setItems(top(), values)
    },
    s: () => {
      const pair = popN(2)
      setItems(top(), pair)
    },
    u: () => {
      const values = sinceMark()
      setItems(top(), values)
    },
    '\x8f': () => push(new Set()),
    '\x90': () => {
      const values = sinceMark()
      addAll(top(), values)
    },
    '\x91': () => push(new Set(sinceMark())),
    p: () => remember(Number(line())),
    q: () => remember(byte()),
    r: () => remember(u32()),
    '\x94': () => remember(memo.size),
    g: () => recall(Number(line())),
    h: () => recall(byte()),
    j: () => recall(u32()),
    c: () => {
      const module = line()
      push(global(module, line()))
    },
    '\x93': () => {
      const [module, name] = popN(2)
      push(global(asText(module), asText(name)))
    },
    i: () => {
      const module = line()
      const callable = global(module, line())
      push(call(callable, sinceMark()))
    },
    o: () => {
      const [callable, ...args] = sinceMark()
      push(call(callable, args))
    },
    R: () => {
      const [callable, args] = popN(2)
      push(call(callable, args))
    },
    '\x81': () => {
      const [callable, args] = popN(2)
      push(call(callable, args))
    },
    '\x92': () => {
      const [callable, args, named] = popN(3)
      if (!(named instanceof Map) || named.size > 0) wrong('pickle', 'named arguments', 'none')
      push(call(callable, args))
    },
    b: () => {
      const state = pop()
      build(top(), state)
    },
    P: () => push(library.persistent(line(), wrong)),
    Q: () => push(library.persistent(pop(), wrong)),
  }

  for (;;) {
    const code = String.fromCharCode(byte())
    if (code === '.') return { value: pop(), end: at }
    if (!Object.hasOwn(opcodes, code)) {
      const hex = code.charCodeAt(0).toString(16).padStart(2, '0')
      wrong(
        'pickle',
        `opcode 0x${hex} at byte ${at - 1}`,
        'an opcode of protocols 0 to 5, without extensions and buffers outside',
      )
    }
    opcodes[code]()
  }
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array || Array.isArray(value)) return value.length
  return value instanceof Map || value instanceof Set ? value.size : 1
}

function narrow(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}

/** Bytes as text, one character each. */
export function latin1(bytes: Uint8Array): string {
  let text = ''
  for (const value of bytes) text += String.fromCharCode(value)
  return text
}

/** A Python string literal of protocol 0. */
function quoted(text: string, wrong: Wrong): string {
  const inner = /^(['"])(.*)\1$/s.exec(text.trim())?.[2]
  if (inner === undefined) return wrong('pickle', `'${text}'`, 'a text in quotes')
  const short: Record<string, string> = { n: '\n', r: '\r', t: '\t' }
  return inner.replace(/\\(x[0-9a-fA-F]{2}|.)/gs, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (short[code] ?? code),
  )
}

/** Python's raw-unicode-escape. */
function rawUnicode(text: string): string {
  return text.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (whole, four?: string, eight?: string) => {
    const point = Number.parseInt(four ?? eight ?? '', 16)
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole
  })
}
