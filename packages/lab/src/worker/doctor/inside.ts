/** What a network shows inside: units that are dead or saturated, gradients that vanish or explode, idle heads, inputs. */
import type { LayerSpec } from '../../spec/spec.ts'
import type { Evidence } from '../protocol.ts'
import type { Vitals } from '../vitals.ts'
import {
  earliest,
  finite,
  initializedFor,
  named,
  percent,
  type Rule,
  short,
  withActivation,
  withRate,
} from './words.ts'

/** Of a layer's units, so many may be dead before it is worth a word: a few always are. */
const mostDead = 0.3

export const dead: Rule = (vitals) =>
  vitals.units
    .filter(({ dead, units }) => dead > mostDead * units && dead >= 2)
    .map(({ path, dead, units, kind }) => ({
      name: 'dead',
      severity: dead > 0.8 * units ? 'serious' : dead > 0.5 * units ? 'warning' : 'note',
      title: `${dead} of ${units} units are dead`,
      text: `In ${named(path)} they give 0 for every sample that was looked at. Where ${kind} gives 0 its slope is 0 too, so no gradient reaches their weights and they stay as they are. Large steps push units there.`,
      module: path,
      evidence: [
        {
          title: 'Dead units by layer',
          rows: vitals.units
            .filter((each) => each.kind === kind)
            .map((each) => ({
              name: each.path,
              value: each.dead / each.units,
              mark: each.path === path,
            })),
          scale: 'linear',
          unit: 'share',
        },
      ],
      remedies: [
        ...withActivation(
          vitals,
          ['relu', 'relu6'],
          'leakyRelu',
          'Begin again with leaky ReLU, which always has a slope',
        ),
        withRate(vitals, 1 / 3, 'start'),
      ],
    }))

export const saturation: Rule = (vitals) =>
  vitals.units
    .filter(({ units, stuck, atEnds }) => stuck >= 0.5 * units || atEnds > 0.9)
    .map(({ path, kind, stuck, units, atEnds }) => ({
      name: 'saturation',
      severity: 'warning',
      title: `The units of ${named(path)} are saturated`,
      text: `${percent(atEnds)} of what they give lies at an end of ${kind}, and ${stuck} of ${units} units stand at the same end for nearly every sample. There the curve is flat: almost no gradient comes through.`,
      module: path,
      evidence: [
        {
          title: 'Outputs at an end, by layer',
          rows: vitals.units
            .filter((each) => each.kind === kind)
            .map((each) => ({
              name: each.path,
              value: each.atEnds,
              mark: each.path === path,
            })),
          scale: 'linear',
          unit: 'share',
        },
      ],
      remedies: [
        ...initializedFor(vitals, 'xavierNormal', 'Begin again with smaller first weights (Xavier)'),
        withRate(vitals, 1 / 3, 'start'),
      ],
    }))

/** The gradient of the first layer beside that of the last, for each weight: a thousandth learns a thousand times slower. */
const vanished = 1e-3

const gradientsByLayer = ({ weights }: Vitals, mark: string): Evidence => ({
  title: 'Size of the gradient of one weight, by layer',
  rows: weights.map(({ path, gradient }) => ({ name: path || 'model', value: gradient, mark: path === mark })),
  scale: 'log',
})

export const vanishing: Rule = (vitals) => {
  const { weights, task } = vitals
  // Embeddings are looked up: most of their rows have no gradient in a batch.
  const layers = weights.filter(({ gradient }) => finite(gradient))
  if (layers.length < 3) return []
  const last = layers[layers.length - 1]
  const first = layers[task === 'token' ? 1 : 0]
  if (!(last.gradient > 1e-7 && first.gradient < vanished * last.gradient)) return []
  const deep = layers.length
  return [
    {
      name: 'vanishing',
      severity: 'warning',
      title: 'The gradient vanishes on its way back',
      text: `In ${named(first.path)} it is ${short(first.gradient / last.gradient)} of what it is in ${named(last.path)}, for each weight. Every layer multiplied it by a slope below 1, ${deep} times, so the first layers hardly learn.`,
      module: first.path,
      evidence: [gradientsByLayer(vitals, first.path)],
      remedies: [
        ...withActivation(vitals, ['sigmoid', 'tanh'], 'relu', 'Begin again with ReLU, whose slope is 1'),
        ...initializedFor(vitals, 'kaimingNormal', 'Begin again with first weights for deep networks (Kaiming)'),
      ],
    },
  ]
}

/** Of all gradients together; trained networks of every preset stay below a tenth of it. */
const exploded = 100

