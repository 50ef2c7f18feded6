/**
 * A run that was stopped, saved and gone on with has the same bits as one that never stopped, for whole networks of each
 * family: parameters, buffers, moments, the average of the weights, the schedule, gradients under way, and dropout.
 *
 * Resuming `fit`, with the order of its data: train-resume.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compile, io, type OptimizerState, optim, probeBackend, random, setBackend, type Tensor } from '../../src/index.ts'
import { type Architecture, architectures, type Batch, type Built } from '../golden/architectures.ts'
