/** Networks for images and series: the classes of make_architectures.py under the same names of fields. Not a test. */
import { concat, einsum, maxPool2d, nn, random, type Tensor } from '../../src/index.ts'
import type { Sizes } from './architectures.ts'

export class Perceptron extends nn.Module {
  layers: nn.Sequential
  constructor({ scale, dropout }: Sizes) {
    super()
    this.layers = nn.sequential(
      nn.linear(6, 10 * scale),
      nn.tanh(),
      nn.linear(10 * scale, 8 * scale),
      nn.gelu(),
      nn.dropout(dropout),
      nn.linear(8 * scale, 4),
    )
  }
  forward(x: Tensor): Tensor {
    return this.layers.forward(x)
  }
}

interface ConvNormOptions {
  readonly stride?: number
  readonly groups?: number
  readonly act?: nn.Layer
}
function convNorm(
  from: number,
  to: number,
  size: number,
  { stride, groups, act }: ConvNormOptions = {},
): nn.Sequential {
  const conv = nn.conv2d(from, to, size, { stride, groups, padding: Math.floor(size / 2), bias: false })
  return nn.sequential(conv, nn.batchNorm2d(to), ...(act ? [act] : []))
}

/** Wide in the middle, where each channel is filtered by itself (MobileNet v2). */
class Inverted extends nn.Module {
  expand: nn.Sequential
  depthwise: nn.Sequential
  project: nn.Sequential
  drop: nn.DropPath
  constructor(width: number, inner: number, dropout: number) {
    super()
    this.expand = convNorm(width, inner, 1, { act: nn.relu6() })
    this.depthwise = convNorm(inner, inner, 3, { groups: inner, act: nn.relu6() })
    this.project = convNorm(inner, width, 1)
    this.drop = nn.dropPath(dropout)
  }
  forward(x: Tensor): Tensor {
    return x.add(this.drop.forward(this.project.forward(this.depthwise.forward(this.expand.forward(x)))))
  }
}

/** Two convolutions and a way around (ResNet). */
class Basic extends nn.Module {
  conv1: nn.Conv2d
  bn1: nn.BatchNorm2d
  conv2: nn.Conv2d
  bn2: nn.BatchNorm2d
  downsample: nn.Sequential
  constructor(from: number, to: number, stride: number) {
    super()
    this.conv1 = nn.conv2d(from, to, 3, { stride, padding: 1, bias: false })
    this.bn1 = nn.batchNorm2d(to)
    this.conv2 = nn.conv2d(to, to, 3, { padding: 1, bias: false })
    this.bn2 = nn.batchNorm2d(to, { momentum: 0.2 })
    this.downsample = convNorm(from, to, 1, { stride })
  }
  forward(x: Tensor): Tensor {
    const y = this.bn2.forward(this.conv2.forward(this.bn1.forward(this.conv1.forward(x)).relu()))
    return y.add(this.downsample.forward(x)).relu()
  }
}

export class ResidualNet extends nn.Module {
  stem: nn.Sequential
  layer1: Inverted
  layer2: Basic
  pool = nn.globalAvgPool2d()
  fc: nn.Linear
  constructor({ scale, dropout }: Sizes) {
    super()
    this.stem = convNorm(2, 4 * scale, 3, { act: nn.relu() })
    this.layer1 = new Inverted(4 * scale, 8 * scale, dropout)
    this.layer2 = new Basic(4 * scale, 6 * scale, 2)
    this.fc = nn.linear(6 * scale, 3)
  }
  forward(x: Tensor): Tensor {
    return this.fc.forward(this.pool.forward(this.layer2.forward(this.layer1.forward(this.stem.forward(x)))))
  }
}

function doubleConv(from: number, to: number): nn.Sequential {
  const part = (width: number): nn.Layer[] => [
    nn.conv2d(width, to, 3, { padding: 1 }),
    nn.instanceNorm2d(to, { affine: true }),
    nn.leakyRelu(),
  ]
  return nn.sequential(...part(from), ...part(to))
}

export class UNet extends nn.Module {
  down1: nn.Sequential
  down2: nn.Sequential
  bottom: nn.Sequential
  up2: nn.ConvTranspose2d
  join2: nn.Sequential
  up1: nn.ConvTranspose2d
  join1: nn.Sequential
  head: nn.Conv2d
  drop: nn.Dropout2d
  constructor({ scale, dropout }: Sizes) {
    super()
    const [a, b, c] = [3 * scale, 5 * scale, 6 * scale]
    this.down1 = doubleConv(1, a)
    this.down2 = doubleConv(a, b)
    this.bottom = doubleConv(b, c)
    this.up2 = nn.convTranspose2d(c, b, 2, { stride: 2 })
    this.join2 = doubleConv(2 * b, b)
    this.up1 = nn.convTranspose2d(b, a, 3, { stride: 2, padding: 1, outputPadding: 1 })
    this.join1 = doubleConv(2 * a, a)
    this.head = nn.conv2d(a, 1, 1)
    this.drop = nn.dropout2d(dropout)
  }
  forward(x: Tensor): Tensor {
    const a = this.down1.forward(x)
    const b = this.down2.forward(maxPool2d(a, 2))
    const bottom = this.drop.forward(this.bottom.forward(maxPool2d(b, 2)))
    const c = this.join2.forward(concat([this.up2.forward(bottom), b], 1))
    return this.head.forward(this.join1.forward(concat([this.up1.forward(c), a], 1)))
  }
}

