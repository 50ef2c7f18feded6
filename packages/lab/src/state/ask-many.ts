/** Several questions of a kind at once, of which there may be more or fewer from one moment to the next. One: ask.ts. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { invalidate } from '../ui/frame.ts'
import type { QuestionName, Questions } from '../worker/protocol.ts'
import { type Answer, useLab } from './ask.ts'

/**
 * The newest answers by key, for drawing: to be looked up when they are needed, since the component is not rendered again
 * for them. `answered` is called after each.
 */
export function useQuestions<Q extends QuestionName>(
  name: Q,
  asks: Readonly<Record<string, Questions[Q]['ask']>>,
  answered?: () => void,
): ReadonlyMap<string, Answer<Questions[Q]['answer']>> {
  const { client } = useLab()
  const answers = useRef(new Map<string, Answer<Questions[Q]['answer']>>()).current
  const watched = useRef(new Map<string, { readonly asked: string; stop(): void }>()).current
  const told = useRef(answered)
  told.current = answered
  const key = JSON.stringify(asks, (_, value) =>
    ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value,
  )
  useEffect(() => {
    for (const [each, { asked, stop }] of watched) {
      if (each in asks && asked === JSON.stringify(asks[each])) continue
      stop()
      watched.delete(each)
      answers.delete(each)
    }
    for (const [each, ask] of Object.entries(asks)) {
      if (watched.has(each)) continue
      const answer: Answer<Questions[Q]['answer']> = { value: undefined, problem: undefined, version: 0 }
      answers.set(each, answer)
      const take = (value: Questions[Q]['answer'] | undefined, problem: string | undefined): void => {
        if (value) answer.value = value
        answer.problem = problem
        answer.version++
        told.current?.()
        invalidate()
      }
      const stop = client.watch(
        name,
        ask,
        (value) => take(value, undefined),
        ({ message }) => take(undefined, message),
      )
      watched.set(each, { asked: JSON.stringify(ask), stop })
    }
  }, [client, name, key])
  useEffect(
    () => () => {
      for (const { stop } of watched.values()) stop()
      watched.clear()
    },
    [client, name],
  )
  return answers
}

/** Calls `work` at once, and not again for `every` milliseconds; what came between is made up for at the end. */
export function useAtMost(every: number, work: () => void): () => void {
  const state = useRef({ last: 0, timer: 0, work })
  state.current.work = work
  useEffect(() => () => clearTimeout(state.current.timer), [])
  return useRef(() => {
    const own = state.current
    const wait = own.last + every - performance.now()
    if (wait <= 0) {
      own.last = performance.now()
      own.work()
    } else if (own.timer === 0) {
      own.timer = setTimeout(() => {
        own.timer = 0
        own.last = performance.now()
        own.work()
      }, wait) as unknown as number
    }
  }).current
}

/** One question whose newest answer is read as text: what follows is rendered at most ten times a second. */
export function useText<Q extends QuestionName>(
  name: Q,
  ask: Questions[Q]['ask'] | undefined,
): Answer<Questions[Q]['answer']> {
  const [, rendered] = useState(0)
  const render = useAtMost(100, () => rendered((count) => count + 1))
  const answer = useQuestions(name, ask ? { ask } : {}, render).get('ask')
  return answer ?? { value: undefined, problem: undefined, version: 0 }
}
