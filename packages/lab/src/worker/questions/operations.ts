/**
 * The next step operation by operation, with the numbers of each: read from the recording that the optimizer's
 * arithmetic is read from too (update.ts). Variables keep their values; the step is made by the order `advance`.
 */
import type { Recording } from 'glissade'
import type { Answerer } from './index.ts'
import { nextStep } from './update.ts'

/** How many ingredients of an element are listed. */
const mostTerms = 12

export const operations: Answerer<'operations'> = async (live) => {
  const { run } = live
  const recording = await nextStep(live)
  const updated = new Map(recording.updates.map(({ name, after }) => [after, `${name}, new`]))
  return {
    stamp: run.stamp,
    samples: run.nextBatch().length,
    operations: recording.operations.map(({ id, op, kind, pass, path, names, shape, inputs, doc }) => ({
      id,
      op,
      kind,
      pass,
      path,
      name: names[0] ?? updated.get(id) ?? (recording.outputs.includes(id) ? 'loss' : ''),
      shape,
      inputs,
      doc,
    })),
  }
}

export const operation: Answerer<'operation'> = async (live, { id, element }) => {
  const recording = await nextStep(live)
  const { kind, shape, inputs } = asked(recording, id)
  const size = shape.reduce((product, n) => product * n, 1)
  if (!(Number.isInteger(element) && element >= 0 && element < size))
    throw new Error(`This operation gives ${size} numbers; there is none at place ${element}.`)
  const isMade = kind !== 'data' && kind !== 'variable' && kind !== 'constant' && kind !== 'random'
  const made = isMade ? (await recording.madeOf(id, element, { limit: mostTerms })).sources : []
  return {
    stamp: live.run.stamp,
    numbers: await numbersOf(recording, id),
    inputs: await Promise.all(inputs.map(async (input) => ({ id: input, numbers: await numbersOf(recording, input) }))),
    made: made.map(({ id: source, terms, rest }) => ({
      id: source,
      terms: terms.map(({ position, value, local, product }) => ({ position, value, local, product })),
      rest,
    })),
  }
}

function asked({ operations }: Recording, id: number): Recording['operations'][number] {
  const found = operations[id]
  if (!found) throw new Error(`The next step has ${operations.length} operations; there is none with number ${id}.`)
  return found
}

async function numbersOf(
  recording: Recording,
  id: number,
): Promise<{ shape: readonly number[]; values: Float32Array }> {
  return { shape: asked(recording, id).shape, values: Float32Array.from(await recording.value(id)) }
}
