/** Panels that are not shown, by their titles: a link may leave some out, so that a lesson shows only what it needs. */
import { signal } from '@preact/signals'

export const hiddenPanels = signal<ReadonlySet<string>>(new Set())
