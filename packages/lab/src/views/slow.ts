/** Questions whose answers stand in text: rendered again some times a second, however fast the network trains. */
import { useEffect, useState } from 'preact/hooks'
import { type Answer, useQuestion } from '../state/ask.ts'
import type { QuestionName, Questions } from '../worker/protocol.ts'

/** `every`: milliseconds between two looks at whether there is something new. */
export function useTextQuestion<Q extends QuestionName>(
  name: Q,
  ask: Questions[Q]['ask'] | undefined,
  every = 60,
): Answer<Questions[Q]['answer']> {
  const answer = useQuestion(name, ask)
  const [, seen] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => seen(answer.version), every)
    return () => clearInterval(timer)
  }, [answer, every])
  return answer
}
