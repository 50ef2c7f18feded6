/** `glissade lab`: serves the page in which networks train and can be looked into. Ctrl-C ends it. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GlissadeError } from 'glissade'
import { RunsFolder } from '../lab/runs.ts'
import { serveLab } from '../lab/server.ts'
import { terminalOf } from '../terminal/style.ts'

export interface LabOptions {
  readonly port: number
  readonly runs?: string
  readonly open?: boolean
}

export async function lab({ port, runs, open }: LabOptions): Promise<void> {
  const page = pageFolder()
  const folder = runs === undefined ? undefined : await openRuns(runs)
  const server = await serveLab({ page, port, ...(folder && { runs: folder }) })
  const { colors } = terminalOf(process.stdout)
  const address = folder ? `${server.address}#/runs` : server.address
  process.stdout.write(`The lab is at ${colors.bold(address)} (this machine only). Ctrl-C ends it.\n`)
  if (folder) process.stdout.write(`Runs: ${(await folder.list()).length} in ${folder.path}\n`)
  if (open) openInBrowser(address)
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  await server.close()
}

function pageFolder(): string {
  const folder = join(dirname(fileURLToPath(import.meta.resolve('@glissade/lab/package.json'))), 'dist')
  if (existsSync(join(folder, 'index.html'))) return folder
  throw new GlissadeError('data-missing', {
    what: 'The built lab',
    looked: [folder],
    fix: 'Build it: npm run lab does, and serves it.',
  })
}

async function openRuns(path: string): Promise<RunsFolder> {
  try {
    return await RunsFolder.open(path)
  } catch (cause) {
    throw new GlissadeError(
      'data-missing',
      {
        what: 'The folder of runs',
        looked: [path],
        fix: 'Give the folder that fit({ run }) or glissade run wrote into.',
      },
      { cause },
    )
  }
}

/** Asks the system to open the address; where it cannot, the address was printed. */
function openInBrowser(address: string): void {
  const [command, ...before] =
    process.platform === 'darwin' ? ['open'] : process.platform === 'win32' ? ['cmd', '/c', 'start', ''] : ['xdg-open']
  const child = spawn(command, [...before, address], { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}
