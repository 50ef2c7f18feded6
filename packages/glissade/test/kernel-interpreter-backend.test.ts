/** The interpreter as a backend: plans with arguments and an arena, and plans that are wrong. */
import { describe, expect, it } from 'vitest'
import type { Plan } from '../src/backends/backend.ts'
import { interpreterBackend } from '../src/backends/reference/interpreter.ts'
import { add, f32, index, load, loop, mul, store, task, variable } from '../src/kernel/build.ts'
import type { Kernel } from '../src/kernel/ir.ts'
import { Storage } from '../src/storage.ts'

const n = 16

/** out = x · factor, in tasks of one vector. */
function scaled(factor: number, lanes: number): Kernel {
  const at = mul(task, index(lanes))
  return {
    kind: 'map',
    scratch: 0,
    tasks: n / lanes,
    flops: n,
    bytes: 8 * n,
    buffers: [
      { name: 'x', type: 'f32', access: 'read', length: n },
      { name: 'out', type: 'f32', access: 'write', length: n },
    ],
    body: [store('out', at, mul(load('x', 'f32', at, lanes), f32(factor, lanes)))],
  }
}

const increment: Kernel = {
  kind: 'map',
  scratch: 0,
  tasks: 1,
  flops: n,
  bytes: 8 * n,
  buffers: [{ name: 'state', type: 'f32', access: 'readwrite', length: n }],
  body: [
    loop('i', index(0), index(n), 1, [
      store('state', variable('i', 'index'), add(load('state', 'f32', variable('i', 'index')), f32(1))),
    ]),
  ],
}

function planOf(lanes: number): Plan {
  return {
    kernels: [scaled(2, lanes), scaled(10, lanes), increment],
    launches: [
      {
        kernel: 0,
        slots: [
          { kind: 'argument', argument: 0 },
          { kind: 'arena', offset: 64, length: n },
        ],
        label: 'double',
        path: '',
      },
      {
        kernel: 1,
        slots: [
          { kind: 'arena', offset: 64, length: n },
          { kind: 'argument', argument: 1 },
        ],
        label: 'tenfold',
        path: '',
      },
      { kernel: 2, slots: [{ kind: 'argument', argument: 2 }], label: 'count', path: '' },
    ],
    arguments: [
      { role: 'input', dtype: 'float32', length: n },
      { role: 'output', dtype: 'float32', length: n },
      { role: 'state', dtype: 'float32', length: n },
    ],
    arenaBytes: 64 + 4 * n,
    flops: 3 * n,
    bytes: 24 * n,
  }
}

const storages = (): Storage[] => [
  new Storage(
    'float32',
    n,
    Float32Array.from({ length: n }, (_, i) => i),
  ),
  new Storage('float32', n),
  new Storage('float32', n),
]

describe('interpreterBackend', () => {
  it.each([1, 4, 8])('runs a tape of launches with vectors of %i', async (lanes) => {
    const backend = interpreterBackend(lanes)
    expect(backend.target.lanes).toBe(lanes)
    const executable = await backend.compile(planOf(lanes))
    const data = storages()
    for (let run = 0; run < 3; run++) await executable.run(data)
    expect([...data[1].host()]).toEqual(Array.from({ length: n }, (_, i) => 20 * i))
    expect([...data[2].host()]).toEqual(Array(n).fill(3))
    expect([...data[0].host()]).toEqual(Array.from({ length: n }, (_, i) => i))
  })

  it('times every launch, and counts its arenas', async () => {
    const backend = interpreterBackend()
    const executable = await backend.compile(planOf(4))
    expect((await executable.profile(storages())).length).toBe(3)
    expect(backend.memory()).toEqual({ resident: 0, arenas: 64 + 4 * n })
    executable.release()
    expect(backend.memory().arenas).toBe(0)
  })

  it('shows memory that is read before it is written as NaN', async () => {
    const plan = planOf(4)
    const executable = await interpreterBackend().compile({ ...plan, launches: plan.launches.slice(1) })
    const data = storages()
    await executable.run(data)
    expect([...data[1].host()]).toEqual(Array(n).fill(Number.NaN))
  })

  it('refuses plans and storages that do not fit', async () => {
    const plan = planOf(4)
    const compile = (change: Partial<Plan>): Promise<unknown> => interpreterBackend().compile({ ...plan, ...change })
    await expect(
      compile({ arguments: [{ role: 'input', dtype: 'float64', length: n }, ...plan.arguments.slice(1)] }),
    ).rejects.toThrow(/argument 0 is float64/)
    await expect(compile({ arenaBytes: 64 })).rejects.toThrow(
      'launch 0 (double), buffer out: bytes 64 to 128 of an arena of 64',
    )
    await expect(compile({ launches: [{ ...plan.launches[2], slots: [] }] })).rejects.toThrow(
      'launch 0 (count) has 0 slots, its kernel has 1 buffers',
    )
    await expect(compile({ launches: [{ ...plan.launches[2], kernel: 7 }] })).rejects.toThrow('names kernel 7 of 3')
    await expect(
      compile({ arguments: [{ role: 'input', dtype: 'float32', length: 3 }, ...plan.arguments.slice(1)] }),
    ).rejects.toThrow('argument 0 has 3 elements, 16 are needed')
    const executable = await interpreterBackend().compile(plan)
    expect(() => executable.run([new Storage('int32', n), ...storages().slice(1)])).toThrow(
      'argument 0 is int32[16], the plan wants float32[16]',
    )
    expect(() => executable.run([])).toThrow('got 0 storages, the plan has 3 arguments')
  })
})
