/** Gates and memory in words, and what views of a recurrent layer share: which layer, which direction, which unit. */
import { useState } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import type { ModuleInfo, RunInfo, Track } from '../../worker/protocol.ts'

export interface PartWords {
  readonly title: string
  readonly says: string
  /** Between 0 and 1: a gate. */
  readonly gate: boolean
}

const lstm: Readonly<Record<string, PartWords>> = {
  f: { title: 'f · forget gate', says: 'how much of the cell is kept', gate: true },
  i: { title: 'i · input gate', says: 'how much of the new is let in', gate: true },
  g: { title: 'g · candidate', says: 'what could be written', gate: false },
  o: { title: 'o · output gate', says: 'how much of the cell is shown', gate: true },
  cell: { title: 'c · cell', says: 'what is remembered', gate: false },
  hidden: { title: 'h · state', says: 'what the next step and layer see', gate: false },
}
const gru: Readonly<Record<string, PartWords>> = {
  r: { title: 'r · reset gate', says: 'how much of the state the candidate sees', gate: true },
  z: { title: 'z · update gate', says: 'how much of the state is kept', gate: true },
  n: { title: 'n · candidate', says: 'what could be written', gate: false },
  hidden: { title: 'h · state', says: 'what is remembered, and seen by the next layer', gate: false },
}
const rnn: Readonly<Record<string, PartWords>> = {
  hidden: { title: 'h · state', says: 'all that is remembered, written anew at each letter', gate: false },
}
const words = { lstm, gru, rnn }
/** In the order in which they are shown. */
export const orderOf = {
  lstm: ['f', 'i', 'g', 'o', 'cell', 'hidden'],
  gru: ['r', 'z', 'n', 'hidden'],
  rnn: ['hidden'],
} as const

export type Kind = keyof typeof orderOf

export const wordsOf = (kind: Kind, part: string): PartWords => words[kind][part]

export const isRecurrent = ({ kind }: ModuleInfo): boolean => kind === 'rnn' || kind === 'lstm' || kind === 'gru'

export const recurrentIn = (info: RunInfo): ModuleInfo[] => info.modules.filter(isRecurrent)

/** A recurrent layer's direction, as `lstm 1, back`. */
export function placeName(module: ModuleInfo, name: string, several: boolean): string {
  const layer = Number(/\d+/.exec(name)?.[0] ?? 0) + 1
  return `${several ? `${module.path} · ` : ''}layer ${layer}${name.endsWith('_reverse') ? ', last letter to first' : ''}`
}

export interface Place {
  readonly module: string
  readonly track: string
}

/** Which layer and direction is looked at; the first, until another is chosen. */
export function usePlace(info: RunInfo): [Place, readonly Place[], (place: Place) => void] {
  const places = recurrentIn(info).flatMap(({ path, options }) =>
    Array.from({ length: Number(options.layers ?? 1) }, (_, layer) =>
      (options.bidirectional ? ['', '_reverse'] : ['']).map((way) => ({ module: path, track: `l${layer}${way}` })),
    ).flat(),
  )
  const [chosen, choose] = useState<Place | undefined>(undefined)
  const found = places.find(({ module, track }) => module === chosen?.module && track === chosen.track)
  return [found ?? places[0], places, choose]
}

/** The unit of a layer that is chosen or pointed at; the first, until another is. */
export function useUnit(module: string, units: number): [number, (unit: number) => void, (unit?: number) => void] {
  const { selection } = useLab()
  const shown = selection.shown.value
  const unit = shown?.kind === 'unit' && shown.module === module ? Math.min(shown.unit, units - 1) : 0
  const pin = (unit: number): void => {
    selection.pinned.value = { kind: 'unit', module, unit }
  }
  const hover = (unit?: number): void => {
    selection.hovered.value = unit === undefined ? undefined : { kind: 'unit', module, unit }
  }
  return [unit, pin, hover]
}

export const numbersOf = (track: Track | undefined, part: string): Float32Array | undefined =>
  track?.parts.find(({ name }) => name === part)?.numbers.values
