/** The samples that a spec asks for. */
import type { DataSpec } from '../../spec/spec.ts'
import type { LabData } from './data.ts'
import { digitsData } from './digits.ts'
import { planeData } from './plane.ts'
import { tableData } from './table.ts'
import { textData } from './text.ts'

export type { LabData } from './data.ts'

export async function loadData(spec: DataSpec): Promise<LabData> {
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
