/** Compilers that are missing, broken or choosy, and cache folders that are empty, full, damaged or closed. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DiskCache, defaultCacheFolder, digest, refuseFolder } from '../src/backends/native/cache.ts'
import { findKoffi } from '../src/backends/native/koffi.ts'
import { createNative, type NativeOptions } from '../src/backends/native/native.ts'
import { defaultCompilers, targetFrom } from '../src/backends/native/toolchain.ts'
import * as k from '../src/kernel/build.ts'
import { buffer, freshFolder, kernelOf, runOnce, working } from './native/harness.ts'

const real = execFileSync(
  'sh',
  ['-c', `command -v ${defaultCompilers().find((name) => spawnSync(name, ['--version']).status === 0)}`],
  { encoding: 'utf8' },
).trim()

/** A compiler made of a shell script that logs its calls; `$REAL` is the true one. */
function fakeCompiler(body: string): { path: string; calls: () => string[] } {
  const folder = freshFolder()
  const path = join(folder, 'fake-cc')
  const log = join(folder, 'log')
  writeFileSync(path, `#!/bin/sh\nREAL='${real}'\necho "$*" >> '${log}'\n${body}\n`)
  chmodSync(path, 0o755)
  return { path, calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []) }
}

let serial = 0
/** Compiles and runs a program that no other test has compiled. */
async function works(options: NativeOptions): Promise<void> {
  const salt = 1000 + serial++
  await worksWith(options, salt)
}

async function worksWith(options: NativeOptions, salt: number): Promise<void> {
  const backend = await working({ threads: 2, ...options })
  const out = new Int32Array(4)
  await runOnce(
    backend,
    [kernelOf([buffer('out', 'i32', 4)], [k.store('out', k.task, k.i32(salt))], { tasks: 4 })],
    [out],
  )
  await backend.dispose()
  expect([...out]).toEqual(new Array(4).fill(salt))
}

const reasonOf = async (options: NativeOptions): Promise<string> => {
  const probe = await createNative({ cacheFolder: freshFolder(), ...options })
  if ('backend' in probe) {
    await probe.backend.dispose()
    throw new Error('a backend was not expected')
  }
  expect(probe.fix).toMatch(/CC/)
  return probe.reason
}

const objects = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.so'))

test('with a full cache no compiler is started at all', async () => {
  const cacheFolder = join(freshFolder(), 'deep', 'cache')
  const compiler = fakeCompiler('exec "$REAL" "$@"')
  const options = { cacheFolder, compilers: [compiler.path] }
  await worksWith(options, 7)
  const cold = compiler.calls().length
  expect(cold).toBeGreaterThanOrEqual(5)
  expect(statSync(cacheFolder).mode & 0o777).toBe(0o700)
  expect(readdirSync(cacheFolder).every((name) => /^(toolchain-)?[0-9a-f]{64}\.(so|json)(\.sha256)?$/.test(name))).toBe(
    true,
  )
  await worksWith(options, 7)
  expect(compiler.calls().length).toBe(cold)
  await worksWith(options, 8)
  expect(compiler.calls().length).toBe(cold + 1)
})

test('another compiler, or the same one changed, compiles anew', async () => {
  const cacheFolder = freshFolder()
  const first = fakeCompiler('exec "$REAL" "$@"')
  await worksWith({ cacheFolder, compilers: [first.path] }, 9)
  const calls = first.calls().length
  writeFileSync(
    first.path,
    readFileSync(first.path, 'utf8').replace('exec', '[ "$1" = --version ] && echo fake 2.0 && exit 0\nexec'),
  )
  await worksWith({ cacheFolder, compilers: [first.path] }, 9)
  expect(first.calls().length).toBeGreaterThanOrEqual(2 * calls)
})

/** Changes a file by putting another in its place: the old one may still be mapped as code. */
function replaceFile(path: string, content: Uint8Array | string): void {
  writeFileSync(`${path}.new`, content)
  renameSync(`${path}.new`, path)
}

test('damaged, cut and missing files are compiled again', async () => {
  const cacheFolder = freshFolder()
  const damage: ((path: string) => void)[] = [
    (path) => {
      const bytes = readFileSync(path)
      bytes[bytes.length >> 1] ^= 255
      replaceFile(path, bytes)
    },
    (path) => replaceFile(path, readFileSync(path).subarray(0, 100)),
    (path) => replaceFile(`${path}.sha256`, 'nonsense'),
    (path) => replaceFile(path, ''),
  ]
  await worksWith({ cacheFolder }, 10)
  for (const harm of damage) {
    for (const name of objects(cacheFolder)) harm(join(cacheFolder, name))
    await worksWith({ cacheFolder }, 10)
    for (const name of objects(cacheFolder)) {
      const path = join(cacheFolder, name)
      expect(readFileSync(`${path}.sha256`, 'utf8')).toBe(digest(readFileSync(path)))
    }
  }
})

