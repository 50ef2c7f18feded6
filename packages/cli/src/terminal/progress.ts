/**
 * One line that shows how far something is: drawn again in place on a terminal, as plain lines from time to time in a
 * log. Knows nothing of training; what stands in the line comes from the caller.
 */
import { type Terminal, terminalOf } from './style.ts'

export interface ProgressLine {
  /** Draws the line where it is live; else prints it if the last one is long enough ago. */
  update(text: () => string): void
  /** Prints a line that stays. */
  print(text: string): void
  /** Takes the live line away. */
  clear(): void
}

/** Milliseconds between two drawings of a live line, and between two lines of a log. */
const every = { live: 80, log: 10_000 }

export function progressLine(
  stream: NodeJS.WriteStream,
  terminal: Terminal = terminalOf(stream),
  quiet = false,
): ProgressLine {
  let drawn = false
  let last = performance.now()
  const erase = (): void => {
    if (drawn) stream.write('\r\x1b[2K')
    drawn = false
  }
  return {
    update(text) {
      const now = performance.now()
      if (quiet || now - last < (terminal.live ? every.live : every.log)) return
      last = now
      if (!terminal.live) {
        stream.write(`${text()}\n`)
        return
      }
      erase()
      // a line that wraps could not be erased again; \x1b[?7l and h switch wrapping off and on
      stream.write(`\x1b[?7l${text()}\x1b[?7h`)
      drawn = true
    },
    print(text) {
      erase()
      if (!quiet) stream.write(`${text}\n`)
      last = performance.now()
    },
    clear: erase,
  }
}
