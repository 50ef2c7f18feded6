/** Who answers which question. Each is a function of the run and of what is asked; it changes nothing. */
import type { Live } from '../desk.ts'
import type { QuestionName, Questions } from '../protocol.ts'
import { attention, attentionInside } from './attention.ts'
import { doctor } from './doctor.ts'
import { gates, gateTerms, reach } from './gates.ts'
import { invented } from './invented.ts'
import { landscape, landscapePath } from './landscape.ts'
import { letters, next } from './letters.ts'
import { losses, outcomes } from './losses.ts'
import { gradientCheck, unfolded } from './microscope.ts'
import { activation, activations, parameter } from './numbers.ts'
import { operation, operations } from './operations.ts'
import { parts } from './parts.ts'
import { composed, passage } from './passage.ts'
import { points, responses } from './plane.ts'
import { prediction } from './prediction.ts'
import { predictions } from './predictions.ts'
import { occlusion, saliency } from './saliency.ts'
import { samples } from './samples.ts'
import { slice } from './slice.ts'
import { stream } from './stream.ts'
import { strongest } from './strongest.ts'
import { terms } from './terms.ts'
import { experiments, timeline } from './time.ts'
import { update } from './update.ts'

export type Answerer<Q extends QuestionName> = (live: Live, ask: Questions[Q]['ask']) => Promise<Questions[Q]['answer']>

export const answerers: { readonly [Q in QuestionName]: Answerer<Q> } = {
  responses,
  points,
  parameter,
  activation,
  activations,
  terms,
  landscape,
  landscapePath,
  unfolded,
  update,
  gradientCheck,
  samples,
  prediction,
  gates,
  gateTerms,
  reach,
  attention,
  attentionInside,
  stream,
  letters,
  next,
  invented,
  slice,
  operations,
  operation,
  passage,
  composed,
  losses,
  outcomes,
  predictions,
  strongest,
  parts,
  saliency,
  occlusion,
  timeline,
  experiments,
  doctor,
}