test('a file with a right checksum that does not load is compiled again', async () => {
  const cacheFolder = freshFolder()
  await worksWith({ cacheFolder }, 11)
  for (const name of objects(cacheFolder)) {
    replaceFile(join(cacheFolder, name), 'not a library')
    writeFileSync(join(cacheFolder, `${name}.sha256`), digest('not a library'))
  }
  await worksWith({ cacheFolder }, 11)
})

/** Runs `work` and returns the warnings of this library that it caused. */
async function warningsOf(work: () => Promise<void>): Promise<string[]> {
  const texts: string[] = []
  const listen = (warning: Error): void => {
    if (warning.name === 'GlissadeWarning') texts.push(warning.message)
  }
  process.on('warning', listen)
  await work()
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', listen)
  return texts
}

test('a folder that others may write to, a link, and a file in its place are refused, with one warning each', async () => {
  const open = freshFolder()
  chmodSync(open, 0o777)
  const parent = freshFolder()
  const link = join(parent, 'link')
  symlinkSync(freshFolder(), link)
  const file = join(parent, 'file')
  writeFileSync(file, '')
  for (const [cacheFolder, why] of [
    [open, /other users may write/],
    [link, /symbolic link/],
    [file, /EEXIST|not a folder/],
  ] as const) {
    const texts = await warningsOf(async () => {
      await works({ cacheFolder })
      await works({ cacheFolder })
    })
    expect(texts.length).toBe(1)
    expect(texts[0]).toMatch(why)
    expect(texts[0]).toContain(cacheFolder)
    expect(texts[0]).toContain('GLISSADE_CACHE')
  }
  expect(readdirSync(open)).toEqual([])
})

test('a folder that belongs to another user is refused', () => {
  if (process.getuid?.() !== 0) return expect(refuseFolder('/')).toMatch(/another user|others|EACCES|EROFS/)
  const folder = freshFolder()
  execFileSync('chown', ['12345', folder])
  expect(refuseFolder(folder)).toMatch(/another user/)
})

test('a folder that cannot be written, and one that cannot be made', async () => {
  // /proc takes no files, not even from the superuser.
  const texts = await warningsOf(() => works({ cacheFolder: '/proc/glissade' }))
  expect(texts.length).toBe(1)
  expect(refuseFolder('/proc')).toBeDefined()
})

test('a folder that is full is left for a temporary one', async () => {
  // The compiler runs out of space as long as it writes into the cache folder.
  const cacheFolder = freshFolder()
  const compiler = fakeCompiler(
    `case "$*" in *${cacheFolder}*program*) echo "ld: final link failed: No space left on device" >&2; exit 1;; esac\nexec "$REAL" "$@"`,
  )
  const texts = await warningsOf(() => works({ cacheFolder, compilers: [compiler.path] }))
  expect(texts.length).toBe(1)
  expect(texts[0]).toMatch(/No space left/)
  expect(objects(cacheFolder)).toEqual([])
})

test('no compiler: the reason names what was looked for', async () => {
  expect(await reasonOf({ compilers: ['no-such-cc', '/nowhere/cc'] })).toBe(
    'no C compiler was found (looked for no-such-cc, /nowhere/cc)',
  )
})

test('a broken compiler is named with what it said; the next one is used', async () => {
  const broken = fakeCompiler('echo "cc1: fatal error: out of sorts" >&2; exit 3')
  expect(await reasonOf({ compilers: [broken.path] })).toMatch(/fake-cc does not work: cc1: fatal error: out of sorts/)
  await works({ cacheFolder: freshFolder(), compilers: [broken.path, real] })
})

test('a compiler that says yes and writes nothing, or rubbish', async () => {
  const idle = fakeCompiler('exit 0')
  expect(await reasonOf({ compilers: [idle.path] })).toMatch(/does not work/)
  const rubbish = fakeCompiler('while [ $# -gt 0 ]; do [ "$1" = -o ] && echo rubbish > "$2"; shift; done; exit 0')
  expect(await reasonOf({ compilers: [rubbish.path] })).toMatch(/does not work/)
})

test('a compiler that refuses -march=native works without it', async () => {
  const choosy = fakeCompiler(
    'case "$*" in *=native*) echo "error: unknown value native" >&2; exit 1;; esac\nexec "$REAL" "$@"',
  )
  await works({ cacheFolder: freshFolder(), compilers: [choosy.path] })
  expect(choosy.calls().at(-1)).not.toMatch(/native/)
})