export class Autoencoder extends nn.Module {
  encoder: nn.Sequential
  decoder: nn.Sequential
  drop: nn.Dropout
  constructor({ scale, dropout }: Sizes) {
    super()
    const [wide, code] = [6 * scale, 5 * scale]
    this.encoder = nn.sequential(
      nn.conv1d(2, wide, 3, { stride: 2, padding: 1 }),
      nn.groupNorm(2, wide),
      nn.silu(),
      nn.flatten(),
      nn.linear(wide * 6, code),
      nn.layerNorm(code),
    )
    this.decoder = nn.sequential(
      nn.linear(code, wide * 6),
      nn.mish(),
      nn.unflatten(1, [wide, 6]),
      nn.convTranspose1d(wide, 4 * scale, 4, { stride: 2, padding: 1 }),
      nn.groupNorm(4, 4 * scale),
      nn.elu(),
      nn.conv1d(4 * scale, 2, 3, { padding: 1, paddingMode: 'replicate' }),
    )
    this.drop = nn.dropout(dropout)
  }
  forward(x: Tensor): Tensor {
    return this.decoder.forward(this.encoder.forward(this.drop.forward(x)))
  }
}

class MixerBlock extends nn.Module {
  norm1: nn.LayerNorm
  norm2: nn.LayerNorm
  token1: nn.Parameter
  token2: nn.Parameter
  linear1: nn.Linear
  linear2: nn.Linear
  drop: nn.DropPath
  constructor(patches: number, width: number, inner: number, dropout: number) {
    super()
    this.norm1 = nn.layerNorm(width)
    this.norm2 = nn.layerNorm(width)
    this.token1 = new nn.Parameter(random.normal([inner, patches]).mul(0.4))
    this.token2 = new nn.Parameter(random.normal([patches, inner]).mul(0.4))
    this.linear1 = nn.linear(width, inner)
    this.linear2 = nn.linear(inner, width)
    this.drop = nn.dropPath(dropout)
  }
  forward(x: Tensor): Tensor {
    const mixed = einsum('bpc,hp->bhc', this.norm1.forward(x), this.token1)
    const y = x.add(this.drop.forward(einsum('bhc,ph->bpc', nn.functional.gelu(mixed, 'tanh'), this.token2)))
    const inner = nn.functional.gelu(this.linear1.forward(this.norm2.forward(y)))
    return y.add(this.drop.forward(this.linear2.forward(inner)))
  }
}

export class Mixer extends nn.Module {
  patch: nn.Conv2d
  blocks: nn.ModuleList<MixerBlock>
  norm: nn.LayerNorm
  head: nn.Linear
  constructor({ scale, dropout }: Sizes) {
    super()
    const width = 6 * scale
    this.patch = nn.conv2d(1, width, 2, { stride: 2 })
    this.blocks = nn.moduleList([1, 2].map(() => new MixerBlock(9, width, 8 * scale, dropout)))
    this.norm = nn.layerNorm(width)
    this.head = nn.linear(width, 3)
  }
  forward(x: Tensor): Tensor {
    let y = this.patch.forward(x).flatten(2).transpose(1, 2)
    for (const block of this.blocks) y = block.forward(y)
    return this.head.forward(this.norm.forward(y).mean(1))
  }
}

class Dilated extends nn.Module {
  conv: nn.Conv1d
  drop: nn.Dropout1d
  readonly dilation: number
  constructor(width: number, dilation: number, dropout: number) {
    super()
    this.conv = nn.weightNorm(nn.conv1d(width, 2 * width, 3, { dilation }))
    this.drop = nn.dropout1d(dropout)
    this.dilation = dilation
  }
  forward(x: Tensor): Tensor {
    const before = x.pad([
      [0, 0],
      [0, 0],
      [2 * this.dilation, 0],
    ])
    const [a, b] = this.conv.forward(before).split(x.shape[1], 1)
    return x.add(this.drop.forward(a.tanh().mul(b.sigmoid())))
  }
}

/** Convolutions that look back only, further in each layer (WaveNet). */
export class Temporal extends nn.Module {
  start: nn.Conv1d
  layers: nn.Sequential
  end: nn.Conv1d
  constructor({ scale, dropout }: Sizes) {
    super()
    const width = 5 * scale
    this.start = nn.conv1d(2, width, 1)
    this.layers = nn.sequential(...[1, 2, 4].map((dilation) => new Dilated(width, dilation, dropout)))
    this.end = nn.conv1d(width, 1, 1)
  }
  forward(x: Tensor): Tensor {
    return this.end.forward(this.layers.forward(this.start.forward(x)))
  }
}
