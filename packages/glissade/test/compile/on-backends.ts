/** Tests of large programs on the backends that share work out: every kernel verified, against the reference. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { evaluate } from '../../src/backends/reference/reference.ts'
import { compilerOptions } from '../../src/compile/lower.ts'
import { type BackendName, probeBackend, realize, setBackend, type Tensor } from '../../src/index.ts'
import { difference } from './fuzz-check.ts'

/** Makes the tests once for each backend that is here. */
export async function onBackends(tests: (name: BackendName) => void): Promise<void> {
  beforeAll(() => {
    compilerOptions.verify = true
  })
  afterAll(async () => {
    compilerOptions.verify = false
    await setBackend('reference')
  })
  for (const name of ['wasm', 'native'] as const satisfies readonly BackendName[]) {
    const probe = await probeBackend(name)
    const missing = 'reason' in probe ? probe.reason : undefined
    if ('backend' in probe) await probe.backend.dispose()
    describe.skipIf(missing)(`${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
      beforeAll(async () => {
        await setBackend(name)
      })
      tests(name)
    })
  }
}

/** Computes all tensors as one program. */
export async function expectAsReference(tensors: readonly Tensor[]): Promise<void> {
  const expected = evaluate(tensors)
  await realize(...tensors)
  for (const [i, tensor] of tensors.entries()) {
    expect(
      difference(await tensor.data(), expected[i].data),
      `tensor ${i} of shape [${tensor.shape.join(', ')}]`,
    ).toBeUndefined()
  }
}
