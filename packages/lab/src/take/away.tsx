/** What can be taken away as a file: programs, weights, everything, figures of training. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { programOf } from '../spec/code.ts'
import { samplesFile } from '../spec/code-data.ts'
import { NoCounterpartError } from '../spec/pytorch/python.ts'
import { firstWeightsFile, isInline, programFile, pytorchOf } from '../spec/pytorch.ts'
import { useLab } from '../state/ask.ts'
import { RefusedError } from '../state/client.ts'
import type { Lab } from '../state/lab.ts'
import { copyText, saveFile } from '../ui/save-file.ts'
import { Dialog } from './dialog.tsx'
import { csvOf, keptOf } from './kept-curves.ts'
import type { DialogProps } from './take-bar.tsx'

interface Program {
  readonly name: string
  readonly text: string
  /** What stands beside it. */
  readonly beside: () => Promise<Readonly<Record<string, Uint8Array>>>
}

/** The run that is shown, with what its data say. */
async function shown(lab: Lab): Promise<{ run: number; spec: NonNullable<typeof lab.info.value>['spec'] }> {
  const info = lab.info.peek()
  if (!info) throw new Error('Nothing is set up yet.')
  return info
}

async function samplesBeside(lab: Lab): Promise<Record<string, Uint8Array>> {
  const { spec } = await shown(lab)
  return isInline(spec) ? {} : { [samplesFile]: await lab.client.order('samples', { data: spec.data }) }
}

async function typeScript(lab: Lab): Promise<Program> {
  const { spec } = await shown(lab)
  const facts = await lab.client.order('describe', { data: spec.data })
  return { name: 'train.ts', text: programOf(spec, facts), beside: () => samplesBeside(lab) }
}

async function pyTorch(lab: Lab): Promise<Program> {
  const { run, spec } = await shown(lab)
  const facts = await lab.client.order('describe', { data: spec.data })
  const beside = async (): Promise<Record<string, Uint8Array>> => ({
    ...(await samplesBeside(lab)),
    [firstWeightsFile]: await lab.client.order('export', { run, format: 'first' }),
  })
  return { name: programFile, text: pytorchOf(spec, facts), beside }
}

/** A program alone, or packed with what it reads. */
async function saveProgram({ name, text, beside }: Program): Promise<void> {
  const files = await beside()
  if (Object.keys(files).length === 0) return saveFile(name, text, 'text/plain')
  const { zipSync } = await import('fflate')
  const all = { [name]: new TextEncoder().encode(text), ...files }
  saveFile(name.endsWith('.py') ? 'glissade-pytorch.zip' : 'glissade-node.zip', zipSync(all), 'application/zip')
}

interface Way {
  readonly title: string
  readonly about: string
  readonly copy?: (lab: Lab) => Promise<string>
  readonly save: (lab: Lab) => Promise<void>
}

const exportAs =
  (format: 'weights' | 'onnx' | 'file', name: string) =>
  async (lab: Lab): Promise<void> => {
    const { run } = await shown(lab)
    saveFile(name, await lab.client.order('export', { run, format }))
  }

const ways: readonly Way[] = [
  {
    title: 'TypeScript program',
    about: 'Trains the same network in Node, number for number.',
    copy: async (lab) => (await typeScript(lab)).text,
    save: async (lab) => saveProgram(await typeScript(lab)),
  },
  {
    title: 'PyTorch program',
    about: 'The same layers, data, batches and first weights in Python: the same losses, up to rounding.',
    copy: async (lab) => (await pyTorch(lab)).text,
    save: async (lab) => saveProgram(await pyTorch(lab)),
  },
  {
    title: 'Weights',
    about: 'As safetensors, with the architecture beside them; PyTorch reads the names.',
    save: exportAs('weights', 'model.safetensors'),
  },
  {
    title: 'ONNX',
    about: 'The network with its weights, for onnxruntime and others.',
    save: exportAs('onnx', 'model.onnx'),
  },
  {
    title: 'Everything',
    about: 'Data, network, weights, moments and the step: a file that the lab opens again.',
    save: exportAs('file', 'session.glissade'),
  },
  {
    title: 'Figures of training',
    about: 'Losses and accuracies by step, as CSV.',
    save: async (lab) => {
      const curves = lab.run.peek()?.curves
      if (curves) saveFile('training.csv', csvOf(keptOf(curves)), 'text/csv')
    },
  },
]

export function AwayDialog({ onClose }: DialogProps): JSX.Element {
  const lab = useLab()
  const [said, say] = useState('')
  const trying = async (work: () => Promise<string>): Promise<void> => {
    try {
      say(await work())
    } catch (problem) {
      if (!(problem instanceof RefusedError || problem instanceof NoCounterpartError)) throw problem
      say(problem.message)
    }
  }
  return (
    <Dialog title="Take away" onClose={onClose}>
      <ul class="take-list">
        {ways.map(({ title, about, copy, save }) => (
          <li key={title}>
            <span>
              <b>{title}</b>
              <span class="muted">{about}</span>
            </span>
            <span class="row">
              {copy && (
                <button
                  type="button"
                  aria-label={`Copy: ${title}`}
                  onClick={() =>
                    trying(async () =>
                      (await copyText(await copy(lab))) ? 'Copied.' : 'The browser did not allow it: save the file.',
                    )
                  }
                >
                  Copy
                </button>
              )}
              <button
                type="button"
                aria-label={`Save: ${title}`}
                onClick={() =>
                  trying(async () => {
                    await save(lab)
                    return 'Saved.'
                  })
                }
              >
                Save
              </button>
            </span>
          </li>
        ))}
      </ul>
      <p class="muted">Any panel can be saved as a picture with the small arrow in its head.</p>
      <p role="status">{said}</p>
    </Dialog>
  )
}
