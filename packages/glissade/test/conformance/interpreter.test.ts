/** The conformance suite on the interpreter backend. */
import { conformance } from './suite.ts'

await conformance('interpreter')
