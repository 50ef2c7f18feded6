/**
 * The process around one TypeScript engine: reads requests, runs them, replies (harness/protocol.ts).
 *
 * Each engine has a process of its own for each work, which lives through all rounds, so that one engine's memory,
 * threads and just-in-time compiler never touch another's, and stay warm. What runs in it: engines/.
 */
import { createInterface } from 'node:readline'
import { type Engine, readInputs, type Session, Unsupported } from './engines/engine.ts'
import { type Mark, markMemory, peakSince } from './harness/memory.ts'
import type { Greeting, Reply, Request } from './harness/protocol.ts'

const [name, backend, threads] = process.argv.slice(2)

// Replies have standard output for themselves.
console.log = console.error
console.info = console.error

const engines: Record<string, () => Promise<{ start(backend: string, threads: number): Promise<Engine> }>> = {
  glissade: () => import('./engines/glissade.ts'),
  tfjs: () => import('./engines/tfjs.ts'),
  'jax-js': () => import('./engines/jax-js.ts'),
}

const tell = (message: Greeting | Reply): void => {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
const text = (error: unknown): string => (error instanceof Error ? error.message : String(error))

async function startEngine(): Promise<Engine | undefined> {
  try {
    const engine = await (await engines[name]()).start(backend, Number(threads))
    tell({ version: engine.version, backend: engine.backend, threads: engine.threads })
    return engine
  } catch (error) {
    tell({ absent: text(error) })
  }
}

/** Samples in milliseconds a run. */
async function measure(
  session: Session,
  { inner, least, milliseconds }: Request & { do: 'measure' },
): Promise<number[]> {
  const times: number[] = []
  const end = performance.now() + milliseconds
  do {
    const from = performance.now()
    for (let i = 0; i < inner; i++) {
      const done = session.run()
      if (done) await done
    }
    await session.finish?.()
    times.push((performance.now() - from) / inner)
  } while (performance.now() < end || times.length < least)
  return times
}

/** A work whose preparation is put off until its first run. */
function deferred(open: () => Promise<Session>): Session {
  let session: Session | undefined
  return {
    check: async () => ({ values: [] }),
    async run() {
      session ??= await open()
      await session.run()
      await session.finish?.()
    },
    close: () => session?.close?.(),
  }
}

/** Of whose work only compiling counts. */
function compiling(session: Session): Session {
  const { compile } = session
  if (!compile) throw new Unsupported('it does not compile apart from running')
  return { ...session, run: () => compile() }
}

/** The memory of the process before the work was opened. */
let before: Mark = { resident: 0 }

async function openWork(engine: Engine, request: Request & { do: 'open' }): Promise<Session> {
  before = markMemory()
  const inputs = readInputs(request.inputs)
  const open = (): Promise<Session> => engine.open(request.work, inputs, request.settings)
  if (request.first === 'compile') return compiling(await open())
  return request.first === 'run' ? deferred(open) : open()
}

async function answer(engine: Engine, session: Session | undefined, request: Request): Promise<[Reply, Session?]> {
  if (request.do === 'open') return [{ ok: true }, await openWork(engine, request)]
  if (!session) throw new Error(`${request.do}: no work is open`)
  if (request.do === 'check') return [await session.check(), session]
  if (request.do === 'measure') return [{ times: await measure(session, request) }, session]
  if (request.do === 'memory') return [{ peak: peakSince(before), planned: await session.planned?.() }, session]
  session.close?.()
  return [{ ok: true }]
}

const engine = await startEngine()
if (engine) {
  let session: Session | undefined
  let earlier = Promise.resolve()
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    earlier = earlier.then(async () => {
      try {
        const [reply, next] = await answer(engine, session, JSON.parse(line) as Request)
        session = next
        tell(reply)
      } catch (error) {
        tell(error instanceof Unsupported ? { unsupported: error.message } : { error: text(error) })
      }
    })
  })
  lines.on('close', () => earlier.then(() => process.exit(0)))
}
