/** Which sample is looked at: the one before, the next, from the training or the test part. */
import type { JSX } from 'preact'
import { useLab } from '../state/ask.ts'
import { IconButton, Select } from '../ui/controls.tsx'
import { count } from '../ui/format.ts'
import './sample-picker.css'
import type { Part, RunInfo } from '../worker/protocol.ts'

const parts = [
  { value: 'train', text: 'training' },
  { value: 'test', text: 'test' },
] as const

export function SamplePicker({ info }: { readonly info: RunInfo }): JSX.Element {
  const { selection } = useLab()
  const input = selection.input.value
  const sample = 'part' in input ? input : undefined
  const all = sample?.part === 'train' ? info.trainCount : info.testCount
  const go = (part: Part, index: number): void => {
    const most = part === 'train' ? info.trainCount : info.testCount
    selection.input.value = { part, index: ((index % most) + most) % most }
  }
  return (
    <div class="row sample-picker">
      <IconButton
        glyph="back"
        name="Sample before"
        onClick={() => go(sample?.part ?? 'test', sample ? sample.index - 1 : 0)}
      />
      <span class="figures">{sample ? `sample ${count(sample.index + 1)} of ${count(all)}` : 'your own'}</span>
      <IconButton
        glyph="next"
        name="Next sample"
        onClick={() => go(sample?.part ?? 'test', sample ? sample.index + 1 : 0)}
      />
      <Select label="Samples" value={sample?.part ?? 'test'} options={parts} onChange={(part) => go(part, 0)} />
    </div>
  )
}
