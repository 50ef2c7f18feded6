/**
 * The worker: holds the networks, trains them, answers questions about them. It knows nothing of the page.
 *
 * What is said between the two: protocol.ts. What lies where: desk.ts; who answers: questions/; who obeys: orders.ts.
 */
import { GlissadeError, setBackend } from 'glissade'
import { Desk, type Live } from './desk.ts'
import { type Obeyer, obeyers } from './orders.ts'
import type { FromWorker, OrderName, QuestionName, Refusal, RunId, ToWorker } from './protocol.ts'
import { type Answerer, answerers } from './questions/index.ts'
import { Trainer } from './trainer.ts'

/** A question that is asked again whenever its run has changed. */
interface Watch {
  readonly name: QuestionName
  readonly ask: { readonly run: RunId }
  /** The run and its version that were answered for. */
  answered?: { readonly live: Live; readonly version: number }
}

const desk = new Desk()
const watches = new Map<number, Watch>()
const trainer = new Trainer(desk, { tell: (progress) => send({ type: 'progress', progress }), refresh })

function send(message: FromWorker): void {
  postMessage(message, { transfer: buffersIn(message) })
}

/** The memory of all arrays in a message: it is handed over, not copied. */
function buffersIn(value: unknown, found = new Set<ArrayBuffer>()): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength) found.add(value.buffer)
  } else if (typeof value === 'object' && value !== null)
    for (const each of Object.values(value)) buffersIn(each, found)
  return [...found]
}

function refusalOf(problem: unknown): Refusal {
  const message = problem instanceof Error ? problem.message : String(problem)
  return { message, ...(problem instanceof GlissadeError && { code: problem.code }) }
}

async function answer(id: number, name: QuestionName, ask: { readonly run: RunId }): Promise<void> {
  try {
    const answer = await (answerers[name] as Answerer<QuestionName>)(desk.live(ask.run), ask as never)
    send({ type: 'answer', id, answer })
  } catch (problem) {
    send({ type: 'refused', id, refusal: refusalOf(problem) })
  }
}

async function refresh(live: Live): Promise<void> {
  for (const [id, watch] of watches) {
    if (watch.ask.run !== live.run.id) continue
    if (watch.answered?.live === live && watch.answered.version === live.version) continue
    watch.answered = { live, version: live.version }
    await answer(id, watch.name, watch.ask)
  }
}

const backend = setBackend('wasm')

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === 'enough') watches.delete(data.id)
  // Stopping must not wait behind what is being computed, nor another place in time behind a long way to the last one.
  else if (data.type === 'order' && (data.name === 'pause' || data.name === 'seek'))
    void obey(data.id, data.name, data.give)
  else void desk.inTurn(() => take(data))
})

async function take(message: Exclude<ToWorker, { type: 'enough' }>): Promise<void> {
  await backend
  const { id, name } = message
  if (message.type === 'order') return obey(id, message.name, message.give)
  const ask = message.ask as { readonly run: RunId }
  if (message.again) {
    const live = desk.runs.get(ask.run)
    watches.set(id, { name: name as QuestionName, ask, ...(live && { answered: { live, version: live.version } }) })
    if (!live) return
  }
  await answer(id, message.name, ask)
}

async function obey(id: number, name: OrderName, give: unknown): Promise<void> {
  try {
    const get = await (obeyers[name] as Obeyer<OrderName>)({ desk, trainer, refresh }, give as never)
    send({ type: 'done', id, get })
  } catch (problem) {
    send({ type: 'refused', id, refusal: refusalOf(problem) })
  }
}
