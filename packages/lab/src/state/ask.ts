/** How a view asks: a question that is asked again while the view can be seen, with the newest answer at hand. */
import { createContext } from 'preact'
import { useContext, useEffect, useRef, useState } from 'preact/hooks'
import { invalidate } from '../ui/frame.ts'
import type { QuestionName, Questions } from '../worker/protocol.ts'
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
