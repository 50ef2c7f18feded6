/**
 * What a chapter of the trail is: data plus text. The engine that plays it is trail.tsx; the list of all is
 * chapters/index.ts.
 *
 * A card is one idea: text beside one live stage, perhaps something to predict before it is revealed, perhaps something
 * to achieve. It completes itself when the person has done both. Nothing here is drawn or computed: stages show, the
 * worker computes.
 */
import type { FunctionComponent } from 'preact'
import type { LabSpec } from '../spec/spec.ts'
import type { Lab } from '../state/lab.ts'
import type { ViewProps } from '../views/view.ts'

/** What cards may look at and act on. Signals that are read inside `when` and `truth` are followed. */
export interface Scene {
  readonly lab: Lab
  /** What stages noticed while the card is open, by a name of the chapter's own; read with `fact`. */
  fact(name: string): number | undefined
  /** For stages: something was seen or done. */
  notice(name: string, value?: number): void
  /** Gives a parameter other numbers, and shows what follows. */
  set(parameter: string, values: ArrayLike<number>): Promise<boolean>
}

export interface StageProps extends ViewProps {
  readonly scene: Scene
  /** False until what is to be predicted was predicted: what would tell it stays covered. */
  readonly revealed: boolean
}
export type Stage = FunctionComponent<StageProps>

/** Buttons of the bar under the stage. */
export type BarPart = 'train' | 'step' | 'epoch' | 'reset' | 'speed'

interface Question {
  /** With the markup of text.tsx. */
  readonly question: string
}

/** One of several answers; each has its own reply, kind to those who chose another. */
export interface ChoicePrediction extends Question {
  readonly kind: 'choice'
  readonly options: readonly { readonly text: string; readonly right?: boolean; readonly reply: string }[]
}

/** A number, compared with the network's own. */
export interface NumberPrediction extends Question {
  readonly kind: 'number'
  readonly label: string
  /** The true one; undefined as long as it is not known. */
  truth(scene: Scene): number | undefined
  /** How far off still counts as well guessed. */
  readonly near: number
  readonly reply: (given: number, truth: number) => string
}

export interface Axis {
  readonly label: string
  readonly from: number
  readonly to: number
}

/** A curve, drawn from left to right; the true one is laid over it when it is there. */
export interface CurvePrediction extends Question {
  readonly kind: 'curve'
  readonly x: Axis
  readonly y: Axis
  truth(scene: Scene): readonly (readonly [x: number, y: number])[]
  readonly reply: string
}

/** A place of the plane, chosen among the points of the data. */
export interface PlacePrediction extends Question {
  readonly kind: 'place'
  /** Whether the place is right; what is said to it. */
  reply(place: readonly [x: number, y: number], scene: Scene): { readonly right: boolean; readonly text: string }
}

export type Prediction = ChoicePrediction | NumberPrediction | CurvePrediction | PlacePrediction

export interface Achievement {
  /** What is to be done, in a sentence; with the markup of text.tsx. */
  readonly text: string
  /** Whether it is done. */
  when(scene: Scene): boolean
  /** For who is stuck: does it before the person's eyes. */
  showMe?(scene: Scene): unknown
  /** Said when it is done: what was seen there. */
  readonly done: string
}

export interface Card {
  /** Within the chapter; progress is kept under it. */
  readonly id: string
  readonly title: string
  /** Paragraphs, with the markup of text.tsx. */
  readonly text: string
  /** The network; without one, that of the card before. It is not built anew when the spec is the same. */
  readonly spec?: LabSpec
  /** First numbers of parameters, by name, in place of those that the seed gives. A card that has them begins anew. */
  readonly start?: Readonly<Record<string, readonly number[]>>
  /** Steps that are made before it is shown, so that there is something to see. */
  readonly trained?: number
  readonly stage: Stage
  readonly bar?: readonly BarPart[]
  /** Steps a second in the beginning; 0, or nothing: as fast as it goes. */
  readonly speed?: number
  readonly predict?: Prediction
  readonly achieve?: Achievement
}

export interface Chapter {
  readonly number: number
  readonly id: string
  readonly title: string
  /** What one can do, or sees, at its end: a sentence. */
  readonly goal: string
  readonly cards: readonly Card[]
}
