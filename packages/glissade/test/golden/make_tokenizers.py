"""Writes tokenizer.json files of the reference library (Hugging Face tokenizers), and what it makes of texts."""

import json
import pathlib
import random

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
SEED = 20240917

PROSE = """The glacier moved an inch a day, and nobody saw it move. On the ridge two climbers waited for the wind to drop;
they couldn't hear each other, so they pointed: down, left, then down again. "We're late," said the first, "aren't we?"
He'd lost a glove in 1987 and another in 2023. The ice axe (0.75 kg, 60 cm) cost 129.99 euros. Ça va, naïve café;
Größe und Straße, Übermut tut selten gut. 東京の雪は静かだ。 Привет, мир! Snow ❄️ and sun ☀️ together: 👩‍🚀🏔️.
    def slide(slope, friction=0.1):\n\treturn slope - friction  # don't stop\n"""

TEXTS = [
    "", " ", "Hello world", "  Hello   world  ", "The climbers couldn't wait.", "We're late, aren't we? I'd say they've won; I'm sure.",
    "naïve café Größe Straße ÀÉÎ", "NAÏVE ΣΊΣΥΦΟΣ İstanbul", "東京の雪は静かだ。", "Привет, мир!", "👩‍🚀🏔️ ❄️☀️ 🤷🏽‍♂️", "1987 + 2023 = 4010; 3.14159",
    "tab\tnewline\n\n  indented\r\nend", "a\u00a0b\u2003c\u200bd\ufeffe\u0085f", "e\u0301 vs é", "<|end|>start<|end|> middle <|end|>", "x<mask>y <mask> z  <mask>",
    "supercalifragilisticexpialidocious antidisestablishmentarianism", "zzzzzzzzzz aaaaaaaaaaaaaaaa", "ﬁne ½ ① ｆｕｌｌ", "[CLS] the [SEP] glacier [UNK]",
    "don't DON'T Don’t", "the glacier ▁moved a_b __c", "\x00\x07null\ufffd", "if (x<=3 && y!=4) { return z++; }",
]
PAIRS = [("The glacier moved", "an inch a day"), ("", "down"), ("left", "")]


def corpus():
    draw = random.Random(SEED)
    words = PROSE.split()
    return [PROSE] + [" ".join(draw.choices(words, k=draw.randint(3, 25))) for _ in range(60)]


CORPUS = corpus()


def encoded(t, *texts, special=True):
    e = t.encode(*texts, add_special_tokens=special)
    return {"ids": e.ids, "typeIds": e.type_ids, "special": e.special_tokens_mask}


def case(name, t):
    return {
        "name": name, "file": json.loads(t.to_str()),
        "encoded": [encoded(t, text) for text in TEXTS],
        "plain": [encoded(t, text, special=False)["ids"] for text in TEXTS],
        "pairs": [encoded(t, *pair) for pair in PAIRS],
        "decoded": [t.decode(t.encode(text).ids) for text in TEXTS],
        "whole": [t.decode(t.encode(text).ids, skip_special_tokens=False) for text in TEXTS],
    }


def trained(t, trainer):
    t.train_from_iterator(CORPUS, trainer)
    return t


def byte_level():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    trained(t, trainers.BpeTrainer(vocab_size=400, min_frequency=2, special_tokens=["<|end|>"], show_progress=False,
                                   initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return t


def gpt4():
    t = Tokenizer(models.BPE(ignore_merges=True))
    words = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    t.normalizer = normalizers.NFC()
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(words), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    trained(t, trainers.BpeTrainer(vocab_size=380, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                   special_tokens=["<|end|>", "<|start|>"]))
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
        single="<|start|> $A", pair="<|start|> $A <|start|>:1 $B:1", special_tokens=[("<|start|>", 1)])])
    return t


def roberta():
    t = Tokenizer(models.BPE(unk_token="<unk>"))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    t.decoder = decoders.ByteLevel()
    trained(t, trainers.BpeTrainer(vocab_size=340, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                   special_tokens=["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True)]))
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return t


def bert():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=30))
    t.normalizer = normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    trained(t, trainers.WordPieceTrainer(vocab_size=300, show_progress=False, special_tokens=["[UNK]", "[CLS]", "[SEP]", "[PAD]"]))
    t.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    return t


def llama():
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    alphabet = [f"<0x{b:02X}>" for b in range(256)]
    t.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trained(t, trainers.BpeTrainer(vocab_size=420, show_progress=False, limit_alphabet=60, special_tokens=["<unk>", "<s>", "</s>"] + alphabet))
    t.pre_tokenizer = None
    file = json.loads(t.to_str())
    # The bytes are tokens of the model only: as added tokens they would be looked for in texts.
    file["added_tokens"] = file["added_tokens"][:3]
    t = Tokenizer.from_str(json.dumps(file))
    t.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B:1", special_tokens=[("<s>", 1)])
    return t


def unigram():
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s{2,}"), " "), normalizers.Strip(left=False)])
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    t.decoder = decoders.Metaspace()
    trained(t, trainers.UnigramTrainer(vocab_size=200, show_progress=False, unk_token="<unk>", special_tokens=["<unk>", "<pad>"]))
    return t


def words():
    t = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    t.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)])
    trained(t, trainers.WordLevelTrainer(vocab_size=150, show_progress=False, special_tokens=["[UNK]"]))
    t.add_tokens([AddedToken("glacier", single_word=True), AddedToken("ice axe", rstrip=True)])
    return t


def classic():
    """Merges with a sign for the end of words, and first-only metaspace beside punctuation kept in one piece."""
    t = Tokenizer(models.BPE(unk_token="[UNK]", end_of_word_suffix="</w>"))
    t.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("contiguous")])
    t.decoder = decoders.BPEDecoder()
    trained(t, trainers.BpeTrainer(vocab_size=260, show_progress=False, special_tokens=["[UNK]"], end_of_word_suffix="</w>"))
    return t


def first():
    t = Tokenizer(models.BPE(unk_token="[UNK]"))
    t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
    t.decoder = decoders.Metaspace(prepend_scheme="first")
    trained(t, trainers.BpeTrainer(vocab_size=220, show_progress=False, special_tokens=["[UNK]", "<|end|>"]))
    return t


if __name__ == "__main__":
    cases = [case(make.__name__, make()) for make in (byte_level, gpt4, roberta, bert, llama, unigram, words, classic, first)]
    body = {"made": {"tokenizers": tokenizers.__version__, "seed": SEED}, "corpus": CORPUS, "texts": TEXTS, "pairs": PAIRS, "cases": cases}
    path = HERE / "tokenizers.json"
    path.write_text(json.dumps(body, separators=(",", ":"), ensure_ascii=True) + "\n")
    print(len(cases), path.stat().st_size, "bytes")
