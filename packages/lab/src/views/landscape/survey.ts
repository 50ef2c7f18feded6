/**
 * Asks for a loss surface, piece by piece and ever finer, and for the way of the run on it. It takes a small part of the
 * time while the run trains, and what is no longer wanted is not asked for.
 */
import { useSignalEffect } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { invalidate } from '../../ui/frame.ts'
import type { LandscapePlane, Progress, Questions, RunId } from '../../worker/protocol.ts'

export type Surface = Questions['landscape']['answer']
export type Way = Questions['landscapePath']['answer']
export type Window = readonly [from: number, to: number]

/** The part of the time that may go into it while the run trains. */
const share = 0.05
/** Milliseconds of a piece. */
const budget = 25
/** Text follows so often, in milliseconds; the picture follows at once. */
const textEvery = 150

/** What is known now, for drawing. */
export interface Survey {
  surface: Surface | undefined
  way: Way | undefined
  problem: string | undefined
}

export interface SurveyAsk {
  readonly run: RunId
  readonly plane: LandscapePlane
  readonly window?: readonly Window[] | undefined
  readonly zoom?: number
  /** Places on each side of the finest grid. */
  readonly size?: number
  /** Another number begins anew, around the present point. */
  readonly from?: number
  /** Whether the surface is computed again when a pause finds other weights; else its plane stays. */
  readonly follow?: boolean
}

let jobs = 0

/** The survey; the object stays the same, and the component renders now and then as it changes. */
export function useSurvey(ask: SurveyAsk): Survey {
  const lab = useLab()
  const survey = useRef<Survey>({ surface: undefined, way: undefined, problem: undefined }).current
  const [, render] = useState(0)
  const told = useRef<{ now(): void } | undefined>(undefined)
  const { run, plane, window, zoom = 1, size = 65, from = 0, follow = false } = ask
  const key = JSON.stringify([run, plane, window, zoom, size, from])
  useEffect(() => {
    let left = false
    let busy = false
    let job = ++jobs
    let finished = false
    // The window stays while the run moves within it.
    let kept = window
    let seen: Progress | undefined
    let rendered = 0
    let timer: ReturnType<typeof setTimeout> | undefined
    const progress = (): Progress | undefined => lab.runs.peek().get(run)?.progress
    const show = (): void => {
      invalidate()
      const now = performance.now()
      if (now - rendered < textEvery && progress()?.running) return
      rendered = now
      render(now)
    }
    const later = (cost: number): void => {
      clearTimeout(timer)
      timer = setTimeout(() => void turn(), progress()?.running ? cost / share : 0)
    }
    /** One piece of the surface, or the way as it is now; what comes next follows by itself. */
    const turn = async (): Promise<void> => {
      if (left || busy) return
      busy = true
      const began = performance.now()
      try {
        const now = progress()
        if (seen !== now && follow && finished && now && !now.running) {
          job = ++jobs
          finished = false
        }
        if (!finished) {
          const asked = { run, job, plane, zoom, size, budget, ...(kept && { window: kept }) }
          const surface = await lab.client.ask('landscape', asked)
          if (left) return
          survey.surface = surface
          finished = surface.finished
          if (follow) kept ??= surface.windows
        }
        if (seen !== now || !survey.way) {
          const way = await lab.client.ask('landscapePath', { run, job, withNext: !now?.running })
          if (left) return
          survey.way = way
          seen = now
        }
        survey.problem = undefined
      } catch (problem) {
        if (left) return
        // A run that began again has forgotten its surfaces: then there is a new one.
        if (finished) {
          job = ++jobs
          finished = false
          survey.way = undefined
        } else {
          survey.problem = problem instanceof Error ? problem.message : String(problem)
          finished = true
          seen = progress()
        }
      } finally {
        busy = false
      }
      show()
      if (!finished || seen !== progress()) later(performance.now() - began)
    }
    told.current = { now: () => !busy && later(0) }
    void turn()
    return () => {
      left = true
      told.current = undefined
      clearTimeout(timer)
    }
  }, [lab, key])
  useSignalEffect(() => {
    void lab.runs.value.get(run)?.progress
    told.current?.now()
  })
  return survey
}
