/** Files that come with the page, fetched from its own address when they are needed. */

/** The worker's script lies in a folder beside `data/`. */
const folder = new URL('../data/', globalThis.location?.href ?? import.meta.url)

const fetched = new Map<string, Promise<ArrayBuffer>>()

/** The bytes of `name`, which is kept gzipped. */
export function asset(name: string): Promise<ArrayBuffer> {
  let bytes = fetched.get(name)
  if (!bytes) {
    bytes = fetchAsset(name)
    // Another try may succeed.
    bytes.catch(() => fetched.delete(name))
    fetched.set(name, bytes)
  }
  return bytes
}

async function fetchAsset(name: string): Promise<ArrayBuffer> {
  const response = await fetch(new URL(`${name}.gz`, folder))
  if (!response.ok || !response.body)
    throw new Error(`${name} could not be loaded (${response.status}). Reload the page, or choose other data.`)
  return new Response(response.body.pipeThrough(new DecompressionStream('gzip'))).arrayBuffer()
}
