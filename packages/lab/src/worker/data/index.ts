/** The samples that a spec asks for. */
import type { DataSpec } from '../../spec/spec.ts'
import type { LabData } from './data.ts'
import { digitsData } from './digits.ts'
import { planeData } from './plane.ts'
import { tableData } from './table.ts'
import { textData } from './text.ts'

export type { LabData } from './data.ts'

/** The newest few, so that describing data and opening a run with them reads them once. */
const kept: { readonly key: string; readonly data: Promise<LabData> }[] = []

export function loadData(spec: DataSpec): Promise<LabData> {
  const key = JSON.stringify(spec)
  const found = kept.find((each) => each.key === key)
  if (found) return found.data
  const data = read(spec)
  const entry = { key, data }
  kept.push(entry)
  if (kept.length > 3) kept.shift()
  // Another try may succeed.
  data.catch(() => kept.splice(kept.indexOf(entry), 1))
  return data
}

async function read(spec: DataSpec): Promise<LabData> {
  switch (spec.kind) {
    case 'plane':
    case 'points':
      return planeData(spec)
    case 'digits':
      return digitsData(spec)
    case 'text':
      return textData(spec)
    case 'table':
      return tableData(spec)
  }
}
