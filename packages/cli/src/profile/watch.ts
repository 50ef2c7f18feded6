/**
 * A backend that looks on: programs run on another one as before, and every second run is timed kernel by kernel. What
 * it has seen is told by report.ts.
 *
 * A timed run is a run like any other: the program that is watched computes the same numbers.
 */
import type { Backend } from 'glissade'

export type Plan = Parameters<Backend['compile']>[0]
type Executable = Awaited<ReturnType<Backend['compile']>>

/** What was seen of one program. */
export interface Seen {
  readonly plan: Plan
  /** Milliseconds of compiling. */
  readonly compiled: number
  runs: number
  /** Milliseconds of all runs together, timed ones too. */
  total: number
  /** Milliseconds of the runs that were left alone, but for the first. */
  readonly plain: number[]
  /** Milliseconds of each launch, in the order of the plan, in each timed run. */
  readonly timed: Float64Array[]
  /** The same of the first run, which meets new memory. */
  first: Float64Array | undefined
}

export class Watch {
  readonly programs: Seen[] = []
  /** What stands in for the backend that is watched. */
  readonly backend: Backend

  constructor(watched: Backend) {
    this.backend = {
      name: watched.name,
      target: watched.target,
      threads: watched.threads,
      description: watched.description,
      memory: () => watched.memory(),
      dispose: () => watched.dispose(),
      compile: async (plan) => {
        const from = performance.now()
        const executable = await watched.compile(plan)
        const compiled = performance.now() - from
        const seen: Seen = { plan, compiled, runs: 0, total: 0, plain: [], timed: [], first: undefined }
        this.programs.push(seen)
        return lookOn(executable, seen)
      },
    }
  }
}

function lookOn(executable: Executable, seen: Seen): Executable {
  const plainly = (storages: Parameters<Executable['run']>[0], from: number): undefined | Promise<void> => {
    const end = (): void => {
      const time = performance.now() - from
      seen.total += time
      seen.plain.push(time)
    }
    const done = executable.run(storages)
    if (done) return done.then(end)
    end()
    return undefined
  }
  return {
    run(storages) {
      const from = performance.now()
      const turn = seen.runs++
      if (turn % 2 === 1) return plainly(storages, from)
      return executable.profile(storages).then((times) => {
        seen.total += performance.now() - from
        if (turn === 0) seen.first = times
        else seen.timed.push(times)
      })
    },
    profile: (storages) => executable.profile(storages),
    release: () => executable.release(),
  }
}
