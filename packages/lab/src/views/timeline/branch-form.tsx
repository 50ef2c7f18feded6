/** A branch from the present step, with one thing changed. Its weights, moments and draws are those of the run. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { activations, initialOf, optimizers } from '../../spec/branching.ts'
import { useLab } from '../../state/ask.ts'
import { NumberField, Select } from '../../ui/controls.tsx'
import type { BranchChange, RunId } from '../../worker/protocol.ts'

type What = 'lr' | 'optimizer' | 'batchSize' | 'activation' | 'nothing'

export function BranchForm({ run, onDone }: { readonly run: RunId; readonly onDone: () => void }): JSX.Element | null {
  const lab = useLab()
  const spec = lab.runs.value.get(run)?.info.spec
  const [what, setWhat] = useState<What>('lr')
  const [lr, setLr] = useState<number | undefined>(undefined)
  const [optimizer, setOptimizer] = useState<string | undefined>(undefined)
  const [batchSize, setBatchSize] = useState<number | undefined>(undefined)
  const [activation, setActivation] = useState<string | undefined>(undefined)
  if (!spec) return null
  const used = activations.usedIn(spec.model)
  const rate = Number(spec.optimizer.lr)
  const other = optimizers.find(({ kind }) => kind !== spec.optimizer.kind)?.kind ?? ''
  const otherActivation = activations.all.find(({ kind }) => kind !== used)?.kind ?? ''
  const change = (): BranchChange => {
    switch (what) {
      case 'lr':
        return { optimizer: { ...spec.optimizer, lr: lr ?? rate / 3 } }
      case 'optimizer':
        return { optimizer: initialOf(optimizer ?? other) }
      case 'batchSize':
        return { batchSize: batchSize ?? 2 * spec.batchSize }
      case 'activation':
        return { model: activations.replaced(spec.model, activation ?? otherActivation) }
      default:
        return {}
    }
  }
  return (
    <form
      class="branch-form row"
      onSubmit={(event) => {
        event.preventDefault()
        void lab.branch(change()).then((made) => made && onDone())
      }}
    >
      <Select
        label="Change"
        value={what}
        options={[
          { value: 'lr', text: 'learning rate' },
          { value: 'optimizer', text: 'optimizer' },
          { value: 'batchSize', text: 'batch size' },
          ...(used ? [{ value: 'activation' as const, text: 'activation' }] : []),
          { value: 'nothing', text: 'nothing' },
        ]}
        onChange={setWhat}
      />
      {what === 'lr' && (
        <NumberField label="Learning rate" min={0} value={lr ?? Number((rate / 3).toPrecision(2))} onChange={setLr} />
      )}
      {what === 'optimizer' && (
        <Select
          label="Optimizer"
          value={optimizer ?? other}
          options={optimizers
            .filter(({ kind }) => kind !== spec.optimizer.kind)
            .map(({ kind, title }) => ({ value: kind, text: title }))}
          onChange={setOptimizer}
          hint="It begins with moments of its own."
        />
      )}
      {what === 'batchSize' && (
        <NumberField
          label="Batch size"
          min={1}
          max={4096}
          whole
          value={batchSize ?? 2 * spec.batchSize}
          onChange={setBatchSize}
        />
      )}
      {what === 'activation' && (
        <Select
          label={`Instead of ${used}`}
          value={activation ?? otherActivation}
          options={activations.all
            .filter(({ kind }) => kind !== used)
            .map(({ kind, title }) => ({ value: kind, text: title }))}
          onChange={setActivation}
        />
      )}
      <button type="submit" class="primary">
        Branch
      </button>
      <button type="button" class="quiet" onClick={onDone}>
        Cancel
      </button>
    </form>
  )
}
