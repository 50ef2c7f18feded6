/**
 * The stages of chapter 6: the loss along one weight, over two, and around a network's own way, all of them the real
 * loss of the network that is open. What is drawn: views/landscape; this adds the step's formula and learning rates.
 */
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { Panel } from '../../ui/controls.tsx'
import { number } from '../../ui/format.ts'
import { LossLine, lossOn } from '../../views/landscape/line.tsx'
import { LossMap, lossAt } from '../../views/landscape/map.tsx'
import { type Survey, type SurveyAsk, useSurvey, type Window } from '../../views/landscape/survey.ts'
import type { Scene, Stage, StageProps } from '../chapter.ts'
import { Formula } from '../formula.tsx'
import './downhill.css'
import { Knob, tex } from './knob.tsx'

/** The weights of the first layer, which is all that these networks have. */
const name = '0.weight'

/** How the next steps are to be made. */
export interface Pace {
  readonly lr: number
  readonly momentum?: number
  readonly text: string
}

export interface DownhillOptions {
  /** Where weights begin, and begin again with another pace. */
  readonly start: readonly number[]
  readonly windows: readonly Window[]
  readonly paces?: readonly Pace[]
  /** Whether the weight is turned by hand. */
  readonly byHand?: boolean
  /** Whether the formula of the next step is shown. */
  readonly formula?: boolean
}

/** Tells the card where the run stands: loss, slope, steps, and whether the loss was ever high. */
function useNotices(scene: Scene, survey: Survey): void {
  const { surface, way } = survey
  useEffect(() => {
    if (!surface || !way) return
    const here = way.now.length > 1 ? lossAt(surface, way.now[0], way.now[1]) : lossOn(surface, way.now[0])
    scene.notice('w', way.now[0])
    scene.notice('loss', way.loss)
    scene.notice('slope', Math.hypot(...way.slope))
    if (way.next) scene.notice('next', way.next[0])
    scene.notice('step', way.stamp.step)
    if (Number.isFinite(here)) scene.notice('here', here)
  })
}

/** w ← w − η · slope, with its numbers; `asked`: the result is to be found. */
function StepFormula({
  survey: { way },
  lr,
  asked,
}: {
  readonly survey: Survey
  readonly lr: number
  readonly asked: boolean
}): JSX.Element | null {
  if (way?.now.length !== 1) return null
  const [w, slope, next] = [way.now[0], way.slope[0], way.next?.[0]]
  const result = asked || next === undefined ? '\\;?' : tex(next)
  return (
    <Formula
      display
      tex={`\\begin{aligned}w' &= w - \\eta \\cdot \\frac{\\partial L}{\\partial w}\\\\[4pt] &= ${tex(w)} - ${lr} \\cdot ${tex(slope, true)} = ${result}\\end{aligned}`}
    />
  )
}

