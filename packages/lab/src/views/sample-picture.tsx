/** A sample, small: a picture as a picture, a row of a table as its numbers. Asked for once, and kept while its run is open. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useLab } from '../state/ask.ts'
import { largestSize } from '../ui/colour.ts'
import { number } from '../ui/format.ts'
import { useCanvas } from '../ui/frame.ts'
import { drawMap, fitted } from '../ui/map.ts'
import type { RunInfo, SampleRef } from '../worker/protocol.ts'
import type { Box } from './field.ts'
import { pictureOf, seesPictures } from './layer-maps.tsx'
import './sample-picture.css'

const kept = new WeakMap<RunInfo, Map<string, Promise<Float32Array>>>()

/** The inputs of a sample; undefined until they are there. */
export function useSample(info: RunInfo, { part, index }: SampleRef): Float32Array | undefined {
  const { client } = useLab()
  const [found, setFound] = useState<{ readonly of: string; readonly values: Float32Array } | undefined>(undefined)
  const key = `${part} ${index}`
  useEffect(() => {
    let left = false
    const samples = kept.get(info) ?? new Map<string, Promise<Float32Array>>()
    kept.set(info, samples)
    const asked =
      samples.get(key) ??
      client.ask('samples', { run: info.run, part, from: index, count: 1 }).then(({ inputs }) => inputs.values)
    samples.set(key, asked)
    void asked.then((values) => !left && setFound({ of: key, values }))
    return () => {
      left = true
    }
  }, [client, info, key])
  return found?.of === key ? found.values : undefined
}

/** `box`: only that part of the picture. */
export function SamplePicture({
  info,
  sample,
  box,
}: {
  readonly info: RunInfo
  readonly sample: SampleRef
  readonly box?: Box
}): JSX.Element {
  const values = useSample(info, sample)
  if (!seesPictures(info))
    return (
      <span class="figures">
        {values
          ? Array.from(values.slice(0, 4), (value) => number(value)).join(', ') + (values.length > 4 ? ' …' : '')
          : '…'}
      </span>
    )
  return <Pixels info={info} values={values} {...(box && { box })} />
}

function Pixels({
  info,
  values,
  box,
}: {
  readonly info: RunInfo
  readonly values: Float32Array | undefined
  readonly box?: Box
}): JSX.Element {
  const { size, tint } = pictureOf(info)
  const whole = { top: 0, left: 0, bottom: size[0] - 1, right: size[1] - 1 }
  const { top, left, bottom, right } = box ?? whole
  const cut = [bottom - top + 1, right - left + 1] as const
  const canvas = useCanvas((context, width, height) => {
    if (!values) return
    const part = Float32Array.from({ length: cut[0] * cut[1] }, (_, i) => {
      const [row, column] = [top + Math.floor(i / cut[1]), left + (i % cut[1])]
      return row >= 0 && column >= 0 && row < size[0] && column < size[1] ? values[row * size[1] + column] : 0
    })
    drawMap(context, part, cut, fitted(cut, width, height), {
      tint,
      scale: tint === 'ink' ? 1 : largestSize(values),
    })
  })
  return (
    <span class="sample-picture">
      <canvas ref={canvas} />
    </span>
  )
}
