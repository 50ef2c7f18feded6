/**
 * The packages that the library uses where they are installed, and does without where they are not.
 *
 * Nothing is loaded before it is used, and nothing here is needed to build and train networks. The imports are
 * literal, so that bundlers for the browser find what an application has installed. Who uses them: the readers and
 * writers beside this file, and data/.
 */
import { fail } from '../errors.ts'

const packages = {
  '@jsquash/webp': () => import('@jsquash/webp/decode.js'),
  'fast-png': () => import('fast-png'),
  fflate: () => import('fflate'),
  h5wasm: () => import('h5wasm'),
  hyparquet: () => import('hyparquet'),
  'hyparquet-compressors': () => import('hyparquet-compressors'),
  'jpeg-js': () => import('jpeg-js'),
  papaparse: () => import('papaparse'),
  pbf: () => import('pbf'),
}
type Packages = { [Name in keyof typeof packages]: Awaited<ReturnType<(typeof packages)[Name]>> }

/** The package `name`, loaded; `what` needs it, as `Reading CSV`. Errors: `package-missing`. */
export async function optionalPackage<Name extends keyof Packages>(name: Name, what: string): Promise<Packages[Name]> {
  try {
    return (await packages[name]()) as Packages[Name]
  } catch (cause) {
    return fail('package-missing', { name, what, reason: (cause as Error).message.split('\n')[0] }, cause)
  }
}