function Facts({ facts }: { readonly facts: readonly (readonly [name: string, value: string])[] }): JSX.Element {
  return (
    <dl class="trail-readout figures">
      {facts.map(([what, value]) => (
        <div key={what}>
          <dt>{what}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** Buttons that choose a pace; each begins again at the start. */
function Paces({
  paces,
  now,
  locked,
  onChoose,
}: {
  readonly paces: readonly Pace[]
  readonly now: number
  readonly locked: boolean
  onChoose(at: number): void
}): JSX.Element {
  return (
    <fieldset class="paces" disabled={locked}>
      <legend class="muted small">Learning rate η; choosing one begins again at the start</legend>
      <div class="row">
        {paces.map(({ text }, i) => (
          <button type="button" key={text} aria-pressed={i === now} onClick={() => onChoose(i)}>
            {text}
          </button>
        ))}
      </div>
    </fieldset>
  )
}

/** The pace that is chosen, and the ways of the paces before it. */
function usePaces({ paces = [], start }: DownhillOptions, { scene, info }: StageProps, survey: Survey) {
  const lab = useLab()
  const { lr: given, momentum: kept = 0 } = info.spec.optimizer
  const [others, setOthers] = useState<readonly Float32Array[]>([])
  const chosen = paces.findIndex(({ lr, momentum = 0 }) => lr === given && momentum === kept)
  const last = useRef<Float32Array | undefined>(undefined)
  const pace = useRef('')
  const key = JSON.stringify([given, kept])
  useEffect(() => {
    const way = last.current
    if (way && pace.current !== key) setOthers((before) => [...before.slice(-2), way])
    pace.current = key
    last.current = undefined
  }, [key])
  const { way } = survey
  if (way && way.points.length > way.now.length && pace.current === key)
    last.current = Float32Array.of(...way.points, ...way.now)
  const choose = async (at: number): Promise<void> => {
    if (lab.running.peek()) await lab.pause()
    const { lr, momentum } = paces[at]
    const same = info.spec.optimizer
    await lab.adjust({ optimizer: { kind: same.kind, lr, ...(momentum !== undefined && { momentum }) } })
    await lab.reset()
    await scene.set(name, start)
    scene.notice('tried', (scene.fact('tried') ?? 0) | (1 << at))
  }
  return { chosen, choose, others }
}

export function lineStage(options: DownhillOptions): Stage {
  const { byHand = false, formula = false, paces, windows, start } = options
  return function LineStage(props: StageProps): JSX.Element {
    const { run, info, scene, revealed } = props
    const ask: SurveyAsk = {
      run,
      plane: { kind: 'weights', weights: [{ name, element: 0 }] },
      window: windows,
      size: 129,
    }
    const survey = useSurvey(ask)
    useNotices(scene, survey)
    const { chosen, choose } = usePaces(options, props, survey)
    const { way } = survey
    const lr = Number(info.spec.optimizer.lr)
    const highest = useRef(0)
    if (way && way.stamp.step > 0) highest.current = Math.max(highest.current, way.loss)
    useEffect(() => scene.notice('highest', highest.current))
    return (
      <Panel title="The loss, for each value of the weight" {...(way && { stamp: way.stamp })}>
        <LossLine
          survey={survey}
          name="the weight"
          showCurve={byHand ? revealed : true}
          showSlope={!byHand}
          showNext={!byHand && revealed}
          {...(byHand && revealed && { onPlace: (value: number) => void scene.set(name, [value]) })}
        />
        {byHand && (
          <div class="row">
            <span>weight</span>
            <Knob
              name="weight"
              symbol="w"
              value={way?.now[0] ?? start[0]}
              min={windows[0][0]}
              max={windows[0][1]}
              disabled={!revealed}
              onInput={(value) => void scene.set(name, [value])}
            />
          </div>
        )}
        {way && (
          <Facts
            facts={[
              ['weight', number(way.now[0])],
              ['loss', number(way.loss)],
              ...(byHand ? [] : [['slope', number(way.slope[0])] as const]),
            ]}
          />
        )}
        {formula && <StepFormula survey={survey} lr={lr} asked={!revealed} />}
        {paces && <Paces paces={paces} now={chosen} locked={!revealed} onChoose={(at) => void choose(at)} />}
      </Panel>
    )
  }
}

export function mapStage(options: DownhillOptions & { readonly arrows?: boolean; readonly drop?: boolean }): Stage {
  const { windows, paces, arrows = true, drop = false } = options
  return function MapStage(props: StageProps): JSX.Element {
    const { run, scene, revealed } = props
    const survey = useSurvey({
      run,
      plane: {
        kind: 'weights',
        weights: [
          { name, element: 0 },
          { name, element: 1 },
        ],
      },
      window: windows,
    })
    useNotices(scene, survey)
    const { chosen, choose, others } = usePaces(options, props, survey)
    const { way } = survey
    return (
      <Panel title="The loss, for each pair of weights" {...(way && { stamp: way.stamp })}>
        <LossMap
          survey={survey}
          names={['first weight', 'second weight']}
          others={others}
          showDown={arrows && revealed}
          showNext={revealed}
          {...(drop &&
            revealed && {
              onPlace: (x: number, y: number) => {
                scene.notice('dropped')
                void scene.set(name, [x, y])
              },
            })}
        />
        {way && (
          <Facts
            facts={[
              ['weights', way.now.map((value) => number(value)).join(', ')],
              ['slopes', way.slope.map((value) => number(value)).join(', ')],
              ['loss', number(way.loss)],
            ]}
          />
        )}
        <p class="muted small">
          Each line joins places of the same loss; the less shade, the lower.
          {revealed && arrows && ' Dashed arrow: straight down.'}
          {revealed && ' Full arrow: the next step.'}
          {others.length > 0 && ' Faint and dashed: the ways before.'}
        </p>
        {paces && <Paces paces={paces} now={chosen} locked={!revealed} onChoose={(at) => void choose(at)} />}
      </Panel>
    )
  }
}

/** The way of a whole network, on the plane in which it went. */
export function wayStage(): Stage {
  return function WayStage({ run, info, scene, revealed }: StageProps): JSX.Element {
    const lab = useLab()
    const [looks, setLooks] = useState(0)
    const from = looks + (scene.fact('look') ?? 0)
    const [along, setAlong] = useState<'path' | 'random'>('path')
    const state = lab.runs.value.get(run)?.progress
    const isReady = from > 0 && revealed
    return (
      <Panel title="Where the network went" {...(state && { stamp: state.stamp })}>
        {isReady ? (
          <WayMap run={run} along={along} from={from} scene={scene} />
        ) : (
          <p class="muted">
            {info.parameterCount} weights and biases make a space of {info.parameterCount} dimensions. Let the network
            train first; then look at the plane in which it moved.
          </p>
        )}
        <div class="row">
          <button
            type="button"
            class="primary"
            disabled={!revealed || (state?.stamp.step ?? 0) < 20}
            onClick={() => setLooks(looks + 1)}
          >
            {isReady ? 'Look again' : 'Look at the way'}
          </button>
          {isReady && (
            <>
              <button type="button" aria-pressed={along === 'path'} onClick={() => setAlong('path')}>
                where it went
              </button>
              <button type="button" aria-pressed={along === 'random'} onClick={() => setAlong('random')}>
                random directions
              </button>
            </>
          )}
        </div>
      </Panel>
    )
  }
}

function WayMap({
  run,
  along,
  from,
  scene,
}: {
  readonly run: number
  readonly along: 'path' | 'random'
  readonly from: number
  readonly scene: Scene
}): JSX.Element {
  const survey = useSurvey({ run, plane: along === 'path' ? { kind: 'path' } : { kind: 'random', seed: 3 }, from })
  const { surface, way, problem } = survey
  const shares = surface?.shares
  useEffect(() => {
    if (shares && way) scene.notice('way', shares[0] + shares[1])
  }, [shares?.join(), way !== undefined])
  return (
    <>
      <LossMap survey={survey} names={['first direction', 'second direction']} />
      {problem && <p class="notice note">{problem}</p>}
      {shares && (
        <p class="small">
          This plane holds <strong class="figures">{Math.round(100 * (shares[0] + shares[1]))} %</strong> of all
          movement of the weights, although it is only two directions.
        </p>
      )}
    </>
  )
}
