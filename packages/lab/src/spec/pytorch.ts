/**
 * A spec as a Python program that trains the same network in PyTorch: the same layers, loss, optimizer, schedule, data,
 * and the same samples in each batch. With the lab's first weights beside it (`first-weights.safetensors`) its losses
 * are those of the lab, up to rounding; only dropout draws differently.
 *
 * Layers: pytorch/layers.ts; what PyTorch lacks: pytorch/helpers.ts; loss, optimizer, rates: pytorch/training.ts.
 */
import { samplesFile } from './code-data.ts'
import type { DataFacts } from './facts.ts'
import { type HelperName, helpers, needs } from './pytorch/helpers.ts'
import { layerText, type Need } from './pytorch/layers.ts'
import { indented } from './pytorch/python.ts'
import { clippingText, initializerText, lossText, optimizerText, rateText } from './pytorch/training.ts'
import type { LabSpec, PlaneFeature } from './spec.ts'

/** The file with the weights that the network begins with. */
export const firstWeightsFile = 'first-weights.safetensors'

/** What data say of a network, and the points of the plane, where they are such. */
export type Sampled = DataFacts & { readonly points?: ArrayLike<number>; readonly targets?: ArrayLike<number> }

const featureTexts: Readonly<Record<PlaneFeature, string>> = {
  x: 'x',
  y: 'y',
  'x²': 'x * x',
  'y²': 'y * y',
  xy: 'x * y',
  'sin x': 'x.sin()',
  'sin y': 'y.sin()',
}

/** Whether the samples stand in the program itself. */
export const isInline = ({ data }: LabSpec): boolean => data.kind === 'plane' || data.kind === 'points'

/** Errors: NoCounterpartError for what PyTorch cannot say. */
export function pytorchOf(spec: LabSpec, facts: Sampled): string {
  const used = new Set<HelperName>()
  const need: Need = (name) => {
    for (const each of [...(needs[name] ?? []), name]) used.add(each)
    return name
  }
  const model = layerText(spec.model, need)
  const optimizer = optimizerText(spec, need)
  const draw = initializerText(spec)
  const classes = helperNames.filter((name) => used.has(name)).map((name) => `${helpers[name]}\n\n\n`)
  return `"""${titleOf(spec)}, as it is set up in the Glissade lab."""

import json
import math
import struct
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

SEED = ${spec.seed}
BATCH_SIZE = ${spec.batchSize}
EPOCHS = ${spec.stopAtEpoch || 100}
HERE = Path(__file__).parent


${tensorsHelper}


${classes.join('')}# ---- Samples: those for training first ----

${dataText(spec, facts)}
train_count = ${facts.trainCount}
steps_per_epoch = math.ceil(train_count / BATCH_SIZE)

# ---- Network ----

torch.manual_seed(SEED)
model = ${model}
${draw ? `for weight in model.parameters():\n    if weight.dim() >= 2:\n        ${draw}\n` : ''}# With the lab's first weights beside this program, its losses are those of the lab.
if (HERE / "${firstWeightsFile}").exists():
    model.load_state_dict(tensors_of("${firstWeightsFile}"))


def loss_of(p, t):
${lossText(spec, facts)}


def rate(step):
    """The learning rate of a step; 0 is the first."""
${rateText(spec, Math.ceil(facts.trainCount / spec.batchSize))}


optimizer = ${optimizer}


${orderHelper}


def score(x, y):
    """Loss${facts.task === 'number' ? '' : ' and share of right answers'} on many samples."""
    model.eval()
    with torch.no_grad():
        p = model(x)
        loss = loss_of(p, y).item()
${scoreText(facts)}
    model.train()
    return text


# ---- Training: "python ${programFile} 20" makes 20 steps and prints the loss of each ----

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 0
for step in range(steps or EPOCHS * steps_per_epoch):
    epoch, at = divmod(step, steps_per_epoch)
    if at == 0:
        order = torch.tensor(permutation(train_count, SEED, epoch))
    batch = order[at * BATCH_SIZE : (at + 1) * BATCH_SIZE]
    model.train()
    loss = loss_of(model(inputs[batch]), targets[batch])
    optimizer.zero_grad()
    loss.backward()
    for group in optimizer.param_groups:
        group["lr"] = rate(step)
${clippingText(spec).replaceAll('        ', '    ')}    optimizer.step()
    if steps:
        print(f"step {step + 1}: loss {loss.item():.6f}")
    elif at == steps_per_epoch - 1:
        train, test = score(inputs[:train_count], targets[:train_count]), score(inputs[train_count:], targets[train_count:])
        print(f"epoch {epoch + 1}: training {train}; test {test}")
`
}

