/**
 * What a person looks at: sample, module, unit, parameter's element, token. One for all views: what is chosen in one is
 * lit in the others.
 *
 * Pointing at something is a preview, choosing it pins it; Escape lets go.
 */
import { computed, effect, signal } from '@preact/signals'
import type { Input, RunInfo } from '../worker/protocol.ts'

/** A unit: one output of a module (of one channel, at one place, at one time). */
export interface UnitRef {
  readonly module: string
  /** Along the module's own output axis: neuron, channel, feature. */
  readonly unit: number
}

/** One number of a parameter. */
export interface WeightRef {
  readonly name: string
  /** Its place, row-major. */
  readonly element: number
}

export type Chosen =
  | { readonly kind: 'module'; readonly module: string }
  | ({ readonly kind: 'unit' } & UnitRef)
  | ({ readonly kind: 'weight' } & WeightRef)

export class Selection {
  /** What the pointer or the keyboard is on. */
  readonly hovered = signal<Chosen | undefined>(undefined)
  readonly pinned = signal<Chosen | undefined>(undefined)
  /** What views show: the preview, or else what is pinned. */
  readonly shown = computed(() => this.hovered.value ?? this.pinned.value)
  /** The weight that was pinned last: what looks at weights goes on with it when something else is chosen. */
  readonly weight = signal<WeightRef | undefined>(undefined)
  readonly input = signal<Input>({ part: 'train', index: 0 })
  /** The place in a sequence. */
  readonly time = signal(0)
  /** The row and column in a map. */
  readonly place = signal<readonly [row: number, column: number]>([8, 8])
  /** Samples of which class (row of the confusion matrix) that were taken for which; undefined: all. */
  readonly cell = signal<{ readonly truth: number; readonly said: number } | undefined>(undefined)

  constructor() {
    effect(() => {
      const pinned = this.pinned.value
      if (pinned?.kind === 'weight') this.weight.value = { name: pinned.name, element: pinned.element }
    })
  }
  /** The place in a sequence that the pointer is on. */
  readonly hoveredTime = signal<number | undefined>(undefined)
  readonly shownTime = computed(() => this.hoveredTime.value ?? this.time.value)

  /** Lets go of what a new network does not have. */
  fit({ modules, trainCount, testCount }: RunInfo): void {
    const has = (chosen: Chosen | undefined): boolean =>
      chosen === undefined ||
      (chosen.kind === 'weight'
        ? modules.some(({ parameters }) => parameters.some(({ name }) => name === chosen.name))
        : modules.some(({ path }) => path === chosen.module))
    if (!has(this.pinned.peek())) this.pinned.value = undefined
    this.hovered.value = undefined
    const { weight } = this
    if (weight.peek() && !has({ kind: 'weight', ...(weight.peek() as WeightRef) })) weight.value = undefined
    this.hoveredTime.value = undefined
    const input = this.input.peek()
    const count = 'part' in input && input.part === 'test' ? testCount : trainCount
    this.cell.value = undefined
    if ('values' in input || input.index >= count) this.input.value = { part: 'train', index: 0 }
  }

  pin(chosen: Chosen): void {
    this.pinned.value = same(this.pinned.peek(), chosen) ? undefined : chosen
  }

  letGo(): void {
    this.pinned.value = undefined
    this.hovered.value = undefined
    this.hoveredTime.value = undefined
  }
}

export const same = (a: Chosen | undefined, b: Chosen | undefined): boolean => JSON.stringify(a) === JSON.stringify(b)
