/** The golden files (the make_*.py beside it write them), and how results are held against them. Not a test itself. */
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { tensor } from '../../src/create.ts'
import type { Module } from '../../src/nn/module.ts'
import type { Tensor } from '../../src/tensor.ts'

export interface Listed {
  readonly shape: readonly number[]
  readonly data: readonly number[]
  readonly dtype?: 'int32'
}

export interface Golden<Case> {
  readonly made: { readonly torch: string; readonly seed: number }
  readonly cases: readonly Case[]
}

export interface LayerCase {
  readonly kind: string
  readonly args: readonly unknown[]
  readonly options?: Record<string, unknown>
  readonly x: Listed
  readonly y: Listed
  readonly dx: Listed
  readonly weights: Record<string, Listed>
  readonly gradients: Record<string, Listed>
}

export interface LossCase {
  readonly kind: string
  readonly x: Listed
  readonly target: Listed
  readonly options: Record<string, unknown>
  readonly tensors: Record<string, Listed>
  readonly y: Listed
  readonly dx: Listed
}

export interface PathCase {
  readonly kind: 'sgd' | 'adam' | 'adamW'
  readonly options: Record<string, never>
  readonly path: Listed
}
export interface OptimizerCases extends Golden<PathCase> {
  readonly a: Listed
  readonly b: Listed
  readonly c: Listed
  readonly start: Listed
}

export interface NetworkCase {
  readonly kind: 'mlp' | 'cnn'
  readonly x: Listed
  readonly y: Listed
  readonly options: Record<string, never>
  readonly weights: Record<string, Listed>
  readonly gradients: Record<string, Listed>
  readonly losses: readonly number[]
}

export function readGolden<T extends Golden<unknown>>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8')) as T
}

/** As float64, so that the reference computes with all the digits of the file. */
export function toTensor({ shape, data, dtype }: Listed): Tensor {
  return tensor(Float64Array.from(data), { shape, dtype: dtype ?? 'float64' })
}

export function toFloat32({ shape, data, dtype }: Listed): Tensor {
  return tensor(Float64Array.from(data), { shape, dtype: dtype ?? 'float32' })
}

/** Gives the model's parameters the numbers of the file. They are float32; what they lose to it is within `single`. */
export function setWeights(model: Module, weights: Readonly<Record<string, Listed>>): void {
  const own = model.namedParameters()
  expect([...own.keys()].sort()).toEqual(Object.keys(weights).sort())
  for (const [name, { shape, data }] of Object.entries(weights)) {
    expect(own.get(name)?.shape).toEqual(shape)
    own.get(name)?.write(data)
  }
}

/** The files hold 9 significant digits, of inputs as well as results; sums of some hundred terms lose one or two. */
export const double = { absolute: 1e-7, relative: 1e-7 }

/** Weights are stored as float32 (6e-8 relative each), and errors add up over sums and layers. */
export const single = { absolute: 2e-6, relative: 1e-5 }

export function expectClose(name: string, received: ArrayLike<number>, expected: ArrayLike<number>, { absolute, relative }: { absolute: number; relative: number }): void {
  expect(received.length, `${name}: length`).toBe(expected.length)
  for (let i = 0; i < expected.length; i++) {
    const allowed = absolute + relative * Math.abs(expected[i])
    if (Math.abs(received[i] - expected[i]) <= allowed) continue
    expect.fail(`${name}[${i}]: received ${received[i]}, expected ${expected[i]} within ${allowed}`)
  }
}

/** The probe of common.py: what results are weighed with before they are summed up and differentiated. */
export function probeOf(y: Tensor): Tensor {
  return tensor(Float64Array.from({ length: y.size }, (_, i) => Math.cos(i)), { shape: y.shape, dtype: y.dtype })
}
