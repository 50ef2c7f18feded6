/** Networks for tokens: the classes of make_architectures.py under the same names of fields. Not a test. */
import { nn, type Tensor } from '../../src/index.ts'
import type { Sizes } from './architectures.ts'

export class LstmClassifier extends nn.Module {
  embedding: nn.Embedding
  lstm: nn.LSTM
  head: nn.Linear
  drop: nn.Dropout
  constructor({ scale, dropout }: Sizes) {
    super()
    this.embedding = nn.embedding(11, 5 * scale, { paddingIndex: 0 })
    this.lstm = nn.lstm(5 * scale, 6 * scale)
    this.head = nn.linear(6 * scale, 3)
    this.drop = nn.dropout(dropout)
  }
  forward(tokens: Tensor, lengths: Tensor): Tensor {
    const { state } = this.lstm.forward(this.drop.forward(this.embedding.forward(tokens)), { lengths })
    return this.head.forward(state.h.squeeze(0))
  }
}

export class GruTagger extends nn.Module {
  embedding: nn.Embedding
  gru: nn.GRU
  head: nn.Linear
  constructor({ scale, dropout }: Sizes) {
    super()
    this.embedding = nn.embedding(10, 4 * scale)
    this.gru = nn.gru(4 * scale, 5 * scale, { layers: 2, bidirectional: true, dropout })
    this.head = nn.linear(10 * scale, 4)
  }
  forward(tokens: Tensor, lengths: Tensor): Tensor {
    return this.head.forward(this.gru.forward(this.embedding.forward(tokens), { lengths }).output)
  }
}

export class EncoderClassifier extends nn.Module {
  embedding: nn.Embedding
  positions: nn.LearnedPositions
  encoder: nn.TransformerEncoder
  head: nn.Linear
  constructor({ scale, dropout }: Sizes) {
    super()
    const width = 8 * scale
    this.embedding = nn.embedding(12, width, { paddingIndex: 0 })
    this.positions = nn.learnedPositions(6, width)
    this.encoder = nn.transformerEncoder(width, 2, 2, { feedForward: 12 * scale, dropout })
    this.head = nn.linear(width, 3)
  }
  forward(tokens: Tensor): Tensor {
    const keyMask = tokens.ne(0)
    const there = keyMask.cast('float32').unsqueeze(2)
    const x = this.positions.forward(this.embedding.forward(tokens))
    const y = this.encoder.forward(x, { keyMask }).mul(there)
    return this.head.forward(y.sum(1).div(there.sum(1)))
  }
}

/** From one sequence to another, with pre-norm, and padding on both sides. */
export class Sequences extends nn.Module {
  source: nn.Embedding
  target: nn.Embedding
  source_positions: nn.LearnedPositions
  target_positions: nn.LearnedPositions
  transformer: nn.Transformer
  generator: nn.Linear
  constructor({ scale, dropout }: Sizes) {
    super()
    const width = 8 * scale
    this.source = nn.embedding(9, width, { paddingIndex: 0 })
    this.target = nn.embedding(8, width, { paddingIndex: 0 })
    this.source_positions = nn.learnedPositions(6, width)
    this.target_positions = nn.learnedPositions(6, width)
    this.transformer = nn.transformer(width, 2, {
      encoderLayers: 2,
      decoderLayers: 2,
      feedForward: 10 * scale,
      activation: 'gelu',
      normFirst: true,
      dropout,
    })
    this.generator = nn.linear(width, 8)
  }
  forward(source: Tensor, target: Tensor): Tensor {
    const y = this.transformer.forward(
      this.source_positions.forward(this.source.forward(source)),
      this.target_positions.forward(this.target.forward(target)),
      { causal: true, sourceKeyMask: source.ne(0), targetKeyMask: target.ne(0) },
    )
    return this.generator.forward(y)
  }
}
