/** All pieces of work, in the order in which they are measured. */
import { digits, firstStep } from './digits.ts'
import { matmul } from './matmul.ts'
import { tiny } from './tiny.ts'
import type { Work } from './work.ts'

/** What --work may name. */
export const workNames = ['matmul', 'digits', 'tiny', 'first-step'] as const
export type WorkName = (typeof workNames)[number]

export function chooseWorks(names: readonly WorkName[], sizes: readonly number[]): Work[] {
  const all: Record<WorkName, () => Work[]> = {
    matmul: () => sizes.map(matmul),
    digits: () => [digits()],
    tiny: () => [tiny()],
    'first-step': () => [firstStep('cold'), firstStep('warm')],
  }
  return workNames.filter((name) => names.includes(name)).flatMap((name) => all[name]())
}
