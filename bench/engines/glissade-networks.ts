/** The networks that are more than a list of layers, under the same names as in rivals/pytorch_networks.py. */
import { concat, maxPool2d, nn, type Tensor } from 'glissade'

const { Module } = nn

const conv3 = (inputs: number, outputs: number, stride = 1): nn.Conv2d =>
  nn.conv2d(inputs, outputs, 3, { stride, padding: 1, bias: false })

/** Two convolutions and the way around them; a wider block takes every other pixel and gives it channels of zeros. */
class Block extends Module {
  readonly conv1: nn.Conv2d
  readonly bn1: nn.BatchNorm2d
  readonly conv2: nn.Conv2d
  readonly bn2: nn.BatchNorm2d

  constructor(inputs: number, outputs: number) {
    super()
    this.conv1 = conv3(inputs, outputs, inputs === outputs ? 1 : 2)
    this.bn1 = nn.batchNorm2d(outputs)
    this.conv2 = conv3(outputs, outputs)
    this.bn2 = nn.batchNorm2d(outputs)
  }

  forward(x: Tensor): Tensor {
    const y = this.bn2.forward(this.conv2.forward(this.bn1.forward(this.conv1.forward(x)).relu()))
    const more = (y.shape[1] - x.shape[1]) / 2
    if (more === 0) return y.add(x).relu()
    const everyOther = [undefined, undefined, 2] as const
    const small = x.slice([undefined, undefined, everyOther, everyOther])
    const none = [0, 0] as const
    return y.add(small.pad([none, [more, more], none, none])).relu()
  }
}

/** ResNet-20 for small images (He et al. 2016, section 4.2). x: [B, 3, 32, 32] → [B, 10] */
export class ResNet20 extends Module {
  readonly conv1 = conv3(3, 16)
  readonly bn1 = nn.batchNorm2d(16)
  readonly blocks: nn.Sequential
  readonly linear = nn.linear(64, 10)

  constructor() {
    super()
    const widths = [16, 16, 16, 16, 32, 32, 32, 64, 64, 64]
    this.blocks = nn.sequential(...widths.slice(1).map((width, i) => new Block(widths[i], width)))
  }

  forward(x: Tensor): Tensor {
    const y = this.blocks.forward(this.bn1.forward(this.conv1.forward(x)).relu())
    return this.linear.forward(y.mean([2, 3]))
  }
}

function doubleConv(inputs: number, outputs: number): nn.Sequential {
  const once = (from: number): nn.Layer[] => [conv3(from, outputs), nn.batchNorm2d(outputs), nn.relu()]
  return nn.sequential(...once(inputs), ...once(outputs))
}

/** A U-Net (Ronneberger et al. 2015). x: [B, 1, H, W] → the same */
export class UNet extends Module {
  readonly down: nn.Sequential
  readonly up: nn.Sequential
  readonly join: nn.Sequential
  readonly head: nn.Conv2d

  constructor(widths: readonly number[] = [16, 32, 64, 128]) {
    super()
    this.down = nn.sequential(...widths.map((width, i) => doubleConv(i === 0 ? 1 : widths[i - 1], width)))
    const levels = widths.slice(1).map((wide, i) => [wide, widths[i]] as const)
    this.up = nn.sequential(...levels.map(([wide, width]) => nn.convTranspose2d(wide, width, 2, { stride: 2 })))
    this.join = nn.sequential(...levels.map(([, width]) => doubleConv(2 * width, width)))
    this.head = nn.conv2d(widths[0], 1, 1)
  }

  forward(x: Tensor): Tensor {
    const [first, ...rest] = this.down.layers
    const found = [first.forward(x)]
    for (const layer of rest) found.push(layer.forward(maxPool2d(found[found.length - 1], 2)))
    let y = found[found.length - 1]
    for (let i = rest.length - 1; i >= 0; i--) {
      y = this.join.layers[i].forward(concat([this.up.layers[i].forward(y), found[i]], 1))
    }
    return this.head.forward(y)
  }
}

/** Scores for the next token. x: int32 [B, T] → [B, T, 64] */
export class TextModel extends Module {
  readonly embedding = nn.embedding(64, 64)
  readonly lstm = nn.lstm(64, 128)
  readonly linear = nn.linear(128, 64)

  forward(x: Tensor): Tensor {
    return this.linear.forward(this.lstm.forward(this.embedding.forward(x)).output)
  }
}

/** The mean over time of two layers in both directions, classified. x: [B, T, 128] → [B, 10] */
export class Classifier extends Module {
  readonly gru = nn.gru(128, 128, { layers: 2, bidirectional: true })
  readonly linear = nn.linear(256, 10)

  forward(x: Tensor): Tensor {
    return this.linear.forward(this.gru.forward(x).output.mean(1))
  }
}
