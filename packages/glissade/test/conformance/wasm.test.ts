/** The conformance suite on the wasm backend. */
import { conformance } from './suite.ts'

await conformance('wasm')
