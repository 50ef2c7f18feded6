/** The folder of runs that `glissade lab --runs` serves beside the page: which there are, and their files. */

export interface RunListed {
  /** Its folder; '' is the folder itself. */
  readonly name: string
  readonly live: boolean
  /** Milliseconds since 1970. */
  readonly changed: number
  readonly files: readonly string[]
}

export interface RunsListed {
  readonly folder: string
  readonly runs: readonly RunListed[]
}

const addressOf = (path: string): URL =>
  new URL(`runs/${path.split('/').map(encodeURIComponent).join('/')}`, document.baseURI)

/** undefined where no runs are served. */
export async function listRuns(): Promise<RunsListed | undefined> {
  try {
    const response = await fetch(addressOf('index.json'))
    return response.ok ? listOf(await response.json()) : undefined
  } catch {
    return undefined
  }
}

/** What a static host may answer instead is no list. */
function listOf(value: unknown): RunsListed | undefined {
  const { folder, runs } = (value ?? {}) as Partial<RunsListed>
  if (typeof folder !== 'string' || !Array.isArray(runs)) return undefined
  return {
    folder,
    runs: runs.filter(
      (run: Partial<RunListed>) =>
        typeof run?.name === 'string' && Number.isFinite(run.changed) && Array.isArray(run.files),
    ),
  }
}

export const fileOf = ({ name }: RunListed, file: string): string => (name === '' ? file : `${name}/${file}`)

/** Errors: Error in words. */
export async function readRunFile(run: RunListed, file: string): Promise<Response> {
  const response = await fetch(addressOf(fileOf(run, file)))
  if (!response.ok)
    throw new Error(`${fileOf(run, file)} could not be read (${response.status}). It may have been moved or removed.`)
  return response
}
