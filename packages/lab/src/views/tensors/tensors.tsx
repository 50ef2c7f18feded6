/**
 * Every layer's numbers as pictures: weights and what they were moved by, activations and what came back to them, with
 * histogram, shape, count and range. One tensor: tensor.tsx.
 *
 * Colours are scaled by the picture itself, by its layer, or by all layers; the legend says which.
 */
import type { JSX } from 'preact'
import { useMemo, useRef, useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { Panel, Select } from '../../ui/controls.tsx'
import { count, shape, words } from '../../ui/format.ts'
import { Legend } from '../../ui/legend.tsx'
import type { ModuleInfo, RunInfo } from '../../worker/protocol.ts'
import type { View, ViewProps } from '../view.ts'
import { ScaleBook, type Scope, type TensorRef, TensorView } from './tensor.tsx'

/** Layers that are open at first, so that small networks are seen whole. */
const openAtFirst = 3

/** The tensors of a module: its own parameters with their gradients, and what it gave back with its gradient. */
function tensorsOf({ path, parameters, outputShape, from }: ModuleInfo): TensorRef[] {
  const own = parameters.flatMap(({ name, shape: sizes }): TensorRef[] => [
    { kind: 'parameter', name, aspect: 'value', shape: sizes, title: name.slice(name.lastIndexOf('.') + 1) },
    {
      kind: 'parameter',
      name,
      aspect: 'gradient',
      shape: sizes,
      title: `gradient of ${name.slice(name.lastIndexOf('.') + 1)}`,
    },
  ])
  const ran = from.length > 0 && outputShape.length > 0
  const gave = ran
    ? (['value', 'gradient'] as const).map(
        (aspect): TensorRef => ({
          kind: 'activation',
          name: path,
          aspect,
          shape: outputShape,
          title: aspect === 'value' ? 'activation' : 'gradient of the activation',
        }),
      )
    : []
  return [...own, ...gave]
}

/** Layers with something of their own to show; what only holds others is left out. */
const layersOf = (info: RunInfo): ModuleInfo[] =>
  info.modules.filter(({ path, composite, parameters }) => path !== '' && (!composite || parameters.length > 0))

function TensorsView({ run, info }: ViewProps): JSX.Element {
  const lab = useLab()
  const { selection } = lab
  const [scope, setScope] = useState<Scope>('local')
  const layers = useMemo(() => {
    const found = layersOf(info)
    // A network that is one layer.
    return found.length > 0 ? found : info.modules
  }, [info])
  const [opened, setOpened] = useState<ReadonlyMap<string, boolean>>(new Map())
  const book = useRef(new ScaleBook()).current
  const pinned = selection.pinned.value
  const chosen =
    pinned?.kind === 'weight'
      ? layers.find(({ parameters }) => parameters.some(({ name }) => name === pinned.name))?.path
      : pinned?.module
  const isOpen = (path: string, place: number): boolean =>
    opened.get(path) ?? (path === chosen || (layers.length <= 8 && place < openAtFirst))
  return (
    <Panel
      title="Tensors"
      class="tensors"
      stamp={lab.runs.value.get(run)?.progress.stamp}
      actions={
        <Select
          label="Colours scaled by"
          value={scope}
          options={[
            { value: 'local', text: 'each picture' },
            { value: 'layer', text: 'its layer' },
            { value: 'global', text: 'all layers' },
          ]}
          onChange={setScope}
        />
      }
    >
      <Legend
        text={
          {
            local: 'full colour is the largest number of each picture, which stands beside it',
            layer: 'full colour is the largest of the layer’s pictures of the same kind',
            global: 'full colour is the largest of all open layers’ pictures of the same kind',
          }[scope]
        }
      />
      <div class="tensor-rows">
        {layers.map((module, place) => {
          const { path, kind, parameters, outputShape } = module
          const weights = parameters.reduce((sum, each) => sum + each.shape.reduce((a, b) => a * b, 1), 0)
          const open = isOpen(path, place)
          return (
            <section key={path} class="tensor-layer">
              <button
                type="button"
                class="quiet"
                aria-expanded={open}
                onClick={() => setOpened(new Map(opened).set(path, !open))}
              >
                <span aria-hidden="true">{open ? '▾' : '▸'}</span> {path || 'the network'} · {words(kind)}
                <span class="muted">
                  {' '}
                  {outputShape.length > 0 && `gives ${shape(outputShape)} · `}
                  {weights > 0 ? `${count(weights)} parameters` : 'no parameters'}
                </span>
              </button>
              {open && (
                <div class="tensor-grid">
                  {tensorsOf(module).map((tensor) => (
                    <TensorView
                      key={`${info.run} ${tensor.kind} ${tensor.name} ${tensor.aspect}`}
                      run={run}
                      tensor={tensor}
                      layer={path}
                      scope={scope}
                      book={book}
                    />
                  ))}
                </div>
              )}
            </section>
          )
        })}
      </div>
    </Panel>
  )
}

export const tensors: View = {
  id: 'tensors',
  title: 'Tensors',
  about: 'Weights, activations and the gradients of both, of every layer, as pictures with their numbers.',
  fits: () => true,
  Component: TensorsView,
}
