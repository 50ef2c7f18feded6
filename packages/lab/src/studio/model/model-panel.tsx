/** The model: as a network (a view), as a list of layers, and as code, each the same thing. */
import type { ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { LayerSpec } from '../../spec/spec.ts'
import { useLab } from '../../state/ask.ts'
import { count } from '../../ui/format.ts'
import { type Tab, Tabs } from '../../ui/tabs.tsx'
import { views } from '../../views/index.ts'
import { LayerList } from './layer-list.tsx'
import { QuickLayers } from './quick-layers.tsx'

type TabId = 'network' | 'layers' | 'code'

export function ModelPanel(): JSX.Element | null {
  const lab = useLab()
  const info = lab.info.value
  const spec = lab.spec.value
  const network = info && views.find((view) => view.id === 'network' && view.fits(info))
  const [wanted, choose] = useState<TabId>('network')
  const chosen = wanted === 'network' && !network ? 'layers' : wanted
  if (!info || !spec) return null
  const tabs: Tab<TabId>[] = [
    ...(network ? [{ id: 'network', title: 'Network' } as const] : []),
    { id: 'layers', title: 'Layers' },
    { id: 'code', title: 'Code' },
  ]
  return (
    <section class="panel model" aria-label="Model">
      <header>
        <h2>Model</h2>
        <span class="muted small counted">{count(info.parameterCount)} weights and biases</span>
      </header>
      <Tabs label="The model as" tabs={tabs} chosen={chosen} onChange={choose}>
        {lab.editor.behind.value && (
          <p class="problem" role="status">
            These layers do not fit together yet; what trains is still the last network that did.
          </p>
        )}
        {chosen === 'network' && network && (
          <>
            <QuickLayers model={spec.model} />
            <network.Component run={info.run} info={info} />
          </>
        )}
        {chosen === 'layers' && (
          <>
            <QuickLayers model={spec.model} />
            <Layers model={spec.model} />
          </>
        )}
        {chosen === 'code' && <CodeTab />}
      </Tabs>
    </section>
  )
}

function Layers({ model }: { readonly model: LayerSpec }): JSX.Element {
  const lab = useLab()
  const facts = lab.editor.facts.value
  const isList = model.kind === 'sequential'
  return (
    <>
      <p class="ends muted small">
        In: {facts?.inputShape.join(' × ')}{' '}
        {facts?.letters
          ? 'letters'
          : facts && facts.features.length > 0
            ? `numbers (${facts.features.slice(0, 8).join(', ')}${facts.features.length > 8 ? ' …' : ''})`
            : 'numbers'}
      </p>
      {isList ? (
        <LayerList layers={model.layers as readonly LayerSpec[]} list={['layers']} path="" />
      ) : (
        <Whole model={model} />
      )}
      <p class="ends muted small">
        Out: {facts?.outputShape.join(' × ')}{' '}
        {facts?.task === 'class'
          ? 'scores, one for each class'
          : facts?.task === 'token'
            ? 'scores, for each time one for each letter'
            : 'number'}
      </p>
    </>
  )
}

/** A model that is one piece: its options stand in a list of one. */
function Whole({ model }: { readonly model: LayerSpec }): JSX.Element {
  const lab = useLab()
  return (
    <button
      type="button"
      onClick={() => lab.editor.change({ model: { kind: 'sequential', layers: [model] } })}
      title="So that layers can stand before and behind it, and its options be changed."
    >
      Open the {model.kind === 'languageModel' ? 'language model' : model.kind} as a list of layers
    </button>
  )
}

/** The editor is large: it is loaded when it is opened. */
function CodeTab(): JSX.Element {
  const [loaded, load] = useState<{ readonly Editor: ComponentType } | undefined>(undefined)
  useEffect(() => {
    let left = false
    void import('./code-editor.tsx').then(({ CodeEditor }) => {
      if (!left) load({ Editor: CodeEditor })
    })
    return () => {
      left = true
    }
  }, [])
  return loaded ? <loaded.Editor /> : <p class="muted">The editor is being loaded.</p>
}
