/**
 * The memory plan, checked anew from what a backend is given: what a launch reads is what the right launch wrote, no
 * value is overwritten while it is wanted, and memory is used again.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Plan, Slot } from '../../src/backends/backend.ts'
import { interpreterBackend } from '../../src/backends/reference/interpreter.ts'
import type { Location, Step } from '../../src/compile/lowering.ts'
import { planMemory } from '../../src/compile/memory.ts'
import { compile, loss, nn, optim, setBackend, type Tensor, tensor } from '../../src/index.ts'
import type { Kernel, KernelBuffer } from '../../src/kernel/ir.ts'
import { fromArray } from '../../src/tensor.ts'
import { generator } from '../opinfo/common.ts'

const bytesOf = (length: number): number => Math.max(4, length * 4)

describe('random lives', () => {
  type Temporary = Location & { readonly kind: 'temporary' }
  /** Steps that each make some temporaries and read some earlier ones. */
  const randomSteps = (next: () => number): { steps: Step[]; temporaries: Temporary[] } => {
    const temporaries: Temporary[] = []
    const steps = Array.from({ length: 2 + Math.floor(next() * 30) }, (): Step => {
      const read = temporaries.filter(() => next() < 2 / (temporaries.length + 1))
      const made = Array.from(
        { length: 1 + Math.floor(next() * 2) },
        (): Temporary => ({ kind: 'temporary', length: Math.floor(next() * 400) }),
      )
      temporaries.push(...made)
      const argument: Location = { kind: 'argument', argument: 0, length: 7 }
      return { kernel: {} as Kernel, locations: [...read, argument, ...made], label: '', path: '' }
    })
    return { steps, temporaries }
  }

  it('no two temporaries that are wanted at the same time overlap', () => {
    for (let seed = 0; seed < 60; seed++) {
      const { steps, temporaries } = randomSteps(generator(seed))
      const plan = planMemory(steps)
      const wanted = (location: Location): number[] =>
        steps.flatMap((step, i) => (step.locations.includes(location) ? [i] : []))
      for (const [i, a] of temporaries.entries()) {
        const from = plan.offsets.get(a) as number
        expect(from % 64).toBe(0)
        expect(from + bytesOf(a.length)).toBeLessThanOrEqual(plan.bytes)
        const mine = wanted(a)
        for (const b of temporaries.slice(i + 1)) {
          const theirs = wanted(b)
          const together = Math.max(mine[0], theirs[0]) <= Math.min(mine[mine.length - 1], theirs[theirs.length - 1])
          const other = plan.offsets.get(b) as number
          const apart = from + bytesOf(a.length) <= other || other + bytesOf(b.length) <= from
          if (together && !apart) expect.fail(`seed ${seed}: temporaries ${i} and ${temporaries.indexOf(b)} overlap`)
        }
      }
    }
  })

  it('arguments have no place in the arena', () => {
    const { steps } = randomSteps(generator(1))
    for (const location of planMemory(steps).offsets.keys()) expect(location.kind).toBe('temporary')
  })
})

/** Follows a run word by word: which launch wrote what each launch reads. Returns what is wrong. */
function followRun({ kernels, launches, arenaBytes }: Plan): string[] {
  const problems: string[] = []
  const writer = new Array<string | undefined>(arenaBytes / 4).fill(undefined)
  const words = (slot: Slot & { kind: 'arena' }): number[] =>
    Array.from({ length: slot.length }, (_, i) => slot.offset / 4 + i)
  launches.forEach(({ kernel, slots, label }, i) => {
    const uses = slots.flatMap((slot, j): { slot: Slot & { kind: 'arena' }; buffer: KernelBuffer }[] =>
      slot.kind === 'arena' ? [{ slot, buffer: kernels[kernel].buffers[j] }] : [],
    )
    for (const { slot, buffer } of uses) {
      if (slot.offset % 64 !== 0 || slot.offset + 4 * slot.length > arenaBytes)
        problems.push(`launch ${i} (${label}): ${buffer.name} lies outside`)
      if (buffer.access === 'write') continue
      const seen = new Set(words(slot).map((word) => writer[word]))
      // A buffer that is read and written may be filled by the launch itself (sums by index).
      if (
        buffer.access === 'readwrite' &&
        [...seen].every((each) => each === undefined || !each.endsWith(`@${slot.offset}+${slot.length}`))
      )
        continue
      if (seen.size > 1)
        problems.push(`launch ${i} (${label}): ${buffer.name} holds what ${[...seen].join(' and ')} wrote`)
      const [only] = seen
      if (only === undefined) problems.push(`launch ${i} (${label}): ${buffer.name} was never written`)
      else if (!only.endsWith(`@${slot.offset}+${slot.length}`))
        problems.push(`launch ${i} (${label}): ${buffer.name} is a part of what ${only} wrote`)
    }
    for (const [j, a] of uses.entries()) {
      for (const b of uses.slice(j + 1)) {
        if (a.buffer.access === 'read' && b.buffer.access === 'read') continue
        const apart =
          a.slot.offset + 4 * a.slot.length <= b.slot.offset || b.slot.offset + 4 * b.slot.length <= a.slot.offset
        if (!apart) problems.push(`launch ${i} (${label}): ${a.buffer.name} and ${b.buffer.name} overlap`)
      }
    }
    for (const { slot, buffer } of uses)
      if (buffer.access !== 'read')
        for (const word of words(slot)) writer[word] = `launch ${i} @${slot.offset}+${slot.length}`
  })
  return problems
}

