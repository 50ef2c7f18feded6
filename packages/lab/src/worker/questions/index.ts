/** Who answers which question. Each is a function of the run and of what is asked; it changes nothing. */
import type { Live } from '../desk.ts'
import type { QuestionName, Questions } from '../protocol.ts'
import { losses, outcomes } from './losses.ts'
import { activation, activations, parameter } from './numbers.ts'
import { parts } from './parts.ts'
import { composed, passage } from './passage.ts'
import { points, responses } from './plane.ts'
import { prediction } from './prediction.ts'
import { predictions } from './predictions.ts'
import { occlusion, saliency } from './saliency.ts'
import { samples } from './samples.ts'
import { strongest } from './strongest.ts'
import { terms } from './terms.ts'

export type Answerer<Q extends QuestionName> = (live: Live, ask: Questions[Q]['ask']) => Promise<Questions[Q]['answer']>

export const answerers: { readonly [Q in QuestionName]: Answerer<Q> } = {
  responses,
  points,
  parameter,
  activation,
  activations,
  terms,
  samples,
  prediction,
  passage,
  composed,
  losses,
  outcomes,
  predictions,
  strongest,
  parts,
  saliency,
  occlusion,
}
