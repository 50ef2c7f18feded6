/** All pieces of work, in the order in which they are measured. */
import { cnn } from './cnn.ts'
import { digitsForward } from './digits-forward.ts'
import { compilings, firstSteps } from './first-step.ts'
import { gpt } from './gpt.ts'
import { gptGenerate } from './gpt-generate.ts'
import { gru2 } from './gru2.ts'
import { lstm } from './lstm.ts'
import { matmul } from './matmul.ts'
import { mlp } from './mlp.ts'
import { resnet } from './resnet.ts'
import { tiny } from './tiny.ts'
import { unet } from './unet.ts'
import type { Work } from './work.ts'

const makers = {
  matmul: (sizes: readonly number[]) => sizes.map(matmul),
  tiny: () => [tiny()],
  mlp: () => [mlp()],
  cnn: () => [cnn()],
  resnet: () => [resnet()],
  lstm: () => [lstm()],
  gru2: () => [gru2()],
  gpt: () => [gpt('gpt')],
  'gpt-m': () => [gpt('gpt-m')],
  unet: () => [unet()],
  'digits-1': () => [digitsForward(1)],
  'digits-256': () => [digitsForward(256)],
  'gpt-m-generate': () => [gptGenerate()],
  'first-step': () => firstSteps(),
  compile: () => compilings(),
} satisfies Record<string, (sizes: readonly number[]) => Work[]>

export type WorkName = keyof typeof makers

/** What --work may name. */
export const workNames = Object.keys(makers) as WorkName[]

export function chooseWorks(names: readonly WorkName[], sizes: readonly number[]): Work[] {
  return workNames.filter((name) => names.includes(name)).flatMap((name) => makers[name](sizes))
}
