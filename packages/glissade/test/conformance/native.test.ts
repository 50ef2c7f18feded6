/** The conformance suite on the native backend. */
import { conformance } from './suite.ts'

await conformance('native')
