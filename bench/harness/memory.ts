/** How much memory this process holds, and held at most since a mark. */
import { readFileSync, writeFileSync } from 'node:fs'

export interface Mark {
  /** Bytes in memory. */
  readonly resident: number
}

/** Forgets the peak so far, where the system allows it (Linux, see proc(5): clear_refs). */
export function markMemory(): Mark {
  try {
    writeFileSync('/proc/self/clear_refs', '5')
  } catch {
    // the peak then counts from the start of the process
  }
  return { resident: process.memoryUsage.rss() }
}

/** Bytes that the process held at most since, beyond those of the mark; null where the system does not tell. */
export function peakSince({ resident }: Mark): number | null {
  try {
    const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    return kilobytes === undefined ? null : Math.max(0, Number(kilobytes) * 1024 - resident)
  } catch {
    return null
  }
}
