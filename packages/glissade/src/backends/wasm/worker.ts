/**
 * The script of a worker, as text: bundlers and Node then need no file of its own.
 *
 * A worker never returns to its event loop. It sleeps on the word `turn`, and all that it must know of
 * a run, the module's bytes too, stands in the shared memory: there is no message to wait for and none
 * to lose. A run has a gate: a worker that wakes in time goes in and is counted, the first that finds
 * the work done closes it, and the last one out reports. Who oversleeps finds the gate closed and
 * holds nobody up. Next: pool.ts (the other side), tape.ts (what `parallel` does).
 */
import { together } from './tape.ts'

/** Where things stand in the first bytes of the memory, as word numbers (each group on its own cache line). */
export const word = {
  /** Rises with every run; workers sleep on it. */
  turn: 0,
  /** OPEN while a run can be joined, plus the number of workers inside. */
  gate: 16,
  /** How many programs have been dropped so far; their numbers stand in a ring. */
  drops: 32,
  /** The command: see `command` below. */
  command: 48,
  ring: 64,
  together: 128,
} as const

export const OPEN = 1 << 20
export const RING = 64

/** Words of a command, from `word.command` on. */
export const command = {
  run: 0,
  program: 1,
  code: 2,
  codeBytes: 3,
  tape: 4,
  launches: 5,
  scratch: 6,
  scratchBytes: 7,
  times: 8,
} as const

/** Words in use at the start of the memory. */
export const CONTROL_WORDS = word.together + together.size / 4

/** What a worker is started with. */
export interface WorkerStart {
  readonly memory: WebAssembly.Memory
  readonly thread: number
  /** `turn` and `drops` as they were when the worker was started. */
  readonly turn: number
  readonly drops: number
  /** `performance.timeOrigin` of the thread that starts it. */
  readonly timeOrigin: number
}

const at = (name: keyof typeof command): string => `words[${word.command + command[name]}]`

/** Posts 'ready' when it has started and the number of the run when it was the last one out. */
export const workerSource = `'use strict'
const work = ({ memory, thread, turn, drops, timeOrigin }, post) => {
  const words = new Int32Array(memory.buffer, 0, ${CONTROL_WORDS})
  const programs = new Map()
  const shift = performance.timeOrigin - timeOrigin
  const clock = () => performance.now() + shift
  const load = () => {
    const bytes = new Uint8Array(memory.buffer, ${at('code')}, ${at('codeBytes')})
    // A copy: modules may not be read from shared memory.
    const module = new WebAssembly.Module(new Uint8Array(bytes))
    return new WebAssembly.Instance(module, { env: { memory, clock } }).exports
  }
  const forgetDropped = () => {
    const now = Atomics.load(words, ${word.drops})
    if (now - drops >= ${RING}) programs.clear()
    else for (; drops !== now; drops++) programs.delete(words[${word.ring} + drops % ${RING}])
    drops = now
  }
  const run = (first) => {
    forgetDropped()
    const program = ${at('program')}
    if (!programs.has(program)) programs.set(program, load())
    const times = ${at('times')}
    const launches = ${at('launches')}
    if (first && times) new Float64Array(memory.buffer, times, 1)[0] = clock()
    const scratch = ${at('scratch')} + thread * ${at('scratchBytes')}
    programs.get(program).parallel(${at('tape')}, launches, scratch, times, ${word.together * 4})
  }
  const enter = () => {
    let gate = Atomics.load(words, ${word.gate})
    while (gate >= ${OPEN}) {
      const found = Atomics.compareExchange(words, ${word.gate}, gate, gate + 1)
      if (found === gate) return gate
      gate = found
    }
    return 0
  }
  post('ready')
  for (;;) {
    Atomics.wait(words, ${word.turn}, turn)
    const now = Atomics.load(words, ${word.turn})
    if (now === turn) continue
    turn = now
    const gate = enter()
    if (gate === 0) continue
    run(gate === ${OPEN})
    const number = ${at('run')}
    Atomics.and(words, ${word.gate}, ${~OPEN})
    if (Atomics.sub(words, ${word.gate}, 1) === 1) post(number)
  }
}
if (typeof self === 'undefined' || typeof WorkerGlobalScope === 'undefined') {
  const { parentPort, workerData } = require('node:worker_threads')
  work(workerData, (value) => parentPort.postMessage(value))
} else {
  self.onmessage = (event) => work(event.data, (value) => self.postMessage(value))
}
`