export const exploding: Rule = (vitals) => {
  const { gradientNorm, weights } = vitals
  if (!(gradientNorm > exploded)) return []
  const largest = weights.reduce((best, each) => (each.gradient > best.gradient ? each : best), weights[0])
  return [
    {
      name: 'exploding',
      severity: 'warning',
      title: 'The gradients are very large',
      text: `Together they have norm ${short(gradientNorm)}; the largest are in ${named(largest.path)}. One step with them can undo everything that was learned.`,
      module: largest.path,
      evidence: [gradientsByLayer(vitals, largest.path)],
      remedies: [
        {
          text: 'Begin again with gradients clipped to norm 1',
          change: { optimizer: { ...vitals.spec.optimizer, clipNorm: 1 } },
          from: 'start',
        },
        withRate(vitals, 1 / 3, 'here'),
      ],
    },
  ]
}

/** A head that spreads its look as evenly as if it had learned nothing; one that looks at the first place only. */
const tooEven = 0.985
const toTheFirst = 0.9

export const attention: Rule = (vitals) => {
  const { heads, stamp } = vitals
  if (stamp.step < 10 * earliest || heads.length === 0) return []
  const rows = (value: (head: Vitals['heads'][number]) => number): Evidence['rows'] =>
    heads.map((head) => ({ name: `${head.path.replace(/\.?softmax$/, '')} · ${head.head}`, value: value(head) }))
  const even = heads.filter(({ evenness }) => evenness > tooEven)
  const sinks = heads.filter(({ first }) => first > toTheFirst)
  return [
    ...(even.length > 0.5 * heads.length
      ? [
          {
            name: 'attention' as const,
            severity: 'note' as const,
            title: `${even.length} of ${heads.length} heads look everywhere alike`,
            text: 'Their scores are nearly equal at every place, so they give the mean of all values: they have not found what to look at yet.',
            evidence: [
              {
                title: 'Evenness of each head',
                rows: rows(({ evenness }) => evenness),
                scale: 'linear' as const,
                unit: 'share' as const,
              },
            ],
            remedies: [withRate(vitals, 3, 'here')],
          },
        ]
      : []),
    ...(sinks.length > 0.5 * heads.length
      ? [
          {
            name: 'attention' as const,
            severity: 'note' as const,
            title: `${sinks.length} of ${heads.length} heads look at the first place only`,
            text: 'A head that finds nothing to look at often rests on the first place, whose value then says nothing. With few such heads that does no harm; here they are most.',
            evidence: [
              {
                title: 'Share of the first place',
                rows: rows(({ first }) => first),
                scale: 'linear' as const,
                unit: 'share' as const,
              },
            ],
            remedies: [withRate(vitals, 1 / 3, 'start')],
          },
        ]
      : []),
  ]
}

/** Inputs of about 1 suit the usual first weights. */
const farOff = 30
const unlike = 50

export const inputs: Rule = (vitals) => {
  const { inputs, spec } = vitals
  const moving = inputs.filter(({ deviation }) => deviation > 0)
  if (moving.length === 0) return []
  const sizes = moving.map(({ deviation, mean }) => Math.max(deviation, Math.abs(mean)))
  const [widest, narrowest] = [
    Math.max(...moving.map(({ deviation }) => deviation)),
    Math.min(...moving.map(({ deviation }) => deviation)),
  ]
  if (Math.max(...sizes) < farOff && widest / narrowest < unlike) return []
  const layers = spec.model.kind === 'sequential' ? (spec.model.layers as readonly LayerSpec[]) : undefined
  const first = layers?.[0]
  return [
    {
      name: 'inputs',
      severity: 'warning',
      title: 'The inputs are of very different or very large size',
      text: `They spread by ${short(narrowest)} to ${short(widest)}, and the largest lies around ${short(Math.max(...sizes))}. First weights and learning rates are made for inputs of about 1: large inputs make large gradients, and small ones are not heard beside them.`,
      evidence: [
        {
          title: 'Deviation of each input',
          rows: moving.map(({ name, deviation }) => ({ name, value: deviation })),
          scale: 'log',
        },
      ],
      remedies:
        layers && first?.kind === 'linear'
          ? [
              {
                text: 'Begin again with a batch norm in front, which brings inputs to mean 0 and deviation 1',
                change: { model: { ...spec.model, layers: [{ kind: 'batchNorm1d', features: first.in }, ...layers] } },
                from: 'start',
              },
            ]
          : [],
    },
  ]
}
