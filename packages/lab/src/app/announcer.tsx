/** Tells screen readers what happens, politely: beginning and end of training, and now and then how it goes. */
import { useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { useLab } from '../state/ask.ts'
import { count, number, percent } from '../ui/format.ts'

/** Milliseconds between two reports of a training that goes on. */
const every = 10_000

export function Announcer(): JSX.Element {
  const lab = useLab()
  const [text, say] = useState('')
  const before = useRef({ running: false, at: 0 })
  useSignalEffect(() => {
    const progress = lab.progress.value
    if (!progress) return
    const now = performance.now()
    const { running, at } = before.current
    if (running === progress.running && (!running || now - at < every)) return
    before.current = { running: progress.running, at: now }
    const { scores, stamp } = progress
    const figures = scores
      ? `, test loss ${number(scores.test.loss)}${scores.test.accuracy === undefined ? '' : `, accuracy ${percent(scores.test.accuracy)}`}`
      : ''
    const what = progress.running ? (running ? 'Training' : 'Training begins') : 'Paused'
    say(`${what}: epoch ${count(stamp.epoch)}${figures}.`)
  })
  return (
    <div class="hidden-text" aria-live="polite">
      {text}
    </div>
  )
}
