/**
 * What is said of experiments on a run and of its health: a part of protocol.ts, which exports it. Who answers:
 * experiments.ts, doctor.ts.
 */
import type { LabSpec } from '../spec/spec.ts'
import type { Score, Stamp } from './protocol.ts'

/** Something that is held in a run until it is let go. */
export type Hold =
  | {
      readonly kind: 'clamp'
      readonly module: string
      /** Which side of the module is held: what it gives back, or what it is given. */
      readonly side: 'output' | 'input'
      readonly units: readonly number[]
      /** Which axis counts the units, without the batch axis. */
      readonly axis: number
      /** 0: switched off. */
      readonly value: number
    }
  | { readonly kind: 'freeze'; readonly module: string }

/** What a person tries on a network. */
export type Trial =
  | Hold
  /** Another number in a parameter. */
  | { readonly kind: 'overwrite'; readonly name: string; readonly element: number; readonly value: number }

/** What followed from a trial at once, before the network learned again: on the test part. */
export interface Consequence {
  readonly before: Score
  readonly after: Score
  /** How many answers were looked at, and how many are another now; of numbers: by more than a tenth of their spread. */
  readonly looked: number
  readonly changed: number
  /** Some of the changed: the sample, and the answers as class or number. */
  readonly examples: readonly { readonly index: number; readonly from: number; readonly to: number }[]
}

export interface ExperimentReport {
  readonly id: number
  readonly stamp: Stamp
  readonly trial: Trial
  /** The number that was overwritten. */
  readonly old?: number
  /** Whether it is in force. A number that was overwritten and learned on since is. */
  readonly active: boolean
  readonly consequence: Consequence
}

/** A change that a person may try, as a spec: from the first weights, or from here on. */
export interface Remedy {
  readonly text: string
  readonly change: Partial<Omit<LabSpec, 'version'>>
  readonly from: 'start' | 'here'
}

/** Numbers that show a finding. */
export interface Evidence {
  readonly title: string
  readonly rows: readonly { readonly name: string; readonly value: number; readonly mark?: boolean }[]
  readonly scale: 'linear' | 'log'
  /** How the numbers are written: a share as percent. */
  readonly unit?: 'share'
}

export type FindingName =
  | 'divergence'
  | 'dead'
  | 'saturation'
  | 'vanishing'
  | 'exploding'
  | 'overfitting'
  | 'plateau'
  | 'rate-small'
  | 'rate-large'
  | 'collapse'
  | 'attention'
  | 'inputs'

/** Something that is wrong, in words, with what shows it and what may help. */
export interface Finding {
  readonly name: FindingName
  readonly severity: 'serious' | 'warning' | 'note'
  readonly title: string
  readonly text: string
  /** Which module it is about, if one. */
  readonly module?: string
  readonly evidence: readonly Evidence[]
  readonly remedies: readonly Remedy[]
}

export interface Diagnosis {
  readonly stamp: Stamp
  readonly findings: readonly Finding[]
  /** What was looked at, in words, whatever was found. */
  readonly looked: readonly string[]
}
