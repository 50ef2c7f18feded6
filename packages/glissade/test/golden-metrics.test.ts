/** Every streaming metric against scikit-learn, torchmetrics and sacrebleu, in one batch and in several. */
import { describe, expect, it } from 'vitest'
import { tensor } from '../src/create.ts'
import * as metrics from '../src/metrics/index.ts'
import type { Tensor } from '../src/tensor.ts'
import { expectClose, type Golden, type Listed, readGolden, toTensor } from './golden/read.ts'

interface Case {
  readonly kind: string
  readonly args: readonly unknown[]
  readonly options: Readonly<Record<string, unknown>>
  readonly prediction: Listed
  readonly target: Listed
  readonly expected: number | readonly number[]
}
interface Sentences {
  readonly candidates: readonly string[]
  readonly references: readonly (readonly string[])[]
  readonly options: metrics.BleuOptions
  readonly score: number
  readonly precisions: readonly number[]
  readonly brevityPenalty: number
}

const { cases, bleu } = readGolden<Golden<Case> & { bleu: readonly Sentences[] }>('metrics')

/** Inputs have 9 digits. torchmetrics' calibration error counts in float32. */
const exact = { absolute: 1e-9, relative: 1e-8 }
const inFloat32 = { absolute: 1e-6, relative: 1e-6 }

type Any = metrics.Metric<unknown> & { perClass?(): number[] }
const make: Record<string, (...args: never[]) => Any> = {
  ...(metrics as unknown as Record<string, (...args: never[]) => Any>),
  accuracy: (options: metrics.ClassOptions) => metrics.accuracy(options),
  confusionMatrix: (options: metrics.ConfusionOptions) => metrics.confusionMatrix(options),
}

/** Rows `from` to `to` of a listed tensor. */
function rows({ shape, data, dtype }: Listed, from: number, to: number): Tensor {
  const width = data.length / shape[0]
  return toTensor({
    shape: [to - from, ...shape.slice(1)],
    data: data.slice(from * width, to * width),
    ...(dtype && { dtype }),
  })
}

describe('metrics give the numbers of scikit-learn and torchmetrics', () => {
  const title = ({ kind, args, options, prediction }: Case): string =>
    `${kind} ${args} ${JSON.stringify(options)} of [${prediction.shape.join(', ')}]`
  it.each(cases.map((each) => [title(each), each] as const))('%s', async (_, each) => {
    const { kind, args, prediction, target, expected } = each
    const { perClass, ...options } = each.options
    const metric = make[kind](...([...args, options] as never[]))
    const samples = prediction.shape[0]
    for (const sizes of [[samples], [1, 0, Math.floor(samples / 2), samples - 1 - Math.floor(samples / 2)]]) {
      metric.reset()
      let from = 0
      for (const size of sizes) {
        await metric.update(rows(prediction, from, from + size), rows(target, from, from + size))
        from += size
      }
      const found = perClass ? metric.perClass?.() : metric.compute()
      const flat = (Array.isArray(found) ? found.flat() : [found]) as number[]
      const tolerance = kind === 'calibrationError' ? inFloat32 : exact
      expectClose(kind, flat, typeof expected === 'number' ? [expected] : expected, tolerance)
    }
  })
})

describe('BLEU gives the numbers of sacrebleu', () => {
  it.each(bleu.map((each) => [`${JSON.stringify(each.options)} of ${each.references[0]}`, each] as const))(
    '%s',
    async (_, { candidates, references, options, score, precisions, brevityPenalty }) => {
      const words = (text: string): string[] => text.split(' ')
      const metric = metrics.bleu(options)
      candidates.forEach((candidate, i) => {
        metric.add(words(candidate), references[i].map(words))
      })
      const details = metric.details()
      expectClose('score', [metric.compute()], [score], exact)
      expectClose('precisions', details.precisions, precisions, exact)
      expectClose('brevity penalty', [details.brevityPenalty], [brevityPenalty], exact)
      if (references.some((list) => list.length > 1)) return
      // The same sentences as padded rows of numbers, in two batches, with an end.
      const numbers = new Map<string, number>()
      const numberOf = (word: string): number => {
        const known = numbers.get(word) ?? numbers.size + 2
        numbers.set(word, known)
        return known
      }
      const row = (text: string): number[] => {
        const tokens = words(text).map(numberOf)
        return [...tokens, 1, ...new Array<number>(12 - tokens.length).fill(0)]
      }
      const streamed = metrics.bleu({ ...options, padding: 0, end: 1 })
      for (const part of [candidates.slice(0, 1), candidates.slice(1)]) {
        if (part.length === 0) continue
        const from = part === candidates ? 0 : candidates.indexOf(part[0])
        const of = (texts: readonly string[]): Tensor =>
          tensor(
            texts.map((text) => row(text)),
            { dtype: 'int32' },
          )
        await streamed.update(of(part), of(references.slice(from, from + part.length).map(([only]) => only)))
      }
      expect(streamed.compute()).toBe(metric.compute())
    },
  )
})
