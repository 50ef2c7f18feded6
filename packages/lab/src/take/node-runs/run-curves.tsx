/** The curves of a run from Node, in the studio's own view: the lab's state with this run in place of its own. */
import { computed, signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { firstSpec } from '../../spec/presets.ts'
import { LabProvider, useLab } from '../../state/ask.ts'
import type { Lab, RunState } from '../../state/lab.ts'
import { count } from '../../ui/format.ts'
import { curves as view } from '../../views/curves/curves.tsx'
import type { RunId, RunInfo } from '../../worker/protocol.ts'
import { type RunListed, readRunFile } from './folder.ts'
import { type RunRecord, readRecord } from './metrics.ts'

/** A number that no run of the lab's own has. */
const outside: RunId = -1

/** A run of which only records are known: no modules, no samples. */
function stateOf({ curves, step, epoch, stepsPerEpoch, lr, samples, last }: RunRecord, live: boolean): RunState {
  const info: RunInfo = {
    run: outside,
    spec: firstSpec,
    task: last?.train.accuracy === undefined ? 'number' : 'class',
    modules: [],
    parameterCount: 0,
    inputShape: [],
    outputShape: [],
    labels: [],
    features: [],
    trainCount: samples,
    testCount: 0,
    stepsPerEpoch,
    backend: 'Node',
  }
  const stamp = { run: outside, step, epoch }
  const progress = {
    stamp,
    running: live,
    rate: 0,
    lr,
    begin: 0,
    end: step,
    from: step,
    losses: new Float32Array(),
    ...(last && { scores: last }),
  }
  return { info, progress, curves }
}

/** The lab as views see it, with one run from outside. */
function labWith(lab: Lab): { lab: Lab; show(state: RunState): void } {
  const runs = signal<ReadonlyMap<RunId, RunState>>(new Map())
  const run = computed(() => runs.value.get(outside))
  const seen = Object.create(lab, {
    runs: { value: runs },
    current: { value: signal(outside) },
    run: { value: run },
    info: { value: computed(() => run.value?.info) },
    progress: { value: computed(() => run.value?.progress) },
    running: { value: computed(() => run.value?.progress.running ?? false) },
  }) as Lab
  return { lab: seen, show: (state) => void (runs.value = new Map([[outside, state]])) }
}

export function RunCurves({ run, title }: { readonly run: RunListed; readonly title: string }): JSX.Element {
  const lab = useLab()
  const seen = useMemo(() => labWith(lab), [lab])
  const [record, setRecord] = useState<RunRecord | undefined>(undefined)
  const [problem, setProblem] = useState('')
  const has = run.files.includes('metrics.jsonl')
  useEffect(() => {
    if (!has) return
    let left = false
    readRunFile(run, 'metrics.jsonl')
      .then((response) => response.text())
      .then(
        (text) => {
          if (left) return
          const read = readRecord(text)
          setRecord(read)
          seen.show(stateOf(read, run.live))
        },
        (reason: Error) => !left && setProblem(reason.message),
      )
    return () => {
      left = true
    }
    // What was written since is read again.
  }, [seen, run.name, run.changed, run.live, has])
  if (!has) return <p class="muted">This folder holds a model without records of its training.</p>
  if (problem) return <p class="problem">{problem}</p>
  if (!record) return <p class="muted">Reading…</p>
  const { Component } = view
  return (
    <>
      <p>
        <b>{title}</b>: step {count(record.step)}, epoch {count(record.epoch)}
        {run.live ? ', training now' : ''}
      </p>
      <LabProvider value={seen.lab}>
        <Component run={outside} info={stateOf(record, run.live).info} />
      </LabProvider>
    </>
  )
}
