/** The two networks of make_first.py. Not a test itself. */
import * as nn from '../../src/nn/index.ts'
import type { Tensor } from '../../src/tensor.ts'

export class Mlp extends nn.Module {
  fc1 = nn.linear(4, 8)
  fc2 = nn.linear(8, 8)
  fc3 = nn.linear(8, 3)
  forward(x: Tensor): Tensor {
    return this.fc3.forward(nn.functional.gelu(this.fc2.forward(this.fc1.forward(x).tanh())))
  }
}

export class Cnn extends nn.Module {
  conv1 = nn.conv2d(1, 3, 3)
  conv2 = nn.conv2d(3, 4, 3, { padding: 1 })
  pool = nn.maxPool2d(2)
  fc = nn.linear(36, 5)
  forward(x: Tensor): Tensor {
    const features = this.conv2.forward(this.conv1.forward(x).relu()).relu()
    return this.fc.forward(this.pool.forward(features).flatten(1))
  }
}
