/** How a view asks: a question that is asked again while the view can be seen, with the newest answer at hand. */
import { effect } from '@preact/signals'
import { createContext } from 'preact'
import { useContext, useEffect, useRef, useState } from 'preact/hooks'
import { invalidate } from '../ui/frame.ts'
import type { QuestionName, Questions } from '../worker/protocol.ts'
import { RefusedError } from './client.ts'
import type { Lab } from './lab.ts'

const LabContext = createContext<Lab | undefined>(undefined)
export const LabProvider = LabContext.Provider

export function useLab(): Lab {
  const lab = useContext(LabContext)
  if (!lab) throw new Error('A view stands outside a lab.')
  return lab
}

/** The newest answer, for drawing; changes do not render the component again, they ask for a frame. */
export interface Answer<T> {
  value: T | undefined
  /** The worker's words, if it would not answer. */
  problem: string | undefined
  /** Counts answers. */
  version: number
}

/**
 * Asks about a run now and then: when it was changed or paused, and every `every` milliseconds while it trains. For what
 * is dear to answer, or is read as text.
 */
export function usePolled<Q extends QuestionName>(
  name: Q,
  ask: Questions[Q]['ask'] & { readonly run: number },
  every: number,
): Questions[Q]['answer'] | undefined {
  const lab = useLab()
  const [answer, setAnswer] = useState<Questions[Q]['answer'] | undefined>(undefined)
  const key = JSON.stringify(ask)
  useEffect(() => {
    let [askedAt, left, waiting, again] = [0, false, false, false]
    const put = async (): Promise<void> => {
      if (waiting) {
        again = true
        return
      }
      waiting = true
      askedAt = performance.now()
      try {
        const found = await lab.client.ask(name, ask)
        if (!left) setAnswer(() => found)
      } catch (problem) {
        // The run may have been closed meanwhile.
        if (!(problem instanceof RefusedError)) throw problem
      }
      waiting = false
      if (again && !left) {
        again = false
        void put()
      }
    }
    const stop = effect(() => {
      const progress = lab.runs.value.get(ask.run)?.progress
      if (progress && (!progress.running || performance.now() - askedAt >= every)) void put()
    })
    return () => {
      left = true
      stop()
    }
  }, [lab, name, key, every])
  return answer
}

/**
 * Asks `name` again and again; undefined asks nothing. The answer is for the canvas: it is drawn on the next frame and
 * never goes through the framework. Hand over `render: true` where text follows it (few numbers, a few times a second).
 */
export function useQuestion<Q extends QuestionName>(
  name: Q,
  ask: Questions[Q]['ask'] | undefined,
  { render = false }: { readonly render?: boolean } = {},
): Answer<Questions[Q]['answer']> {
  const { client } = useLab()
  const answer = useRef<Answer<Questions[Q]['answer']>>({ value: undefined, problem: undefined, version: 0 }).current
  const [, rendered] = useState(0)
  const key =
    ask && JSON.stringify(ask, (_, value) => (ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value))
  useEffect(() => {
    if (!ask) return
    answer.problem = undefined
    return client.watch(
      name,
      ask,
      (value) => {
        answer.value = value
        answer.problem = undefined
        answer.version++
        if (render) rendered(answer.version)
        invalidate()
      },
      (problem) => {
        answer.problem = problem.message
        answer.version++
        rendered(answer.version)
      },
    )
  }, [client, name, key, render])
  return answer
}
