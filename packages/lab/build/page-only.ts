/**
 * Leaves out of the page what the library has for Node and for files that the lab does not open: the native backend,
 * which compiles C, and the packages that read images, tables and Keras files. The library says by itself, when asked,
 * that they are missing; what is left is pbf, which ONNX is written with.
 */
import type { Plugin } from 'vite'

const native = '\0glissade-no-native'
const missing = '\0glissade-not-in-the-page'
const kept: ReadonlySet<string> = new Set(['pbf'])

export function pageOnly(): Plugin {
  return {
    name: 'glissade-page-only',
    enforce: 'pre',
    resolveId(source, importer) {
      if (source.endsWith('/native/native.ts')) return native
      if (importer?.endsWith('/io/packages.ts') && !source.startsWith('.') && !kept.has(source)) return missing
      return undefined
    },
    load(id) {
      if (id === native)
        return "export const createNative = async () => ({ reason: 'it compiles C, which needs Node', fix: 'Use wasm.' })"
      if (id === missing) return "throw new Error('it does not come with the page')"
      return undefined
    },
  }
}
