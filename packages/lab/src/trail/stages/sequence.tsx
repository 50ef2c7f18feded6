/**
 * Stages of the chapters about texts: views of memory, attention and next letters, of which a card shows a part; and
 * what they notice for the card: what was looked at, and what the numbers there were.
 */
import { useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { useQuestion } from '../../state/ask.ts'
import { type AttentionOptions, AttentionPanel } from '../../views/attention/attention.tsx'
import { type GatesOptions, Memory } from '../../views/gates/gates.tsx'
import { numbersOf, recurrentIn } from '../../views/gates/parts.ts'
import { typed } from '../../views/sequence/letters.ts'
import { Tokens, type TokensOptions } from '../../views/tokens/tokens.tsx'
import type { Scene, Stage, StageProps } from '../chapter.ts'

/** What a card begins with. */
interface Beginning<Options> {
  readonly text?: string
  /** Which letter is chosen; default the last. */
  readonly at?: number
  /** What is shown before the prediction is made; default the same as afterwards. */
  readonly covered?: Options | 'all'
}

/** What stands there as long as everything is covered. */
function Covered(): JSX.Element {
  return <p class="covered muted">Covered until you have made your guess.</p>
}

/** The text that a card begins with. */
function useText({ info, scene }: StageProps, { text, at }: Beginning<unknown>): void {
  useEffect(() => {
    if (text === undefined) return
    const { selection } = scene.lab
    const { input, length } = typed(info, text)
    selection.input.value = input
    selection.time.value = at ?? length - 1
  }, [info.run, info.spec, text, at])
}

/** What is shown now; undefined: nothing. */
function shownOf<Options>({ revealed }: StageProps, show: Options, { covered = show }: Beginning<Options>) {
  if (revealed) return show
  return covered === 'all' ? undefined : (covered as Options)
}

/** What is noticed of memory: `twice`, `forget`, `ratio`, and others that text names. */
function MemoryNotes({ run, info, scene }: StageProps): null {
  const { selection } = scene.lab
  const input = selection.input.value
  const [{ path: module }] = recurrentIn(info)
  const gates = useQuestion('gates', { run, module, input }, { render: true })
  const time = selection.time.value
  const letters = gates.value?.tokens.length ?? 1
  const reach = useQuestion('reach', { run, module, input, time: Math.min(time, letters - 1) }, { render: true })
  const shown = selection.pinned.value
  const track = gates.value?.tracks[0]
  useEffect(() => {
    const forget = numbersOf(track, 'f')
    const units = track?.parts[0].numbers.shape[1] ?? 1
    if (forget && shown?.kind === 'unit') scene.notice('forget', forget[time * units + shown.unit])
  }, [gates.version, time, shown])
  useEffect(() => {
    const hidden = reach.value?.tracks[0]?.hidden
    if (!hidden || time < 8 || time >= hidden.length) return
    scene.notice('ratio', hidden[0] / hidden[time])
  }, [reach.version, time])
  // The same letter looked at in two places.
  useSignalEffect(() => {
    const own = selection.input.value
    const at = selection.time.value
    if (!('values' in own) || at < 1) return
    const letter = own.values[at]
    const places = Array.from(own.values, (token, place) => ({ token, place })).filter(({ token }) => token === letter)
    if (letter > 0 && places.length > 1)
      scene.notice(`saw ${places.findIndex(({ place }) => place === at)} of ${letter}`)
    if (places.some((_, i) => i > 0 && scene.fact(`saw ${i} of ${letter}`)) && scene.fact(`saw 0 of ${letter}`))
      scene.notice('twice')
  })
  return null
}

export function memoryStage(show: GatesOptions, beginning: Beginning<GatesOptions> = {}): Stage {
  return function MemoryStage(props: StageProps): JSX.Element | null {
    useText(props, beginning)
    const shown = shownOf(props, show, beginning)
    if (recurrentIn(props.info).length === 0) return null
    if (!shown) return <Covered />
    return (
      <>
        <Memory run={props.run} info={props.info} show={shown} />
        <MemoryNotes {...props} />
      </>
    )
  }
}

/** Notes `names`, `new`, `learned`, `hot`, `cold`. */
export function tokensStage(show: TokensOptions, beginning: Beginning<TokensOptions> = {}): Stage {
  return function TokensStage(props: StageProps): JSX.Element {
    const { scene } = props
    useText(props, beginning)
    const shown = shownOf(props, show, beginning)
    const noted: TokensOptions = {
      onNames: (texts) => {
        scene.notice('names', texts.length)
        scene.notice('new', texts.filter(({ known }) => known === undefined).length)
        scene.notice('learned', texts.filter(({ known }) => known === 'train').length)
        scene.notice('different', new Set(texts.map(({ text }) => text)).size)
      },
      onChoosing: ({ temperature }) => {
        if (temperature <= 0.3) scene.notice('cold')
        if (temperature >= 1.7) scene.notice('hot')
      },
    }
    if (!shown) return <Covered />
    return <Tokens run={props.run} info={props.info} show={{ ...shown, ...noted }} />
  }
}

/** Notes `largest` (the key with the largest product is chosen), `sure` (the largest weight), `heads`, `turned`. */
function AttentionNotes({
  run,
  info,
  scene,
  looked,
}: StageProps & { readonly looked: { layer: number; head: number; key: number } }): null {
  const { selection } = scene.lab
  const input = selection.input.value
  const paths = info.modules.filter(({ kind }) => kind === 'multiHeadAttention').map(({ path }) => path)
  const module = paths[Math.min(looked.layer, paths.length - 1)]
  const time = selection.time.value
  const inside = useQuestion('attentionInside', { run, module, input }, { render: true })
  const stream = useQuestion('stream', { run, input, time }, { render: true })
  useEffect(() => {
    const seen = inside.value
    const places = seen?.weights.shape[1] ?? 0
    if (!seen || time >= places || time < 3) return
    const row = seen.weights.values.subarray(
      (looked.head * places + time) * places,
      (looked.head * places + time + 1) * places,
    )
    const best = row.indexOf(Math.max(...row))
    scene.notice('sure', row[best])
    scene.notice('largest', Number(looked.key === best))
  }, [inside.version, time, looked.head, looked.key])
  useEffect(() => {
    const lenses = stream.value?.places.flatMap(({ lens }) => (lens ? [lens] : [])) ?? []
    const [first, last] = [lenses[0], lenses[lenses.length - 1]]
    if (!first || 'part' in input) return
    const best = (shares: Float32Array): number => shares.indexOf(Math.max(...shares))
    scene.notice('turned', Number(best(first) !== best(last) && Math.max(...last) > 0.3))
  }, [stream.version, input])
  return null
}

export function attentionStage(show: AttentionOptions, beginning: Beginning<AttentionOptions> = {}): Stage {
  return function AttentionStage(props: StageProps): JSX.Element {
    const { scene } = props
    useText(props, beginning)
    const shown = shownOf(props, show, beginning)
    const onLook = (head: { layer: number; head: number }, _: number, key: number): void => {
      scene.notice('layer', head.layer)
      scene.notice('head', head.head)
      scene.notice('key', key)
      scene.notice(`head ${head.layer} ${head.head}`)
    }
    const looked = { layer: scene.fact('layer') ?? 0, head: scene.fact('head') ?? 0, key: scene.fact('key') ?? -1 }
    if (!shown) return <Covered />
    return (
      <>
        <AttentionPanel run={props.run} info={props.info} show={{ ...shown, onLook }} />
        <AttentionNotes {...props} looked={looked} />
      </>
    )
  }
}

/** How many heads were looked at besides the first. */
export const headsSeen = (scene: Scene, layers: number, heads: number): number =>
  Array.from({ length: layers * heads }, (_, i) =>
    Number(scene.fact(`head ${Math.floor(i / heads)} ${i % heads}`) ?? 0),
  ).reduce((sum, seen) => sum + seen, 0)