export const programFile = 'train.py'

const helperNames = Object.keys(helpers) as HelperName[]

const titleOf = ({ data, optimizer }: LabSpec): string =>
  `${
    {
      plane: data.kind === 'plane' ? `Points of the plane (${data.set})` : '',
      points: 'Points of the plane',
      digits: 'Handwritten digits',
      text: 'Text, letter by letter',
      table: 'A table',
    }[data.kind]
  }, trained with ${optimizer.kind}`

/** A number in as few digits as single precision has. */
const short = (value: number): number => Number(Math.fround(value).toPrecision(8))

function dataText(spec: LabSpec, { points, targets, task }: Sampled): string {
  const { data } = spec
  if ((data.kind === 'plane' || data.kind === 'points') && points && targets) {
    const rows = Array.from({ length: targets.length }, (_, i) =>
      [points[2 * i], points[2 * i + 1], targets[i]].map((value) => String(short(value))).join(', '),
    )
    const classes = task === 'class' ? 'points[:, 2].long()' : 'points[:, 2:]'
    return `# x, y and ${task === 'class' ? 'class' : 'number'} of each point.
points = torch.tensor([
${rows.map((row) => `    [${row}],\n`).join('')}])
x, y = points[:, 0], points[:, 1]
inputs = torch.stack([${data.features.map((name) => featureTexts[name]).join(', ')}], 1)
targets = ${classes}`
  }
  return `samples = tensors_of("${samplesFile}")
inputs, targets = samples["inputs"]${task === 'token' ? '.long()' : ''}, samples["targets"]${task === 'number' ? '' : '.long()'}`
}

function scoreText({ task }: DataFacts): string {
  const right =
    task === 'token'
      ? `known = y >= 0\n    share = (p.argmax(-1) == y)[known].float().mean().item()\n`
      : 'share = (p.argmax(-1) == y).float().mean().item()\n'
  return task === 'number'
    ? '    text = f"loss {loss:.5f}"'
    : `${indented(right.trimEnd()).replace('        share', '    share')}\n    text = f"loss {loss:.5f}, accuracy {100 * share:.1f} %"`
}

const tensorsHelper = `def tensors_of(name):
    """The tensors of a safetensors file: the length of the header, the header as JSON, the numbers."""
    data = (HERE / name).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    types = {"F32": torch.float32, "I32": torch.int32, "F64": torch.float64, "BOOL": torch.bool}

    def tensor(dtype, shape, data_offsets):
        first, end = (8 + length + at for at in data_offsets)
        if first == end:
            return torch.empty(shape, dtype=types[dtype])
        return torch.frombuffer(bytearray(data[first:end]), dtype=types[dtype]).reshape(shape)

    return {name: tensor(**entry) for name, entry in header.items() if name != "__metadata__"}`

const orderHelper = `def threefry(key, counter):
    """32 random bits for a place (Salmon et al. 2011)."""
    mask = 0xFFFFFFFF
    keys = [key[0] & mask, key[1] & mask, 0x1BD11BDA ^ (key[0] & mask) ^ (key[1] & mask)]
    a, b = (counter + keys[0]) & mask, keys[1]
    for turn in range(20):
        by = (13, 15, 26, 6, 17, 29, 16, 24)[turn % 8]
        a = (a + b) & mask
        b = (((b << by) | (b >> (32 - by))) & mask) ^ a
        if turn % 4 == 3:
            n = (turn + 1) // 4
            a, b = (a + keys[n % 3]) & mask, (b + keys[(n + 1) % 3] + n) & mask
    return a


def permutation(length, seed, epoch):
    """The order of samples in an epoch, as in the lab."""
    order = list(range(length))
    for i in range(length - 1, 0, -1):
        j = threefry((seed, epoch), i) * (i + 1) >> 32
        order[i], order[j] = order[j], order[i]
    return order`
