/** Runs a program of the user's: JavaScript, or TypeScript where this Node or the project's vite reads it. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { GlissadeError } from 'glissade'

const endings = ['', '.ts', '.mjs', '.js']

/** The file of a program: a path, or the name of one in ./examples. Errors: data-missing. */
export function findProgram(name: string, folder = process.cwd()): string {
  const places = [resolve(folder, name), join(folder, 'examples', name)]
  const looked = places.flatMap((place) => endings.map((ending) => `${place}${ending}`))
  const found = looked.find((file) => extname(file) !== '' && existsSync(file))
  if (found !== undefined) return found
  throw new GlissadeError('data-missing', {
    what: `The program ${name}`,
    looked: places,
    fix: 'Name a .ts, .mjs or .js file, or an example in ./examples.',
  })
}

interface Vite {
  runnerImport(file: string, config: object): Promise<unknown>
}

/** Imports the file, and waits until its top level has ended. Errors: package-missing where nothing reads TypeScript. */
export async function runProgram(file: string): Promise<void> {
  const readsTypes = Boolean((process.features as { typescript?: unknown }).typescript)
  if (extname(file) !== '.ts' || readsTypes) {
    await import(pathToFileURL(file).href)
    return
  }
  const vite = await findVite(file)
  await vite.runnerImport(file, { configFile: false, logLevel: 'error' })
}

async function findVite(file: string): Promise<Vite> {
  for (const from of [file, import.meta.url]) {
    try {
      return (await import(pathToFileURL(createRequire(from).resolve('vite')).href)) as Vite
    } catch {
      // the next place
    }
  }
  throw new GlissadeError('package-missing', {
    name: 'vite',
    what: 'Running TypeScript',
    reason: `Node ${process.versions.node} does not read it alone; 22.18 and later do`,
  })
}