test('a compiler without the built-ins uses the portable bodies', async () => {
  const plain = fakeCompiler(
    'case "$*" in *GLISSADE_PORTABLE*|*--version*|*-dM*) exec "$REAL" "$@";; *) echo "error: no built-ins" >&2; exit 1;; esac',
  )
  await works({ cacheFolder: freshFolder(), compilers: [plain.path] })
  expect(plain.calls().at(-1)).toMatch(/GLISSADE_PORTABLE/)
})

test('a compiler that fails on a program: its words, and the program kept for a look', async () => {
  const cacheFolder = freshFolder()
  const compiler = fakeCompiler(`for last; do :; done
for word; do case "$word" in *program.c) grep -q 4242 "$word" && { echo "program.c:1: error: I do not like 4242" >&2; exit 1; };; esac; done
exec "$REAL" "$@"`)
  const error = await worksWith({ cacheFolder, compilers: [compiler.path] }, 4242).catch((e: unknown) => e as Error)
  expect((error as Error).message).toMatch(/I do not like 4242/)
  const kept = /kept in (\S+\.c)/.exec((error as Error).message)?.[1] ?? ''
  expect(readFileSync(kept, 'utf8')).toContain('4242')
  await worksWith({ cacheFolder, compilers: [compiler.path] }, 12)
})

test('koffi missing: the reason says so', async () => {
  expect(await findKoffi('no-such-package')).toEqual({ problem: expect.stringMatching(/no-such-package/) })
  expect(await findKoffi()).toHaveProperty('load')
})

test('where programs are kept, and which compilers are tried', () => {
  expect(defaultCacheFolder({ GLISSADE_CACHE: '/a/b' })).toBe('/a/b')
  expect(defaultCacheFolder({ XDG_CACHE_HOME: '/x' })).toBe('/x/glissade/native')
  expect(defaultCacheFolder({})).toMatch(/\.cache\/glissade\/native$/)
  expect(defaultCompilers({ CC: 'tcc -O' })).toEqual(['tcc -O', 'clang', 'gcc', 'cc'])
})

test('the target follows the compiler', () => {
  const target = (...macros: string[]) => targetFrom(macros).target
  expect(target('__AVX512F__', '__AVX2__', '__FMA__')).toMatchObject({ lanes: 16, fma: true })
  expect(target('__AVX2__', '__FMA__')).toMatchObject({ lanes: 8, fma: true })
  expect(target('__AVX2__')).toMatchObject({ lanes: 8, fma: false })
  expect(target('__SSE2__')).toMatchObject({ lanes: 4, fma: false })
  expect(target('__aarch64__')).toMatchObject({ lanes: 4, fma: true })
  expect(target('__AVX512F__', 'GLISSADE_PORTABLE')).toMatchObject({ lanes: 16, fma: false })
  for (const macros of [['__AVX512F__'], ['__AVX2__'], ['__aarch64__'], []]) {
    const { tile } = target(...macros)
    const registers = macros[0] === '__AVX512F__' || macros[0] === '__aarch64__' ? 32 : 16
    expect(tile.rows * tile.vectors + tile.vectors + 1).toBeLessThanOrEqual(registers)
  }
})

test('a cache folder made by hand with the right owner and mode is used as it is', async () => {
  const cacheFolder = join(freshFolder(), 'mine')
  mkdirSync(cacheFolder, { mode: 0o755 })
  expect(await warningsOf(() => works({ cacheFolder }))).toEqual([])
  expect(objects(cacheFolder).length).toBe(2)
})

test('old programs make room, abandoned files go, and what was used lately stays', () => {
  const folder = freshFolder()
  const hour = 3600
  const now = Date.now() / 1000
  const put = (name: string, age: number): void => {
    writeFileSync(join(folder, name), '')
    utimesSync(join(folder, name), now - age, now - age)
  }
  const name = (n: number): string => `${String(n).padStart(64, '0')}.so`
  for (let n = 0; n < 1010; n++) {
    put(name(n), n * hour)
    put(`${name(n)}.sha256`, n * hour)
  }
  put('beside-program.c', 48 * hour)
  put('beside-program.so', hour)
  const cache = new DiskCache(folder)
  writeFileSync(join(folder, 'new'), 'program')
  cache.adopt(join(folder, 'new'), `${'f'.repeat(64)}.so`)
  const left = new Set(readdirSync(folder))
  expect([...left].filter((each) => each.endsWith('.so') && each !== 'beside-program.so').length).toBe(1000)
  expect(left.has(`${'f'.repeat(64)}.so`)).toBe(true)
  expect(left.has(name(0))).toBe(true)
  expect(left.has(name(1009))).toBe(false)
  expect(left.has(`${name(1009)}.sha256`)).toBe(false)
  expect(left.has('beside-program.c')).toBe(false)
  expect(left.has('beside-program.so')).toBe(true)
})
