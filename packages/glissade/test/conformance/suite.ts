/**
 * The conformance suite: what every backend must do. A new backend is done when `conformance(name, …)` passes.
 *
 * Every sample of the op table is computed on the backend and compared with the float64 reference: values, and the
 * gradients of a function that follows the op with something nonlinear. A sample that a backend cannot do is skipped
 * by name with its reason. Next: opinfo.ts (the samples), training.ts (whole steps).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gradients } from '../../src/autodiff/gradients.ts'
import type { Backend } from '../../src/backends/backend.ts'
import { evaluate } from '../../src/backends/reference/reference.ts'
import { compilerOptions } from '../../src/compile/lower.ts'
import { isFloat } from '../../src/dtype.ts'
import { type BackendName, probeBackend, setBackend } from '../../src/run/backend.ts'
import { compile } from '../../src/run/compile.ts'
import { realize } from '../../src/run/realize.ts'
import { fromArray, type Tensor } from '../../src/tensor.ts'
import { build, mismatch, needsFloat64, type Row, rows, type Sample, type Tolerance } from '../opinfo.ts'
import { afterTraining, trainingCases } from './training.ts'

export interface ConformanceOptions {
  /** Samples of these rows are left out, for the reason given. */
  readonly skip?: Readonly<Record<string, string>>
}

export async function conformance(name: BackendName, options: ConformanceOptions = {}): Promise<void> {
  const probe = await probeBackend(name)
  const missing = 'reason' in probe ? probe.reason : undefined
  if ('backend' in probe) await probe.backend.dispose()
  describe.skipIf(missing)(`${name} conforms${missing ? ` (skipped: ${missing})` : ''}`, () => {
    let backend: Backend
    beforeAll(async () => {
      compilerOptions.verify = true
      backend = await setBackend(name)
    })
    afterAll(async () => {
      await setBackend('reference')
      await backend.dispose()
    })
    for (const row of rows) {
      const reason = options.skip?.[row.op]
      it.skipIf(reason)(`${row.op}: values${reason ? ` (skipped: ${reason})` : ''}`, () => compareValues(row))
      if (row.samples.some((sample) => sample.order > 0))
        it.skipIf(reason)(`${row.op}: gradients`, () => compareGradients(row))
    }
    it.each(trainingCases)('trains $name', async ({ run }) => {
      const received = await run()
      await setBackend('reference')
      const expected = await run()
      await setBackend(backend)
      expect([...received.keys()]).toEqual([...expected.keys()])
      for (const [key, values] of received) {
        expect(mismatch(values, expected.get(key) ?? [], { ...afterTraining, reason: '' }), key).toBeUndefined()
      }
    })
    it('gives the memory of a released program back', () => giveBack(backend))
  })
}

/** Programs that are made, run, profiled and released leave nothing behind. */
async function giveBack(backend: Backend): Promise<void> {
  const x = fromArray(new Float32Array(64 * 64).fill(0.5), [64, 64])
  const round = async (): Promise<number> => {
    for (const scale of [1, 2, 3]) {
      const step = compile((a: Tensor) => a.matmul(a).mul(scale).sin().matmul(a).sum())
      const expected = Math.sin(16 * scale) * 64 * 64 * 32
      for (let i = 0; i < 2; i++)
        expect(Math.abs((await (await step(x)).item()) - expected)).toBeLessThan(1e-3 * 64 * 64 * 32)
      const { plan } = await step.program(x)
      expect(plan.arenaBytes).toBeGreaterThanOrEqual(64 * 64 * 4)
      expect((await step.profile(x)).kernels).toHaveLength(plan.launches.length)
      step.release()
    }
    await new Promise((resolve) => setTimeout(resolve, 0))
    const { resident, arenas } = backend.memory()
    return resident + arenas
  }
  const first = await round()
  for (let i = 0; i < 3; i++) expect(await round()).toBe(first)
}

const supported = (row: Row): readonly Sample[] => row.samples.filter((sample) => !needsFloat64(sample))

async function compareValues(row: Row): Promise<void> {
  const built = supported(row).map((sample) => ({ sample, ...build(sample) }))
  const expected = evaluate(built.map(({ output }) => output))
  await realize(...built.map(({ output }) => output))
  for (let i = 0; i < built.length; i++) {
    const { sample, output } = built[i]
    expect(
      mismatch(await output.data(), expected[i].data, sample.tolerance),
      `${row.op}: ${sample.name}`,
    ).toBeUndefined()
  }
}

async function compareGradients(row: Row): Promise<void> {
  const wanted: { tensor: Tensor; sample: Sample }[] = []
  for (const sample of supported(row)) {
    if (sample.order === 0) continue
    const { inputs, output } = build(sample)
    const floats = inputs.filter((input) => isFloat(input.dtype))
    if (!isFloat(output.dtype) || floats.length === 0) continue
    for (const gradient of gradients(output.sin().sum(), floats))
      if (gradient) wanted.push({ tensor: gradient, sample })
  }
  if (wanted.length === 0) return
  const expected = evaluate(wanted.map(({ tensor }) => tensor))
  await realize(...wanted.map(({ tensor }) => tensor))
  for (let i = 0; i < wanted.length; i++) {
    const { tensor, sample } = wanted[i]
    expect(
      mismatch(await tensor.data(), expected[i].data, loosened(sample.tolerance)),
      `gradient of ${row.op}: ${sample.name}`,
    ).toBeUndefined()
  }
}

/** A gradient goes through the op, its rule and a sine: some roundings more than the value. */
function loosened({ relative, absolute, reason }: Tolerance): Tolerance {
  return {
    relative: Math.max(20 * relative, 1e-5),
    absolute: Math.max(20 * absolute, 1e-5),
    reason: `${reason}; through the gradient rule as well`,
  }
}
