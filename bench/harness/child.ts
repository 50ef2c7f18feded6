/** One engine's process, seen from outside: started, asked, ended. What is said: protocol.ts. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Contestant } from './contestants.ts'
import type { Greeting, Reply, Request } from './protocol.ts'

/** An engine that is silent for so long has hung. */
const patienceMs = 10 * 60_000
/** How much of what it wrote to standard error is told when it fails. */
const keptLines = 8

export interface Started {
  readonly child: Child
  readonly version: string
}

export class Child {
  readonly #process: ChildProcess
  readonly #waiting: ((line: string | Error) => void)[] = []
  readonly #complaints: string[] = []
  #ended: Error | undefined

  private constructor({ command: [program, ...args], env }: Contestant, more: Record<string, string>) {
    this.#process = spawn(program, args, { stdio: 'pipe', env: { ...process.env, ...env, ...more } })
    const { stdout, stderr, stdin } = this.#process
    if (!stdout || !stderr || !stdin) throw new Error(`${program} was started without pipes`)
    // a write to a process that has ended is told by its end
    stdin.on('error', () => {})
    createInterface({ input: stdout }).on('line', (line) => this.#waiting.shift()?.(line))
    createInterface({ input: stderr }).on('line', (line) => {
      this.#complaints.push(line)
      if (this.#complaints.length > keptLines) this.#complaints.shift()
    })
    this.#process.on('error', (error) => this.#end(error.message))
    this.#process.on('close', (code, signal) => this.#end(`it ended with ${signal ?? `code ${code}`}`))
  }

  /** Starts a process; gives the reason where the engine is not here. */
  static async start(contestant: Contestant, env: Record<string, string> = {}): Promise<Started | { absent: string }> {
    const child = new Child(contestant, env)
    try {
      const greeting = (await child.#next()) as Greeting
      if (!('absent' in greeting)) return { child, version: greeting.version }
      child.stop()
      return greeting
    } catch (error) {
      return { absent: (error as Error).message }
    }
  }

  /** Errors when the process has ended, or does not answer. */
  async ask(request: Request): Promise<Reply> {
    if (!this.#ended) this.#process.stdin?.write(`${JSON.stringify(request)}\n`)
    return (await this.#next()) as Reply
  }

  stop(): void {
    this.#process.kill('SIGKILL')
  }

  async #next(): Promise<unknown> {
    if (this.#ended) throw this.#ended
    let timer: NodeJS.Timeout | undefined
    const line = await new Promise<string | Error>((resolve) => {
      this.#waiting.push(resolve)
      timer = setTimeout(() => {
        this.stop()
        resolve(new Error(`no answer in ${patienceMs / 60_000} minutes`))
      }, patienceMs)
    })
    clearTimeout(timer)
    if (line instanceof Error) throw line
    return JSON.parse(line)
  }

  #end(reason: string): void {
    this.#ended ??= new Error([reason, ...this.#complaints].join('\n    '))
    for (const resolve of this.#waiting.splice(0)) resolve(this.#ended)
  }
}