/** Bytes of all distinct values that pass through the arena, were each to have a place of its own. */
function bytesWithoutReuse({ kernels, launches }: Plan): number {
  let total = 0
  for (const { kernel, slots } of launches) {
    slots.forEach((slot, j) => {
      if (slot.kind === 'arena' && kernels[kernel].buffers[j].access !== 'read') total += bytesOf(slot.length)
    })
  }
  return total
}

describe('whole programs', () => {
  beforeAll(async () => {
    await setBackend(interpreterBackend())
  })
  const ramp = (...shape: number[]): Tensor => {
    const size = shape.reduce((a, b) => a * b, 1)
    return fromArray(
      Float32Array.from({ length: size }, (_, i) => Math.sin(i)),
      shape,
    )
  }

  it('a chain of products uses two places in turn', async () => {
    const weights = [1, 2, 3, 4, 5, 6, 7].map((i) => tensor(new Float32Array(32 * 32).fill(i), { shape: [32, 32] }))
    const chain = compile((x: Tensor) => weights.reduce((y, w) => y.matmul(w), x))
    const { plan } = await chain.program(ramp(32, 32))
    expect(followRun(plan)).toEqual([])
    expect(plan.arenaBytes).toBe(2 * 32 * 32 * 4)
    expect(bytesWithoutReuse(plan)).toBe(6 * 32 * 32 * 4)
  })

  it('a training step of a convolutional network', async () => {
    const model = nn.sequential(
      nn.conv2d(1, 4, 3),
      nn.relu(),
      nn.conv2d(4, 8, 3),
      nn.relu(),
      nn.maxPool2d(2),
      nn.flatten(),
      nn.linear(32, 16),
      nn.relu(),
      nn.linear(16, 5),
    )
    const optimizer = optim.adamW().for(model)
    const step = compile((x: Tensor, y: Tensor) => {
      const value = loss.crossEntropy(model.forward(x), y)
      optimizer.minimize(value)
      return value
    })
    const { plan } = await step.program(ramp(6, 1, 8, 8), tensor([0, 1, 2, 3, 4, 0], { dtype: 'int32' }))
    expect(followRun(plan)).toEqual([])
    expect(plan.launches.length).toBeGreaterThan(10)
    expect(plan.arenaBytes).toBeLessThan(bytesWithoutReuse(plan))
  })

  it('a transformer block with its gradients', async () => {
    const [T, D] = [12, 16]
    const [wq, wk, wv, w1, w2] = [ramp(D, D), ramp(D, D), ramp(D, D), ramp(D, 4 * D), ramp(4 * D, D)].map(
      (w) => new nn.Parameter(w),
    )
    const norm = (x: Tensor): Tensor => {
      const centred = x.sub(x.mean(-1, { keepDims: true }))
      return centred.mul(centred.square().mean(-1, { keepDims: true }).add(1e-5).rsqrt())
    }
    const block = (x: Tensor): Tensor => {
      const h = norm(x)
      const weights = h.matmul(wq).matmul(h.matmul(wk).transpose()).mul(0.25).softmax()
      const y = x.add(weights.matmul(h.matmul(wv)))
      return y.add(norm(y).matmul(w1).relu().matmul(w2))
    }
    const optimizer = optim.sgd({ lr: 0.1 }).for([wq, wk, wv, w1, w2])
    const step = compile((x: Tensor) => {
      const value = block(x).square().mean()
      optimizer.minimize(value)
      return value
    })
    const { plan } = await step.program(ramp(3, T, D))
    expect(followRun(plan)).toEqual([])
    expect(plan.arenaBytes).toBeLessThan(bytesWithoutReuse(plan))
  })
})
