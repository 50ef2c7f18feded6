/**
 * Runs one work of the benchmark alone, on the backend in use, STEPS times: npx glissade profile bench/one.ts gpt
 *
 * For times beside other engines: main.ts.
 */
import { openWork } from './engines/glissade.ts'
import { chooseWorks, type WorkName, workNames } from './works/index.ts'
import { defaultSizes } from './works/matmul.ts'

const name = process.argv[2] as WorkName
if (!workNames.includes(name)) throw new Error(`received ${name}, expected one of ${workNames.join(', ')}`)
const [work] = chooseWorks([name], defaultSizes.slice(-1))
const session = await openWork(work.kind, await work.inputs(), work.settings)
for (let i = 0; i < Number(process.env.STEPS ?? 10); i++) await session.run()
session.close?.()
