/** Modules that put others together, or stand in for one: Sequential, Lambda, Identity. */
import type { Tensor } from '../tensor.ts'
import { type Layer, type LayerConfig, Module } from './module.ts'

/** Layers one after the other, named by their place: `0.weight`, `2.bias`. */
export class Sequential extends Module {
  readonly [place: number]: Layer
  readonly length: number

  constructor(...layers: Layer[]) {
    super()
    this.length = layers.length
    Object.assign(this, layers)
  }

  forward(x: Tensor): Tensor {
    return this.layers.reduce((value, layer) => layer.forward(value), x)
  }

  get layers(): Layer[] {
    return Array.from({ length: this.length }, (_, i) => this[i])
  }

  override config(): LayerConfig {
    return { kind: 'sequential' }
  }
}

/** A function as a layer. It cannot be rebuilt from a file. */
export class Lambda extends Module {
  readonly #body: (x: Tensor) => Tensor
  constructor(body: (x: Tensor) => Tensor) {
    super()
    this.#body = body
  }
  forward(x: Tensor): Tensor {
    return this.#body(x)
  }
}

/** What comes in. */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x
  }
  override config(): LayerConfig {
    return { kind: 'identity' }
  }
}

export const sequential = (...layers: Layer[]): Sequential => new Sequential(...layers)
export const lambda = (body: (x: Tensor) => Tensor): Lambda => new Lambda(body)
export const identity = (): Identity => new Identity()
