/**
 * The page's side of the conversation with the worker: questions and orders as promises, watches as callbacks.
 *
 * It knows no view and keeps no state of training; lab.ts does.
 */
import type {
  FromWorker,
  OrderName,
  Orders,
  Progress,
  QuestionName,
  Questions,
  Refusal,
  ToWorker,
} from '../worker/protocol.ts'

/** What the worker would not do, in its words. */
export class RefusedError extends Error {
  readonly code: string | undefined
  constructor({ message, code }: Refusal) {
    super(message)
    this.code = code
  }
}

interface Waiting {
  answer(value: unknown): void
  refused(problem: RefusedError): void
  readonly again: boolean
}

let asked = 0

export class Client {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  /** Called when training has gone on. */
  onProgress: (progress: Progress) => void = () => {}
  /** Called when the worker itself has broken. */
  onFailure: (message: string) => void = () => {}

  constructor() {
    this.#worker = new Worker(new URL('../worker/worker.ts', import.meta.url), { type: 'module', name: 'glissade lab' })
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#take(data)
    this.#worker.onerror = (event) => {
      event.preventDefault()
      this.#failed(event.message)
    }
  }

  /** The worker is gone: who waits for it is told, and so is the person. */
  #failed(message: string): void {
    const text = message
      ? `The part that trains has stopped: ${message}. Reload the page; what was kept is offered again.`
      : 'The part that trains could not be started: its script did not load, or this browser does not let pages train. Reload the page, or try another browser.'
    for (const [id, { again, refused }] of this.#waiting) {
      if (again) continue
      this.#waiting.delete(id)
      refused(new RefusedError({ message: text }))
    }
    this.onFailure(text)
  }

  #take(message: FromWorker): void {
    if (message.type === 'progress') return this.onProgress(message.progress)
    const waiting = this.#waiting.get(message.id)
    if (!waiting) return
    if (!waiting.again) this.#waiting.delete(message.id)
    if (message.type === 'refused') waiting.refused(new RefusedError(message.refusal))
    else waiting.answer(message.type === 'answer' ? message.answer : message.get)
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message)
  }

  order<O extends OrderName>(name: O, give: Orders[O]['give']): Promise<Orders[O]['get']> {
    return new Promise((resolve, reject) => {
      const id = ++asked
      this.#waiting.set(id, { answer: resolve as (value: unknown) => void, refused: reject, again: false })
      this.#send({ type: 'order', id, name, give })
    })
  }

  ask<Q extends QuestionName>(name: Q, ask: Questions[Q]['ask']): Promise<Questions[Q]['answer']> {
    return new Promise((resolve, reject) => {
      const id = ++asked
      this.#waiting.set(id, { answer: resolve as (value: unknown) => void, refused: reject, again: false })
      this.#send({ type: 'ask', id, name, ask, again: false })
    })
  }

  /** Ends the worker; nothing is answered any more. */
  close(): void {
    this.#worker.terminate()
    this.#waiting.clear()
  }

  /** Asks now and whenever the answer may have changed, until the function that it gives back is called. */
  watch<Q extends QuestionName>(
    name: Q,
    ask: Questions[Q]['ask'],
    take: (answer: Questions[Q]['answer']) => void,
    refused: (problem: RefusedError) => void = () => {},
  ): () => void {
    const id = ++asked
    this.#waiting.set(id, { answer: take as (value: unknown) => void, refused, again: true })
    this.#send({ type: 'ask', id, name, ask, again: true })
    return () => {
      this.#waiting.delete(id)
      this.#send({ type: 'enough', id })
    }
  }
}
