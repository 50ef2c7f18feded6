/**
 * What the surroundings say: whether this is Node, and what its environment variables are. Pages have none.
 */

export function inNode(): boolean {
  return typeof process !== 'undefined' && typeof process.versions?.node === 'string'
}

export function environmentVariable(name: string): string | undefined {
  return inNode() ? process.env[name] : undefined
}
