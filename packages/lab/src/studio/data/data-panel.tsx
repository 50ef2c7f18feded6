/** The data: which kind, and what can be set of it. Each kind has a file of its own. */
import type { ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { DataSpec } from '../../spec/spec.ts'
import { useLab } from '../../state/ask.ts'
import type { Lab } from '../../state/lab.ts'
import { IconButton, Panel, Select, Slider } from '../../ui/controls.tsx'
import { count, percent } from '../../ui/format.ts'
import { PaintData } from './paint.tsx'
import { PlaneDataFields } from './plane-data.tsx'
import { TextDataFields } from './text-data.tsx'

type Kind = DataSpec['kind']

const kinds: readonly { readonly value: Kind; readonly text: string }[] = [
  { value: 'plane', text: 'Points of a pattern' },
  { value: 'points', text: 'Points you paint' },
  { value: 'digits', text: 'Handwritten digits' },
  { value: 'text', text: 'Text, letter by letter' },
  { value: 'table', text: 'A table (CSV file)' },
]

/** First settings of a kind; painted points begin with those that are there. */
async function begin(lab: Lab, kind: Kind): Promise<void> {
  const spec = lab.spec.peek()
  if (!spec) return
  const { data } = spec
  const shared = { testShare: data.testShare, seed: data.seed }
  const features = 'features' in data ? data.features : (['x', 'y'] as const)
  const set = (next: DataSpec): Promise<boolean> => lab.editor.change({ data: next })
  if (kind === 'plane') await set({ kind, set: 'circle', samples: 300, noise: 0.03, features, ...shared })
  else if (kind === 'digits') await set({ kind, samples: 4000, ...shared, testShare: 0.2 })
  else if (kind === 'text') await set({ kind, corpus: 'names', context: 12, samples: 4000, ...shared, testShare: 0.1 })
  else if (kind === 'points') {
    const from: DataSpec =
      data.kind === 'plane'
        ? { ...data, samples: Math.min(data.samples, 400) }
        : { kind: 'plane', set: 'moons', samples: 40, noise: 0.03, features, ...shared }
    const {
      points = new Float32Array(),
      targets = new Float32Array(),
      task,
    } = await lab.client.order('describe', { data: from })
    const round = (value: number): number => Math.max(-6, Math.min(6, Math.round(value * 100) / 100))
    const list = Array.from(
      targets,
      (target, i) =>
        [round(points[2 * i]), round(points[2 * i + 1]), task === 'class' ? target : Number(target > 0)] as const,
    )
    await set({ kind, points: list, features, ...shared })
  }
}

export function DataPanel(): JSX.Element | null {
  const lab = useLab()
  const spec = lab.spec.value
  const facts = lab.editor.facts.value
  const [asked, ask] = useState<Kind | undefined>(undefined)
  // Other data, from wherever, are an answer.
  useEffect(() => ask(undefined), [spec?.data])
  if (!spec || !facts) return null
  const { data } = spec
  // A table is there only when its file is.
  const kind = asked === 'table' ? 'table' : data.kind
  const change = (part: object, key = ''): Promise<boolean> =>
    lab.editor.change({ data: { ...data, ...part } as DataSpec }, key)
  return (
    <Panel title="Data" class="data">
      <Select
        label="What it learns from"
        value={kind}
        options={kinds}
        onChange={(next) => {
          ask(next)
          void begin(lab, next)
        }}
      />
      {kind === 'plane' && data.kind === 'plane' && <PlaneDataFields data={data} change={change} />}
      {kind === 'points' && data.kind === 'points' && <PaintData data={data} change={change} />}
      {kind === 'digits' && data.kind === 'digits' && (
        <Slider
          label="Samples"
          value={data.samples}
          min={200}
          max={6000}
          step={200}
          show={count}
          onInput={(samples) => change({ samples }, 'samples')}
        />
      )}
      {kind === 'text' && data.kind === 'text' && <TextDataFields data={data} change={change} />}
      {kind === 'table' && <TablePart />}
      <Slider
        label="Kept for testing"
        value={data.testShare}
        min={0.1}
        max={0.9}
        step={0.05}
        show={(share) => percent(share).replace('.0', '')}
        onInput={(testShare) => change({ testShare }, 'testShare')}
        hint="The network never learns from these; they show whether it has understood or only remembered."
      />
      <p class="muted small counted">
        {count(facts.trainCount)} to learn from, {count(facts.testCount)} to test with
      </p>
      <div class="row">
        <IconButton
          glyph="dice"
          name={data.kind === 'plane' ? 'Draw other points' : 'Another choice and split'}
          onClick={() => change({ seed: (data.seed + 1) % 2 ** 31 })}
        />
        <span class="muted small">
          {data.kind === 'plane' ? 'Other points' : 'Another split'} · data seed {data.seed}
        </span>
      </div>
    </Panel>
  )
}

/** Reading tables needs a parser, which is loaded when it is needed. */
function TablePart(): JSX.Element {
  const [loaded, load] = useState<{ readonly Fields: ComponentType } | undefined>(undefined)
  useEffect(() => {
    let left = false
    void import('./table-data.tsx').then(({ TableDataFields }) => {
      if (!left) load({ Fields: TableDataFields })
    })
    return () => {
      left = true
    }
  }, [])
  return loaded ? <loaded.Fields /> : <p class="muted small">The reader of tables is being loaded.</p>
}

/** Files that are dropped on the page: a table, or a text. */
export async function takeFile(lab: Lab, file: File): Promise<void> {
  const say = (text: string): void => {
    lab.notice.value = { kind: 'error', text }
  }
  const table = /\.(csv|tsv)$/i.test(file.name) || file.type === 'text/csv'
  if (!table && !/\.(txt|md)$/i.test(file.name) && !file.type.startsWith('text/'))
    return say(`${file.name} is no table and no text. Drop a .csv or a .txt file.`)
  const { readTable, readText } = await import('./files.ts')
  const spec = lab.spec.peek()
  if (!spec) return
  const shared = { testShare: spec.data.testShare, seed: spec.data.seed }
  const read = table ? await readTable(file, shared) : await readText(file, shared)
  if (read.problem !== undefined) return say(read.problem)
  await lab.editor.change({ data: read.value })
}
