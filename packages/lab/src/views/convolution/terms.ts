/** Which layers come directly after a module and keep its places: its activation, its norm. */
import type { ModuleInfo, RunInfo } from '../../worker/protocol.ts'

export function followers({ modules }: RunInfo, path: string): readonly ModuleInfo[] {
  const found: ModuleInfo[] = []
  for (let at = path; ; at = found[found.length - 1].path) {
    const of = modules.find((module) => module.path === at)
    const next = modules.find(
      ({ from, composite, parameters, inputShape, outputShape, kind }) =>
        !composite &&
        from.includes(at) &&
        parameters.length === 0 &&
        inputShape.join() === of?.outputShape.join() &&
        outputShape.join() === inputShape.join() &&
        !/pool|dropout|flatten|soft(max|min)/i.test(kind),
    )
    if (!next || found.includes(next)) return found
    found.push(next)
  }
}
