/** Text for networks, as `text.*`: tokenizers made here, learned here, or loaded from tokenizer.json. */
export { type BpeOptions, trainBpe } from './bpe-training.ts'
export { type CharacterOptions, characterTokenizer, type WordOptions, wordTokenizer } from './make.ts'
export { type EncodeOptions, type Encoding, fromJSON, Tokenizer } from './tokenizer.ts'
