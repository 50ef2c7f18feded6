/**
 * Runs that were made in Node, live or finished: their curves in the view that the studio has, and their models, which
 * open in the studio. Where they come from: folder.ts; what their records say: metrics.ts.
 */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { count } from '../../ui/format.ts'
import { openModel } from '../open-file.ts'
import { ago } from '../words.ts'
import { listRuns, type RunListed, type RunsListed, readRunFile } from './folder.ts'
import { RunCurves } from './run-curves.tsx'
import './runs.css'

/** Milliseconds after which the list, and what is live in it, is looked at again. */
const every = 2000

export function Runs(): JSX.Element {
  const [listed, setListed] = useState<RunsListed | undefined>(undefined)
  const [looked, setLooked] = useState(false)
  const [chosen, choose] = useState<string | undefined>(undefined)
  useEffect(() => {
    document.title = 'Runs · Glissade lab'
    let left = false
    const look = async (): Promise<void> => {
      if (document.visibilityState === 'hidden') return
      const found = await listRuns()
      if (left) return
      setLooked(true)
      setListed(found)
    }
    void look()
    const timer = setInterval(look, every)
    return () => {
      left = true
      clearInterval(timer)
    }
  }, [])
  const runs = listed?.runs ?? []
  const run = runs.find(({ name }) => name === chosen) ?? runs[0]
  return (
    <div class="runs">
      <h1>Runs</h1>
      {!listed || runs.length === 0 ? (
        looked ? (
          <Nothing folder={listed?.folder} />
        ) : (
          <p class="muted">Looking…</p>
        )
      ) : (
        <div class="runs-desk">
          <nav aria-label="Runs of the folder">
            <ul class="runs-list">
              {runs.map((each) => (
                <li key={each.name}>
                  <button type="button" aria-pressed={each === run} onClick={() => choose(each.name)}>
                    <b>{each.name || listed.folder}</b>
                    <span class="muted">{each.live ? '● training now' : ago(each.changed)}</span>
                  </button>
                </li>
              ))}
            </ul>
          </nav>
          <div class="column">
            <RunCurves key={run.name} run={run} title={run.name || listed.folder} />
            <Models run={run} />
          </div>
        </div>
      )}
    </div>
  )
}

function Nothing({ folder }: { readonly folder: string | undefined }): JSX.Element {
  return (
    <div class="panel">
      <p>
        {folder
          ? `There is no run in ${folder} yet. It appears here as soon as one begins.`
          : 'This page was opened without a folder of runs.'}
      </p>
      <p>
        Runs that <code>fit(model, samples, {'{ run: … }'})</code> makes in Node are shown here, also while they train:
      </p>
      <pre class="figures">npx glissade lab --runs ./runs</pre>
    </div>
  )
}

/** What a file of a run is, in words. */
const fileWords = (file: string): string => {
  const [, step] = /step-0*(\d+)\.safetensors$/.exec(file) ?? []
  if (step) return `Checkpoint after step ${count(Number(step))}`
  return file === 'best.safetensors' ? 'The best model' : 'The last model'
}

function Models({ run }: { readonly run: RunListed }): JSX.Element | null {
  const lab = useLab()
  const models = run.files.filter((file) => file.endsWith('.safetensors'))
  if (models.length === 0) return null
  const open = async (file: string): Promise<void> => {
    try {
      const bytes = new Uint8Array(await (await readRunFile(run, file)).arrayBuffer())
      // A checkpoint has weights alone; what they are the weights of, the model beside it says.
      const beside = models.find((each) => !each.startsWith('checkpoints/'))
      const described =
        file.startsWith('checkpoints/') && beside
          ? new Uint8Array(await (await readRunFile(run, beside)).arrayBuffer())
          : undefined
      if (await openModel(lab, file, bytes, described)) location.hash = '#/studio'
    } catch (problem) {
      lab.notice.value = { kind: 'error', text: (problem as Error).message }
    }
  }
  return (
    <section class="panel" aria-labelledby="models-title">
      <header>
        <h2 id="models-title">Models</h2>
      </header>
      <p class="muted">Opens in the studio, with data of the lab that fit its inputs.</p>
      <div class="row">
        {models.map((file) => (
          <button key={file} type="button" onClick={() => open(file)}>
            {fileWords(file)}
          </button>
        ))}
      </div>
    </section>
  )
}
