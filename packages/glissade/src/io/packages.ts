/**
 * The packages that the library uses where they are installed, and does without where they are not.
 *
 * Nothing is loaded before it is used, and nothing here is needed to build and train networks. The imports are
 * literal, so that bundlers for the browser find what an application has installed. Who uses them: the readers and
 * writers beside this file, and data/.
 */
import { fail } from '../errors.ts'

/** A bundler that does not find a package leaves the import to the page if its failure is looked after. */
const absent = (cause: unknown): never => {
  throw cause
}

const packages = {
  '@jsquash/webp': () => import('@jsquash/webp/decode.js').catch(absent),
  'fast-png': () => import('fast-png').catch(absent),
  fflate: () => import('fflate').catch(absent),
  h5wasm: () => import('h5wasm').catch(absent),
  hyparquet: () => import('hyparquet').catch(absent),
  'hyparquet-compressors': () => import('hyparquet-compressors').catch(absent),
  'jpeg-js': () => import('jpeg-js').catch(absent),
  papaparse: () => import('papaparse').catch(absent),
  pbf: () => import('pbf').catch(absent),
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
