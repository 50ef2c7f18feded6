/** The networks of make_layers_a.py, with the same names. Not a test itself. */
import * as nn from '../../src/nn/index.ts'
import type { Tensor } from '../../src/tensor.ts'

/** Tokens to two numbers: an embedding with padding, its mean and maximum over the words, and their products. */
export class Words extends nn.Module {
  embed = nn.embedding(7, 4, { paddingIndex: 0 })
  act = nn.prelu(5)
  pair = nn.bilinear(4, 4, 6)
  head = nn.sequential(nn.glu(), nn.linear(3, 2))
  forward(x: Tensor): Tensor {
    const rows = this.act.forward(this.embed.forward(x))
    return this.head.forward(this.pair.forward(rows.mean(1), rows.max(1)))
  }
}

/** An image made small by pools and strides, and large again. */
export class Scaling extends nn.Module {
  down = nn.sequential(
    nn.conv2d(1, 4, 3, { padding: 1, paddingMode: 'reflect' }),
    nn.hardswish(),
    nn.maxPool2d(3, { stride: 2, padding: 1, ceilMode: true }),
    nn.depthwiseConv2d(4, 3, { multiplier: 2, padding: 'same' }),
    nn.mish(),
    nn.adaptiveAvgPool2d([3, 2]),
  )
  up = [
    nn.convTranspose2d(8, 4, 2, { stride: 2 }),
    nn.upsample({ scaleFactor: 2, mode: 'bilinear' }),
    nn.replicationPad2d([1, 0, 0, 1]),
    nn.conv2d(4, 4, 2),
    nn.pixelShuffle(2),
  ]
  forward(x: Tensor): Tensor {
    return this.up.reduce((y, layer) => layer.forward(y), this.down.forward(x))
  }
}
