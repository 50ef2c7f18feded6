"""Attention, positions, transformer layers and two whole models: outputs and every gradient by name.

    venv/bin/python make_attention.py

In our files masks are true where a key takes part; PyTorch's layers want the opposite, its function the same.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from common import SEED, listed, write


def run(fn, inputs, module=None):
    """Outputs of fn(**inputs), and gradients of sum(output * probe) for every input and parameter."""
    given = {n: t.clone().requires_grad_(True) for n, t in inputs.items()}
    y = fn(**given)
    y, more = (y[0], y[1:]) if isinstance(y, tuple) else (y, ())
    probe = torch.cos(torch.arange(y.numel(), dtype=torch.float64)).reshape(y.shape)
    (y * probe).sum().backward()
    named = list(module.named_parameters()) if module else []
    return {
        "inputs": {n: listed(t) for n, t in inputs.items()},
        "y": listed(y),
        "more": [listed(m) for m in more if m is not None],
        "dinputs": {n: listed(t.grad) for n, t in given.items()},
        "weights": {n: listed(p) for n, p in named},
        "gradients": {n: listed(p.grad) for n, p in named},
    }


def randomize(module):
    """Biases and norms begin as zeros and ones, which would hide mistakes."""
    for p in module.parameters():
        if p.dim() < 2 or p.shape[:2] == (1, 1):
            p.data += 0.3 * torch.randn_like(p)
    return module


def keep(*shape):
    """A mask in which every row keeps its first key."""
    mask = torch.rand(*shape) < 0.6
    mask[..., 0] = True
    return mask


def tensors(**given):
    return {n: listed(t) for n, t in given.items() if t is not None}


def functions():
    torch.manual_seed(SEED + 20)
    cases = []

    def add(q, k, v, options=None, mask=None, bias=None, **torch_options):
        joined = mask if mask is not None else bias
        cases.append({
            "kind": "scaledDotProductAttention", "options": options or {}, "tensors": tensors(mask=mask, bias=bias),
            **run(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=joined, **torch_options),
                  {"q": q, "k": k, "v": v}),
        })

    q, k, v = torch.randn(2, 2, 3, 4), torch.randn(2, 2, 5, 4), torch.randn(2, 2, 5, 3)
    add(q, k, v)
    add(q, k, v, {"scale": 0.3}, scale=0.3)
    add(q, k, v, {"causal": True}, is_causal=True)
    add(q, k, v, mask=keep(2, 1, 3, 5))
    add(q, k, v, bias=torch.randn(3, 5))
    add(torch.randn(3, 4), torch.randn(5, 4), torch.randn(5, 2))
    # Grouped queries: 4 heads of queries share 2 of keys.
    q, k, v = torch.randn(2, 4, 3, 4), torch.randn(2, 2, 3, 4), torch.randn(2, 2, 3, 4)
    add(q, k, v, {"causal": True}, is_causal=True, enable_gqa=True)
    add(q, k, v, mask=keep(2, 4, 3, 3), enable_gqa=True)
    # A query that may attend to nothing.
    nothing = keep(3, 3)
    nothing[1] = False
    add(q, k, v, mask=nothing, enable_gqa=True)
    return cases


def layers_of_attention():
    torch.manual_seed(SEED + 21)
    cases = []

    def add(width, heads, options, inputs, torch_options, mask=None, bias=None, keyMask=None, causal=False, average=True):
        module = randomize(nn.MultiheadAttention(width, heads, batch_first=True, **torch_options))
        joined = ~mask if mask is not None else bias
        if causal:
            hidden = torch.ones(inputs["query"].shape[1], inputs.get("key", inputs["query"]).shape[1]).triu(1).bool()
            joined = hidden if joined is None else joined | hidden
        if joined is not None and joined.dim() == 4:
            joined = joined.flatten(0, 1)
        elif joined is not None and joined.dim() == 3:
            joined = joined.repeat_interleave(heads, 0)

        def forward(query, key=None, value=None):
            key = query if key is None else key
            value = key if value is None else value
            return module(query, key, value, attn_mask=joined, need_weights=True, average_attn_weights=average,
                          key_padding_mask=None if keyMask is None else ~keyMask)

        cases.append({
            "kind": "multiHeadAttention", "args": [width, heads], "options": options,
            "attend": {"causal": causal, "averageWeights": average},
            "tensors": tensors(mask=mask, bias=bias, keyMask=keyMask), **run(forward, inputs, module),
        })

    x, key, value = torch.randn(2, 3, 8), torch.randn(2, 5, 8), torch.randn(2, 5, 8)
    add(8, 2, {}, {"query": x}, {})
    add(8, 2, {"bias": False}, {"query": x}, {"bias": False})
    add(8, 4, {}, {"query": x}, {}, causal=True, average=False)
    add(8, 2, {}, {"query": x, "key": key}, {}, keyMask=keep(2, 5))
    add(8, 2, {}, {"query": x, "key": key, "value": value}, {}, mask=keep(3, 5))
    add(8, 2, {}, {"query": x, "key": key, "value": value}, {}, mask=keep(2, 3, 5), keyMask=keep(2, 5)[:1].expand(2, 5))
    add(8, 2, {}, {"query": x}, {}, mask=keep(2, 2, 3, 3), causal=True)
    add(8, 2, {}, {"query": x, "key": key}, {}, bias=torch.randn(3, 5))
    odd = {"query": x, "key": torch.randn(2, 5, 6), "value": torch.randn(2, 5, 4)}
    add(8, 2, {"kdim": 6, "vdim": 4}, odd, {"kdim": 6, "vdim": 4}, keyMask=keep(2, 5))
    add(8, 2, {"kdim": 6, "vdim": 4, "bias": False}, odd, {"kdim": 6, "vdim": 4, "bias": False})
    add(8, 2, {"addBiasKV": True}, {"query": x}, {"add_bias_kv": True}, causal=True)
    add(8, 2, {"addZeroAttention": True, "addBiasKV": True}, {"query": x, "key": key},
        {"add_zero_attn": True, "add_bias_kv": True}, keyMask=keep(2, 5))
    return cases


def rotate(x, places, base=10000.0, interleaved=False, dims=None):
    """Su et al. 2021, equation 34: pair i of x is turned by place / base^(2i / dims), as complex numbers."""
    dims = dims or x.shape[-1]
    angle = places[:, None] * base ** (-torch.arange(0, dims, 2, dtype=torch.float64) / dims)
    turn = torch.polar(torch.ones_like(angle), angle)
    head, rest = x[..., :dims], x[..., dims:]
    if interleaved:
        pairs = torch.complex(head[..., 0::2], head[..., 1::2]) * turn
        return torch.cat([torch.stack([pairs.real, pairs.imag], -1).flatten(-2), rest], -1)
    pairs = torch.complex(head[..., : dims // 2], head[..., dims // 2:]) * turn
    return torch.cat([pairs.real, pairs.imag, rest], -1)


def alibi(heads, queries, keys):
    """The authors' get_slopes (github.com/ofirpress/attention_with_linear_biases), and minus slope times distance."""
    def slopes(n):
        if math.log2(n).is_integer():
            start = 2 ** (-(2 ** -(math.log2(n) - 3)))
            return [start * start ** i for i in range(n)]
        below = 2 ** math.floor(math.log2(n))
        return slopes(below) + slopes(2 * below)[0::2][: n - below]
    distance = (torch.arange(queries)[:, None] - torch.arange(keys)[None, :]).abs()
    return -torch.tensor(slopes(heads))[:, None, None] * distance


