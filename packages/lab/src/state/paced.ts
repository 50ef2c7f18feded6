/**
 * Questions whose answers cost much: asked again when the run has changed, but never for more than a small part of the
 * time, so that looking closely does not slow training down. Cheap ones: ask.ts.
 */
import { useSignalEffect } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Progress, QuestionName, Questions } from '../worker/protocol.ts'
import { useLab } from './ask.ts'

/** The part of the time that may go into one such question while the run trains. */
const share = 0.05
/** Milliseconds between two answers, at least, while it trains. */
const pause = 250

export interface Paced<Q extends QuestionName> {
  /** The newest answer, with what was asked for it. */
  readonly ask: Questions[Q]['ask'] | undefined
  readonly value: Questions[Q]['answer'] | undefined
  readonly problem: string | undefined
  readonly busy: boolean
}

/** Asks while `ask` is there; what it gives renders the component again. */
export function usePaced<Q extends QuestionName>(name: Q, ask: Questions[Q]['ask'] | undefined): Paced<Q> {
  const lab = useLab()
  const [paced, setPaced] = useState<Paced<Q>>({ ask: undefined, value: undefined, problem: undefined, busy: false })
  const loop = useRef<{ again(): void } | undefined>(undefined)
  const key = ask && JSON.stringify(ask)
  useEffect(() => {
    if (!ask) {
      setPaced({ ask: undefined, value: undefined, problem: undefined, busy: false })
      return
    }
    let [left, asking, stale] = [false, false, false]
    let [cost, answered] = [0, 0]
    let told: Progress | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    const go = async (): Promise<void> => {
      asking = true
      stale = false
      told = lab.runs.peek().get(ask.run)?.progress
      timer = undefined
      const from = performance.now()
      setPaced((before) => ({ ...before, busy: true }))
      let next: Partial<Paced<Q>>
      try {
        next = { ask, value: await lab.client.ask(name, ask), problem: undefined }
      } catch (problem) {
        next = { problem: problem instanceof Error ? problem.message : String(problem) }
      }
      if (left) return
      answered = performance.now()
      cost = answered - from
      asking = false
      setPaced((before) => ({ ...before, ...next, busy: false }))
      if (stale) again()
    }
    const again = (): void => {
      if (lab.runs.peek().get(ask.run)?.progress === told) return
      stale = true
      if (asking) return
      const wait = lab.running.peek() ? Math.max(pause, cost / share) : 0
      clearTimeout(timer)
      timer = setTimeout(() => void go(), Math.max(0, wait - (performance.now() - answered)))
    }
    loop.current = { again }
    void go()
    return () => {
      left = true
      loop.current = undefined
      clearTimeout(timer)
    }
  }, [lab, name, key])
  // Progress comes with every step that is told, with every pause, and with weights set by hand.
  useSignalEffect(() => {
    void lab.runs.value.get(ask?.run ?? lab.current.peek())?.progress
    loop.current?.again()
  })
  return paced
}
