/**
 * The statements of the loop-nest language as WebAssembly control flow; the entry point for one kernel.
 *
 * Next: scopes.ts (names and addresses), emit.ts (expressions), module.ts (a whole program).
 */
import type { Expr, Kernel, Stmt } from '../../kernel/ir.ts'
import { type EmitOptions, KernelWriter } from './emit.ts'
import { opcode as op, valueType } from './encode.ts'
import { LANES } from './scopes.ts'

/** The body of the function that runs one task of `kernel`. */
export function emitKernel(kernel: Kernel, options: EmitOptions): number[] {
  const writer = new KernelWriter(kernel, options)
  writeAll(writer, kernel.body)
  return writer.body.bytes()
}

function writeAll(writer: KernelWriter, statements: readonly Stmt[]): void {
  for (const statement of statements) write(writer, statement)
}

function write(writer: KernelWriter, statement: Stmt): void {
  switch (statement.op) {
    case 'let':
    case 'mut': {
      const { name, value } = statement
      writer.beginStatement([value])
      writer.value(value)
      const mutable = statement.op === 'mut'
      const local = writer.declare(name, value.type, value.lanes, mutable, mutable ? undefined : writer.formOf(value))
      writer.code.set(local)
      return
    }
    case 'set':
      writer.beginStatement([statement.value])
      writer.value(statement.value)
      writer.code.set(writer.variable(statement.name).local)
      return
    case 'store':
      return writeStore(writer, statement)
    case 'scatter':
      return writeScatter(writer, statement)
    case 'for':
      return writeFor(writer, statement)
    case 'while':
      return writeWhile(writer, statement)
    case 'if':
      return writeIf(writer, statement)
  }
}

function writeStore(writer: KernelWriter, { buffer, index, value }: Stmt & { op: 'store' }): void {
  writer.beginStatement([index, value])
  const offset = writer.address(buffer, index)
  writer.value(value)
  const scalar = value.type === 'f32' ? op.f32Store : op.i32Store
  writer.code.memory(value.lanes === LANES ? op.v128Store : scalar, offset)
}

function writeScatter(writer: KernelWriter, { buffer, index, value }: Stmt & { op: 'scatter' }): void {
  if (value.lanes === 1) {
    const at: Expr = { op: 'convert', fn: 'i32ToIndex', type: 'index', lanes: 1, a: index }
    return writeStore(writer, { op: 'store', buffer, index: at, value })
  }
  writer.beginStatement([index, value])
  const at = writer.laneAddresses(buffer, index)
  const data = writer.body.local(valueType.v128)
  writer.value(value)
  writer.code.set(data)
  for (let lane = 0; lane < LANES; lane++) {
    writer.code.get(at).op(op.i32x4Extract, lane).get(data).memory(op.v128Store32Lane, 0).op([lane])
  }
}

function writeFor(writer: KernelWriter, { name, from, to, step, body }: Stmt & { op: 'for' }): void {
  writer.beginStatement([from, to])
  let limit: number | undefined
  if (to.op !== 'const') {
    limit = writer.body.local(valueType.i32)
    writer.value(to)
    writer.code.set(limit)
  }
  const pushLimit = (): void => {
    if (limit !== undefined) writer.code.get(limit)
    else writer.value(to)
  }
  writer.value(from)
  const before = writer.code.insert()
  writer.openScope(before)
  const counter = writer.declare(name, 'index', 1, false)
  writer.code.set(counter)
  const surelyRuns = from.op === 'const' && to.op === 'const' && from.value < to.value
  if (!surelyRuns) {
    writer.code.get(counter)
    pushLimit()
    writer.code.op(op.i32LtS).block('if')
  }
  writer.code.block('loop')
  writeAll(writer, body)
  writer.code.get(counter).i32(step).op(op.i32Add).tee(counter)
  pushLimit()
  writer.code.op(op.i32LtS).op(op.brIf, 0).end()
  if (!surelyRuns) writer.code.end()
  writer.closeScope()
}

function writeWhile(writer: KernelWriter, { condition, body }: Stmt & { op: 'while' }): void {
  writer.openScope(writer.code.insert())
  writer.code.block('block').block('loop')
  writer.beginStatement([condition])
  writer.value(condition)
  writer.code.op(op.i32Eqz).op(op.brIf, 1)
  writeAll(writer, body)
  writer.code.op(op.br, 0).end().end()
  writer.closeScope()
}

function writeIf(writer: KernelWriter, statement: Stmt & { op: 'if' }): void {
  writer.beginStatement([statement.condition])
  writer.value(statement.condition)
  writer.code.block('if')
  writer.openScope()
  writeAll(writer, statement.then)
  writer.closeScope()
  if (statement.else) {
    writer.code.op(op.else)
    writer.openScope()
    writeAll(writer, statement.else)
    writer.closeScope()
  }
  writer.code.end()
}
