/** What is set up, in a few words; and how long ago something was. */
import { presets } from '../spec/presets.ts'
import type { LabSpec } from '../spec/spec.ts'
import { words } from '../ui/format.ts'

export function aboutOf(spec: LabSpec): string {
  const text = JSON.stringify(spec)
  const preset = presets.find((each) => JSON.stringify(each.spec) === text)
  if (preset) return preset.title
  const { data, model } = spec
  const samples =
    data.kind === 'plane'
      ? data.set
      : { points: 'your points', digits: 'digits', text: 'text', table: data.kind === 'table' ? data.name : '' }[
          data.kind
        ]
  const layers = Array.isArray(model.layers) ? model.layers : []
  const kinds = layers.map((layer) => String(layer.kind))
  const main = ['lstm', 'gru', 'rnn', 'conv2d', 'conv1d'].find((kind) => kinds.includes(kind))
  const net = main
    ? words(main)
    : layers.length > 0
      ? `${kinds.filter((kind) => kind === 'linear').length} linear layers`
      : words(model.kind)
  return `${samples[0].toUpperCase()}${samples.slice(1)}, ${net}`
}

const spans = [
  [60, 'second'],
  [60, 'minute'],
  [24, 'hour'],
  [Number.POSITIVE_INFINITY, 'day'],
] as const

export function ago(at: number, now = Date.now()): string {
  let amount = Math.max(0, (now - at) / 1000)
  for (const [most, span] of spans) {
    if (amount < most) {
      const whole = Math.floor(amount)
      if (span === 'second') return 'a moment ago'
      return `${whole} ${span}${whole === 1 ? '' : 's'} ago`
    }
    amount /= most
  }
  return 'long ago'
}