def positions():
    torch.manual_seed(SEED + 22)
    x = torch.randn(2, 2, 5, 8)
    cases = []
    for options in ({}, {"interleaved": True}, {"base": 100}, {"dims": 4}, {"dims": 4, "interleaved": True}):
        cases.append({"kind": "rotary", "options": options,
                      **run(lambda x: rotate(x, torch.arange(5.0), **options), {"x": x})})
    for heads in (1, 2, 6, 8, 12):
        cases.append({"kind": "alibiBias", "args": [heads, 3, 5], "y": listed(alibi(heads, 3, 5))})
    for length, width in ((7, 6), (50, 5)):
        place, i = torch.arange(float(length))[:, None], torch.arange(width)[None, :]
        angle = place / 10000 ** (2 * (i // 2) / width)
        cases.append({"kind": "sinusoids", "args": [length, width],
                      "y": listed(torch.where(i % 2 == 0, angle.sin(), angle.cos()))})
    return cases


class Block(nn.Module):
    """A layer in the form of Llama, under the names of PyTorch's encoder layer."""

    def __init__(self, width, heads, groups, inner, turned, act):
        super().__init__()
        size = width // heads
        self.sizes, self.turned, self.act = (heads, groups, size), turned, act
        self.self_attn = nn.Module()
        self.self_attn.in_proj_weight = nn.Parameter(torch.randn((heads + 2 * groups) * size, width) * 0.4)
        self.self_attn.out_proj = nn.Linear(width, width, bias=False)
        self.linear1, self.linear2 = nn.Linear(width, 2 * inner, bias=False), nn.Linear(inner, width, bias=False)
        self.norm1, self.norm2 = nn.RMSNorm(width, eps=1e-5), nn.RMSNorm(width, eps=1e-5)

    def forward(self, x):
        b, t, c = x.shape
        heads, groups, size = self.sizes
        parts = (self.norm1(x) @ self.self_attn.in_proj_weight.T).split([heads * size, groups * size, groups * size], -1)
        q, k, v = [p.reshape(b, t, -1, size).transpose(1, 2) for p in parts]
        mask = torch.zeros(heads, t, t) if self.turned else alibi(heads, t, t)
        if self.turned:
            q, k = rotate(q, torch.arange(float(t))), rotate(k, torch.arange(float(t)))
        mask = mask.masked_fill(torch.ones(t, t).triu(1).bool(), -math.inf)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)
        x = x + self.self_attn.out_proj(y.transpose(1, 2).reshape(b, t, c))
        gate, value = self.linear1(self.norm2(x)).chunk(2, -1)
        return x + self.linear2(self.act(gate) * value)


def transformers():
    torch.manual_seed(SEED + 23)
    cases = []
    x, memory = torch.randn(2, 3, 8), torch.randn(2, 4, 8)
    for norm_first in (False, True):
        for activation in ("relu", "gelu"):
            shared = {"dim_feedforward": 6, "dropout": 0.0, "activation": activation, "norm_first": norm_first,
                      "batch_first": True}
            options = {"feedForward": 6, "dropout": 0.1, "activation": activation, "normFirst": norm_first}
            keys = keep(2, 3)
            encoder = randomize(nn.TransformerEncoderLayer(8, 2, **shared))
            cases.append({"kind": "transformerEncoderLayer", "args": [8, 2], "options": options,
                          "flags": {"causal": True}, "tensors": tensors(keyMask=keys),
                          **run(lambda x: encoder(x, src_mask=torch.ones(3, 3).triu(1).bool(), src_key_padding_mask=~keys),
                                {"x": x}, encoder)})
            if norm_first != (activation == "gelu"):
                continue
            decoder = randomize(nn.TransformerDecoderLayer(8, 2, **shared))
            mask, memory_keys = keep(3, 3), keep(2, 4)
            cases.append({"kind": "transformerDecoderLayer", "args": [8, 2], "options": options, "flags": {},
                          "tensors": tensors(mask=mask, memoryKeyMask=memory_keys),
                          **run(lambda x, memory: decoder(x, memory, tgt_mask=~mask, memory_key_padding_mask=~memory_keys),
                                {"x": x, "memory": memory}, decoder)})
    plain = randomize(nn.TransformerEncoderLayer(8, 2, 10, 0.0, batch_first=True, bias=False, layer_norm_eps=0.01))
    cases.append({"kind": "transformerEncoderLayer", "args": [8, 2],
                  "options": {"feedForward": 10, "bias": False, "eps": 0.01}, "flags": {}, "tensors": {},
                  **run(lambda x: plain(x), {"x": x}, plain)})
    for turned, activation, act in ((True, "swiglu", F.silu), (False, "geglu", F.gelu), (True, "reglu", F.relu),
                                    (True, "glu", torch.sigmoid)):
        block = randomize(Block(8, 4, 2, 6, turned, act))
        cases.append({"kind": "transformerEncoderLayer", "args": [8, 4],
                      "options": {"feedForward": 6, "bias": False, "norm": "rms", "normFirst": True, "kvHeads": 2,
                                  "activation": activation, "rotary": turned, "alibi": not turned},
                      "flags": {"causal": True}, "tensors": {}, **run(lambda x: block(x), {"x": x}, block)})
    encoder = nn.TransformerEncoderLayer(8, 2, 6, 0.0, batch_first=True)
    stack = randomize(nn.TransformerEncoder(encoder, 2, enable_nested_tensor=False))
    cases.append({"kind": "transformerEncoder", "args": [8, 2, 2], "options": {"feedForward": 6}, "flags": {},
                  "tensors": {}, **run(lambda x: stack(x), {"x": x}, stack)})
    whole = randomize(nn.Transformer(8, 2, 2, 2, 6, 0.0, batch_first=True))
    source_keys, target_keys = keep(2, 4), keep(2, 3)
    cases.append({
        "kind": "transformer", "args": [8, 2], "options": {"encoderLayers": 2, "decoderLayers": 2, "feedForward": 6},
        "flags": {"causal": True}, "tensors": tensors(sourceKeyMask=source_keys, targetKeyMask=target_keys),
        **run(lambda x, target: whole(x, target, tgt_mask=torch.ones(3, 3).triu(1).bool(),
                                      src_key_padding_mask=~source_keys, tgt_key_padding_mask=~target_keys,
                                      memory_key_padding_mask=~source_keys),
              {"x": memory, "target": x}, whole)})
    return cases


class Gpt(nn.Module):
    def __init__(self, vocab, width, layers, heads, context, tied):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(vocab, width), nn.Embedding(context, width)
        layer = nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
        self.transformer = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = None if tied else nn.Linear(width, vocab, bias=False)

    def forward(self, tokens):
        t = tokens.shape[1]
        x = self.embedding(tokens) + self.positions.weight[:t]
        x = self.transformer(x, mask=torch.ones(t, t).triu(1).bool())
        return x @ self.embedding.weight.T if self.head is None else self.head(x)


class Translator(nn.Module):
    def __init__(self, source, target, width):
        super().__init__()
        self.source_embedding = nn.Embedding(source, width, padding_idx=0)
        self.target_embedding = nn.Embedding(target, width, padding_idx=0)
        self.transformer = nn.Transformer(width, 2, 1, 1, 12, 0.0, batch_first=True)
        self.head = nn.Linear(width, target, bias=False)
        self.width = width

    def place(self, x):
        t, i = torch.arange(float(x.shape[1]))[:, None], torch.arange(self.width)[None, :]
        angle = t / 10000 ** (2 * (i // 2) / self.width)
        return x * math.sqrt(self.width) + torch.where(i % 2 == 0, angle.sin(), angle.cos())

    def forward(self, source, target):
        t = target.shape[1]
        y = self.transformer(self.place(self.source_embedding(source)), self.place(self.target_embedding(target)),
                             tgt_mask=torch.ones(t, t).triu(1).bool(), src_key_padding_mask=source == 0,
                             memory_key_padding_mask=source == 0)
        return self.head(y)


def models():
    """Every parameter's gradient by name, and the first ten losses with AdamW."""
    torch.manual_seed(SEED + 24)
    cases = []

    def add(kind, options, model, inputs, labels):
        randomize(model)
        weights = {n: listed(p) for n, p in model.named_parameters()}
        logits = model(*inputs)
        optimizer = torch.optim.AdamW(model.parameters(), 0.01)
        losses, gradients = [], None
        for _ in range(10):
            optimizer.zero_grad()
            value = F.cross_entropy(model(*inputs).flatten(0, 1), labels.flatten())
            value.backward()
            if gradients is None:
                gradients = {n: listed(p.grad) for n, p in model.named_parameters()}
            optimizer.step()
            losses.append(float(f"{value.item():.9g}"))
        cases.append({"kind": kind, "options": options, "inputs": [listed(x) for x in inputs], "labels": listed(labels),
                      "y": listed(logits), "weights": weights, "gradients": gradients, "losses": losses})

    text = torch.randint(0, 11, (3, 7))
    for tied in (True, False):
        add("languageModel", {"vocab": 11, "width": 8, "layers": 2, "heads": 2, "context": 9, "tied": tied},
            Gpt(11, 8, 2, 2, 9, tied), [text[:, :-1]], text[:, 1:])
    source, target = torch.randint(1, 9, (3, 5)), torch.randint(1, 7, (3, 5))
    source[1, 3:] = 0
    add("translationModel", {"sourceVocab": 9, "targetVocab": 7, "width": 8, "heads": 2, "encoderLayers": 1,
                             "decoderLayers": 1, "feedForward": 12, "dropout": 0, "context": 6, "tied": False},
        Translator(9, 7, 8), [source, target[:, :-1]], target[:, 1:])
    return cases


if __name__ == "__main__":
    write("attention", functions() + layers_of_attention() + positions())
    write("transformers", transformers())
    write("language-models", models())
