/** What to try: which kind, where, and with what value. What is pinned in another view is taken from there. */
import { useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { NumberField, Select } from '../../ui/controls.tsx'
import { shape, words } from '../../ui/format.ts'
import type { ModuleInfo, RunInfo, Trial } from '../../worker/protocol.ts'

type Kind = 'off' | 'hold' | 'head' | 'overwrite' | 'freeze'

/** Attention mixes what its heads found in this layer: its input stands in blocks, one for each head. */
interface Heads {
  readonly path: string
  readonly mixer: string
  readonly heads: number
  readonly width: number
}

function headsIn({ modules }: RunInfo): Heads[] {
  return modules.flatMap(({ path, options, children }) => {
    const mixer = modules.find((module) => children.includes(module.path) && /(^|\.)out_proj$/.test(module.path))
    const heads = Number(options.heads)
    return mixer && heads > 0 ? [{ path, mixer: mixer.path, heads, width: (mixer.inputShape.at(-1) ?? 0) / heads }] : []
  })
}

const unitCount = ({ outputShape, unitAxis }: ModuleInfo): number => outputShape[unitAxis] ?? 0
const textOf = ({ path, kind }: ModuleInfo): string =>
  path === '' ? `whole model (${words(kind)})` : `${path} · ${words(kind)}`

export function TrialForm({ info }: { readonly info: RunInfo }): JSX.Element {
  const lab = useLab()
  const withUnits = info.modules.filter((module) => module.path !== '' && unitCount(module) > 0)
  const withWeights = info.modules.filter(({ path, parameters }) => path !== '' && parameters.length > 0)
  const parameters = info.modules.flatMap((module) => module.parameters)
  const heads = headsIn(info)
  const [kind, setKind] = useState<Kind>('off')
  const [path, setPath] = useState('')
  const [unit, setUnit] = useState(0)
  const [value, setValue] = useState(0)
  const [name, setName] = useState('')
  const [element, setElement] = useState(0)

  useSignalEffect(() => {
    const pinned = lab.selection.pinned.value
    if (pinned?.kind === 'unit') {
      setPath(pinned.module)
      setUnit(pinned.unit)
      setKind((now) => (now === 'hold' ? now : 'off'))
    } else if (pinned?.kind === 'weight') {
      setName(pinned.name)
      setElement(pinned.element)
      setKind('overwrite')
    }
  })

  const module = withUnits.find((each) => each.path === path) ?? withUnits[0]
  const parameter = parameters.find((each) => each.name === name) ?? parameters[0]
  const attention = heads.find((each) => each.path === path) ?? heads[0]
  const frozen = withWeights.find((each) => each.path === path) ?? withWeights[0]
  const size = parameter?.shape.reduce((product, n) => product * n, 1) ?? 0

  const trial = (): Trial | undefined => {
    switch (kind) {
      case 'overwrite':
        return parameter && { kind, name: parameter.name, element: Math.min(element, size - 1), value }
      case 'freeze':
        return frozen && { kind, module: frozen.path }
      case 'head': {
        if (!attention) return undefined
        const { width, mixer } = attention
        const first = Math.min(unit, attention.heads - 1) * width
        const units = Array.from({ length: width }, (_, i) => first + i)
        const axis = (info.modules.find((each) => each.path === mixer)?.inputShape.length ?? 1) - 1
        return { kind: 'clamp', module: mixer, side: 'input', units, axis, value: 0 }
      }
      default:
        return (
          module && {
            kind: 'clamp',
            module: module.path,
            side: 'output',
            units: [Math.min(unit, unitCount(module) - 1)],
            axis: module.unitAxis,
            value: kind === 'off' ? 0 : value,
          }
        )
    }
  }

  return (
    <form
      class="row trial"
      onSubmit={(event) => {
        event.preventDefault()
        const found = trial()
        if (found) void lab.experiment(found)
      }}
    >
      <Select
        label="Try"
        value={kind}
        options={[
          { value: 'off', text: 'switch a unit off' },
          { value: 'hold', text: 'hold a unit at a value' },
          ...(attention ? [{ value: 'head' as const, text: 'switch a head off' }] : []),
          { value: 'overwrite', text: 'overwrite a number' },
          { value: 'freeze', text: 'freeze a layer' },
        ]}
        onChange={setKind}
      />
      {(kind === 'off' || kind === 'hold') && module && (
        <>
          <Select
            label="Layer"
            value={module.path}
            options={withUnits.map((each) => ({ value: each.path, text: textOf(each) }))}
            onChange={setPath}
          />
          <NumberField
            label={`Unit, 0 to ${unitCount(module) - 1}`}
            whole
            min={0}
            max={unitCount(module) - 1}
            value={Math.min(unit, unitCount(module) - 1)}
            onChange={setUnit}
          />
        </>
      )}
      {kind === 'head' && attention && (
        <>
          <Select
            label="Attention"
            value={attention.path}
            options={heads.map((each) => ({ value: each.path, text: each.path }))}
            onChange={setPath}
          />
          <NumberField
            label={`Head, 0 to ${attention.heads - 1}`}
            whole
            min={0}
            max={attention.heads - 1}
            value={Math.min(unit, attention.heads - 1)}
            onChange={setUnit}
          />
        </>
      )}
      {kind === 'overwrite' && parameter && (
        <>
          <Select
            label="Parameter"
            value={parameter.name}
            options={parameters.map((each) => ({ value: each.name, text: `${each.name} · ${shape(each.shape)}` }))}
            onChange={setName}
          />
          <NumberField
            label={`Place, 0 to ${size - 1}`}
            hint="Row by row."
            whole
            min={0}
            max={size - 1}
            value={Math.min(element, size - 1)}
            onChange={setElement}
          />
        </>
      )}
      {kind === 'freeze' && frozen && (
        <Select
          label="Layer"
          value={frozen.path}
          options={withWeights.map((each) => ({ value: each.path, text: textOf(each) }))}
          onChange={setPath}
        />
      )}
      {(kind === 'hold' || kind === 'overwrite') && <NumberField label="Value" value={value} onChange={setValue} />}
      <button type="submit">Try it</button>
    </form>
  )
}
