/**
 * All primitives, by name. Nothing exists that is not in this table: the spelling of each (kernel/spell.ts) and
 * the sample row of each (test/opinfo.ts) are checked against it.
 */
import * as contract from './contract.ts'
import * as leaf from './leaf.ts'
import * as loop from './loop.ts'
import * as map from './map.ts'
import * as move from './move.ts'
import type { Op } from './op.ts'
import * as reduce from './reduce.ts'
import { scan, scanOutput } from './scan.ts'
import * as wrap from './wrap.ts'

const { castTo: _castTo, erfReference: _erf, ...maps } = map
const { flatten: _flatten, unflatten: _unflatten, ...moves } = move
const { threefry: _threefry, ...leaves } = leaf
const { around: _around, ...loops } = loop

/** The elementwise primitives; the type of a spelling table's keys. */
export const mapOps = maps
export type MapName = keyof typeof maps

export const ops: Readonly<Record<string, Op>> = {
  ...leaves,
  ...maps,
  ...reduce,
  ...moves,
  ...contract,
  ...loops,
  scan,
  scanOutput,
  ...wrap,
}
