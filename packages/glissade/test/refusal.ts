/** The message of the error of the catalogue that `call` raises. Not a test itself. */
import { expect } from 'vitest'
import { GlissadeError } from '../src/errors.ts'

export function refusal(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    expect(error).toBeInstanceOf(GlissadeError)
    return (error as GlissadeError).message
  }
  return expect.fail('nothing was refused')
}
