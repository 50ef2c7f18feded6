/**
 * How long is the wait for the first step: choosing the backend, tracing, compiling, taking weights over, one step? And
 * how much of it is compiling: from calling the function for its program to having it?
 */
import { cnn } from './cnn.ts'
import { gpt } from './gpt.ts'
import { lstm } from './lstm.ts'
import type { Work } from './work.ts'

/** What is begun: the longest in time twice, since code must not grow with it. */
const begun: readonly (() => Work)[] = [cnn, () => gpt('gpt-m'), () => lstm(64), () => lstm(512)]

const caches = ['cold', 'warm'] as const

export function firstSteps(): Work[] {
  return begun.flatMap((make) => caches.map((cache) => firstStep(make(), cache)))
}

export function compilings(): Work[] {
  return begun.flatMap((make) => caches.map((cache) => compiling(make(), cache)))
}

/** Tracing, lowering and the backend's own compiler, in a new process that has the model. */
export function compiling(work: Work, first: 'cold' | 'warm'): Work {
  const { title, ...rest } = firstStep(work, first)
  return {
    ...rest,
    name: `compile-${work.name}-${first}`,
    title: title.replace(/^first /, 'compiling the '),
    compiling: true,
  }
}

export function firstStep({ name, kind, title, settings, inputs }: Work, first: 'cold' | 'warm'): Work {
  const cache = first === 'cold' ? 'empty' : 'filled by another process'
  return {
    name: `first-${name}-${first}`,
    kind,
    title: `first ${title} in a new process, cache on disk ${cache}`,
    first,
    settings,
    inputs,
    judge: () => new Map(),
  }
}
