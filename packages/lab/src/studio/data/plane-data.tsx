/** Points of a pattern: which one, how many, how noisy, and what of them the network is given. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { planeFeatures, planeSets } from '../../spec/check.ts'
import type { DataSpec, PlaneData, PlaneFeature, PlaneSet } from '../../spec/spec.ts'
import { useLab } from '../../state/ask.ts'
import { classColour, css, drawMark, signed } from '../../ui/colour.ts'
import { Slider } from '../../ui/controls.tsx'
import { count, percent } from '../../ui/format.ts'
import { useCanvas } from '../../ui/frame.ts'
import type { Orders } from '../../worker/protocol.ts'

type Described = Orders['describe']['get']
type Change = (part: object, key?: string) => Promise<boolean>

const titles: Readonly<Record<PlaneSet, string>> = {
  circle: 'Circle',
  xor: 'XOR',
  gaussians: 'Two clouds',
  spiral: 'Spiral',
  moons: 'Moons',
  rings: 'Rings (3)',
  pinwheel: 'Pinwheel (5)',
  slope: 'Slope',
  hills: 'Hills',
}

/** Pictures of the sets, from samples that the worker draws; they are the same every time. */
const drawn = new Map<PlaneSet, Promise<Described>>()

function Thumbnail({ set }: { readonly set: PlaneSet }): JSX.Element {
  const { client } = useLab()
  const [points, setPoints] = useState<Described | undefined>(undefined)
  useEffect(() => {
    let left = false
    let asked = drawn.get(set)
    if (!asked) {
      const data = {
        kind: 'plane',
        set,
        samples: 110,
        noise: 0.01,
        features: ['x', 'y'],
        testShare: 0.5,
        seed: 3,
      } as const
      asked = client.order('describe', { data })
      drawn.set(set, asked)
    }
    void asked.then((answer) => !left && setPoints(answer))
    return () => {
      left = true
    }
  }, [client, set])
  const canvas = useCanvas((context, width, height) => {
    const { points: places, targets, task } = points ?? {}
    if (!places || !targets) return
    targets.forEach((target, i) => {
      const [x, y] = [(places[2 * i] / 12 + 0.5) * width, (0.5 - places[2 * i + 1] / 12) * height]
      drawMark(context, task === 'class' ? target : 0, x, y, 1.7)
      context.fillStyle = css(task === 'class' ? classColour(target) : signed(2 * target))
      context.fill()
    })
  })
  return <canvas ref={canvas} />
}

export function PlaneDataFields({
  data,
  change,
}: {
  readonly data: DataSpec & PlaneData
  readonly change: Change
}): JSX.Element {
  return (
    <div class="stack">
      <fieldset class="sets">
        <legend>Pattern</legend>
        {planeSets.map((set) => (
          <button key={set} type="button" aria-pressed={data.set === set} onClick={() => change({ set })}>
            <span class="thumbnail" aria-hidden="true">
              <Thumbnail set={set} />
            </span>
            {titles[set]}
          </button>
        ))}
      </fieldset>
      <Features chosen={data.features} change={change} />
      <Slider
        label="Samples"
        value={data.samples}
        min={20}
        max={1000}
        step={20}
        show={count}
        onInput={(samples) => change({ samples }, 'samples')}
      />
      <Slider
        label="Noise"
        value={data.noise}
        min={0}
        max={0.5}
        step={0.01}
        show={(share) => percent(share).replace('.0', '')}
        onInput={(noise) => change({ noise }, 'noise')}
        hint="How far points are moved from where the pattern puts them."
      />
    </div>
  )
}

/** What of a point the network is given. */
export function Features({
  chosen,
  change,
}: {
  readonly chosen: readonly PlaneFeature[]
  readonly change: Change
}): JSX.Element {
  return (
    <fieldset class="chips">
      <legend title="What of each point goes into the network.">What goes in</legend>
      {planeFeatures.map((feature) => (
        <label key={feature}>
          <input
            type="checkbox"
            checked={chosen.includes(feature)}
            onChange={(event) => {
              const features = planeFeatures.filter((each) =>
                each === feature ? event.currentTarget.checked : chosen.includes(each),
              )
              if (features.length > 0) void change({ features })
              else event.currentTarget.checked = true
            }}
          />
          {feature}
        </label>
      ))}
    </fieldset>
  )
}
